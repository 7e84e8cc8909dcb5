package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// authority is a CA of one test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.issue(t, name, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate, and writes NAME.pem and NAME.key.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for suffix, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(a.file(name+suffix), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// TestVerifyFull: with sslmode=verify-full only a server that the CA vouches for,
// under the name in the URL, is talked to; a client certificate lets a user in.
func TestVerifyFull(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	ca, wrong := newAuthority(t, "ca"), newAuthority(t, "wrong")
	ca.issue(t, "server", &x509.Certificate{DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	plain := cluster.Database(t)
	role := parsed(t, plain).User.Username()
	ca.issue(t, "client", &x509.Certificate{Subject: pkix.Name{CommonName: role}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	for _, name := range []string{"server.pem", "server.key", "ca.pem"} {
		data, err := os.ReadFile(ca.file(name))
		if err != nil {
			t.Fatal(err)
		}
		cluster.WriteData(t, name, string(data))
	}
	cluster.WriteData(t, "pg_hba.conf", "local all postgres trust\nhostssl all postgres all scram-sha-256\nhostssl "+role+" "+role+" all cert\nhostssl all all all scram-sha-256\n")
	for _, set := range []string{"ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl_ca_file = 'ca.pem'", "ssl = on"} {
		cluster.Exec(t, "postgres", "ALTER SYSTEM SET "+set)
	}
	cluster.Stop(t)
	cluster.Start(t)

	_, port, _ := strings.Cut(cluster.Address(), ":")
	form := func(host, root, client string) string {
		return edited(t, plain, func(u *url.URL) {
			u.Host, u.User = host+":"+port, url.User(role)
			q := url.Values{"sslmode": {"verify-full"}, "sslrootcert": {root}}
			if client != "" {
				q.Set("sslcert", ca.file(client+".pem"))
				q.Set("sslkey", ca.file(client+".key"))
			}
			u.RawQuery = q.Encode()
		})
	}
	s := create(t, form("localhost", ca.file("ca.pem"), "client"))
	storetest.Write(t, s, "1")
	if got := cluster.Exec(t, "postgres", `SELECT count(*) > 0 AND bool_and(ssl AND client_dn LIKE '%`+role+`') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'ktsd'`); got != "t" {
		t.Errorf("all connections over TLS with the client's certificate: got %q, want t", got)
	}
	refused(t, form("localhost", wrong.file("wrong.pem"), "client"), "certificate signed by unknown authority")
	refused(t, form("127.0.0.1", ca.file("ca.pem"), "client"), "127.0.0.1")
	refused(t, form("localhost", ca.file("ca.pem"), ""), "does not let the server in")
	refused(t, strings.Replace(form("localhost", ca.file("ca.pem"), "client"), "verify-full", "disable", 1), "does not let the server in")
}

// TestPassfileAndService: the password may stand in a file of its own, and all of it
// in a service file.
func TestPassfileAndService(t *testing.T) {
	t.Parallel()
	database := ktest.Postgres(t)
	u := parsed(t, database)
	user, password := u.User.Username(), passwordOf(t, database)
	dir := t.TempDir()
	passfile, servicefile := filepath.Join(dir, "pgpass"), filepath.Join(dir, "pg_service.conf")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(passfile, fmt.Sprintf("other:*:*:*:wrong\n%s:%s:*:%s:%s\n", u.Hostname(), u.Port(), user, password))
	write(servicefile, fmt.Sprintf("[other]\nhost=none.invalid\n[ktsd]\nhost=%s\nport=%s\ndbname=%s\nuser=%s\npassword=%s\nsslmode=disable\n",
		u.Hostname(), u.Port(), user, user, password))

	byPassfile := fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable passfile=%s", u.Hostname(), u.Port(), user, user, passfile)
	if err := postgres.Create(context.Background(), byPassfile); err != nil {
		t.Fatalf("Create with a passfile: %v", err)
	}
	byService := "postgres:///?service=ktsd&servicefile=" + url.QueryEscape(servicefile)
	for _, form := range []string{
		byPassfile,
		edited(t, database, func(u *url.URL) { u.User = url.User(user); u.RawQuery += "&passfile=" + url.QueryEscape(passfile) }),
		byService,
		"service=ktsd servicefile=" + servicefile,
	} {
		s := open(t, form, node)
		storetest.Write(t, s, form)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(passfile, fmt.Sprintf("%s:%s:*:%s:wrong\n", u.Hostname(), u.Port(), user))
	if _, err := postgres.Open(context.Background(), byPassfile, node); err == nil || !strings.Contains(err.Error(), "does not let the server in") {
		t.Errorf("Open with a wrong passfile: got %v, want it said", err)
	}
}
