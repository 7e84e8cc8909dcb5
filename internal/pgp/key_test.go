package pgp_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/pgp"
)

// serverKey is made once: it takes some seconds.
var serverKey = sync.OnceValues(func() (*pgp.SecretKey, error) {
	return pgp.GenerateServerKey("kts01.example.com")
})

func clientKey(t testing.TB) *pgp.SecretKey {
	t.Helper()
	key, err := pgp.GenerateClientKey("web-1", "host.example.com", pgp.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func secretKeyring(t testing.TB, key *pgp.SecretKey) []byte {
	t.Helper()
	ring, err := key.SecretKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func readSecret(t testing.TB, ring []byte) *pgp.SecretKey {
	t.Helper()
	key, err := pgp.ReadSecretKeyring(ring, "")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestGeneratedKeys(t *testing.T) {
	server, err := serverKey()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		key       *pgp.SecretKey
		uid       string
		qualified string
		algorithm string // GnuPG's number
		subkey    string
	}{
		{"server", server, "keytrustee (keytrustee Server Key) <keytrustee@kts01.example.com>", `^4096R/[0-9A-F]{40}$`, "1", "1"},
		{"client", clientKey(t), "keytrustee (client) <web-1@host.example.com>", `^256E/[0-9A-F]{40}$`, "22", "18"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.key.Qualified(); !regexp.MustCompile(test.qualified).MatchString(got) {
				t.Errorf("Qualified() = %q, want a match of %s", got, test.qualified)
			}
			// The public keyring alone, then the secret one.
			g := newGPG(t)
			g.run(pgp.PublicKeyring(test.key.Public()), "--import")
			uid := "keytrustee"
			if got := g.fingerprint(uid); got != test.key.Fingerprint() {
				t.Errorf("gpg shows fingerprint %s, want %s", got, test.key.Fingerprint())
			}
			for _, field := range []struct {
				what, record string
				n            int
				want         string
			}{
				{"user ID", "uid", 9, test.uid}, {"expiry", "pub", 6, ""}, {"subkey expiry", "sub", 6, ""},
				{"algorithm", "pub", 3, test.algorithm}, {"subkey algorithm", "sub", 3, test.subkey},
				{"capabilities", "sub", 11, "e"},
			} {
				if got := g.field(uid, field.record, field.n); got != field.want {
					t.Errorf("gpg shows %s %q, want %q", field.what, got, field.want)
				}
			}
			g.run(secretKeyring(t, test.key), "--import")
			exported := readSecret(t, g.run(nil, "--export-secret-keys"))
			if got, want := exported.Qualified(), test.key.Qualified(); got != want {
				t.Errorf("gpg exports secret key %s, want %s", got, want)
			}
		})
	}
}

func TestClientKeyRSA(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	key, err := pgp.GenerateClientKey("web-1", "host.example.com", pgp.RSA4096)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := key.Qualified(), "4096R/"+key.Fingerprint(); got != want {
		t.Errorf("Qualified() = %q, want %q", got, want)
	}
}

func TestGenerateRefuses(t *testing.T) {
	for _, test := range []struct{ name, host, keyType string }{
		{"", "host", "ed25519"}, {"n", "", "ed25519"}, {"a b", "host", "ed25519"}, {"a", "ho<st", "ed25519"},
		{"a\n", "host", "ed25519"}, {"a\x00", "host", "ed25519"}, {"a", "host\xff", "ed25519"}, {"a", "host", "dsa1024"}, {"a", "host", ""},
	} {
		if key, err := pgp.GenerateClientKey(test.name, test.host, pgp.KeyType(test.keyType)); err == nil {
			t.Errorf("GenerateClientKey(%q, %q, %q) = %s, want an error", test.name, test.host, test.keyType, key.Qualified())
		}
	}
}

// TestSecretNeverPrinted keeps the secret part out of logs and messages.
func TestSecretNeverPrinted(t *testing.T) {
	key := clientKey(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, value := range []any{key, *key} {
			if got := fmt.Sprintf(verb, value); got != key.Qualified() {
				t.Errorf("%s prints %d bytes of a secret key, want %s", verb, len(got), key.Qualified())
			}
		}
	}
}

func TestKeyrings(t *testing.T) {
	a, b := clientKey(t), clientKey(t)
	public, err := pgp.ReadPublicKeyring(pgp.PublicKeyring(a.Public(), b.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if len(public) != 2 || public[0].Fingerprint() != a.Fingerprint() || public[1].Fingerprint() != b.Fingerprint() {
		t.Errorf("ReadPublicKeyring returns %d keys, want %s and %s", len(public), a.Fingerprint(), b.Fingerprint())
	}
	two := append(secretKeyring(t, a), secretKeyring(t, b)...)
	key, err := pgp.ReadSecretKeyring(two, strings.ToLower(b.Fingerprint()))
	if err != nil {
		t.Fatal(err)
	}
	if key.Fingerprint() != b.Fingerprint() {
		t.Errorf("ReadSecretKeyring returns %s, want %s", key.Fingerprint(), b.Fingerprint())
	}
	if !bytes.Equal(secretKeyring(t, key), secretKeyring(t, b)) {
		t.Error("a secret keyring read and written again differs")
	}
	ring := secretKeyring(t, a)
	for _, test := range []struct {
		name        string
		ring        []byte
		fingerprint string
		want        error
	}{
		{"two keys", two, "", pgp.ErrSeveralKeys},
		{"another key", ring, b.Fingerprint(), pgp.ErrNoSecretKey},
		{"public", a.Public().Binary(), "", pgp.ErrNoSecretKey},
		{"empty", nil, "", pgp.ErrNotKey},
		{"cut off", ring[:len(ring)-1], "", pgp.ErrTruncated},
		{"too large", make([]byte, pgp.MaxKeyring+1), "", pgp.ErrTooLarge},
	} {
		if _, err := pgp.ReadSecretKeyring(test.ring, test.fingerprint); !errors.Is(err, test.want) {
			t.Errorf("%s: ReadSecretKeyring error = %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := pgp.ReadPublicKeyring(ring); !errors.Is(err, pgp.ErrPrivateKey) {
		t.Errorf("ReadPublicKeyring of a secret keyring: error = %v, want %v", err, pgp.ErrPrivateKey)
	}
}

// TestGnuPGKeyrings reads keyring files as GnuPG before 2.1 leaves them in a
// directory, with trust packets, and what GnuPG 2.2 exports.
func TestGnuPGKeyrings(t *testing.T) {
	g := newGPG(t)
	pubring := filepath.Join(g.dir, "pubring.gpg")
	if err := os.WriteFile(pubring, nil, 0o600); err != nil { // makes gpg 2.2 keep the old format
		t.Fatal(err)
	}
	fingerprint := g.generate("Old Hand <old@example.com>")
	g.run(nil, "--quick-add-uid", fingerprint, "Second Name <second@example.com>")
	ring, err := os.ReadFile(pubring)
	if err != nil {
		t.Fatal(err)
	}
	const trustPacket = 0xB0 // old format, tag 12, one octet of length
	if !bytes.Contains(ring, []byte{trustPacket}) {
		t.Fatal("pubring.gpg holds no trust packet: the test shows nothing")
	}
	export := g.run(nil, "--export") // leaves the trust packets out
	for name, ring := range map[string][]byte{"file": ring, "export": export} {
		keys, err := pgp.ReadPublicKeyring(ring)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(keys) != 1 || keys[0].Fingerprint() != fingerprint {
			t.Errorf("%s: ReadPublicKeyring returns %d keys, want %s", name, len(keys), fingerprint)
		}
		if !bytes.Equal(pgp.PublicKeyring(keys...), export) {
			t.Errorf("%s: PublicKeyring writes other packets than gpg --export", name)
		}
	}
	if got := readSecret(t, g.run(nil, "--export-secret-keys")).Fingerprint(); got != fingerprint {
		t.Errorf("ReadSecretKeyring returns %s, want %s", got, fingerprint)
	}
}

func TestSecretKeyUnderPassphrase(t *testing.T) {
	g := newGPG(t)
	g.generate("Locked <locked@example.com>", "--passphrase", "hunter2")
	ring := g.run(nil, "--passphrase", "hunter2", "--export-secret-keys")
	if _, err := pgp.ReadSecretKeyring(ring, ""); !errors.Is(err, pgp.ErrPassphrase) {
		t.Errorf("ReadSecretKeyring error = %v, want %v", err, pgp.ErrPassphrase)
	}
}

// TestOfflinePrimary: GnuPG writes a stub where the primary's secret is not there.
func TestOfflinePrimary(t *testing.T) {
	g := newGPG(t)
	g.generate("Offline <offline@example.com>")
	ring := g.run(nil, "--export-secret-subkeys")
	if _, err := pgp.ReadSecretKeyring(ring, ""); !errors.Is(err, pgp.ErrNoSecretKey) {
		t.Errorf("ReadSecretKeyring error = %v, want %v", err, pgp.ErrNoSecretKey)
	}
}

func TestArmored(t *testing.T) {
	key := clientKey(t).Public()
	text, err := key.Armored()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := pgp.ParsePublicKey([]byte(text), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parsed.Binary(), key.Binary()) {
		t.Error("a key armored and parsed again differs")
	}
	g := newGPG(t)
	g.run([]byte(text), "--import")
	if got := g.fingerprint("keytrustee"); got != key.Fingerprint() {
		t.Errorf("gpg shows fingerprint %s, want %s", got, key.Fingerprint())
	}
}
