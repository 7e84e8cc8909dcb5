package plan_test

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
)

func save(t *testing.T, s scenario) []byte {
	t.Helper()
	data, err := plan.Save("v1", plan.Origin{Node: "kts01"}, s.desired, plan.Diff(s.desired, s.live), []plan.Witness{{Path: "/etc/pki/kts01.pem", Size: 1, Modified: 2, Inode: 3}})
	if err != nil {
		t.Fatalf("%s: Save: %v", s.name, err)
	}
	return data
}

// TestSaved: a plan that was saved looks as it did, is still the same one, and leads
// to the same changes; it holds no code.
func TestSaved(t *testing.T) {
	for _, s := range scenarios() {
		data := save(t, s)
		if again := save(t, s); !bytes.Equal(data, again) {
			t.Errorf("%s: saved twice it has other bytes", s.name)
		}
		saved, err := plan.ParseSaved(data)
		if err != nil {
			t.Fatalf("%s: ParseSaved: %v", s.name, err)
		}
		var text bytes.Buffer
		if err := saved.Render(&text, plan.Options{Color: s.color}); err != nil {
			t.Fatal(err)
		}
		want, _ := render(t, s)
		if diff := cmp.Diff(want, text.String()); diff != "" {
			t.Errorf("%s: (-made +saved)\n%s", s.name, diff)
		}
		d := saved.Desired
		d.AuthCodes, d.Warnings = s.desired.AuthCodes, nil
		if still, err := saved.Still(plan.Diff(d, s.live)); err != nil || !still {
			t.Errorf("%s: got %v, %v for the same host, want it to be the same plan", s.name, still, err)
		}
		for _, code := range s.desired.AuthCodes {
			if strings.Contains(strings.ReplaceAll(string(data), "/bin/echo -n "+code.Reveal(), ""), code.Reveal()) {
				t.Errorf("%s: the saved plan holds a code", s.name)
			}
		}
	}
}

// TestSavedIsRefused: whatever is otherwise on the host, it is another plan.
func TestSavedIsRefused(t *testing.T) {
	refused := 0
	for seed := range int64(pairs) {
		r := rand.New(rand.NewSource(seed))
		desired, w := randomDesired(r), randomWorld(r)
		data, err := plan.Save("v1", plan.Origin{Node: "kts01"}, desired, plan.Diff(desired, w.live()), nil)
		if err != nil {
			t.Fatal(err)
		}
		saved, err := plan.ParseSaved(data)
		if err != nil {
			t.Fatal(err)
		}
		now := saved.Desired
		now.AuthCodes = desired.AuthCodes
		if still, err := saved.Still(plan.Diff(now, w.live())); err != nil || !still {
			t.Fatalf("seed %d: got %v, %v before anything changed", seed, still, err)
		}
		apply(t, seed, desired, w)
		what := drift(r, desired, w)
		again, err := plan.Save("v1", plan.Origin{Node: "kts01"}, desired, plan.Diff(desired, w.live()), nil)
		if err != nil {
			t.Fatal(err)
		}
		if what == "" || bytes.Equal(again, data) {
			continue // it drifted to where it was
		}
		refused++
		if still, err := saved.Still(plan.Diff(now, w.live())); err != nil || still {
			t.Errorf("seed %d: %s: got %v, %v, want another plan", seed, what, still, err)
		}
	}
	if refused < pairs*9/10 {
		t.Errorf("%d of %d plans were refused, want nearly all", refused, pairs)
	}
}

func TestParseSaved(t *testing.T) {
	whole := string(save(t, everything()))
	for name, test := range map[string]struct{ data, want string }{
		"nothing":       {"", "not a saved plan"},
		"a plan's JSON": {`{"format":1,"host":"h","blocks":[]}`, "damaged"},
		"a site file":   {`server "kts01" {}`, "not a saved plan"},
		"half":          {whole[:len(whole)/2], "not a saved plan"},
		"more":          {strings.Replace(whole, `{"format":1`, `{"more":1,"format":1`, 1), "damaged"},
		"another form":  {strings.Replace(whole, `{"format":1`, `{"format":2`, 1), "format 2"},
		"a wrong plan":  {strings.Replace(whole, `"plan":{"format":1`, `"plan":{"format":"s3cr3t"`, 1), "damaged"},
	} {
		_, err := plan.ParseSaved([]byte(test.data))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// FuzzParseSaved: what can be read can be shown, and compared.
func FuzzParseSaved(f *testing.F) {
	s := everything()
	data, err := plan.Save("v1", plan.Origin{Node: "kts01"}, s.desired, plan.Diff(s.desired, s.live), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":1,"plan":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		saved, err := plan.ParseSaved(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := saved.Render(&b, plan.Options{}); err != nil {
			t.Errorf("it was read, and cannot be shown: %v", err)
		}
		d := saved.Desired
		d.AuthCodes = map[string]names.Secret{}
		if _, err := saved.Still(plan.Diff(d, plan.Live{})); err != nil {
			t.Errorf("it was read, and cannot be compared: %v", err)
		}
	})
}
