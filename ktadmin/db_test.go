package main_test

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// sqlFor runs statements on the database of a directory whose ktsd is stopped.
func sqlFor(t *testing.T, dir, url string) func(string) {
	t.Helper()
	if url != "" {
		return func(sql string) { ktest.SQL(t, url, sql) }
	}
	ktest.Need(t, "sqlite3")
	return func(sql string) {
		t.Helper()
		if out, err := exec.Command("sqlite3", "-bail", confdir.Dir(dir).Database(), sql).CombinedOutput(); err != nil {
			t.Fatalf("sqlite3: %v\n%s", err, out)
		}
	}
}

// earlier makes a database what a build without row authentication left.
func earlier(t *testing.T, url string, sql func(string)) {
	t.Helper()
	if url != "" {
		for _, table := range []string{"organizations", "contacts", "clients", "certificates"} {
			sql("UPDATE " + table + " SET mac = NULL")
		}
		return
	}
	files, err := filepath.Glob(filepath.Join(ktest.Root(t), "internal/sqlite/migrations/*.sql"))
	if err != nil || len(files) < 3 {
		t.Fatalf("got migrations %v and error %v, want three at least", files, err)
	}
	all := "BEGIN;"
	for _, file := range slices.Backward(files[2:]) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, down, ok := strings.Cut(string(data), "-- +goose Down\n")
		if !ok {
			t.Fatalf("%s cannot be taken back", file)
		}
		all += down
	}
	sql(all + "DELETE FROM goose_db_version WHERE version_id >= 3; COMMIT")
}

// TestDBAuthenticate: a database of an earlier build serves nobody until its rows were
// authenticated; a row with another MAC serves nobody afterwards either.
func TestDBAuthenticate(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var url, dir string
			if engine == "postgres" {
				url = ktest.Postgres(t)
				dir = ktest.DirOn(t, url)
			} else {
				dir = ktest.Dir(t)
			}
			authenticated(t, dir, url)
		})
	}
}

func authenticated(t *testing.T, dir, url string) {
	ctx := context.Background()
	sql := sqlFor(t, dir, url)
	s := ktest.Start(t, dir)
	if err := s.Admin().CreateOrganization(ctx, client.NewOrganization{Name: "q", Approval: "automatic", Contacts: []string{"finn@example.com"}}); err != nil {
		t.Fatal(err)
	}
	good, _ := s.Client(t, "q")
	bad, badDir := s.Client(t, "q")
	for _, c := range []*client.Client{good, bad} {
		if _, err := c.Put(ctx, "a", []byte("secret"), nil); err != nil {
			t.Fatal(err)
		}
	}
	run := func(wantCode int, args ...string) string {
		t.Helper()
		stdout, stderr, code := ktest.Run(t, "ktadmin", append([]string{"db", "authenticate", "--confdir", dir}, args...)...)
		if code != wantCode {
			t.Fatalf("ktadmin db authenticate %v: got exit code %d, want %d\n%s%s", args, code, wantCode, stdout, stderr)
		}
		return stdout + stderr
	}
	contains(t, "while ktsd runs", run(1, "--auto-approve"), "ktsd is running; nothing was changed", "hint: stop it")
	s.Stop(t)
	contains(t, "nothing to do", run(0), "all rows are authentic: 6\n")
	earlier(t, url, sql)
	s = ktest.Start(t, dir)
	notServed(t, good, "is not authenticated")
	notServed(t, bad, "is not authenticated")
	s.Stop(t)

	out := run(1)
	contains(t, "without a yes", out, "nobody can be asked", `no MAC  organization  "q"`, `no MAC  contact       "finn@example.com"`,
		fmt.Sprintf("no MAC  client        %q", good.Fingerprint()), `"active, name `, fmt.Sprintf(`of %q`, bad.Fingerprint()))
	key := ktest.Pair(t, badDir).Leaf
	contains(t, "again", run(1), fmt.Sprintf("certificate   %q", keyHash(key)))
	sql("UPDATE certificates SET mac = " + blob(url, strings.Repeat("01", 37)) + " WHERE client = '" + bad.Fingerprint() + "'")
	out = run(1, "--auto-approve")
	contains(t, "with a yes", out, "WRONG MAC  certificate", "authenticated: organization 1, contact 1, client 2, certificate 1\n",
		"error: rows that this server did not write stay refused: certificate 1", "hint: find out who changed them")
	out = run(1, "--auto-approve")
	if strings.Contains(out, "authenticated:") {
		t.Errorf("again: got %s, want that nothing is authenticated", out)
	}

	s = ktest.Start(t, dir)
	if _, got, err := good.Get(ctx, "a", 0); err != nil || string(got) != "secret" {
		t.Errorf("Get: got %q, %v, want the secret", got, err)
	}
	notServed(t, bad, "is not what this server wrote")
	if orgs, err := s.Admin().Organizations(ctx); err != nil || len(orgs) != 1 || len(orgs[0].Foreign) != 0 || len(orgs[0].Contacts) != 1 {
		t.Errorf("Organizations: got %+v, %v, want one with its contact", orgs, err)
	}
	s.Stop(t)
	chain, err := os.ReadFile(filepath.Join(confdir.Dir(dir).Audit(), "audit-00000001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(chain), `"rows.authenticate"`); n != 1 {
		t.Errorf("records of it in the chain: got %d, want 1", n)
	}
	contains(t, "the chain", string(chain), fmt.Sprintf(`"actor":"operator uid %d"`, os.Getuid()), `"detail":"organization 1, contact 1, client 2, certificate 1"`)
	ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", dir)
}

func blob(url, digits string) string {
	if url != "" {
		return `'\x` + digits + `'`
	}
	return `x'` + digits + `'`
}

func contains(t *testing.T, what, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%s: got\n%s\nwant %q", what, got, w)
		}
	}
}

// notServed makes sure that a client is not served, and is told what to do.
func notServed(t *testing.T, c *client.Client, want string) {
	t.Helper()
	_, _, err := c.Get(context.Background(), "a", 0)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Get: got %v, want that a row %s", err, want)
	}
}

func keyHash(cert *x509.Certificate) string {
	hash := tlsconf.KeyHash(cert)
	return hex.EncodeToString(hash[:])
}
