package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// onFullDisk runs a test with directories whose data is on a small disk of its own:
// the SQLite database's folder, all of the node's state, and PostgreSQL's tables.
func onFullDisk(t *testing.T, test func(t *testing.T, dir, disk string)) {
	t.Helper()
	for name, of := range map[string]func(confdir.Dir) string{
		"sqlite":      func(d confdir.Dir) string { return d.State("db") },
		"one for all": func(d confdir.Dir) string { return d.State() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := ktest.Dir(t)
			ktest.SetConf(t, dir, func(c *confdir.Conf) {
				a := bounds.DefaultAudit()
				a.LowWater = 0 // changes are not stopped before the disk is full
				c.Audit = &a
			})
			disk := of(confdir.Dir(dir))
			ktest.OwnDisk(t, disk, "size=16m")
			test(t, dir, disk)
		})
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		disk := ktest.SmallDisk(t, "size=16m,mode=1777")
		cluster := ktest.Cluster(t, "fsync=off", "max_prepared_transactions=1")
		space := filepath.Join(disk, "space")
		if err := os.Mkdir(space, 0o700); err != nil {
			t.Fatal(err)
		}
		cluster.Own(t, space)
		database := cluster.Database(t)
		name := databaseOf(database)
		cluster.Exec(t, "postgres", `CREATE TABLESPACE small LOCATION '`+space+`'`)
		cluster.Exec(t, "postgres", `GRANT CREATE ON TABLESPACE small TO `+name)
		cluster.Exec(t, "postgres", `ALTER DATABASE `+name+` SET default_tablespace = small`)
		dir := ktest.DirOn(t, database)
		// With this one open, the place of a row that was removed is not given to another.
		cluster.Exec(t, name, `BEGIN; SELECT txid_current(); PREPARE TRANSACTION 'open'`)
		test(t, dir, disk)
	})
}

// fillUp fills the disk, and has ktsd use what room its own files have left.
func fillUp(t *testing.T, s *ktest.Server, b box, filler string, spare *identity) {
	t.Helper()
	occupy(t, filler, 5<<20) // the rest is for the database, and for SQLite's log of it
	for _, size := range []int{1 << 20, 1 << 10, 1} {
		r := b.put(t, uuid.NewString(), "filler", randomBytes(size))
		for n := 0; r.status == http.StatusOK; n++ {
			if n > 2000 {
				t.Fatal("the disk does not become full")
			}
			r = b.put(t, uuid.NewString(), "filler", randomBytes(size))
		}
		wantKind(t, "a put on the full disk", r, fault.Unavailable)
	}
	for n := 0; ; n++ { // what a denial needs is less
		c, err := s.Admin().DisableClient(t.Context(), spare.key.Fingerprint())
		if err != nil {
			t.Fatalf("disabling on the full disk: %v", err)
		}
		if !c.InForce.Everywhere {
			return
		}
		if n > 2000 {
			t.Fatal("the disk does not become full")
		}
		_, _ = s.Admin().EnableClient(t.Context(), spare.key.Fingerprint()) // as long as there is room
	}
}

// TestFullDisk: with the disk of the data full, puts are refused, with a hint, and
// reads go on. Access is taken away all the same, from the next request on and
// after a restart, on the disk that is still full. With room again everything works
// without a restart, and the database is told.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	onFullDisk(t, func(t *testing.T, dir, disk string) {
		s, b, id := serviceOn(t, dir)
		disabled, disabledID := newBox(t, s, "acme")
		revoked, revokedID := newBox(t, s, "acme")
		_, spare := newBox(t, s, "acme")
		kept := b.keep(t, "h", []byte("contents")).UUID
		filler := filepath.Join(disk, "filler")
		fillUp(t, s, b, filler, spare)

		r := b.put(t, uuid.NewString(), "h", randomBytes(4096))
		wantKind(t, "a put", r, fault.Unavailable)
		contains(t, "its message", r.detail().Message, "disk")
		if r.detail().Hint == "" {
			t.Errorf("a put: got %v, want a hint", r)
		}
		wantContents(t, "a get", b.get(t, kept), []byte("contents"))
		out := func(when string) {
			t.Helper()
			wantKind(t, "who was disabled, "+when, disabled.getHandle(t, "x"), fault.Disabled)
			wantKind(t, "who was revoked, "+when, revoked.getHandle(t, "x"), fault.Unauthenticated)
			wantContents(t, "another, "+when, b.get(t, kept), []byte("contents"))
		}
		wantKind(t, "a client that is to be disabled", disabled.getHandle(t, "x"), fault.NotFound)
		takeAway := func(where string) {
			t.Helper()
			for _, args := range [][]string{
				{"disable-client", "--fingerprint", disabledID.key.Fingerprint()},
				{"revoke-certificate", "--key", revokedID.keyHash()},
			} {
				_, stderr, code := ktest.Run(t, "orgtool", append(args, "--confdir", dir)...)
				if code != 0 {
					t.Fatalf("orgtool %s: got exit code %d\n%s", args[0], code, stderr)
				}
				contains(t, "orgtool "+args[0], stderr, where)
			}
		}
		takeAway("in force on localhost now; the database is told as soon as it can be written")
		out("at once")

		for n, end := range []func(){func() { s.Kill(t) }, func() { s.Stop(t) }} { // the latter takes SQLite's log away
			end()
			ktest.FillDisk(t, fmt.Sprintf("%s%d", filler, n))
			s = ktest.Start(t, dir)
			for x, i := range map[*box]*identity{&b: id, &disabled: disabledID, &revoked: revokedID} {
				x.http = s.HTTP(t, i.pair)
			}
			out("after a restart")
			wantKind(t, "a put after a restart", b.put(t, uuid.NewString(), "h", randomBytes(1<<20)), fault.Unavailable)
		}

		for _, name := range []string{filler, filler + "0", filler + "1"} {
			os.Remove(name)
		}
		soon(t, "puts are taken again", func() bool { return b.put(t, uuid.NewString(), "h", []byte("x")).status == http.StatusOK })
		soon(t, "the database is told", func() bool {
			return behind(t, dir, fmt.Sprintf(`SELECT count(*) FROM clients WHERE fingerprint = '%s' AND state = 3`, disabledID.key.Fingerprint())) == "1" &&
				behind(t, dir, fmt.Sprintf(`SELECT count(*) FROM certificates WHERE key_hash = %s AND retired IS NOT NULL`, blob(t, dir, revokedID.keyHash()))) == "1"
		})
		takeAway("in force everywhere")
		out("with room again")
		if code := s.Stop(t); code != 0 {
			t.Errorf("stopping: got exit code %d, want 0", code)
		}
		ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", dir)
		for action, object := range map[string]string{"client.disable": disabledID.key.Fingerprint(), "certificate.revoke": revokedID.keyHash()} {
			found := ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", action, "--object", object, "--outcome", "ok")
			contains(t, action+" in the audit log", found, "taken away at ", "by operator uid ")
		}
	})
}
