package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// FuzzWaiting reads a file of the folder "pending": it is a put with the name of
// the file as its UUID, or an error that shows nothing of it.
func FuzzWaiting(f *testing.F) {
	const uuid = "e5f7ae58-26a5-4fbb-9c0e-e10fd5ae1a42"
	f.Add([]byte(`{"uuid":"` + uuid + `","handle":"a","started":"2026-01-02T03:04:05Z"}` + "\n\x01\x02\n"))
	f.Add([]byte(`{"uuid":"other","handle":"a"}` + "\nbytes"))
	f.Add([]byte(`{"uuid":"` + uuid + `"`))
	f.Add([]byte(`[]`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, "pending", uuid)
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		puts, err := client.ReadWaiting(dir)
		if err != nil {
			if want := file + " is not a put that waits: move it away"; err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
		} else if len(puts) != 1 || puts[0].UUID != uuid {
			t.Errorf("got %+v, want one put with UUID %s", puts, uuid)
		}
	})
}

func TestWaitingIsReadAsWritten(t *testing.T) {
	dir := t.TempDir()
	for _, contents := range []string{"", "\n", "a\nb\r\n\x00\n", "{}\n{}"} {
		want := client.WaitingPut{UUID: "e5f7ae58-26a5-4fbb-9c0e-e10fd5ae1a42", Handle: "a\u2028 b", Contents: []byte(contents)}
		if err := client.KeepWaiting(dir, want); err != nil {
			t.Fatal(err)
		}
		got, err := client.ReadWaiting(dir)
		if diff := cmp.Diff([]client.WaitingPut{want}, got); err != nil || diff != "" {
			t.Errorf("contents %q: %v (-want +got):\n%s", contents, err, diff)
		}
	}
}

// FuzzConf opens a client with any keytrustee.conf: an error, or a client of the
// key that is there which talks to nothing but https.
func FuzzConf(f *testing.F) {
	dir := f.TempDir()
	key, err := pgp.GenerateClientKey("fuzz", "localhost", pgp.Ed25519)
	if err != nil {
		f.Fatal(err)
	}
	ring, err := key.SecretKeyring()
	if err != nil {
		f.Fatal(err)
	}
	cert, certKey, err := tlsconf.ClientCertificate("fuzz")
	if err != nil {
		f.Fatal(err)
	}
	for name, data := range map[string][]byte{"secring.gpg": ring, "client-cert.pem": cert, "client-key.pem": certKey, "ca.pem": cert} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	const whole = `{"SERVERS": ["https://localhost:11371"], "ORGANIZATION": "q", "LOCAL_FINGERPRINT": "FP", "SERVER_FINGERPRINT": "0", "CA": true}`
	f.Add(whole)
	f.Add(strings.Replace(whole, `"CA"`, `"STATEMENT"`, 1))
	f.Add(strings.Replace(whole, "https", "http", 1))
	f.Add(strings.Replace(whole, "localhost:11371", "%zz", 1))
	f.Add(strings.Replace(whole, `"https://localhost:11371"`, "", 1))
	f.Add(`{"SERVERS": 1}`)
	f.Add(`null`)
	f.Add(``)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	f.Fuzz(func(t *testing.T, conf string) {
		conf = strings.Replace(conf, "FP", key.Fingerprint(), 1)
		if err := os.WriteFile(filepath.Join(dir, "keytrustee.conf"), []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := client.Open(dir)
		if err != nil {
			return
		}
		if c.Fingerprint() != key.Fingerprint() {
			t.Errorf("got a client of key %s, want %s", c.Fingerprint(), key.Fingerprint())
		}
		if !strings.Contains(strings.ToLower(conf), `https`) && !strings.Contains(conf, `\u`) {
			t.Errorf("a client was opened that has no https server: %s", conf)
		}
		if _, err := c.Status(canceled); err == nil {
			t.Error("a canceled request succeeded")
		}
	})
}

// FuzzParseFingerprint: what is taken for a fingerprint has 40 hex digits, all of
// them from what was given, and is taken again as it is.
func FuzzParseFingerprint(f *testing.F) {
	const bare = "4EDC46882386C827E20DEEA2D850ACA33BEDB0D1"
	for _, text := range []string{bare, "4096R/" + bare, "4edc 4688 2386 c827 e20d  eea2 d850 aca3 3bed b0d1", bare[32:], bare + "00", "/" + bare, "ſ" + bare[1:]} {
		f.Add(text)
	}
	digits := regexp.MustCompile(`^[0-9A-F]{40}$`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := client.ParseFingerprint(text)
		if err != nil {
			if got != "" || !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: got %q, %v, want an error of kind invalid alone", text, got, err)
			}
			return
		}
		own := got[strings.IndexByte(got, '/')+1:]
		if !digits.MatchString(own) || !strings.HasSuffix(strings.ToUpper(strings.Join(strings.Fields(text), "")), own) {
			t.Errorf("%q: got %q, want 40 hex digits of it", text, got)
		}
		if again, err := client.ParseFingerprint(got); err != nil || again != got {
			t.Errorf("%q: got %q, then %q, %v", text, got, again, err)
		}
	})
}
