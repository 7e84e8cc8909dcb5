package main_test

import (
	"context"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// database is an empty database of PostgreSQL, and the ways to name it.
type database struct {
	url      string // with its password
	password string
	open     string // the URL without it: it is in a passfile
	file     string // that holds url
	shown    string // HOST:PORT/DATABASE as USER
}

func newDatabase(t *testing.T) database {
	t.Helper()
	d := database{url: ktest.Postgres(t)}
	u, err := url.Parse(d.url)
	if err != nil {
		t.Fatal("the database's URL is none")
	}
	d.password, _ = u.User.Password()
	if d.password == "" {
		t.Fatal("the database has no password: the test would show nothing")
	}
	d.shown = u.Host + u.Path + " as " + u.User.Username()
	passfile := secretFile(t, "pgpass", "*:*:*:"+u.User.Username()+":"+d.password+"\n")
	d.file = secretFile(t, "url", d.url+"\n")
	u.User = url.User(u.User.Username())
	q := u.Query()
	q.Set("passfile", passfile)
	u.RawQuery = q.Encode()
	d.open = u.String()
	return d
}

// secretFile returns a new file of mode 0600.
func secretFile(t *testing.T, name, contents string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tables counts what ktadmin makes.
func (d database) tables(t *testing.T) string {
	t.Helper()
	return ktest.SQL(t, d.url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename IN ('organizations', 'deposits')")
}

// siteHere writes a site's file for a directory: a database, its server on another
// address, an organization.
func siteHere(t *testing.T, block, listen string) string {
	t.Helper()
	return secretFile(t, "site.hcl", block+"\nserver \"localhost\" {\n  listen = \""+listen+"\"\n}\n"+
		"organization \"one\" {\n  contacts = [\"finn@example.com\"]\n}\n")
}

func byURL(u string) string     { return fmt.Sprintf("database \"postgres\" {\n  url = %q\n}", u) }
func byURLFile(f string) string { return fmt.Sprintf("database \"postgres\" {\n  url_file = %q\n}", f) }
func confText(dir string) string {
	text, _ := os.ReadFile(confdir.Dir(dir).Conf())
	return string(text)
}

// TestApplyDatabase goes from SQLite to PostgreSQL, by a URL and by a file that holds
// it, and back. The password shows nowhere.
func TestApplyDatabase(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"url", "url_file"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			dir := ktest.Dir(t)
			block, key := byURL(db.open), "DATABASE_URL"
			if way == "url_file" {
				block, key = byURLFile(db.file), "DATABASE_URL_FILE"
			}
			file := siteHere(t, block, ktest.FreeAddress(t))
			var shown strings.Builder
			run := func(wantCode int, want string, args ...string) {
				t.Helper()
				out, stderr, code := ktest.Run(t, "ktadmin", append(args, "--confdir", dir, "-f", file)...)
				shown.WriteString(out + stderr)
				if code != wantCode || !strings.Contains(out+stderr, want) {
					t.Fatalf("%s: got exit code %d, want %d and %q\n%s%s", args, code, wantCode, want, out, stderr)
				}
			}
			run(2, `~ database: "sqlite" (default) → "postgres `+db.shown+`"`, "plan")
			run(2, `"value": "postgres `+db.shown+`"`, "plan", "--json")
			run(1, "the organizations wait: one", "apply", "--auto-approve")
			if got := db.tables(t); got != "2" {
				t.Errorf("got %s of 2 tables", got)
			}
			if conf := confText(dir); !strings.Contains(conf, `"`+key+`"`) || strings.Contains(conf, db.password) {
				t.Errorf("keytrustee.conf: want %s and no password\n%s", key, conf)
			}
			s := ktest.Start(t, dir)
			run(0, `organization "one": created`, "apply", "--auto-approve")
			run(0, "No changes.", "plan")
			if got := ktest.SQL(t, db.url, "SELECT name FROM organizations"); got != "one" {
				t.Errorf("organizations in PostgreSQL: got %q, want one", got)
			}
			running, err := s.Admin().Server(context.Background())
			if want := "postgres " + db.shown; err != nil || running.Database != want || running.DatabaseChanged {
				t.Errorf("ktsd runs with %q, changed %t, %v, want %q", running.Database, running.DatabaseChanged, err, want)
			}
			wantNotInProcesses(t, db.password)
			if strings.Contains(shown.String()+s.Log(), db.password) {
				t.Errorf("the password shows in ktadmin's output or in ktsd's log:\n%s\n%s", &shown, s.Log())
			}
			if !strings.Contains(s.Log(), db.shown) {
				t.Errorf("ktsd's log does not say which database it works with")
			}

			if code := s.Stop(t); code != 0 {
				t.Fatalf("ktsd ended with exit code %d", code)
			}
			file = siteHere(t, `database "sqlite" {}`, running.Listen)
			run(1, `not moved: what "postgres `+db.shown+`" holds stays there`, "apply", "--auto-approve")
			if conf := confText(dir); strings.Contains(conf, "DATABASE_URL") {
				t.Errorf("keytrustee.conf still names PostgreSQL:\n%s", conf)
			}
			ktest.Start(t, dir)
			run(0, `organization "one": created`, "apply", "--auto-approve")
			if got := ktest.SQL(t, db.url, "SELECT name FROM organizations"); got != "one" {
				t.Errorf("organizations left in PostgreSQL: got %q, want one", got)
			}
		})
	}
}

// wantNotInProcesses looks at every command line on this machine.
func wantNotInProcesses(t *testing.T, secret string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Fatalf("got no processes: %v", err)
	}
	for _, line := range lines {
		if text, err := os.ReadFile(line); err == nil && strings.Contains(string(text), secret) {
			t.Errorf("%s shows the password: %q", line, text)
		}
	}
}

// TestApplyWrongDatabase: nothing is changed where the tables cannot be made, and
// what is said names the database and no password.
func TestApplyWrongDatabase(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	wrongPassword := strings.Replace(db.url, db.password, "s3cr3t"+db.password, 1)
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal("the database's URL is none")
	}
	u.Path = "/nowhere"
	noDatabase := u.String()
	u.Host = ktest.FreeAddress(t)
	nobody := u.String()
	for name, c := range map[string]struct{ url, want string }{
		"another password": {wrongPassword, strings.Split(db.shown, " ")[0]},
		"no database":      {noDatabase, "nowhere"},
		"nobody there":     {nobody, u.Host},
		"no URL":           {"s3cr3t", "site.hcl:2:14"},
		"no user":          {"postgres://" + u.Host + "/s3cr3t", "site.hcl:2:14"},
		"no certificate":   {"postgres://ktsd:s3cr3t@" + u.Host + "/x?sslmode=verify-full&sslrootcert=/nowhere", "site.hcl:2:14"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := ktest.Dir(t)
			before := contents(t, dir)
			file := siteHere(t, byURLFile(secretFile(t, "url", c.url)), ktest.FreeAddress(t))
			out, stderr, code := ktest.Run(t, "ktadmin", "apply", "--auto-approve", "--confdir", dir, "-f", file)
			if code != 1 || !strings.Contains(stderr, c.want) || strings.Contains(c.want, "site.hcl") == strings.Contains(stderr, "hint: see that PostgreSQL runs") {
				t.Errorf("got exit code %d, want 1, %q and a place or a hint\n%s%s", code, c.want, out, stderr)
			}
			if strings.Contains(out+stderr, db.password) || strings.Contains(out+stderr, "s3cr3t") {
				t.Errorf("a password shows:\n%s%s", out, stderr)
			}
			after := contents(t, dir)
			delete(after, confdir.Dir(dir).Lock())
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the directory was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestApplyDatabaseRefused: while ktsd runs, a file with another database changes
// nothing, whatever else it declares.
func TestApplyDatabaseRefused(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s := ktest.Start(t, ktest.Dir(t))
	before := confText(s.Dir)
	file := siteHere(t, byURLFile(db.file), ktest.FreeAddress(t))
	plan := func(want ...string) {
		t.Helper()
		out, stderr, code := ktest.Run(t, "ktadmin", "plan", "--confdir", s.Dir, "-f", file)
		for _, w := range append(want, "unknown: ktsd runs with another database\n    organization \"one\"", `stop ktsd first: it runs with "sqlite"`) {
			if code != 2 || !strings.Contains(out, w) {
				t.Errorf("plan: got exit code %d, want 2 and %q\n%s%s", code, w, out, stderr)
			}
		}
	}
	refused := func() {
		t.Helper()
		out, stderr, code := ktest.Run(t, "ktadmin", "apply", "--auto-approve", "--confdir", s.Dir, "-f", file)
		if code != 1 || !strings.Contains(stderr, "ktsd is running") || !strings.Contains(stderr, "hint: stop it, then apply again") {
			t.Errorf("apply: got exit code %d, want 1, that ktsd is running and what to do\n%s%s", code, out, stderr)
		}
		if orgs, err := s.Admin().Organizations(context.Background()); err != nil || len(orgs) != 0 {
			t.Errorf("got organizations %v, %v, want none", orgs, err)
		}
		if got := db.tables(t); got != "0" {
			t.Errorf("got %s tables in PostgreSQL, want none", got)
		}
	}
	plan(`~ database: "sqlite" (default) → "postgres`)
	refused()
	if after := confText(s.Dir); after != before {
		t.Errorf("keytrustee.conf was changed:\n%s", after)
	}

	// Edited by hand it is no better: a reload takes on the rest, and says so.
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.DatabaseURLFile = db.file })
	plan()
	refused()
	s.Signal(t, syscall.SIGHUP)
	await(t, "a warning in ktsd's log", func() bool {
		return strings.Contains(s.Log(), "keytrustee.conf names another database") && strings.Contains(s.Log(), "msg=reloaded")
	})
	if running, err := s.Admin().Server(context.Background()); err != nil || running.Database != "sqlite" || !running.DatabaseChanged {
		t.Errorf("after a reload: got %q, changed %t, %v, want ktsd to go on with sqlite, and to say so", running.Database, running.DatabaseChanged, err)
	}
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not there: %s", what)
		}
	}
}

// TestEmptyDatabase: neither ktsd nor a plain init or apply makes tables in a database
// that keytrustee.conf names already. It may be the wrong one.
func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	dir := ktest.Dir(t)
	if err := os.Remove(confdir.Dir(dir).Database()); err != nil {
		t.Fatal(err)
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.DatabaseURLFile = db.file })
	notStarted := func() {
		t.Helper()
		s := ktest.Launch(t, dir)
		if code := s.Wait(t); code != 1 || !strings.Contains(s.Log(), "the database postgres "+db.shown+" has no tables") ||
			!strings.Contains(s.Log(), "ktadmin init --empty-database --confdir "+dir) || strings.Contains(s.Log(), db.password) {
			t.Errorf("ktsd on an empty database: got exit code %d, want 1, a hint, and no password\n%s", code, s.Log())
		}
	}
	notStarted()
	if out := ktest.Must(t, "ktadmin", "init", "--confdir", dir); !strings.Contains(out, "nothing was changed") || strings.Contains(out, "no database") {
		t.Errorf("init: got %q, want nothing changed and nothing amiss", out)
	}
	file := siteHere(t, byURLFile(db.file), ktest.FreeAddress(t))
	if _, stderr, code := ktest.Run(t, "ktadmin", "apply", "--auto-approve", "--confdir", dir, "-f", file); code != 1 {
		t.Errorf("apply: got exit code %d, want 1\n%s", code, stderr)
	}
	notStarted()
	if got := db.tables(t); got != "0" {
		t.Fatalf("got %s tables, want none made unasked", got)
	}
	for range 2 {
		out := ktest.Must(t, "ktadmin", "init", "--empty-database", "--confdir", dir)
		if !strings.Contains(out, "made sure that postgres "+db.shown+" has its tables\n") || strings.Contains(out, db.password) {
			t.Errorf("init --empty-database: got %q, want that the tables are there", out)
		}
	}
	if confdir.Exists(confdir.Dir(dir).Database()) {
		t.Error("a SQLite file was made beside the PostgreSQL database")
	}
	ktest.Start(t, dir)
	ktest.Must(t, "ktadmin", "apply", "--auto-approve", "--confdir", dir, "-f", file)

	// The keys of a database are not made anew.
	if err := os.Remove(confdir.Dir(dir).KEKRing()); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := ktest.Run(t, "ktadmin", "init", "--confdir", dir); code != 1 || !strings.Contains(stderr, "the KEK ring") {
		t.Errorf("init without the KEK ring: got exit code %d, %q, want it refused", code, stderr)
	}
}

// TestApplyDatabaseKilled kills apply at many points on its way to PostgreSQL and
// back: the next one goes on from there.
func TestApplyDatabaseKilled(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	dir := ktest.Dir(t)
	r := rand.New(rand.NewSource(1))
	killed := 0
	for round := range 10 {
		block, want := byURL(db.open), true
		if round%2 == 1 {
			block, want = `database "sqlite" {}`, false
		} else {
			ktest.SQL(t, db.url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
		}
		file := siteHere(t, block, ktest.FreeAddress(t))
		args := []string{"apply", "--auto-approve", "--confdir", dir, "-f", file}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(5+r.Intn(150))*time.Millisecond)
		apply := exec.CommandContext(ctx, filepath.Join(ktest.Bin(t), "ktadmin"), args...)
		apply.Run()
		if apply.ProcessState.ExitCode() == -1 {
			killed++
		}
		cancel()
		conf, err := confdir.Dir(dir).ReadConf()
		if err != nil {
			t.Fatalf("round %d: keytrustee.conf after a kill: %v", round, err)
		}
		if conf.UsesPostgres() && db.tables(t) != "2" {
			t.Fatalf("round %d: keytrustee.conf names a database without its tables", round)
		}
		if out, stderr, code := ktest.Run(t, "ktadmin", args...); code != 1 || !strings.Contains(stderr, "the organizations wait: one") {
			t.Fatalf("round %d: got exit code %d, want 1, and the organizations to wait\n%s%s", round, code, out, stderr)
		}
		if conf, err = confdir.Dir(dir).ReadConf(); err != nil || conf.UsesPostgres() != want {
			t.Fatalf("round %d: got PostgreSQL %t, %v, want %t", round, conf.UsesPostgres(), err, want)
		}
	}
	if killed == 0 {
		t.Error("no apply was killed: the test shows nothing")
	}
}
