package tlsconf_test

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

const password = "correct horse ' battery"

func give(secret string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(secret), nil }
}

// newKeys has openssl make a key of each type, in PKCS#8.
func newKeys(t testing.TB, path func(string) string) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for name, args := range map[string][]string{
		"rsa":     {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"p256":    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"p384":    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		"ed25519": {"-algorithm", "ED25519"},
	} {
		keys[name] = path(name)
		openssl(t, append(append([]string{"genpkey"}, args...), "-out", path(name))...)
	}
	return keys
}

func openssl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := run(t, "openssl", args...)
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// opened makes sure that the file holds the key, and that no other password opens it.
func opened(t *testing.T, what, file string, want crypto.Signer) {
	t.Helper()
	data := read(t, file)
	got, err := tlsconf.ParseKey(data, give(password))
	if err != nil || !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(want.Public()) {
		t.Errorf("%s: got %v, want the key", what, err)
	}
	if _, err := tlsconf.ParseKey(data, give("another")); !errors.Is(err, tlsconf.ErrPassword) {
		t.Errorf("%s, another password: got %v, want %v", what, err, tlsconf.ErrPassword)
	}
	if _, err := tlsconf.ParseKey(data, nil); !errors.Is(err, tlsconf.ErrEncryptedKey) {
		t.Errorf("%s, no password: got %v, want %v", what, err, tlsconf.ErrEncryptedKey)
	}
}

// TestEncryptedKeys opens what openssl encrypts: each cipher with each hash of
// PBKDF2, scrypt, and the form before PKCS#8.
func TestEncryptedKeys(t *testing.T) {
	ktest.Need(t, "openssl")
	path := files(t, map[string][]byte{"password": []byte(password + "\n")})
	pass := []string{"-passout", "file:" + path("password"), "-out", path("encrypted")}
	keys := newKeys(t, path)
	for name, file := range keys {
		plain, err := tlsconf.ParseKey(read(t, file), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		prfs := []string{"hmacWithSHA512"}
		if name == "ed25519" {
			prfs = []string{"", "hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512", "hmacWithSHA512-224",
				"hmacWithSHA512-256"}
		}
		for _, cipher := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"} {
			for _, prf := range prfs {
				args := []string{"pkcs8", "-topk8", "-in", file, "-v2", cipher}
				if prf != "" {
					args = append(args, "-v2prf", prf)
				}
				openssl(t, append(args, pass...)...)
				opened(t, name+" "+cipher+" "+prf, path("encrypted"), plain)
			}
			openssl(t, append([]string{"pkcs8", "-topk8", "-in", file, "-v2", cipher, "-scrypt"}, pass...)...)
			opened(t, name+" "+cipher+" scrypt", path("encrypted"), plain)
			if name == "ed25519" { // which had no form before PKCS#8
				continue
			}
			openssl(t, append([]string{"pkey", "-in", file, "-traditional", "-" + cipher}, pass...)...)
			if !bytes.Contains(read(t, path("encrypted")), []byte("DEK-Info: ")) {
				t.Fatal("openssl pkey -traditional writes no header DEK-Info")
			}
			opened(t, name+" "+cipher+" traditional", path("encrypted"), plain)
		}
	}
}

// TestEncryptedKeysRefused: what asks for too much, or is not supported, and what
// was damaged. No error shows what is in the file.
func TestEncryptedKeysRefused(t *testing.T) {
	ktest.Need(t, "openssl")
	path := files(t, map[string][]byte{"password": []byte(password + "\n")})
	key := newKeys(t, path)["p256"]
	encrypt := func(args ...string) []byte {
		openssl(t, append([]string{"pkcs8", "-topk8", "-in", key, "-passout", "file:" + path("password"), "-out", path("encrypted")}, args...)...)
		return read(t, path("encrypted"))
	}
	good := encrypt("-v2", "aes-256-cbc")
	block, _ := pem.Decode(good)
	spoiled := func(at int) []byte {
		der := bytes.Clone(block.Bytes)
		der[at] ^= 0x40
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der})
	}
	scrypt, _ := pem.Decode(encrypt("-v2", "aes-256-cbc", "-scrypt"))
	greedy := bytes.Replace(scrypt.Bytes, []byte{2, 2, 0x40, 0, 2, 1, 8}, []byte{2, 2, 0x40, 0, 2, 1, 0x7f}, 1) // r = 127: 254 MiB
	iterations := bytes.Replace(block.Bytes, []byte{2, 2, 8, 0}, []byte{2, 2, 0x80, 0}, 1)                      // -32768, in place of 2048
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"PBES1":                     {encrypt("-v1", "PBE-SHA1-3DES"), tlsconf.ErrEncryption},
		"Camellia":                  {encrypt("-v2", "camellia-256-cbc"), tlsconf.ErrEncryption},
		"more than 10 million":      {encrypt("-v2", "aes-256-cbc", "-iter", "10000001"), tlsconf.ErrEncryption},
		"scrypt with 254 MiB":       {pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: greedy}), tlsconf.ErrEncryption},
		"fewer than none":           {pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: iterations}), tlsconf.ErrEncryption},
		"content":                   {spoiled(len(block.Bytes) - 1), tlsconf.ErrPassword},
		"structure":                 {spoiled(0), tlsconf.ErrDamaged},
		"cut":                       {pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes[:len(block.Bytes)-20]}), tlsconf.ErrDamaged},
		"a DEK-Info of nobody's":    {[]byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: s3cr3t\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), tlsconf.ErrEncryption},
		"no block":                  {[]byte("s3cr3t"), tlsconf.ErrNotPEM},
		"the password is not given": {good, nil},
	} {
		missing := errors.New("nobody knows")
		secret := give(password)
		if test.want == nil {
			test.want, secret = missing, func() ([]byte, error) { return nil, missing }
		}
		_, err := tlsconf.ParseKey(test.data, secret)
		if !errors.Is(err, test.want) || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

// TestMarshalKey: openssl opens what is encrypted here.
func TestMarshalKey(t *testing.T) {
	ktest.Need(t, "openssl")
	path := files(t, map[string][]byte{"password": []byte(password + "\n")})
	for name, file := range newKeys(t, path) {
		key, err := tlsconf.ParseKey(read(t, file), nil)
		if err != nil {
			t.Fatal(err)
		}
		encrypted, err := tlsconf.MarshalKey(key, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path("ours"), encrypted, 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "ed25519" { // once: 600,000 iterations take their time
			opened(t, name, path("ours"), key)
		}
		want := openssl(t, "pkey", "-in", file, "-pubout")
		if got := openssl(t, "pkey", "-in", path("ours"), "-passin", "file:"+path("password"), "-pubout"); got != want {
			t.Errorf("%s: openssl opens another key\n%s", name, got)
		}
		plain, err := tlsconf.MarshalKey(key, nil)
		if err != nil || !bytes.Equal(plain, read(t, file)) && name != "p256" && name != "p384" && name != "rsa" {
			t.Errorf("%s without a password: got %v, want what openssl writes", name, err)
		}
	}
}

// FuzzDecryptPKCS8: whatever is encrypted how, opening it ends with a key or one of
// the errors.
func FuzzDecryptPKCS8(f *testing.F) {
	_, keyPEM := selfSigned(f)
	key, err := tlsconf.ParseKey(keyPEM, nil)
	if err != nil {
		f.Fatal(err)
	}
	encrypted, err := tlsconf.MarshalKey(key, []byte(password))
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(encrypted)
	f.Add(bytes.Replace(block.Bytes, []byte{2, 3, 9, 0x27, 0xc0}, []byte{2, 3, 0, 0, 2}, 1))
	f.Add(block.Bytes)
	f.Fuzz(func(t *testing.T, der []byte) {
		if bytes.Contains(der, []byte{2, 4}) || bytes.Contains(der, []byte{2, 3}) && !bytes.Equal(der, block.Bytes) {
			return // millions of iterations: too slow to be of use here
		}
		key, err := tlsconf.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), give(password))
		if (key == nil) != (err != nil) {
			t.Errorf("got %v and %v", key, err)
		}
		if err != nil && !errors.Is(err, tlsconf.ErrDamaged) && !errors.Is(err, tlsconf.ErrPassword) && !errors.Is(err, tlsconf.ErrEncryption) {
			t.Errorf("got %v, want an error of the package", err)
		}
	})
}
