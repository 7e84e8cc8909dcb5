package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// person is somebody with a client's directory, who uses the real programs.
type person struct {
	t         *testing.T
	s         *ktest.Server
	directory string
}

// register registers with organization acme.
func (p person) register() string {
	p.t.Helper()
	return p.must("register", "--server", p.s.URL, "--ca", p.s.CA(), "--org", "acme")
}

func (p person) must(args ...string) string {
	p.t.Helper()
	return ktest.Must(p.t, "keytrustee", append([]string{"--confdir", p.directory}, args...)...)
}

// refused runs keytrustee, which has to end with a code and say something.
func (p person) refused(code int, says string, args ...string) {
	p.t.Helper()
	_, stderr, got := ktest.Run(p.t, "keytrustee", append([]string{"--confdir", p.directory}, args...)...)
	if got != code {
		p.t.Errorf("keytrustee %s: got exit code %d, want %d\n%s", strings.Join(args, " "), got, code, stderr)
	}
	contains(p.t, "keytrustee "+strings.Join(args, " "), stderr, says)
}

// pair are the files of a TLS key and its certificate.
func (p person) pair() [2]string {
	return [2]string{filepath.Join(p.directory, "client-key.pem"), filepath.Join(p.directory, "client-cert.pem")}
}

// robbed is a client with deposits, some of them older versions, and a thief who has
// copied its TLS key and certificate into a client's directory of the thief's own.
type robbed struct {
	owner, thief person
	fingerprint  string
	kept         map[[2]string][]byte // contents by handle and version
}

func newRobbed(t *testing.T, s *ktest.Server) *robbed {
	t.Helper()
	r := &robbed{person{t, s, filepath.Join(t.TempDir(), "owner")}, person{t, s, filepath.Join(t.TempDir(), "thief")}, "", map[[2]string][]byte{}}
	r.owner.register()
	r.thief.register()
	r.fingerprint, _, _ = strings.Cut(r.owner.must("status"), "\n")
	for n := range 6 {
		handle, version := fmt.Sprintf("luks/sda%d", n%4), fmt.Sprint(1+n/4)
		contents := randomBytes(1 + 3000*n)
		r.kept[[2]string{handle, version}] = contents
		file := filepath.Join(t.TempDir(), "contents")
		rewrite(t, file, contents)
		r.owner.must("put", handle, file)
	}
	for i, stolen := range r.owner.pair() {
		data, err := os.ReadFile(stolen)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, r.thief.pair()[i], data)
	}
	return r
}

// rob has the thief delete everything, try to purge it, and try to get a key of his
// own bound. He signs with an OpenPGP key that is not the owner's.
func (r *robbed) rob() {
	t := r.thief.t
	t.Helper()
	for k := range r.kept {
		contains(t, "the thief's delete", r.thief.must("delete", k[0], "--version", k[1]), "deleted "+k[0])
		r.thief.refused(1, "can be purged from", "purge", k[0], "--version", k[1])
		r.owner.refused(3, "no such deposit", "get", k[0], "--version", k[1])
	}
	r.thief.refused(1, "keytrustee: error: ", "rotate-certificate")
	if got := strings.Count(r.owner.must("certificates"), "\n"); got != 1 {
		t.Errorf("certificates after the thief's rotation: got %d, want 1", got)
	}
}

// recover has the owner undelete all versions and compares each with what was put.
func (r *robbed) recover() {
	t := r.owner.t
	t.Helper()
	for k, contents := range r.kept {
		r.owner.must("undelete", k[0], "--version", k[1])
		if got := r.owner.must("get", k[0], "--version", k[1]); !bytes.Equal([]byte(got), contents) {
			t.Errorf("%s version %s: got %d bytes back, want the %d that were put", k[0], k[1], len(got), len(contents))
		}
	}
	r.thief.refused(1, "is not registered here", "list")
	r.thief.refused(1, "is not registered here", "delete", "luks/sda0")
}

// audited makes sure that the audit log tells who deleted, and who brought back.
func (r *robbed) audited(actions map[string]int) {
	t := r.owner.t
	t.Helper()
	dir := r.owner.s.Dir
	ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", dir)
	for action, want := range actions {
		found := ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", action)
		got := 0
		for line := range strings.Lines(found) {
			if strings.Contains(line, "client "+r.fingerprint) {
				got++
			}
		}
		if got != want {
			t.Errorf("%s in the audit log: got %d with the client, want %d:\n%s", action, got, want, found)
		}
	}
}

// TestThief: who has stolen a client's TLS key and certificate deletes everything.
// Nothing is lost: it cannot be purged for a week, the operator ends that
// certificate, and its owner registers anew, from a directory without it, and
// brings everything back as it was.
func TestThief(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s := ktest.Start(t, dir)
		s.Organization(t, "acme")
		r := newRobbed(t, s)
		r.rob()
		listed := ktest.Must(t, "orgtool", "certificates", "--confdir", dir, "--fingerprint", r.fingerprint)
		key, _, _ := strings.Cut(listed, " ")
		_, stderr, code := ktest.Run(t, "orgtool", "revoke-certificate", "--confdir", dir, "--key", key)
		if code != 0 {
			t.Fatalf("revoking: exit code %d\n%s", code, stderr)
		}
		contains(t, "revoking", stderr, "certificate "+key+" of client "+r.fingerprint+" is revoked", "in force everywhere")
		r.thief.refused(1, "is not registered here", "list")
		r.owner.refused(1, "is not registered here", "list")
		r.owner.refused(1, "was bound before", "register", "--server", s.URL, "--ca", s.CA(), "--org", "acme") // still with the revoked one
		for _, file := range r.owner.pair() {
			if err := os.Rename(file, file+".revoked"); err != nil {
				t.Fatal(err)
			}
		}
		contains(t, "registering anew", r.owner.register(), "registered "+r.fingerprint+" with organization acme: active")
		r.recover()
		s.Stop(t)
		r.audited(map[string]int{"deposit.delete": 6, "deposit.undelete": 6, "certificate.revoke": 1, "client.register": 3})
	})
}

// TestThiefAfterRotation: where the owner comes first, a rotation is enough, and the
// operator has nothing to do.
func TestThiefAfterRotation(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	r := newRobbed(t, s)
	r.rob()
	contains(t, "rotating", r.owner.must("rotate-certificate"), "retired ")
	r.recover()
	s.Stop(t)
	r.audited(map[string]int{"deposit.delete": 6, "deposit.undelete": 6, "certificate.retire": 1})
}
