package ktest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// PostgreSQL is a cluster of one test, to be stopped, killed and frozen.
type PostgreSQL struct {
	dir, bin string
	port     string
	settings []string
	password string
	cmd      *exec.Cmd
	ended    chan struct{}
}

// Cluster starts a cluster with settings of postgresql.conf ("name=value"). It is
// removed when the test ends.
func Cluster(t testing.TB, settings ...string) *PostgreSQL {
	t.Helper()
	needPostgres(t)
	dir, err := postgresDir()
	if err != nil {
		t.Fatalf("making a place for PostgreSQL: %v", err)
	}
	p, err := startPostgres(dir, settings...)
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		p.Thaw(t)
		p.Kill(t)
		os.RemoveAll(dir)
	})
	return p
}

// postgresBin is the folder of PostgreSQL's server; "" where there is none.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

// postgresAccount is the account of the server, which refuses to be root's; nil for
// our own.
func postgresAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// janitor ends whatever clusters stand below a folder, and removes it, once the
// process that holds its standard input is gone, however that ended.
const janitor = `cat >/dev/null
for f in "$1"/*/data/postmaster.pid; do
	[ -f "$f" ] || continue
	pid=$(head -n 1 "$f")
	kill -KILL "$pid" $(ps -o pid= --ppid "$pid") 2>/dev/null
done
sleep 1
rm -rf "$1"`

// postgresRoot is the folder of the process's clusters. It outlives tests, and a
// shell removes it when the process is gone and its end of the pipe with it.
var postgresRoot = sync.OnceValues(func() (root struct {
	dir  string
	pipe io.Closer // never closed, and kept from the garbage collector
}, err error) {
	if root.dir, err = os.MkdirTemp("", "ktsd-pg-"); err != nil {
		return root, err
	}
	if err := os.Chmod(root.dir, 0o755); err != nil {
		return root, err
	}
	watch := exec.Command("sh", "-c", janitor, "sh", root.dir)
	watch.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if root.pipe, err = watch.StdinPipe(); err != nil {
		return root, err
	}
	return root, watch.Start()
})

// postgresDir makes a folder for one cluster.
func postgresDir() (string, error) {
	root, err := postgresRoot()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(root.dir, "")
	if err != nil {
		return "", err
	}
	account, err := postgresAccount()
	if account != nil {
		err = os.Chown(dir, int(account.Uid), int(account.Gid))
	}
	return dir, err
}

// startPostgres makes a cluster in dir and starts it.
func startPostgres(dir string, settings ...string) (*PostgreSQL, error) {
	p := &PostgreSQL{dir: dir, bin: postgresBin(), settings: settings, password: rand.Text()}
	pwfile := filepath.Join(dir, "password")
	if err := os.WriteFile(pwfile, []byte(p.password), 0o644); err != nil {
		return nil, err
	}
	initdb, err := p.command("initdb", "--no-sync", "-D", p.Data(), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+pwfile)
	if err != nil {
		return nil, err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return p, p.start()
}

// command is one of PostgreSQL's programs, under the server's account.
func (p *PostgreSQL) command(program string, args ...string) (*exec.Cmd, error) {
	account, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setsid: true}
	return cmd, nil
}

// start starts the server and waits until it answers. A port that somebody took in
// between is given up for another one, unless the cluster had one before.
func (p *PostgreSQL) start() error {
	var err error
	for range 5 {
		fresh := p.port == ""
		if fresh {
			if p.port, err = freePort(); err != nil {
				return err
			}
		}
		if err = p.startOnce(); err == nil {
			return nil
		}
		if fresh {
			p.port = ""
		}
	}
	return err
}

func (p *PostgreSQL) startOnce() error {
	args := []string{"-D", p.Data(), "-k", p.dir, "-p", p.port, "-h", "127.0.0.1", "-c", "shared_buffers=32MB"}
	for _, s := range p.settings {
		args = append(args, "-c", s)
	}
	cmd, err := p.command("postgres", args...)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended
	return p.await()
}

// await waits until the server answers.
func (p *PostgreSQL) await() error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := psql(p.superuser(), "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("PostgreSQL did not start:\n%s", p.Log())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, p.Log())
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// Data returns the data directory.
func (p *PostgreSQL) Data() string { return filepath.Join(p.dir, "data") }

// Address returns where the server listens: 127.0.0.1:PORT.
func (p *PostgreSQL) Address() string { return "127.0.0.1:" + p.port }

// URL returns the superuser's URL of a database.
func (p *PostgreSQL) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:%s@%s/%s?sslmode=disable", p.password, p.Address(), database)
}

// superuser is the superuser's connection string over the Unix socket.
func (p *PostgreSQL) superuser() string {
	return fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres", p.dir, p.port)
}

// Database is Postgres in this cluster.
func (p *PostgreSQL) Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, p.URL("postgres"))
}

// Exec runs SQL as the superuser in a database, and returns what it prints.
func (p *PostgreSQL) Exec(t testing.TB, database, sql string) string {
	t.Helper()
	out, err := psql(p.superuser()+" dbname="+database, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// Log returns what the server has logged.
func (p *PostgreSQL) Log() string {
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return string(log)
}

// Stop stops the server as an administrator does, connections or not.
func (p *PostgreSQL) Stop(t testing.TB) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.ended:
	case <-time.After(60 * time.Second):
		t.Fatalf("PostgreSQL did not stop:\n%s", p.Log())
	}
}

// Kill kills the server and all its processes at once.
func (p *PostgreSQL) Kill(t testing.TB) {
	t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// Start starts the server again, on its old port.
func (p *PostgreSQL) Start(t testing.TB) {
	t.Helper()
	if err := p.start(); err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
}

// Freeze stops all processes of the server where they are.
func (p *PostgreSQL) Freeze(t testing.TB) {
	t.Helper()
	p.signal(syscall.SIGSTOP)
}

// Thaw lets them go on.
func (p *PostgreSQL) Thaw(t testing.TB) {
	t.Helper()
	p.signal(syscall.SIGCONT)
}

// signal signals the postmaster, so that it starts no further process, and then its
// children.
func (p *PostgreSQL) signal(sig syscall.Signal) {
	select {
	case <-p.ended:
		return
	default:
	}
	children := childrenOf(p.cmd.Process.Pid)
	p.cmd.Process.Signal(sig)
	for _, pid := range append(children, childrenOf(p.cmd.Process.Pid)...) {
		syscall.Kill(pid, sig)
	}
}

// childrenOf returns the processes that pid started, from /proc.
func childrenOf(pid int) (children []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ") // behind the program's name
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(strings.Split(name, "/")[2])
			children = append(children, child)
		}
	}
	return children
}

// Own gives a file or folder to the server's account.
func (p *PostgreSQL) Own(t testing.TB, name string) {
	t.Helper()
	account, err := postgresAccount()
	if account != nil {
		err = os.Chown(name, int(account.Uid), int(account.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// WriteData writes a file into the data directory, for the server alone.
func (p *PostgreSQL) WriteData(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(p.Data(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Own(t, path)
}
