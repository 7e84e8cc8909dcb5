package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/seal"
)

// ring returns a ring of keys that are not random: generation n is 32 bytes n.
func ring(current uint32, generations ...uint32) *seal.Ring {
	r := &seal.Ring{Version: 1, Current: current}
	for _, g := range generations {
		r.KEKs = append(r.KEKs, seal.KEK{
			Generation: g, Created: time.Date(2026, 11, 21, 20, 53, 0, 0, time.UTC), Key: bytes.Repeat([]byte{byte(g)}, 32),
		})
	}
	return r
}

func sealer(t testing.TB, r *seal.Ring) *seal.Sealer {
	t.Helper()
	s, err := seal.New(r)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

func sealed(t testing.TB, s *seal.Sealer, b escrow.Binding, plaintext []byte) escrow.Sealed {
	t.Helper()
	out, err := s.Seal(b, plaintext)
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	return out
}

// opens checks what Open returns: plaintext, or an error of a kind.
func opens(t *testing.T, name string, s *seal.Sealer, b escrow.Binding, in escrow.Sealed, plaintext []byte, kind fault.Kind) {
	t.Helper()
	inPlace, errInPlace := s.OpenInPlace(b, escrow.Sealed{Generation: in.Generation, Key: in.Key, Contents: bytes.Clone(in.Contents)})
	got, err := s.Open(b, in)
	if !bytes.Equal(got, inPlace) || fmt.Sprint(err) != fmt.Sprint(errInPlace) {
		t.Errorf("%s: in place got %q, %v, want %q, %v", name, inPlace, errInPlace, got, err)
	}
	if kind == "" {
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, plaintext)
		}
	} else if !errors.Is(err, kind) || got != nil {
		t.Errorf("%s: got %q, %v, want %q", name, got, err, kind)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s, b := sealer(t, seal.NewRing(time.Now())), escrow.Binding("binding")
	for _, plaintext := range [][]byte{{}, {0}, []byte("a secret"), bytes.Repeat([]byte("x"), 1<<20)} {
		before := bytes.Clone(plaintext)
		out := sealed(t, s, b, plaintext)
		opens(t, "round trip", s, b, out, before, "")
		if !bytes.Equal(plaintext, before) {
			t.Error("Seal changed its input")
		}
		if len(out.Contents) != len(plaintext)+29 || len(out.Key) != 32+29 || out.Generation != 1 {
			t.Errorf("got %d and %d bytes of generation %d, want %d and 61 of 1", len(out.Contents), len(out.Key), out.Generation, len(plaintext)+29)
		}
		if len(plaintext) > 4 && (bytes.Contains(out.Contents, plaintext) || bytes.Contains(out.Key, plaintext)) {
			t.Error("the sealed bytes hold the plaintext")
		}
	}
}

// TestAnyBit: no bit of what was sealed can be another one, and none can be cut
// off or added.
func TestAnyBit(t *testing.T) {
	t.Parallel()
	s, b := sealer(t, ring(1, 1, 2)), escrow.Binding("binding")
	out := sealed(t, s, b, []byte("a secret"))
	edit := func(name string, part func(*escrow.Sealed) *[]byte) {
		original := *part(&out)
		try := func(edited []byte) {
			copied := out
			*part(&copied) = edited
			opens(t, name, s, b, copied, nil, fault.Corrupt)
		}
		for i := range 8 * len(original) {
			edited := bytes.Clone(original)
			edited[i/8] ^= 1 << (i % 8)
			try(edited)
		}
		for n := range original {
			try(original[:n])
			try(original[n+1:])
		}
		try(append(bytes.Clone(original), 0))
		try(nil)
	}
	edit("contents", func(s *escrow.Sealed) *[]byte { return &s.Contents })
	edit("key", func(s *escrow.Sealed) *[]byte { return &s.Key })

	other := sealed(t, s, b, []byte("a secret"))
	opens(t, "contents of one and key of another", s, b, escrow.Sealed{Generation: 1, Key: out.Key, Contents: other.Contents}, nil, fault.Corrupt)
	opens(t, "contents and key swapped", s, b, escrow.Sealed{Generation: 1, Key: out.Contents, Contents: out.Key}, nil, fault.Corrupt)
	out.Generation = 2
	opens(t, "another generation", s, b, out, nil, fault.Corrupt)
}

func TestBinding(t *testing.T) {
	t.Parallel()
	s := sealer(t, ring(1, 1))
	out := sealed(t, s, escrow.Binding("binding"), []byte("a secret"))
	for _, b := range []string{"", "bindin", "binding ", "Binding"} {
		opens(t, b, s, escrow.Binding(b), out, nil, fault.Corrupt)
	}
	opens(t, "another key", sealer(t, seal.NewRing(time.Now())), escrow.Binding("binding"), out, nil, fault.Corrupt)
}

// TestGenerations: a ring seals with its current generation and opens with any it
// has; one that it lacks is told apart from sealed bytes that are wrong.
func TestGenerations(t *testing.T) {
	t.Parallel()
	b := escrow.Binding("binding")
	first, both, second := sealer(t, ring(1, 1)), sealer(t, ring(7, 1, 7)), sealer(t, ring(7, 7))
	old, fresh := sealed(t, first, b, []byte("old")), sealed(t, both, b, []byte("fresh"))
	if old.Generation != 1 || fresh.Generation != 7 {
		t.Errorf("got generations %d and %d, want 1 and 7", old.Generation, fresh.Generation)
	}
	opens(t, "old, both", both, b, old, []byte("old"), "")
	opens(t, "fresh, both", both, b, fresh, []byte("fresh"), "")
	opens(t, "fresh, second", second, b, fresh, []byte("fresh"), "")
	opens(t, "old, second", second, b, old, nil, fault.Unavailable)
	opens(t, "nothing", both, b, escrow.Sealed{}, nil, fault.Unavailable)

	checks := both.Checks()
	if len(checks) != 2 || bytes.Equal(checks[1], checks[7]) || len(checks[1]) != 16 {
		t.Errorf("got checks %v, want two of 16 bytes", checks)
	}
	if diff := cmp.Diff(checks[7], second.Checks()[7]); diff != "" {
		t.Errorf("the check of one key in two rings:\n%s", diff)
	}
	for _, k := range ring(7, 1, 7).KEKs {
		if bytes.Contains(k.Key, checks[k.Generation]) {
			t.Error("a check gives its key away")
		}
	}
}

// TestFresh: the same thing sealed twice has nothing in common but its length.
func TestFresh(t *testing.T) {
	t.Parallel()
	s, b := sealer(t, ring(1, 1)), escrow.Binding("binding")
	seen := map[string]bool{}
	for range 200 {
		out := sealed(t, s, b, []byte("a secret"))
		for _, part := range [][]byte{out.Contents[1:13], out.Contents[13:], out.Key[1:13], out.Key[13:]} {
			if seen[string(part)] {
				t.Fatalf("%x came twice", part)
			}
			seen[string(part)] = true
		}
	}
}

// vector is a known answer; another implementation of HKDF and AES-GCM opened it.
type vector struct {
	Binding, Plaintext string
	Sealed             escrow.Sealed
	Checks             map[uint32][]byte
}

const ringFile, sealedFile = "testdata/kekring.json", "testdata/sealed.json"

func knownAnswer(t testing.TB) (v vector) {
	t.Helper()
	data, err := os.ReadFile(sealedFile)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var update = flag.Bool("update", false, "make the known answer anew: only when the format changes on purpose")

// TestKnownAnswer: what an earlier build sealed opens. A change of the format
// needs a new version, with this one still read.
func TestKnownAnswer(t *testing.T) {
	t.Parallel()
	if *update {
		r := ring(2, 1, 2)
		s := sealer(t, r)
		data, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		v := vector{Binding: "ktsd-test/1", Plaintext: "a secret", Sealed: sealed(t, s, escrow.Binding("ktsd-test/1"), []byte("a secret")), Checks: s.Checks()}
		answer, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(ringFile, data, 0o644), os.WriteFile(sealedFile, append(answer, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(ringFile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.ParseRing(data)
	if err != nil {
		t.Fatalf("ParseRing: %v", err)
	}
	if diff := cmp.Diff(ring(2, 1, 2), r); diff != "" {
		t.Errorf("ParseRing: (-want +got)\n%s", diff)
	}
	if again, err := r.Marshal(); err != nil || string(again) != string(data) {
		t.Errorf("Marshal: got %s, %v, want %s", again, err, data)
	}
	v := knownAnswer(t)
	s := sealer(t, r)
	opens(t, "known answer", s, escrow.Binding(v.Binding), v.Sealed, []byte(v.Plaintext), "")
	if diff := cmp.Diff(v.Checks, s.Checks()); diff != "" {
		t.Errorf("checks: (-want +got)\n%s", diff)
	}
}

func FuzzOpen(f *testing.F) {
	v := knownAnswer(f) // the same in every process of the fuzzer
	s, out := sealer(f, ring(2, 1, 2)), v.Sealed
	f.Add(out.Generation, out.Key, out.Contents)
	f.Add(uint32(0), []byte{}, []byte{1})
	f.Add(uint32(1), bytes.Repeat([]byte{1}, 29), bytes.Repeat([]byte{1}, 29))
	f.Fuzz(func(t *testing.T, generation uint32, key, contents []byte) {
		got, err := s.Open(escrow.Binding(v.Binding), escrow.Sealed{Generation: generation, Key: key, Contents: contents})
		switch {
		case err == nil && string(got) == v.Plaintext && bytes.Equal(key, out.Key) && bytes.Equal(contents, out.Contents):
		case err == nil:
			t.Errorf("opened %q", got)
		case !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unavailable):
			t.Errorf("got %v, want a kind", err)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("the error shows the plaintext: %v", err)
		}
	})
}
