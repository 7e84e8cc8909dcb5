package tlsconf_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

func selfSigned(t testing.TB) (certPEM, keyPEM []byte) {
	t.Helper()
	certPEM, keyPEM, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return certPEM, keyPEM
}

func TestLoadPair(t *testing.T) {
	certPEM, keyPEM := selfSigned(t)
	otherCert, _ := selfSigned(t)
	path := files(t, map[string][]byte{
		"cert": certPEM, "key": keyPEM,
		"chain":     append(bytes.Clone(certPEM), otherCert...),
		"misplaced": append(bytes.Clone(otherCert), certPEM...),
		"both":      append(bytes.Clone(keyPEM), certPEM...),
		"other":     otherCert,
		"words":     []byte("hello\n"),
		"empty":     nil,
		"large":     bytes.Repeat([]byte("a"), 1<<20+1),
		"broken":    []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		"cut":       certPEM[:len(certPEM)/2],
		"broken-pk": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
	})
	for _, test := range []struct {
		cert, key string
		want      error // nil: it loads
		mention   string
	}{
		{"cert", "key", nil, ""},
		{"chain", "key", nil, ""},
		{"both", "both", nil, ""},
		{"misplaced", "key", tlsconf.ErrMismatch, "key"},
		{"other", "key", tlsconf.ErrMismatch, "other"},
		{"absent", "key", fs.ErrNotExist, "absent"},
		{"cert", "absent", fs.ErrNotExist, "absent"},
		{"words", "key", tlsconf.ErrNotPEM, "words"},
		{"empty", "key", tlsconf.ErrNotPEM, "empty"},
		{"cert", "words", tlsconf.ErrNotPEM, "words"},
		{"key", "key", tlsconf.ErrNoCertificate, "key"},
		{"cut", "key", tlsconf.ErrNoCertificate, "cut"},
		{"cert", "cert", tlsconf.ErrNoKey, "cert"},
		{"broken", "key", tlsconf.ErrDamaged, "broken"},
		{"cert", "broken-pk", tlsconf.ErrDamaged, "broken-pk"},
	} {
		pair, err := tlsconf.LoadPair(path(test.cert), path(test.key))
		if !errors.Is(err, test.want) || (pair == nil) != (err != nil) {
			t.Errorf("LoadPair(%s, %s) = %v, want %v", test.cert, test.key, err, test.want)
		}
		if err != nil && !strings.Contains(err.Error(), path(test.mention)) {
			t.Errorf("LoadPair(%s, %s) = %q, want %s named", test.cert, test.key, err, test.mention)
		}
	}
	if pair, err := tlsconf.LoadPair(path("chain"), path("key")); err == nil && len(pair.Certificate) != 2 {
		t.Errorf("a chain of 2 loads as %d certificates", len(pair.Certificate))
	}
	for _, pair := range [][2]string{{"large", "key"}, {"cert", "large"}, {".", "key"}} {
		if _, err := tlsconf.LoadPair(path(pair[0]), path(pair[1])); err == nil {
			t.Errorf("LoadPair(%s, %s): no error", pair[0], pair[1])
		}
	}
}

func TestLoadPairPermissions(t *testing.T) {
	certPEM, keyPEM := selfSigned(t)
	path := files(t, map[string][]byte{"cert": certPEM, "key": keyPEM})
	for mode, loads := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o660: false, 0o644: false} {
		if err := os.Chmod(path("key"), mode); err != nil {
			t.Fatal(err)
		}
		_, err := tlsconf.LoadPair(path("cert"), path("key"))
		var permission *tlsconf.PermissionError
		switch {
		case loads && err != nil:
			t.Errorf("mode %04o: %v", mode, err)
		case !loads && !errors.As(err, &permission):
			t.Errorf("mode %04o: error = %v, want a *PermissionError", mode, err)
		case !loads && (permission.Mode != mode || !strings.Contains(err.Error(), "chmod 0600 "+path("key"))):
			t.Errorf("mode %04o: error = %q, want the mode and the chmod to run", mode, err)
		}
	}
}

// TestLoadPairOpenSSL loads each form in which openssl writes keys.
func TestLoadPairOpenSSL(t *testing.T) {
	ktest.Need(t, "openssl")
	path := files(t, nil)
	for _, newkey := range []string{"rsa:2048", "ec:P-384", "ed25519"} {
		args := []string{"-newkey", newkey}
		if curve, ok := strings.CutPrefix(newkey, "ec:"); ok {
			args = []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + curve}
		}
		out, err := run(t, "openssl", append([]string{"req", "-x509", "-nodes", "-subj", "/CN=x", "-keyout", path("pkcs8"), "-out", path("cert")}, args...)...)
		if err != nil {
			t.Fatalf("openssl req: %v\n%s", err, out)
		}
		for _, test := range []struct {
			name string
			args []string
			want error
		}{
			{"PKCS#8", nil, nil},
			{"traditional", []string{"-traditional"}, nil},
			{"PKCS#8 encrypted", []string{"-aes256", "-passout", "pass:hunter2"}, tlsconf.ErrEncryptedKey},
			{"traditional encrypted", []string{"-traditional", "-aes256", "-passout", "pass:hunter2"}, tlsconf.ErrEncryptedKey},
		} {
			if newkey == "ed25519" && strings.HasPrefix(test.name, "traditional") {
				continue // there is no traditional form
			}
			os.Remove(path("key"))
			if out, err := run(t, "openssl", append([]string{"pkey", "-in", path("pkcs8"), "-out", path("key")}, test.args...)...); err != nil {
				t.Fatalf("openssl pkey: %v\n%s", err, out)
			}
			if _, err := tlsconf.LoadPair(path("cert"), path("key")); !errors.Is(err, test.want) {
				t.Errorf("%s, %s: LoadPair error = %v, want %v", newkey, test.name, err, test.want)
			}
		}
	}
}

func FuzzLoadPair(f *testing.F) {
	certPEM, keyPEM := selfSigned(f)
	path := files(f, map[string][]byte{"cert": certPEM, "key": keyPEM, "fuzzed": nil})
	f.Add(append(bytes.Clone(certPEM), keyPEM...))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: a\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n" +
		"AAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path("fuzzed"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := tlsconf.ParseKey(data, give("password")); (key == nil) != (err != nil) {
			t.Errorf("ParseKey = %v, %v", key, err)
		}
		for _, pair := range [][2]string{{"fuzzed", "key"}, {"cert", "fuzzed"}, {"fuzzed", "fuzzed"}} {
			loaded, err := tlsconf.LoadPair(path(pair[0]), path(pair[1]))
			if (loaded == nil) != (err != nil) || err == nil && (loaded.Leaf == nil || loaded.PrivateKey == nil) {
				t.Errorf("LoadPair(%s, %s) = %v, %v", pair[0], pair[1], loaded, err)
			}
		}
	})
}
