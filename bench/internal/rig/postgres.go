package rig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/fault"
)

// sharedBuffers is more than the 128 MB of PostgreSQL's default, which its manual
// calls too little for a server ("Resource Consumption").
const sharedBuffers = "1GB"

// Postgres is a cluster of its own, with PostgreSQL's defaults but for its buffers
// and for where it listens: a Unix socket, on which it takes the account that
// measures and nobody else.
type Postgres struct {
	process *process
	sockets string
	user    string
}

// NewPostgres makes a cluster in dir and starts it.
func NewPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	account, prepare, err := postgresAccount(me)
	if err != nil {
		return nil, err
	}
	p := &Postgres{sockets: filepath.Join(dir, "s"), user: me.Username}
	data := filepath.Join(dir, "data")
	for _, d := range []string{dir, data, p.sockets} {
		if err := errors.Join(os.MkdirAll(d, 0o755), account.own(d)); err != nil {
			return nil, err
		}
	}
	at := func(cmd *exec.Cmd) {
		cmd.Dir = dir
		prepare(cmd)
	}
	if err := run(ctx, filepath.Join(bin, "initdb"), []string{"-D", data, "-U", me.Username, "--auth-local=peer", "--auth-host=reject", "-E", "UTF8", "--locale=C"}, at); errors.Is(err, fs.ErrPermission) {
		return nil, fault.New(fault.Denied, "the account that PostgreSQL runs under cannot enter %s", dir).
			WithHint("name another directory with --dir, such as /var/tmp").Because(err)
	} else if err != nil {
		return nil, err
	}
	p.process, err = start(filepath.Join(bin, "postgres"), []string{"-D", data, "-c", "listen_addresses=", "-c", "shared_buffers=" + sharedBuffers, "-k", p.sockets}, at)
	if err != nil {
		return nil, err
	}
	if err := p.process.await(ctx, 50*time.Millisecond, func() error { return p.exec(ctx, "SELECT 1") }); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// postgresPrograms returns the folder of initdb and postgres.
func postgresPrograms() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	if found, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(found); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	return "", fault.New(fault.NotFound, "PostgreSQL's initdb and postgres are not there").WithHint("apt-get install postgresql, or measure --engine sqlite alone")
}

// version returns the 15 of /usr/lib/postgresql/15/bin.
func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

// account owns the cluster's files; nil stands for our own.
type account struct{ uid, gid int }

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// postgresAccount returns under which account PostgreSQL runs: our own, but not
// root's, under which it refuses to.
func postgresAccount(me *user.User) (*account, func(*exec.Cmd), error) {
	if me.Uid != "0" {
		return nil, func(*exec.Cmd) {}, nil
	}
	other, err := user.Lookup("postgres")
	if err != nil {
		return nil, nil, fault.New(fault.NotFound, "PostgreSQL does not run as root, and there is no account postgres").
			WithHint("measure as another user, or install Debian's package postgresql")
	}
	uid, uidErr := strconv.ParseUint(other.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(other.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, nil, err
	}
	return &account{int(uid), int(gid)}, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}, nil
}

// URL returns how to connect to a database of the cluster.
func (p *Postgres) URL(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{"host": {p.sockets}, "user": {p.user}}.Encode()}
	return u.String()
}

// CreateDatabase makes a database and returns its URL.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) (string, error) {
	name = "bench_" + strings.ReplaceAll(name, "-", "_")
	if err := p.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("making database %s: %w", name, err)
	}
	return p.URL(name), nil
}

// errUnused tells that what should work on a database does not.
var errUnused = errors.New("ktsd keeps nothing in the PostgreSQL database that its keytrustee.conf names: what would be measured is its embedded store")

// checkUsed returns an error unless the database has tables.
func checkUsed(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var tables int
	err = conn.QueryRow(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`).Scan(&tables)
	if err == nil && tables == 0 {
		err = errUnused
	}
	return err
}

func (p *Postgres) exec(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// PID returns the number of the cluster's first process.
func (p *Postgres) PID() int { return p.process.cmd.Process.Pid }

// Stop stops the cluster.
func (p *Postgres) Stop() error {
	if p == nil {
		return nil
	}
	return p.process.stop(os.Interrupt) // its fast shutdown
}
