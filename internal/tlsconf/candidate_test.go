package tlsconf_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// certificates are all certificates of PEM files.
func certificates(t testing.TB, path func(string) string, names ...string) []*x509.Certificate {
	t.Helper()
	var all []*x509.Certificate
	for _, name := range names {
		for block, rest := pem.Decode(read(t, path(name+".pem"))); block != nil; block, rest = pem.Decode(rest) {
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, certificate)
		}
	}
	return all
}

// authority has openssl make a root, two intermediates below each other, and
// servers' certificates of the second, each with something wrong but the first.
func authority(t testing.TB) func(string) string {
	t.Helper()
	ktest.Need(t, "openssl")
	path := files(t, nil)
	issue := func(name, issuer, days, extensions string, newkey ...string) {
		t.Helper()
		if err := os.WriteFile(path("ext"), []byte(extensions), 0o600); err != nil {
			t.Fatal(err)
		}
		openssl(t, append([]string{"req", "-nodes", "-keyout", path(name + ".key"), "-out", path("csr"), "-subj", "/CN=" + name, "-newkey"}, newkey...)...)
		signer := []string{"-CA", path(issuer + ".pem"), "-CAkey", path(issuer + ".key")}
		if issuer == "" {
			signer = []string{"-signkey", path(name + ".key")}
		}
		openssl(t, append([]string{"x509", "-req", "-in", path("csr"), "-days", days, "-extfile", path("ext"), "-out", path(name + ".pem")}, signer...)...)
	}
	const ca, server = "basicConstraints=critical,CA:true\n", "subjectAltName=DNS:kts.example.com,IP:192.0.2.7\n"
	issue("root", "", "30", ca, "ed25519")
	issue("first", "root", "30", ca, "ed25519")
	issue("second", "first", "30", ca, "ed25519")
	issue("dead", "first", "-1", ca, "ed25519")
	issue("good", "second", "30", server+"extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n", "ed25519")
	issue("plain", "second", "30", server, "ed25519")
	issue("expired", "second", "-1", server, "ed25519")
	issue("beneath", "dead", "30", server, "ed25519")
	issue("nameless", "second", "30", "basicConstraints=CA:false\n", "ed25519")
	issue("client", "second", "30", server+"extendedKeyUsage=clientAuth\nkeyUsage=keyEncipherment\n", "ed25519")
	issue("weak", "second", "30", server, "rsa:1024")
	issue("p224", "second", "30", server, "ec", "-pkeyopt", "ec_paramgen_curve:P-224")
	issue("self", "", "30", server, "ed25519")
	issue("leafless", "good", "30", server, "ed25519") // of who is no CA
	return path
}

// TestCandidate: all that is wrong at once, and the chain in its order, whatever that
// of the files is.
func TestCandidate(t *testing.T) {
	t.Parallel()
	path := authority(t)
	const (
		incomplete = "the chain is not complete: "
		hostname   = "kts.example.com"
	)
	for _, test := range []struct {
		what     string
		files    []string
		key      string
		hostname string
		unknown  bool
		later    time.Duration
		chain    []string
		wrong    []string // beginnings
	}{
		{what: "in order", files: []string{"good", "second", "first", "root"}, key: "good", chain: []string{"good", "second", "first"}},
		{what: "in disorder, with others", files: []string{"root", "self", "first", "good", "dead", "second"}, key: "good", chain: []string{"good", "second", "first"}},
		{what: "no usages", files: []string{"plain", "second", "first", "root"}, key: "plain", chain: []string{"plain", "second", "first"}},
		{what: "self-signed", files: []string{"self"}, key: "self", chain: []string{"self"}},
		{what: "an IP address", files: []string{"self"}, key: "self", hostname: "192.0.2.7", chain: []string{"self"}},
		{what: "no root", files: []string{"good", "second", "first"}, key: "good", chain: []string{"good", "second", "first"}, wrong: []string{incomplete + `"CN=first" was issued by "CN=root"`}},
		{what: "no root, which is known", files: []string{"good", "second", "first"}, key: "good", unknown: true, chain: []string{"good", "second", "first"}},
		{what: "a gap", files: []string{"good", "first", "root"}, key: "good", chain: []string{"good"}, wrong: []string{incomplete + `"CN=good" was issued by "CN=second"`}},
		{what: "another key", files: []string{"good", "second", "first", "root"}, key: "self", chain: []string{"good", "second", "first"},
			wrong: []string{`the private key is not that of the certificate ("CN=good")`}},
		{what: "another name", files: []string{"self"}, key: "self", hostname: "kts02.example.com", chain: []string{"self"},
			wrong: []string{"the certificate is for kts.example.com, 192.0.2.7, and not for kts02.example.com"}},
		{what: "no name", files: []string{"nameless", "second", "first", "root"}, key: "nameless", chain: []string{"nameless", "second", "first"},
			wrong: []string{"the certificate is for nobody (it has no alternative names), and not for"}},
		{what: "a client's", files: []string{"client", "second", "first", "root"}, key: "client", chain: []string{"client", "second", "first"},
			wrong: []string{"the certificate is not for signing", "the certificate is not for a server"}},
		{what: "RSA of 1024 bits", files: []string{"weak", "second", "first", "root"}, key: "weak", chain: []string{"weak", "second", "first"},
			wrong: []string{"its RSA key has 1024 bits: a server's has 2048 to 8192"}},
		{what: "P-224", files: []string{"p224", "second", "first", "root"}, key: "p224", chain: []string{"p224", "second", "first"}, wrong: []string{"its ECDSA key is on P-224"}},
		{what: "expired", files: []string{"expired", "second", "first", "root"}, key: "expired", chain: []string{"expired", "second", "first"}, wrong: []string{`"CN=expired" has expired, on 20`}},
		{what: "an issuer has expired", files: []string{"beneath", "dead", "first", "root"}, key: "beneath", chain: []string{"beneath", "dead", "first"}, wrong: []string{`"CN=dead" has expired, on 20`}},
		{what: "not yet", files: []string{"self"}, key: "self", later: -time.Hour, chain: []string{"self"}, wrong: []string{`"CN=self" is not valid before 20`}},
		{what: "of no CA", files: []string{"leafless", "good", "second"}, key: "leafless", chain: []string{"leafless"}, wrong: []string{incomplete}},
		{what: "everything", files: []string{"client"}, key: "self", hostname: "x.example.com", later: 1000 * time.Hour, chain: []string{"client"}, wrong: []string{
			"the private key is not that", "the certificate is not for signing", "the certificate is not for a server", "the certificate is for kts", `"CN=client" has expired`, incomplete}},
	} {
		key, err := tlsconf.ParseKey(read(t, path(test.key+".key")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.hostname == "" {
			test.hostname = hostname
		}
		chain, wrong := tlsconf.Candidate{
			Certificates: certificates(t, path, test.files...), Key: key, Hostname: test.hostname, Roots: x509.NewCertPool(), UnknownRoot: test.unknown,
		}.Check(time.Now().Add(test.later))
		var got []string
		for _, certificate := range chain {
			got = append(got, certificate.Subject.CommonName)
		}
		if diff := cmp.Diff(test.chain, got); diff != "" {
			t.Errorf("%s: the chain (-want +got):\n%s", test.what, diff)
		}
		for i := range max(len(wrong), len(test.wrong)) {
			if i >= len(wrong) || i >= len(test.wrong) || !strings.HasPrefix(wrong[i], test.wrong[i]) {
				t.Errorf("%s: got wrong\n%s\nwant\n%s", test.what, strings.Join(wrong, "\n"), strings.Join(test.wrong, "\n"))
				break
			}
		}
	}
	key, err := tlsconf.ParseKey(read(t, path("good.key")), nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificates(t, path, "root")[0])
	if _, wrong := (tlsconf.Candidate{Certificates: certificates(t, path, "first", "second", "good"), Key: key, Hostname: hostname, Roots: roots}).Check(time.Now()); len(wrong) > 0 {
		t.Errorf("with a root that the system knows: got %q, want nothing wrong", wrong)
	}
}

// TestCandidateSeveralIssuers: where an issuer is there several times, the chain is one
// that holds, whatever the order of the files, and clients find the root.
func TestCandidateSeveralIssuers(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	path := files(t, map[string][]byte{"ca": []byte("basicConstraints=critical,CA:true\n"), "server": []byte("subjectAltName=DNS:kts.example.com\n")})
	for _, name := range []string{"root", "root2", "int", "leaf"} {
		openssl(t, "req", "-nodes", "-newkey", "ed25519", "-keyout", path(name+".key"), "-out", path(name+".csr"), "-subj", "/CN="+name)
	}
	for _, c := range [][]string{ // a file, whose it is, its issuer, days
		{"root", "root", "root", "30"}, {"root2", "root2", "root2", "30"}, {"rootby2", "root", "root2", "30"},
		{"int", "int", "root", "30"}, {"intexpired", "int", "root", "-1"}, {"intby2", "int", "root2", "30"}, {"leaf", "leaf", "int", "30"},
	} {
		extensions := "ca"
		if c[1] == "leaf" {
			extensions = "server"
		}
		signer := []string{"-CA", path(c[2] + ".pem"), "-CAkey", path(c[2] + ".key")}
		if c[1] == c[2] {
			signer = []string{"-signkey", path(c[1] + ".key")}
		}
		openssl(t, append([]string{"x509", "-req", "-in", path(c[1] + ".csr"), "-days", c[3], "-extfile", path(extensions), "-out", path(c[0] + ".pem")}, signer...)...)
	}
	key, err := tlsconf.ParseKey(read(t, path("leaf.key")), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		files, known string
		unknown      bool
		chain        string
		wrong        string
	}{
		{files: "leaf intexpired int root", chain: "leaf int"},
		{files: "leaf int intexpired root", chain: "leaf int"},
		{files: "intexpired root int leaf", chain: "leaf int"},
		{files: "leaf intexpired root", chain: "leaf intexpired", wrong: `"CN=int" has expired`},
		{files: "leaf intby2 int root", chain: "leaf int"},
		{files: "leaf int intby2 root2", chain: "leaf intby2"},
		{files: "leaf intby2 intby2 int int root leaf", chain: "leaf int"},
		{files: "leaf intby2 int", known: "root", chain: "leaf int"},
		{files: "leaf intby2 int", known: "root2", chain: "leaf intby2"},
		{files: "leaf int rootby2", known: "root", chain: "leaf int"},
		{files: "leaf int rootby2", known: "root2", chain: "leaf int rootby2"},
		{files: "leaf int rootby2", unknown: true, chain: "leaf int rootby2"},
		{files: "leaf intexpired int", unknown: true, chain: "leaf int"},
		{files: "leaf intexpired", unknown: true, chain: "leaf intexpired", wrong: `"CN=int" has expired`},
		{files: "leaf intby2 int", chain: "leaf intby2", wrong: `the chain is not complete: "CN=int" was issued by "CN=root2"`},
	} {
		roots := x509.NewCertPool()
		if test.known != "" {
			roots.AddCert(certificates(t, path, test.known)[0])
		}
		chain, wrong := tlsconf.Candidate{
			Certificates: certificates(t, path, strings.Fields(test.files)...), Key: key, Hostname: "kts.example.com", Roots: roots, UnknownRoot: test.unknown,
		}.Check(time.Now())
		if want := certificates(t, path, strings.Fields(test.chain)...); !slices.EqualFunc(chain, want, (*x509.Certificate).Equal) {
			t.Errorf("%s: got a chain of %d, want %s", test.files, len(chain), test.chain)
		}
		if (test.wrong == "") != (len(wrong) == 0) || len(wrong) > 1 || test.wrong != "" && !strings.HasPrefix(wrong[0], test.wrong) {
			t.Errorf("%s: got wrong %q, want %q", test.files, wrong, test.wrong)
		}
	}
}
