package pgp_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/pgp"
)

func armored(t testing.TB, key *pgp.PublicKey) []byte {
	t.Helper()
	text, err := key.Armored()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

func wantParse(t *testing.T, name string, data []byte, now time.Time, want error) {
	t.Helper()
	key, err := pgp.ParsePublicKey(data, now)
	if !errors.Is(err, want) {
		t.Errorf("%s: ParsePublicKey error = %v, want %v", name, err, want)
	}
	if (key == nil) != (err != nil) {
		t.Errorf("%s: ParsePublicKey returns key %v with error %v", name, key, err)
	}
}

func TestParseOurOwn(t *testing.T) {
	key, now := clientKey(t).Public(), time.Now()
	binary, text := key.Binary(), armored(t, key)
	crlf := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	two := clientKey(t).Public()
	secret := secretKeyring(t, clientKey(t))
	v5 := bytes.Clone(binary)
	v5[2] = 5 // after the packet header of two octets

	wantParse(t, "binary", binary, now, nil)
	wantParse(t, "armored", text, now, nil)
	wantParse(t, "armored, CRLF, after a mail's words", append([]byte("Here it is:\r\n\r\n"), crlf...), now, nil)
	wantParse(t, "clock of the reader a day behind", binary, now.Add(-24*time.Hour), nil)
	wantParse(t, "clock of the reader a week behind", binary, now.Add(-7*24*time.Hour), pgp.ErrNotYetValid)
	wantParse(t, "in a century", binary, now.AddDate(100, 0, 0), nil)

	wantParse(t, "empty", nil, now, pgp.ErrNotKey)
	wantParse(t, "words", []byte("hello\n"), now, pgp.ErrNotKey)
	wantParse(t, "octets", []byte{0xff, 0x00, 0x01}, now, pgp.ErrNotKey)
	wantParse(t, "PEM", []byte("-----BEGIN CERTIFICATE-----\n\nAAAA\n-----END CERTIFICATE-----\n"), now, pgp.ErrNotKey)
	wantParse(t, "a message's armor", bytes.ReplaceAll(text, []byte("PUBLIC KEY BLOCK"), []byte("MESSAGE")), now, pgp.ErrNotKey)
	wantParse(t, "damaged base64", bytes.Replace(text, []byte("\n\n"), []byte("\n\n!!!!"), 1), now, pgp.ErrNotKey)
	wantParse(t, "version 5", v5, now, pgp.ErrUnsupported)
	wantParse(t, "too large", append(bytes.Clone(binary), make([]byte, pgp.MaxKey)...), now, pgp.ErrTooLarge)
	wantParse(t, "two keys, binary", pgp.PublicKeyring(key, two), now, pgp.ErrSeveralKeys)
	wantParse(t, "two blocks", append(bytes.Clone(text), armored(t, two)...), now, pgp.ErrSeveralKeys)
	wantParse(t, "secret, binary", secret, now, pgp.ErrPrivateKey)
	wantParse(t, "public and secret, binary", append(bytes.Clone(binary), secret...), now, pgp.ErrPrivateKey)
	wantParse(t, "truncated armor", text[:len(text)/2], now, pgp.ErrTruncated)
	wantParse(t, "armor without its end", text[:bytes.LastIndex(text, []byte("-----END"))], now, pgp.ErrTruncated)
	wantParse(t, "truncated in the key", binary[:20], now, pgp.ErrTruncated)
	wantParse(t, "truncated by an octet", binary[:len(binary)-1], now, pgp.ErrTruncated)
}

// TestParseFlippedByte: a key whose parts do not belong together is refused, or
// is another key; never the same key with other content.
func TestParseFlippedByte(t *testing.T) {
	key := clientKey(t).Public()
	for i := range key.Binary() {
		damaged := key.Binary()
		damaged[i] ^= 0x01
		parsed, err := pgp.ParsePublicKey(damaged, time.Now())
		if err == nil && parsed.Fingerprint() != key.Fingerprint() {
			t.Errorf("octet %d flipped: ParsePublicKey returns %s, want an error", i, parsed.Fingerprint())
		}
	}
}

func TestParseFromGnuPG(t *testing.T) {
	now := time.Now()
	g := newGPG(t)
	for _, test := range []struct {
		algorithm, usage, expiry string
		args                     []string
		qualified                string // its beginning
		want                     error
	}{
		{"default", "default", "never", nil, "3072R/", nil},
		{"rsa2048", "sign", "never", nil, "2048R/", nil},
		{"ed25519", "default", "1y", nil, "256E/", nil},
		{"nistp384", "sign", "never", nil, "384E/", nil},
		{"nistp521", "sign", "never", nil, "521E/", nil},
		{"rsa1024", "sign", "never", nil, "", pgp.ErrUnsupported},
		{"dsa2048", "sign", "never", nil, "", pgp.ErrUnsupported},
		{"ed25519", "cert", "never", nil, "", pgp.ErrNoSigningKey},
		{"ed25519", "sign", "1y", []string{"--faked-system-time", "20200101T000000"}, "", pgp.ErrExpired},
		{"ed25519", "sign", "never", []string{"--faked-system-time", "20900101T000000"}, "", pgp.ErrNotYetValid},
	} {
		uid := strings.Join([]string{test.algorithm, test.usage, test.expiry}, "-") + strings.Join(test.args, "") + "@example.com"
		g.run(nil, append(test.args, "--quick-generate-key", uid, test.algorithm, test.usage, test.expiry)...)
		for _, export := range [][]string{{"--export"}, {"--armor", "--export"}} {
			data := g.run(nil, append(export, uid)...)
			wantParse(t, uid, data, now, test.want)
			if key, err := pgp.ParsePublicKey(data, now); err == nil && !strings.HasPrefix(key.Qualified(), test.qualified) {
				t.Errorf("%s: Qualified() = %q, want %s…", uid, key.Qualified(), test.qualified)
			}
		}
		if test.want == nil {
			wantParse(t, uid+", secret", g.run(nil, "--armor", "--export-secret-keys", uid), now, pgp.ErrPrivateKey)
		}
	}
	fingerprint := g.generate("subkey@example.com")
	for _, algorithm := range []string{"rsa1024", "dsa2048"} {
		wantParse(t, "before "+algorithm, g.run(nil, "--export", "subkey@example.com"), now, nil)
		g.run(nil, "--quick-add-key", fingerprint, algorithm, "sign", "never")
		wantParse(t, "a subkey "+algorithm, g.run(nil, "--export", "subkey@example.com"), now, pgp.ErrUnsupported)
		g.run(nil, "--delete-secret-and-public-key", fingerprint)
		fingerprint = g.generate("subkey@example.com")
	}
	signed := g.run([]byte("text"), "--armor", "--clearsign")
	wantParse(t, "clear-signed text", signed, now, pgp.ErrNotKey)
}

func TestParseRevoked(t *testing.T) {
	g := newGPG(t)
	fingerprint := g.generate("Gone <gone@example.com>")
	before := g.run(nil, "--export")
	// GnuPG keeps a revocation ready, with a colon before its armor.
	revocation, err := os.ReadFile(filepath.Join(g.dir, "openpgp-revocs.d", fingerprint+".rev"))
	if err != nil {
		t.Fatal(err)
	}
	g.run(bytes.ReplaceAll(revocation, []byte("\n:---"), []byte("\n---")), "--import")
	wantParse(t, "before", before, time.Now(), nil)
	wantParse(t, "revoked", g.run(nil, "--export"), time.Now(), pgp.ErrRevoked)

	secret := readSecret(t, g.run(nil, "--export-secret-keys"))
	if _, err := secret.Sign([]byte("text")); !errors.Is(err, pgp.ErrRevoked) {
		t.Errorf("Sign with a revoked key: error = %v, want %v", err, pgp.ErrRevoked)
	}
}

func FuzzParsePublicKey(f *testing.F) {
	key := clientKey(f)
	f.Add(key.Public().Binary())
	f.Add(armored(f, key.Public()))
	f.Add(secretKeyring(f, key))
	now := time.Now()
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := pgp.ParsePublicKey(data, now)
		if err != nil {
			return
		}
		again, err := pgp.ParsePublicKey(key.Binary(), now)
		if err != nil || again.Qualified() != key.Qualified() {
			t.Errorf("parsed once %s, again %v", key.Qualified(), err)
		}
		key.Verify([]byte("text"), []byte("signature"), now)
	})
}

func FuzzReadKeyring(f *testing.F) {
	key := clientKey(f)
	f.Add(pgp.PublicKeyring(key.Public(), key.Public()))
	f.Add(secretKeyring(f, key))
	f.Fuzz(func(t *testing.T, data []byte) {
		if keys, err := pgp.ReadPublicKeyring(data); err == nil && len(keys) == 0 {
			t.Error("ReadPublicKeyring returns no keys and no error")
		}
		if key, err := pgp.ReadSecretKeyring(data, ""); err == nil {
			key.Sign([]byte("text"))
		}
	})
}
