package pgp_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/pgp"
)

func clearsign(t testing.TB, key *pgp.SecretKey, text string) []byte {
	t.Helper()
	message, err := key.Clearsign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// TestVerifyClearsigned: the text that was signed and nothing around it, or an
// error alone.
func TestVerifyClearsigned(t *testing.T) {
	t.Parallel()
	server, err := serverKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, key := range []*pgp.SecretKey{clientKey(t), server} {
		good := string(clearsign(t, key, statement))
		_, signature, _ := strings.Cut(good, "recov\n")
		for _, test := range []struct {
			name, message string
			now           time.Time
			want          error
		}{
			{"good", good, now, nil},
			{"lines ended as mail does", strings.ReplaceAll(good, "\n", "\r\n"), now, nil},
			{"reader's clock a day behind", good, now.Add(-24 * time.Hour), nil},
			{"reader's clock a week behind", good, now.Add(-7 * 24 * time.Hour), pgp.ErrSignature},
			{"a byte changed", strings.Replace(good, "disaster", "Disaster", 1), now, pgp.ErrSignature},
			{"a line more", strings.Replace(good, "recov\n", "recov\nmore: 1\n", 1), now, pgp.ErrSignature},
			{"a line less", strings.Replace(good, "organization: disaster-recov\n", "", 1), now, pgp.ErrSignature},
			{"a text before", "organization: other\n" + good, now, pgp.ErrSignature},
			{"a blank before", "\n" + good, now, pgp.ErrSignature},
			{"a text behind", good + "organization: other\n", now, pgp.ErrSignature},
			{"a text as a header", strings.Replace(good, "Hash:", "Organization: other\nHash:", 1), now, pgp.ErrSignature},
			{"twice", good + good, now, pgp.ErrSignature},
			{"another key", string(clearsign(t, clientKey(t), statement)), now, pgp.ErrSignature},
			{"a detached signature", string(sign(t, key, statement)), now, pgp.ErrSignature},
			{"no signature", strings.TrimSuffix(good, signature), now, pgp.ErrSignature},
			{"cut off", good[:len(good)-40], now, pgp.ErrSignature},
			{"nothing", "", now, pgp.ErrSignature},
			{"too large", good + strings.Repeat("\n", pgp.MaxSignature), now, pgp.ErrTooLarge},
		} {
			text, err := key.Public().VerifyClearsigned([]byte(test.message), test.now)
			if !errors.Is(err, test.want) {
				t.Errorf("%s, %s: error = %v, want %v", key.Qualified(), test.name, err, test.want)
			}
			if want := map[bool]string{true: statement}[test.want == nil]; string(text) != want {
				t.Errorf("%s, %s: got the text %q, want %q", key.Qualified(), test.name, text, want)
			}
		}
	}
}

// TestGnuPGClearsigned: gpg verifies ours and we verify gpg's; both read the same
// text in it.
func TestGnuPGClearsigned(t *testing.T) {
	t.Parallel()
	const text = statement + "- dash: 1\nFrom: ä\n\nlast\n"
	for _, algorithm := range []string{"rsa2048", "ed25519", "nistp256"} {
		g := newGPG(t)
		g.run(nil, "--quick-generate-key", "a@example.com", algorithm, "sign,cert", "never")
		key := readSecret(t, g.run(nil, "--export-secret-keys"))

		if got := g.run(clearsign(t, key, text), "--decrypt"); string(got) != text {
			t.Errorf("%s: gpg reads %q in ours, want %q", algorithm, got, text)
		}
		if _, stderr, err := g.try(bytes.Replace(clearsign(t, key, text), []byte("last"), []byte("lost"), 1), "--verify"); err == nil || !strings.Contains(stderr, "BAD signature") {
			t.Errorf("%s: gpg on a changed text: %v\n%s\nwant: BAD signature", algorithm, err, stderr)
		}
		got, err := key.Public().VerifyClearsigned(g.run([]byte(text), "--clearsign"), time.Now())
		if err != nil || string(got) != text {
			t.Errorf("%s: we read %q, %v in gpg's, want %q", algorithm, got, err, text)
		}
	}
}

// FuzzVerifyClearsigned: no change of a message makes it say something else.
func FuzzVerifyClearsigned(f *testing.F) {
	key := clientKey(f)
	f.Add(clearsign(f, key, statement))
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\na\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"))
	now := time.Now()
	f.Fuzz(func(t *testing.T, message []byte) {
		if text, err := key.Public().VerifyClearsigned(message, now); err == nil && string(text) != statement || err != nil && text != nil {
			t.Errorf("got %q, %v", text, err)
		}
	})
}
