package keystore_test

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	java "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/ktsd/ktsd/internal/keystore"
	"github.com/ktsd/ktsd/internal/ktest"
)

const password = "correct horse"

// world is a directory with a root, an intermediate and a server's certificate of
// openssl's making, with keys of three types.
type world struct {
	t   *testing.T
	dir string
}

func (w world) path(name string) string { return filepath.Join(w.dir, name) }

func (w world) openssl(args ...string) {
	w.t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (w world) write(name string, data []byte) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) read(name string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// keyTypes are what openssl is asked for.
var keyTypes = map[string][]string{
	"rsa": {"-newkey", "rsa:2048"}, "ec": {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, "ed25519": {"-newkey", "ed25519"},
}

func newWorld(t *testing.T) world {
	t.Helper()
	ktest.Need(t, "openssl")
	w := world{t, t.TempDir()}
	w.write("ca.ext", []byte("basicConstraints=critical,CA:true\n"))
	w.write("server.ext", []byte("subjectAltName=DNS:localhost\n"))
	w.write("password", []byte(password+"\n"))
	w.openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=root")
	w.openssl("req", "-newkey", "ed25519", "-nodes", "-keyout", "between.key", "-out", "between.csr", "-subj", "/CN=between")
	w.openssl("x509", "-req", "-in", "between.csr", "-CA", "root.pem", "-CAkey", "root.key", "-extfile", "ca.ext", "-out", "between.pem")
	for name, args := range keyTypes {
		w.openssl(append([]string{"req", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name}, args...)...)
		w.openssl("x509", "-req", "-in", name+".csr", "-CA", "between.pem", "-CAkey", "between.key", "-extfile", "server.ext", "-out", name+".pem")
	}
	w.write("cas.pem", append(w.read("between.pem"), w.read("root.pem")...))
	return w
}

// has makes sure that contents are a key with its certificate and the others.
func has(t *testing.T, what string, c keystore.Contents, err error, format string, subjects ...string) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	var got []string
	for _, certificate := range c.Certificates {
		got = append(got, certificate.Subject.CommonName)
	}
	if diff := cmp.Diff(subjects, got); diff != "" || c.Format != format {
		t.Errorf("%s: format %s, certificates (-want +got):\n%s", what, c.Format, diff)
	}
	if c.Key == nil || !c.Key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(c.Certificates[0].PublicKey) {
		t.Errorf("%s: the key is not that of the first certificate", what)
	}
}

// TestPKCS12: what openssl writes, now and in its older way, with keys of each type.
func TestPKCS12(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name := range keyTypes {
		for how, args := range map[string][]string{
			"modern": nil, "legacy": {"-legacy"}, "3DES": {"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"},
			"AES-128": {"-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC"}, "SHA-512": {"-macalg", "sha512"}, "unencrypted certificates": {"-certpbe", "NONE"},
		} {
			w.openssl(append([]string{"pkcs12", "-export", "-inkey", name + ".key", "-in", name + ".pem", "-certfile", "cas.pem",
				"-passout", "file:password", "-out", "store"}, args...)...)
			c, err := keystore.ReadFile(w.path("store"), []byte(password), "")
			has(t, name+" "+how, c, err, "PKCS#12", name, "between", "root")
			if _, err := keystore.ReadFile(w.path("store"), []byte("another"), ""); !errors.Is(err, keystore.ErrPassword) {
				t.Errorf("%s %s, another password: got %v, want %v", name, how, err, keystore.ErrPassword)
			}
			if _, err := keystore.ReadFile(w.path("store"), nil, ""); !errors.Is(err, keystore.ErrNeedsPassword) {
				t.Errorf("%s %s, no password: got %v, want %v", name, how, err, keystore.ErrNeedsPassword)
			}
		}
	}
	w.openssl("pkcs12", "-export", "-inkey", "ec.key", "-in", "ec.pem", "-passout", "pass:", "-out", "store")
	c, err := keystore.ReadFile(w.path("store"), nil, "")
	has(t, "an empty password", c, err, "PKCS#12", "ec")
	w.openssl("pkcs12", "-export", "-nokeys", "-in", "cas.pem", "-passout", "file:password", "-out", "store")
	if c, err := keystore.ReadFile(w.path("store"), []byte(password), ""); err == nil && (c.Key != nil || len(c.Certificates) != 2) {
		t.Errorf("a store without a key: got %v and %d certificates", c.Key, len(c.Certificates))
	}
}

// TestPEM: in any order, with an encrypted key or without; and the same in DER.
func TestPEM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	join := func(names ...string) []byte {
		var all []byte
		for _, name := range names {
			all = append(all, w.read(name)...)
		}
		return all
	}
	c, err := keystore.Parse(join("rsa.pem", "rsa.key", "root.pem", "between.pem"), nil, "")
	has(t, "a bundle", c, err, "PEM", "rsa", "root", "between")
	w.openssl("pkcs8", "-topk8", "-in", "rsa.key", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-passout", "file:password", "-out", "rsa.enc")
	c, err = keystore.Parse(join("rsa.enc", "rsa.pem"), []byte(password), "")
	has(t, "an encrypted key", c, err, "PEM", "rsa")
	for want, secret := range map[error][]byte{keystore.ErrNeedsPassword: nil, keystore.ErrPassword: []byte("another")} {
		if _, err := keystore.Parse(join("rsa.enc"), secret, ""); !errors.Is(err, want) {
			t.Errorf("an encrypted key: got %v, want %v", err, want)
		}
	}
	if _, err := keystore.Parse(join("rsa.pem", "rsa.key"), nil, "kts"); err == nil || err.Error() != `it has no private key with the alias "kts": there is none that has a name` {
		t.Errorf("an alias where there is none: got %v", err)
	}
	if c, err := keystore.Parse(join("cas.pem"), nil, ""); err != nil || c.Key != nil || len(c.Certificates) != 2 {
		t.Errorf("certificates alone: got %v, %d of them, %v", c.Key, len(c.Certificates), err)
	}
	for _, name := range []string{"rsa", "ec", "ed25519"} {
		w.openssl("x509", "-in", name+".pem", "-outform", "DER", "-out", "cert.der")
		w.openssl("pkcs8", "-topk8", "-nocrypt", "-in", name+".key", "-outform", "DER", "-out", "key.der")
		certificate, err := keystore.ReadFile(w.path("cert.der"), nil, "")
		key, wrong := keystore.ReadFile(w.path("key.der"), nil, "")
		certificate.Key = key.Key
		has(t, name+" in DER", certificate, errors.Join(err, wrong), "DER", name)
	}
}

// TestJKS: of keytool's making, and of the library's with a chain.
func TestJKS(t *testing.T) {
	t.Parallel()
	for file, format := range map[string]string{"keytool.jks": "JKS", "keytool.p12": "PKCS#12"} {
		file := filepath.Join("testdata", file)
		for _, alias := range []string{"testonly", "TestOnly", "other"} {
			c, err := keystore.ReadFile(file, []byte("changeit"), alias)
			if err != nil || c.Format != format {
				t.Errorf("%s, alias %s: format %s, %v", file, alias, c.Format, err)
				continue
			}
			public := c.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
			found := ""
			for _, certificate := range c.Certificates {
				if public.Equal(certificate.PublicKey) {
					found = certificate.Subject.CommonName
				}
			}
			if !strings.EqualFold(found, alias) {
				t.Errorf("%s, alias %s: got the key of %q", file, alias, found)
			}
		}
		for _, alias := range []string{"", "nobody"} {
			_, err := keystore.ReadFile(file, []byte("changeit"), alias)
			wrong, ok := errors.AsType[*keystore.AliasError](err)
			if !ok || len(wrong.Have) != 2 || !strings.Contains(err.Error(), `"other"`) {
				t.Errorf("%s, alias %q: got %v, want an AliasError with both", file, alias, err)
			}
		}
		if _, err := keystore.ReadFile(file, []byte("s3cr3t"), ""); !errors.Is(err, keystore.ErrPassword) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s, another password: got %v, want %v", file, err, keystore.ErrPassword)
		}
		if _, err := keystore.ReadFile(file, nil, ""); !errors.Is(err, keystore.ErrNeedsPassword) {
			t.Errorf("%s, no password: got %v, want %v", file, err, keystore.ErrNeedsPassword)
		}
	}
	w := newWorld(t)
	store := java.New()
	var chain []java.Certificate
	for _, name := range []string{"rsa.pem", "between.pem"} {
		block, _ := pem.Decode(w.read(name))
		chain = append(chain, java.Certificate{Type: "X509", Content: block.Bytes})
	}
	key, _ := pem.Decode(w.read("rsa.key"))
	root, _ := pem.Decode(w.read("root.pem"))
	var data bytes.Buffer
	err := errors.Join(
		store.SetPrivateKeyEntry("one", java.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: key.Bytes, CertificateChain: chain}, []byte(password)),
		store.SetTrustedCertificateEntry("root", java.TrustedCertificateEntry{CreationTime: time.Now(), Certificate: java.Certificate{Type: "X509", Content: root.Bytes}}),
		store.Store(&data, []byte(password)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := keystore.Parse(data.Bytes(), []byte(password), "")
	has(t, "one entry with its chain", c, err, "JKS", "rsa", "between", "root")
}

// TestRefused: what is none of the formats is called so.
func TestRefused(t *testing.T) {
	t.Parallel()
	jceks, err := os.ReadFile(filepath.Join("testdata", "keytool.jceks"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":          {nil, keystore.ErrFormat},
		"words":            {[]byte("s3cr3t"), keystore.ErrFormat},
		"JCEKS":            {jceks, keystore.ErrJCEKS},
		"PKCS#7":           {[]byte("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n"), keystore.ErrPKCS7},
		"a damaged bundle": {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), keystore.ErrDamaged},
		"a request":        {[]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), keystore.ErrDamaged},
		"a SEQUENCE":       {[]byte{0x30, 0x03, 2, 1, 3}, keystore.ErrDamaged},
	} {
		if _, err := keystore.Parse(test.data, []byte("s3cr3t"), ""); !errors.Is(err, test.want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, keystore.MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.ReadFile(large, nil, ""); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("a large file: got %v", err)
	}
}

// FuzzParse: whatever a file holds, it is read or refused.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"keytool.jks", "keytool.p12", "keytool.jceks"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, alias := range []string{"", "other"} {
			c, err := keystore.Parse(data, []byte("changeit"), alias)
			if err == nil && c.Key == nil && len(c.Certificates) == 0 && c.Format != "JKS" && c.Format != "PKCS#12" {
				t.Error("nothing was read, and that is no error")
			}
		}
	})
}
