package bounds_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/bounds"
)

// settings are those of a new block each.
func settings() map[string][]bounds.Setting {
	limits, audit := bounds.DefaultLimits(), bounds.DefaultAudit()
	return map[string][]bounds.Setting{"limits": limits.Settings(), "audit": audit.Settings()}
}

// TestSettings: each has a name of its own, a default within its bounds, takes both
// ends of its range and nothing beyond, and comes back from each form that it is
// written in.
func TestSettings(t *testing.T) {
	t.Parallel()
	for block, all := range settings() {
		seen := map[string]bool{}
		for _, s := range all {
			if s.Name == "" || seen[s.Name] {
				t.Errorf("%s: the name %q is empty or another value's too", block, s.Name)
			}
			seen[s.Name] = true
			if v := s.Value(); v < s.Least || v > s.Most {
				t.Errorf("%s: got the default %s, want it within its bounds", s.Name, s)
			}
			for _, v := range []int64{s.Least - 1, s.Most + 1, math.MinInt64, math.MaxInt64} {
				before := s.Value()
				if err := s.Set(v); err == nil || s.Value() != before {
					t.Errorf("%s: got %v for %d, and %s, want an error and no change", s.Name, err, v, s)
				}
			}
			for _, v := range []int64{s.Least, s.Most} {
				if err := s.Set(v); err != nil || s.Value() != v {
					t.Errorf("%s: got %v for %d, and %d", s.Name, err, v, s.Value())
				}
				comesBack(t, s, v)
			}
		}
	}
}

// comesBack sets the other end, and then what was written of v.
func comesBack(t *testing.T, s bounds.Setting, v int64) {
	t.Helper()
	text, raw := s.String(), marshal(t, s.JSON())
	other := s.Least + s.Most - v
	read := func(form string, err error) {
		if err != nil || s.Value() != v {
			t.Errorf("%s from %s: got %v and %d, want %d", s.Name, form, err, s.Value(), v)
		}
		if err := s.Set(other); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Set(other); err != nil {
		t.Fatal(err)
	}
	read(string(raw), s.ReadJSON(raw))
	if s.Kind == bounds.Size || s.Kind == bounds.Age {
		read(text, s.Read(text))
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSettingsAreFields: no two settings are one field.
func TestSettingsAreFields(t *testing.T) {
	t.Parallel()
	for block, all := range settings() {
		for i, s := range all {
			if err := s.Set(s.Most); err != nil {
				t.Fatal(err)
			}
			for _, later := range all[i+1:] {
				before := later.Value()
				if err := s.Set(s.Least); err != nil || later.Value() != before {
					t.Errorf("%s: %s and %s are one field", block, s.Name, later.Name)
				}
			}
		}
	}
}

// TestWrongJSON: what is of another type is refused, and changes nothing.
func TestWrongJSON(t *testing.T) {
	t.Parallel()
	for _, all := range settings() {
		for _, s := range all {
			before := s.Value()
			for _, raw := range []string{"null", "[]", "{}", `""`, `"x"`, "1.5", "-1", "99999999999999999999", `"7d"x`, ``} {
				if err := s.ReadJSON(json.RawMessage(raw)); err == nil || s.Value() != before {
					t.Errorf("%s: %s: got %v and %s, want an error and no change", s.Name, raw, err, s)
				}
			}
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "5B": 5, "1KiB": 1024, "64MiB": 64 << 20, "3GiB": 3 << 30, "2TiB": 2 << 40, "1 GiB": 1 << 30,
		"1KB": 1000, "1kB": 1000, "5MB": 5_000_000, "2GB": 2_000_000_000, "1TB": 1_000_000_000_000, "007MiB": 7 << 20,
		"9223372036854775807": math.MaxInt64,
		"":                    -1, "MiB": -1, "1.5GiB": -1, "-1": -1, "+1": -1, "64mib": -1, "64M": -1, "1e3": -1, "0x10": -1, " 1": -1, "1_000": -1,
		"9223372036854775808": -1, "9007199254740992KiB": -1, "8388608TiB": -1, "1MiB MiB": -1, "ä": -1,
	} {
		got, err := bounds.ParseSize(text)
		if want == -1 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: got %d and %v, want %d", text, got, err, want)
		}
	}
}

func TestParseAge(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0d": 0, "1d": day, "14d": 14 * day, "336h": 14 * day, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "106751d": 106751 * day,
		"": -1, "d": -1, "1.5d": -1, "-1d": -1, "+1d": -1, "7": -1, "7 d": -1, "7D": -1, "1d12h": -1, "106752d": -1, "99999999999999999999d": -1,
	} {
		got, err := bounds.ParseAge(text)
		if want == -1 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: got %s and %v, want %s", text, got, err, want)
		}
	}
}

// TestFormat: the form that is shown is short, and means what it is of.
func TestFormat(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1024: "1KiB", 64 << 20: "64MiB", 1536: "1536", 1536 << 20: "1536MiB", 1 << 40: "1TiB", 1 << 50: "1024TiB"} {
		if got := bounds.FormatSize(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "1d", 36 * time.Hour: "36h",
		168 * time.Hour: "7d", time.Hour + time.Second: "1h0m1s", 20 * time.Hour: "20h",
	} {
		if got := bounds.FormatAge(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"64MiB", "14d", "336h", "1 GB", "-1", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := bounds.ParseSize(text); err == nil {
			if again, err := bounds.ParseSize(bounds.FormatSize(n)); n < 0 || err != nil || again != n {
				t.Errorf("size %q: got %d, and %d, %v from its own form", text, n, again, err)
			}
		}
		if d, err := bounds.ParseAge(text); err == nil {
			if again, err := bounds.ParseAge(bounds.FormatAge(d)); err != nil || again != d {
				t.Errorf("time %q: got %s, and %s, %v from its own form", text, d, again, err)
			}
		}
	})
}
