package ktest

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// Postgres returns the URL of a new, empty database with an owner of its own. It is
// dropped when the test ends. All tests share one cluster: the one whose superuser
// has the URL KTSD_TEST_POSTGRES, else one of this process.
func Postgres(t testing.TB) string {
	t.Helper()
	super := os.Getenv("KTSD_TEST_POSTGRES")
	if super == "" {
		needPostgres(t)
		shared, err := sharedPostgres()
		if err != nil {
			t.Fatalf("starting PostgreSQL: %v", err)
		}
		super = shared.URL("postgres")
	}
	return newDatabase(t, super)
}

// sharedPostgres starts the process's cluster, once.
var sharedPostgres = sync.OnceValues(func() (*PostgreSQL, error) {
	dir, err := postgresDir()
	if err != nil {
		return nil, err
	}
	return startPostgres(dir, "max_connections=400", "fsync=off", "full_page_writes=off") // nothing here has to outlive the machine
})

func needPostgres(t testing.TB) {
	t.Helper()
	Need(t, "psql")
	if postgresBin() == "" {
		Missing(t, "postgresql")
	}
}

// psql runs SQL, each statement for itself, and returns what it prints, without
// decoration.
func psql(connection string, statements ...string) (string, error) {
	args := []string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", connection}
	for _, sql := range statements {
		args = append(args, "-c", sql)
	}
	out, err := exec.Command("psql", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// SQL runs SQL in the database of a URL, as its user, and returns what it prints.
func SQL(t testing.TB, url, sql string) string {
	t.Helper()
	out, err := psql(url, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// newDatabase makes a database and its owner with the superuser's URL.
func newDatabase(t testing.TB, super string) string {
	t.Helper()
	u, err := url.Parse(super)
	if err != nil {
		t.Fatal("KTSD_TEST_POSTGRES is no URL")
	}
	name, password := "ktsd_"+strings.ToLower(rand.Text()), rand.Text()
	if _, err := psql(super, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", name, password),
		fmt.Sprintf("CREATE DATABASE %s OWNER %s ENCODING 'UTF8' TEMPLATE template0", name, name)); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	t.Cleanup(func() { // best effort: a cluster that was stopped goes as a whole
		psql(super, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name), "DROP ROLE "+name)
	})
	u.User, u.Path = url.UserPassword(name, password), "/"+name
	return u.String()
}
