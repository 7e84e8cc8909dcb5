package pgp_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/pgp"
)

const place = "ktsd-deposit/1 0123456789ABCDEF0123456789ABCDEF01234567 disaster-recov 7f9c24e8-3b12-4fef-91e0-56a2d5a9b2c1 luks/web-1"

// contexts are places with what notations and gpg's command line could trip over.
var contexts = map[string]string{
	"plain":     place,
	"percent":   place + "/100%/%41%%n",
	"spaces":    place + "/a b  c ",
	"non-ASCII": place + "/schlüssel-鍵-😀",
	"marks":     place + `/"quoted"\back=slash@host!`,
	"long":      place + "/" + strings.Repeat("x", 255),
}

// contents are bytes that a text conversion would change.
func contents(t testing.TB) map[string][]byte {
	t.Helper()
	large := make([]byte, 1<<20)
	if _, err := rand.Read(large); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"empty":    {},
		"one NUL":  {0},
		"CRLF":     []byte("a\r\nb\nc\rd  \r\n\n"),
		"not UTF8": {0xff, 0xfe, 0x00, 0x80, '\n'},
		"LUKS key": large[:64],
		"1 MiB":    large,
	}
}

func encrypt(t testing.TB, plaintext []byte, key *pgp.SecretKey, context string) []byte {
	t.Helper()
	ciphertext, err := pgp.Encrypt(plaintext, key, context)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

func wantDecrypted(t *testing.T, name string, ciphertext []byte, key *pgp.SecretKey, context string, want []byte) {
	t.Helper()
	got, err := pgp.Decrypt(ciphertext, key, context)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s: Decrypt returns %d other bytes, want the %d put in", name, len(got), len(want))
	}
}

func TestEnvelope(t *testing.T) {
	server, err := serverKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*pgp.SecretKey{clientKey(t), server} {
		for name, content := range contents(t) {
			ciphertext := encrypt(t, content, key, place)
			wantDecrypted(t, name, ciphertext, key, place, content)
			if len(content) >= 64 && bytes.Contains(ciphertext, content[:16]) {
				t.Errorf("%s: the ciphertext holds plaintext", name)
			}
		}
		for name, context := range contexts {
			wantDecrypted(t, name, encrypt(t, []byte("secret"), key, context), key, context, []byte("secret"))
		}
	}
}

// TestGnuPGReadsEnvelope: gpg alone gets a deposit back and shows its place.
func TestGnuPGReadsEnvelope(t *testing.T) {
	key := clientKey(t)
	g := newGPG(t)
	g.run(secretKeyring(t, key), "--import")
	for name, content := range contents(t) {
		if got := g.run(encrypt(t, content, key, place), "--decrypt"); !bytes.Equal(got, content) {
			t.Errorf("%s: gpg --decrypt returns %d other bytes, want the %d put in", name, len(got), len(content))
		}
	}
	for name, context := range contexts {
		ciphertext := encrypt(t, []byte("secret"), key, context)
		got, status, err := g.try(ciphertext, "--status-fd", "2", "--verify-options", "show-notations", "--decrypt")
		if err != nil || string(got) != "secret" {
			t.Errorf("%s: gpg --decrypt = %q, %v, want \"secret\"\n%s", name, got, err, status)
		}
		if !strings.Contains(status, "GOODSIG") || !strings.Contains(status, "NOTATION_FLAGS 0 1") {
			t.Errorf("%s: gpg shows no good signature with a readable notation:\n%s", name, status)
		}
		if !strings.Contains(status, "context@proton.ch="+context) {
			t.Errorf("%s: gpg does not show the notation %q:\n%s", name, context, status)
		}
	}
}

// TestGnuPGWritesEnvelope reads deposits made with the documented command.
func TestGnuPGWritesEnvelope(t *testing.T) {
	g := newGPG(t)
	fingerprint := g.generate("a@example.com")
	key := readSecret(t, g.run(nil, "--export-secret-keys"))
	envelope := func(content []byte, mark, context string, args ...string) []byte {
		notation := mark + "context@proton.ch=" + strings.ReplaceAll(context, "%", "%%")
		return g.run(content, append(args, "--encrypt", "--sign", "-r", fingerprint, "-u", fingerprint, "--sig-notation", notation)...)
	}
	for name, content := range contents(t) {
		wantDecrypted(t, name, envelope(content, "!", place), key, place, content)
	}
	for name, context := range contexts {
		for _, mark := range []string{"", "!"} {
			wantDecrypted(t, mark+name, envelope([]byte("secret"), mark, context), key, context, []byte("secret"))
		}
	}
	content := []byte("a\nb\r\n")
	for _, args := range [][]string{{"--armor"}, {"-z", "0"}, {"--compress-algo", "bzip2"}, {"--throw-keyids"}, {"--cipher-algo", "AES128"},
		{"--digest-algo", "SHA512"}, {"--faked-system-time", "20900101T000000", "--ignore-time-conflict", "--ignore-valid-from"}} {
		wantDecrypted(t, strings.Join(args, " "), envelope(content, "!", place, args...), key, place, content)
	}
	for _, test := range []struct {
		name       string
		ciphertext []byte
		want       error
	}{
		{"text mode", envelope(content, "!", place, "--textmode"), pgp.ErrDecrypt},
		{"SHA-1", envelope(content, "!", place, "--digest-algo", "SHA1"), pgp.ErrSignature},
		{"two contexts", envelope(content, "!", place, "--sig-notation", "context@proton.ch=other"), pgp.ErrContext},
		{"unknown critical notation", envelope(content, "!", place, "--sig-notation", "!other@example.com=1"), pgp.ErrSignature},
		{"no context", g.run(content, "--encrypt", "--sign", "-r", fingerprint), pgp.ErrContext},
		{"not signed", g.run(content, "--encrypt", "-r", fingerprint), pgp.ErrSignature},
		{"not encrypted", g.run(content, "--sign", "--sig-notation", "context@proton.ch="+place), pgp.ErrDecrypt},
		{"to a passphrase", g.run(content, "--passphrase", "p", "--symmetric"), pgp.ErrDecrypt},
		{"bomb", envelope(make([]byte, pgp.MaxPlaintext+1), "!", place), pgp.ErrDecrypt},
	} {
		if _, err := pgp.Decrypt(test.ciphertext, key, place); !errors.Is(err, test.want) {
			t.Errorf("%s: Decrypt error = %v, want %v", test.name, err, test.want)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	key, other := clientKey(t), clientKey(t)
	good := encrypt(t, []byte("secret"), key, place)
	for _, test := range []struct {
		name       string
		ciphertext []byte
		key        *pgp.SecretKey
		context    string
		want       error
	}{
		{"another handle", good, key, place + "x", pgp.ErrContext},
		{"no context wanted", good, key, "", pgp.ErrContext},
		{"another key", good, other, place, pgp.ErrDecrypt},
		{"empty", nil, key, place, pgp.ErrDecrypt},
		{"words", []byte("hello"), key, place, pgp.ErrDecrypt},
		{"cut off", good[:len(good)-1], key, place, pgp.ErrDecrypt},
		{"cut in half", good[:len(good)/2], key, place, pgp.ErrDecrypt},
		{"the plaintext itself", []byte("\xcb\x0cb\x00\x00\x00\x00\x00secret"), key, place, pgp.ErrDecrypt},
	} {
		if _, err := pgp.Decrypt(test.ciphertext, test.key, test.context); !errors.Is(err, test.want) {
			t.Errorf("%s: Decrypt error = %v, want %v", test.name, err, test.want)
		}
	}
	// A flipped bit of a packet's header may leave the content as it was.
	for i := range good {
		damaged := bytes.Clone(good)
		damaged[i] ^= 0x10
		if got, err := pgp.Decrypt(damaged, key, place); err == nil && string(got) != "secret" {
			t.Errorf("octet %d flipped: Decrypt = %q, want an error", i, got)
		}
	}
}

// TestDecryptOtherSigner: whoever has the public key can encrypt to it, and
// sign with a key of their own.
func TestDecryptOtherSigner(t *testing.T) {
	g := newGPG(t)
	mine := g.generate("mine@example.com")
	theirs := g.generate("theirs@example.com")
	key := readSecret(t, g.run(nil, "--export-secret-keys", mine))
	ciphertext := g.run([]byte("forged"), "--encrypt", "--sign", "-r", mine, "-u", theirs, "--sig-notation", "!context@proton.ch="+place)
	if _, err := pgp.Decrypt(ciphertext, key, place); !errors.Is(err, pgp.ErrSignature) {
		t.Errorf("Decrypt error = %v, want %v", err, pgp.ErrSignature)
	}
}

// TestDecryptWithExpiredKey: old deposits come back; new ones need a valid key.
func TestDecryptWithExpiredKey(t *testing.T) {
	g := newGPG(t)
	past, later := []string{"--faked-system-time", "20200101T000000"}, []string{"--faked-system-time", "20200102T000000"} // gpg's clock runs on
	g.run(nil, append(past, "--quick-generate-key", "a@example.com", "rsa2048", "default", "1y")...)
	fingerprint := g.fingerprint("a@example.com")
	g.run(nil, append(later, "--quick-add-key", fingerprint, "rsa2048", "encr", "1y")...)
	later[1] = "20200103T000000"
	key := readSecret(t, g.run(nil, "--export-secret-keys"))
	ciphertext := g.run([]byte("old"), append(later, "--encrypt", "--sign", "-r", fingerprint, "--default-sig-expire", "1d", "--sig-notation", "context@proton.ch="+place)...)
	wantDecrypted(t, "expired key and signature", ciphertext, key, place, []byte("old"))
	if _, err := pgp.Encrypt([]byte("new"), key, place); !errors.Is(err, pgp.ErrExpired) {
		t.Errorf("Encrypt error = %v, want %v", err, pgp.ErrExpired)
	}
}

func TestEncryptRefuses(t *testing.T) {
	key := clientKey(t)
	if _, err := pgp.Encrypt(make([]byte, pgp.MaxPlaintext+1), key, place); !errors.Is(err, pgp.ErrTooLarge) {
		t.Errorf("too much: Encrypt error = %v, want %v", err, pgp.ErrTooLarge)
	}
	for _, context := range []string{"", "\xff"} {
		if _, err := pgp.Encrypt(nil, key, context); err == nil {
			t.Errorf("Encrypt with context %q: no error", context)
		}
	}
	g := newGPG(t)
	g.run(nil, "--quick-generate-key", "a@example.com", "ed25519", "sign", "never")
	if _, err := pgp.Encrypt(nil, readSecret(t, g.run(nil, "--export-secret-keys")), place); err == nil {
		t.Error("Encrypt with a key that has no subkey to encrypt: no error")
	}
}

func FuzzDecrypt(f *testing.F) {
	key := clientKey(f)
	f.Add(encrypt(f, []byte("secret"), key, place))
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		if got, err := pgp.Decrypt(ciphertext, key, place); err == nil && string(got) != "secret" {
			t.Errorf("Decrypt returns %q, which was never put in", got)
		}
	})
}

func BenchmarkEnvelope(b *testing.B) {
	key := clientKey(b)
	content := make([]byte, 4<<10)
	for b.Loop() {
		if _, err := pgp.Decrypt(encrypt(b, content, key, place), key, place); err != nil {
			b.Fatal(err)
		}
	}
}

// TestConcurrentUse shares one key, as a server and a client package do; it
// shows something under the race detector.
func TestConcurrentUse(t *testing.T) {
	key := clientKey(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			ciphertext, err := pgp.Encrypt([]byte("secret"), key, place)
			if err != nil {
				t.Error(err)
				return
			}
			wantDecrypted(t, "concurrent", ciphertext, key, place, []byte("secret"))
			signature, err := key.Sign([]byte(statement))
			if err != nil {
				t.Error(err)
				return
			}
			if err := key.Public().Verify([]byte(statement), signature, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
