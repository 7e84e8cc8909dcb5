package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestApplyWhereNothingCanBeWritten: an apply that cannot write keytrustee.conf says
// why and changes nothing, and ktsd goes on; once it can, the next one does it all.
func TestApplyWhereNothingCanBeWritten(t *testing.T) {
	for name, c := range map[string]struct {
		stop func(t *testing.T, dir string) (again func())
		want string
	}{
		"a full disk": {fillConfdir, "no space left on device"},
		"a read-only file system": {func(t *testing.T, dir string) func() {
			if err := syscall.Mount(dir, dir, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
				ktest.Missing(t, "the right to mount (root): "+err.Error())
			}
			if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
					t.Fatal(err)
				}
			}
		}, "read-only file system"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := ktest.Dir(t)
			ktest.OwnDisk(t, dir, "size=4m")
			ktest.OwnDisk(t, confdir.Dir(dir).State(), "size=300m") // what ktsd writes has room
			s := ktest.Start(t, dir)
			file := filepath.Join(t.TempDir(), "site.hcl")
			if err := os.WriteFile(file, []byte(turns(0, s.Addr)), 0o600); err != nil {
				t.Fatal(err)
			}
			before := confOf(t, dir)
			again := c.stop(t, dir)
			out, stderr, code := ktest.Run(t, "ktadmin", "apply", "--confdir", dir, "-f", file, "--auto-approve")
			if code != 1 || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "could not write keytrustee.conf") || !strings.Contains(stderr, "not begun") {
				t.Errorf("got exit code %d, want 1, %q and what was not begun\n%s%s", code, c.want, out, stderr)
			}
			if after := confOf(t, dir); after != before {
				t.Errorf("keytrustee.conf was changed:\n%s", after)
			}
			if orgs, err := s.Admin().Organizations(t.Context()); err != nil || len(orgs) != 0 {
				t.Errorf("got organizations %v, %v, want none, from a ktsd that goes on", orgs, err)
			}
			again()
			ktest.Must(t, "ktadmin", "apply", "--confdir", dir, "-f", file, "--auto-approve")
			ktest.Must(t, "ktadmin", "plan", "--confdir", dir, "-f", file)
			if previous, err := os.ReadFile(confdir.Dir(dir).PreviousConf()); err != nil || string(previous) != before {
				t.Errorf("keytrustee.conf.previous: got %q, %v, want what was there before", previous, err)
			}
		})
	}
}

func fillConfdir(t *testing.T, dir string) (again func()) {
	filler := filepath.Join(dir, "filler")
	ktest.FillDisk(t, filler)
	return func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
}

func confOf(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(confdir.Dir(dir).Conf())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCertificateSwapped: a certificate that is replaced between plan and apply. The
// saved plan is refused; an apply of the file takes the new one if it is in order.
func TestCertificateSwapped(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	pki := t.TempDir()
	cert, key, file, plan := filepath.Join(pki, "cert.pem"), filepath.Join(pki, "key.pem"), filepath.Join(pki, "site.hcl"), filepath.Join(pki, "site.plan")
	swap := func(certificate, private bool) {
		t.Helper()
		certPEM, keyPEM, err := tlsconf.SelfSigned("localhost", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range map[string][]byte{cert: certPEM, key: keyPEM} {
			if path == cert && !certificate || path == key && !private {
				continue
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	site := "server \"localhost\" {\n  listen = \"" + s.Addr + "\"\n  tls {\n    certificate = \"" + cert + "\"\n    private_key = \"" + key + "\"\n  }\n}\n"
	if err := os.WriteFile(file, []byte(site), 0o600); err != nil {
		t.Fatal(err)
	}
	saves := func() {
		t.Helper()
		if out, stderr, code := ktest.Run(t, "ktadmin", "plan", "--confdir", s.Dir, "-f", file, "--out", plan); code != 2 {
			t.Fatalf("plan: exit code %d, want 2\n%s%s", code, out, stderr)
		}
	}
	refuses := func(want string, args ...string) {
		t.Helper()
		before := confOf(t, s.Dir)
		out, stderr, code := ktest.Run(t, "ktadmin", append([]string{"apply", "--confdir", s.Dir}, args...)...)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("apply %q: got exit code %d, want 1 and %q\n%s%s", args, code, want, out, stderr)
		}
		if confOf(t, s.Dir) != before {
			t.Errorf("apply %q changed keytrustee.conf", args)
		}
	}
	swap(true, true)
	saves()
	swap(true, true)
	refuses("was changed", plan)
	saves()
	swap(true, false)
	refuses("do not belong together", plan)
	refuses(file+":4:", "-f", file, "--auto-approve")
	swap(true, true)
	ktest.Must(t, "ktadmin", "apply", "--confdir", s.Dir, "-f", file, "--auto-approve")
	ktest.Must(t, "ktadmin", "plan", "--confdir", s.Dir, "-f", file)
}
