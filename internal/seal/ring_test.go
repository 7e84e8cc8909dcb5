package seal_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/seal"
)

func TestNewRing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 21, 53, 0, 123, time.FixedZone("CET", 3600))
	a, b := seal.NewRing(now), seal.NewRing(now)
	if string(a.KEKs[0].Key) == string(b.KEKs[0].Key) {
		t.Error("two rings have one key")
	}
	data, err := a.Marshal()
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	got, err := seal.ParseRing(data)
	if err != nil {
		t.Fatalf("ParseRing: %v", err)
	}
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("after Marshal and ParseRing: (-want +got)\n%s", diff)
	}
	want := &seal.Ring{Version: 1, Current: 1, KEKs: []seal.KEK{{Generation: 1, Created: time.Date(2026, 11, 21, 20, 53, 0, 0, time.UTC), Key: a.KEKs[0].Key}}}
	if diff := cmp.Diff(want, a); diff != "" || len(a.KEKs[0].Key) != 32 {
		t.Errorf("NewRing: (-want +got)\n%s", diff)
	}
}

// TestParseRing: a ring that is not right is refused with a reason that shows
// nothing of what may be a key.
func TestParseRing(t *testing.T) {
	t.Parallel()
	const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LWtleSE="
	kek := `{"generation": 1, "created": "2026-11-21T20:53:00Z", "key": "` + secret + `"}`
	good := `{"version": 1, "current": 1, "keks": [` + kek + `]}`
	if _, err := seal.ParseRing([]byte(good)); err != nil {
		t.Fatalf("a good ring: got %v, want no error", err)
	}
	edit := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	tests := []struct{ name, ring, want string }{
		{"empty", "", "not a KEK ring in JSON"},
		{"the bare key", secret, "not a KEK ring in JSON"},
		{"cut", good[:len(good)-20], "not a KEK ring in JSON"},
		{"key that is not base64", edit(secret, secret[:20]+"*"+secret[20:]), "not a KEK ring in JSON"},
		{"key that is a list", edit(`"`+secret+`"`, `["`+secret+`"]`), "not a KEK ring in JSON"},
		{"unknown field", edit(`"version"`, `"`+secret+`": 1, "version"`), "not a KEK ring in JSON"},
		{"something behind it", good + secret, "not a KEK ring in JSON"},
		{"two rings", good + good, "not a KEK ring in JSON"},
		{"no version", edit(`"version": 1, `, ""), "format version 0; this build reads version 1"},
		{"newer version", edit(`"version": 1`, `"version": 2`), "format version 2; this build reads version 1"},
		{"no current", edit(`"current": 1, `, ""), "current generation, 0, is not in it"},
		{"another current", edit(`"current": 1`, `"current": 7`), "current generation, 7, is not in it"},
		{"no keys", `{"version": 1, "current": 1, "keks": []}`, "current generation, 1, is not in it"},
		{"no generation", edit(`"generation": 1, `, ""), "a key has no generation"},
		{"generation twice", edit(kek, kek+","+kek), "generation 1 is in it twice"},
		{"short key", edit(secret, base64.StdEncoding.EncodeToString([]byte("short-secret"))), "generation 1 does not have 32 bytes"},
		{"no key", edit(secret, ""), "generation 1 does not have 32 bytes"},
		{"long key", edit(secret, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 33)))), "generation 1 does not have 32 bytes"},
		{"generation too large", edit(`"generation": 1`, `"generation": 4294967296`), "not a KEK ring in JSON"},
		{"generation below zero", edit(`"generation": 1`, `"generation": -1`), "not a KEK ring in JSON"},
	}
	for _, test := range tests {
		got, err := seal.ParseRing([]byte(test.ring))
		if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
		} else if strings.Contains(err.Error(), secret[:8]) || strings.Contains(err.Error(), "short-secret") {
			t.Errorf("%s: the error shows the key: %v", test.name, err)
		}
	}
}

func FuzzParseRing(f *testing.F) {
	data, err := ring(1, 1, 2).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"current":1,"keks":[{"generation":1,"key":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := seal.ParseRing(data)
		if err != nil {
			return
		}
		s, err := seal.New(r)
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		out, err := s.Seal([]byte("b"), []byte("p"))
		if err != nil {
			t.Fatalf("Seal: %v", err)
		}
		if got, err := s.Open([]byte("b"), out); err != nil || string(got) != "p" {
			t.Errorf("Open: got %q, %v", got, err)
		}
		again, err := r.Marshal()
		if err != nil {
			return // a time that JSON cannot say
		}
		if parsed, err := seal.ParseRing(again); err != nil || !cmp.Equal(parsed, r) {
			t.Errorf("after Marshal: got %+v, %v, want %+v", parsed, err, r)
		}
	})
}
