package packages_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
)

// machine is a Debian of its own, with systemd as its process 1 and no network but
// its loopback.
type machine struct {
	t    *testing.T
	root string // its root, as this machine sees it

	nspawn *exec.Cmd
	ended  chan struct{}
	leader string // the process that is its 1, as this machine numbers it
	log    bytes.Buffer
}

// newMachine makes a machine and boots it. It is stopped when the test ends.
func newMachine(t *testing.T) *machine {
	t.Helper()
	ktest.Need(t, "systemd-nspawn", "nsenter")
	m := &machine{t: t, root: copyTree(t)}
	m.write("etc/hosts", "127.0.0.1 localhost\n", 0o644)
	t.Cleanup(m.stop)
	m.boot()
	return m
}

// boot boots, and returns once systemd says that all is started.
func (m *machine) boot() {
	m.t.Helper()
	socket := filepath.Join(m.t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	m.nspawn = exec.Command("systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--private-network", "--notify-ready=yes",
		"--console=pipe", "--resolv-conf=off", "--machine", fmt.Sprintf("ktsd-test-%d", os.Getpid()), "--directory", m.root, "--boot")
	m.nspawn.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	m.nspawn.Stdout, m.nspawn.Stderr = &m.log, &m.log
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it takes all its processes along
	if err := m.nspawn.Start(); err != nil {
		m.t.Fatalf("starting systemd-nspawn: %v", err)
	}
	ended := make(chan struct{})
	m.ended = ended
	go func() {
		m.nspawn.Wait()
		conn.Close()
		close(ended)
	}()
	if err := m.await(conn); err != nil {
		m.stop()
		m.t.Fatalf("a Debian does not boot here: %v\n%s", err, m.log.String())
	}
}

// await reads what systemd-nspawn tells: who is process 1, and that it is ready.
func (m *machine) await(conn *net.UnixConn) error {
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	m.leader = ""
	for message := make([]byte, 4096); ; {
		n, err := conn.Read(message)
		if err != nil {
			return fmt.Errorf("waiting for systemd to be ready: %w", err)
		}
		ready := false
		for line := range strings.Lines(string(message[:n])) {
			line = strings.TrimSpace(line)
			if pid, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
				m.leader = pid
			}
			ready = ready || line == "READY=1"
		}
		if ready && m.leader != "" {
			return nil
		}
	}
}

// stop switches the machine off.
func (m *machine) stop() {
	if m.nspawn == nil {
		return
	}
	m.nspawn.Process.Signal(syscall.SIGTERM) // it has systemd power off
	select {
	case <-m.ended:
	case <-time.After(90 * time.Second): // as long as systemd gives a service, its default
		m.nspawn.Process.Kill()
		<-m.ended
		m.t.Error("the machine did not power off")
	}
	m.nspawn = nil
}

// inside returns a command that is run in the machine, by its root.
func (m *machine) inside(program string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--target", m.leader, "--all", program}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	return cmd
}

// try runs a program in the machine and returns what it prints.
func (m *machine) try(program string, args ...string) (string, error) {
	out, err := m.inside(program, args...).CombinedOutput()
	return string(out), err
}

// run runs a program in the machine, which has to succeed, and returns what it prints.
func (m *machine) run(program string, args ...string) string {
	m.t.Helper()
	out, err := m.try(program, args...)
	if err != nil {
		status, _ := m.try("systemctl", "--no-pager", "status", "ktsd")
		journal, _ := m.try("journalctl", "--no-pager", "-n", "40")
		m.t.Fatalf("%s %s: %v\n%s\n%s\n%s", program, strings.Join(args, " "), err, out, status, journal)
	}
	return out
}

// path is a file of the machine, as this one sees it.
func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

// write writes a file of the machine.
func (m *machine) write(name, text string, mode os.FileMode) {
	m.t.Helper()
	err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(m.path(name), []byte(text), mode)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// install installs a package of this machine's there with dpkg.
func (m *machine) install(file string) string {
	m.t.Helper()
	run(m.t, "cp", file, m.path("root/ktsd.deb"))
	return m.run("dpkg", "-i", "/root/ktsd.deb")
}

// show returns a property of ktsd's unit.
func (m *machine) show(property string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "--value", "--property", property, "ktsd"))
}

// until waits until a condition holds.
func (m *machine) until(what string, holds func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			journal, _ := m.try("journalctl", "--no-pager", "-n", "40")
			m.t.Fatalf("waited a minute: %s\n%s", what, journal)
		}
	}
}
