package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/escrow"
)

// searchLog makes a log of several segments, with a record a second, and returns
// its directory and the time of the first.
func searchLog(t testing.TB) (dir string, began time.Time) {
	t.Helper()
	dir, began = t.TempDir(), time.Now().UTC().Truncate(time.Second)
	l := open(t, dir, 900)
	for n := range 20 {
		r := record(n)
		r.Time = began.Add(time.Duration(n) * time.Second)
		r.Action, r.Detail = "deposit.get", fmt.Sprintf("luks/sda%d", n)
		switch n % 4 {
		case 1:
			r.Action, r.Outcome = "client.register", escrow.OutcomeRefused
		case 2:
			r.Action, r.Organization, r.Actor = "deposit.put", "acme", "operator uid 0"
		case 3:
			r.Source, r.RequestID = "2001:db8::7", "other"
		}
		add(t, l, r)
	}
	l.Close()
	return dir, began
}

// search returns the numbers of the records found.
func search(t *testing.T, dir string, f audit.Filter) (found []string, damaged int) {
	t.Helper()
	damaged, err := audit.Search(dir, f, func(hit audit.Found) error {
		if !bytes.Contains(hit.Line, []byte(`"id":"`+hit.ID+`"`)) || !bytes.HasSuffix(hit.Line, []byte(`"}`)) {
			t.Errorf("got line %q of record %s", hit.Line, hit.ID)
		}
		found = append(found, strings.TrimPrefix(hit.Detail, "luks/sda"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, damaged
}

func TestSearch(t *testing.T) {
	dir, began := searchLog(t)
	at := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		filter audit.Filter
		want   string
	}{
		"all":                        {audit.Filter{}, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"},
		"since":                      {audit.Filter{Since: at(17)}, "17 18 19"},
		"until":                      {audit.Filter{Until: at(2)}, "0 1"},
		"a second":                   {audit.Filter{Since: at(5), Until: at(6)}, "5"},
		"an action":                  {audit.Filter{Action: "client.register", Until: at(10)}, "1 5 9"},
		"actions":                    {audit.Filter{Action: "DEPOSIT.*", Since: at(17)}, "18 19"},
		"no part of an action":       {audit.Filter{Action: "deposit"}, ""},
		"stars":                      {audit.Filter{Action: "*e*t*", Since: at(16)}, "16 17 18 19"},
		"stars in the wrong order":   {audit.Filter{Action: "*reg*client*"}, ""},
		"an organization":            {audit.Filter{Organization: "acme", Since: at(10)}, "10 14 18"},
		"no part of an organization": {audit.Filter{Organization: "acm"}, ""},
		"an outcome":                 {audit.Filter{Outcome: "refused", Since: at(10)}, "13 17"},
		"part of an actor":           {audit.Filter{Actor: "4edc2c62", Until: at(4)}, "0 1 3"},
		"the operator":               {audit.Filter{Actor: "operator*", Until: at(4)}, "2"},
		"an object":                  {audit.Filter{Object: "0b5fbb9c-3a1c", Until: at(1)}, "0"},
		"a handle":                   {audit.Filter{Object: "luks/sda17"}, "17"},
		"handles":                    {audit.Filter{Object: "luks/*7"}, "7 17"},
		"a source":                   {audit.Filter{Source: "2001:db8:", Since: at(12)}, "15 19"},
		"a request":                  {audit.Filter{RequestID: "other", Until: at(8)}, "3 7"},
		"all at once":                {audit.Filter{RequestID: "other", Action: "*.get", Source: "*::7", Since: at(4), Until: at(9)}, "7"},
		"overlapping ends":           {audit.Filter{Outcome: "refus*used"}, ""},
	} {
		found, damaged := search(t, dir, c.filter)
		if diff := cmp.Diff(c.want, strings.Join(found, " ")); diff != "" || damaged != 0 {
			t.Errorf("%s: %d damaged, -want +got:\n%s", name, damaged, diff)
		}
	}
	n := 0
	if _, err := audit.Search(dir, audit.Filter{}, func(audit.Found) error { n++; return audit.ErrStop }); err != nil || n != 1 {
		t.Errorf("ErrStop: got %v after %d records, want nil after one", err, n)
	}
	full := errors.New("full")
	if _, err := audit.Search(dir, audit.Filter{}, func(audit.Found) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, want the error of who writes", err)
	}
	if _, err := audit.Search(t.TempDir(), audit.Filter{}, nil); err == nil || !strings.Contains(err.Error(), "no segment in") {
		t.Errorf("no log: got %v, want an error", err)
	}
}

// TestSearchPassesOver: what is damaged, edited, torn or being written is not
// found, and segments that ended long before the time are not read.
func TestSearchPassesOver(t *testing.T) {
	dir, began := searchLog(t)
	edit(t, segment(dir, 2), func(lines [][]byte) [][]byte {
		lines[1] = bytes.Replace(lines[1], []byte("deposit"), []byte("depositt"), 1)
		return append(lines, []byte("nonsense\n"), append(bytes.Repeat([]byte("x"), 200_000), '\n'))
	})
	found, damaged := search(t, dir, audit.Filter{})
	if len(found) != 19 || damaged != 3 {
		t.Errorf("got %d records, %d damaged, want 19 and 3", len(found), damaged)
	}
	numbers, _ := os.ReadDir(dir)
	last := segment(dir, len(numbers)-1) // beside the mark
	tear(t, last, []byte(`{"v":1,"seq":99,"kind":"event"`))
	if found, damaged := search(t, dir, audit.Filter{Since: began.Add(17 * time.Second)}); len(found) != 3 || damaged != 3 {
		t.Errorf("got %d records, %d damaged, want 3 and 3", len(found), damaged)
	}
	if _, damaged := search(t, dir, audit.Filter{Since: time.Now().Add(48 * time.Hour)}); damaged != 0 {
		t.Errorf("got %d damaged lines of a segment that is too old to be read", damaged)
	}
}

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	for text, want := range map[string]string{
		"2026-11-20":                  "2026-11-20T00:00:00+01:00",
		"2026-11-20 13:14":            "2026-11-20T13:14:00+01:00",
		"2026-11-20T13:14:15":         "2026-11-20T13:14:15+01:00",
		"2026-11-20T13:14:15Z":        "2026-11-20T13:14:15Z",
		"2026-11-20T13:14:15.5-08:00": "2026-11-20T13:14:15.5-08:00",
		"90s":                         "2026-11-21T11:58:30+01:00",
		"1h30m":                       "2026-11-21T10:30:00+01:00",
		"7d":                          "2026-11-14T12:00:00+01:00",
		"2w":                          "2026-11-07T12:00:00+01:00",
	} {
		got, err := audit.ParseWhen(text, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-2h", "2026-13-01", "7", "d", "99999d", "17000w", "1.5d", "-1d"} {
		if got, err := audit.ParseWhen(text, now); err == nil || !strings.Contains(err.Error(), "is no time") {
			t.Errorf("%q: got %s, %v, want an error", text, got, err)
		}
	}
}

func FuzzParseWhen(f *testing.F) {
	for _, text := range []string{"7d", "2h", "2026-11-20", "2026-11-20T13:14:15Z", "65535w"} {
		f.Add(text)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := audit.ParseWhen(text, now)
		if err != nil && !got.IsZero() {
			t.Errorf("%q: got a time with the error %v", text, err)
		}
		if err == nil && !strings.Contains(text, "-") && got.After(now) {
			t.Errorf("%q: %s is not ago", text, got)
		}
	})
}

// FuzzSearch: whatever stands in a segment and in a pattern, Search ends, and a
// star finds all that nothing does.
func FuzzSearch(f *testing.F) {
	dir, _ := searchLog(f)
	f.Add(read(f, segment(dir, 1)), "deposit.*")
	f.Add([]byte("x\n\n{}\n"), "**")
	f.Fuzz(func(t *testing.T, data []byte, pattern string) {
		dir := t.TempDir()
		write(t, segment(dir, 1), data)
		count := func(f audit.Filter) (n int) {
			if _, err := audit.Search(dir, f, func(audit.Found) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		all := count(audit.Filter{})
		if got := count(audit.Filter{Actor: "*", Action: "**"}); got != all {
			t.Errorf("* finds %d of %d", got, all)
		}
		if got := count(audit.Filter{Object: pattern}); got > all {
			t.Errorf("%q finds %d of %d", pattern, got, all)
		}
	})
}

// TestSearchLateRecord: what a start after a crash chained late is found by its own
// time, whatever that of its segment is.
func TestSearchLateRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := audit.Open(dir, "kts01.example.com", audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-72 * time.Hour)
	if err := errors.Join(l.Append(escrow.Record{ID: "0123456789abcdef0123456789abcdef", Time: at, Action: "deposit.put", Outcome: escrow.OutcomeOK}), l.Close()); err != nil {
		t.Fatal(err)
	}
	found := 0
	filter := audit.Filter{Since: at.Add(-time.Hour), Until: at.Add(time.Hour)}
	if _, err := audit.Search(dir, filter, func(audit.Found) error { found++; return nil }); err != nil || found != 1 {
		t.Errorf("got %d records, %v, want the one", found, err)
	}
}
