// Package packages_test builds the packages, looks into them, and installs them: the
// .rpm into roots of its own, the .deb into a Debian that boots under systemd, where
// ktsd is killed, frozen, restarted and upgraded while clients ask it.
package packages_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// The two versions that are built, as git would describe them, and the time of both.
const (
	older, newer = "v1.0.0-rc1", "v1.0.0"
	epoch        = "1790000000"
)

// packaged is the folder of the packages of both versions, made once a process.
var packaged struct {
	once sync.Once
	dir  string
	err  error
	log  []byte
}

// packageFile returns a package of a version, as git describes it.
func packageFile(t *testing.T, described, format string) string {
	t.Helper()
	bin := ktest.Bin(t)
	root := ktest.Root(t)
	packaged.once.Do(func() {
		if packaged.dir, packaged.err = os.MkdirTemp("", "ktsd-dist-"); packaged.err != nil {
			return
		}
		for _, version := range []string{older, newer} {
			if packaged.log, packaged.err = build(root, bin, packaged.dir, version); packaged.err != nil {
				return
			}
		}
	})
	if packaged.err != nil {
		t.Fatalf("building the packages: %v\n%s", packaged.err, packaged.log)
	}
	return filepath.Join(packaged.dir, "ktsd_"+version(t, described)+"_"+runtime.GOARCH+"."+format)
}

// TestMain removes the packages in the end. In a process of startLoad it runs the
// clients in place of tests.
func TestMain(m *testing.M) {
	if root := os.Getenv(loadEnv); root != "" {
		if err := serveLoad(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if packaged.dir != "" {
		os.RemoveAll(packaged.dir)
	}
	os.Exit(code)
}

// build makes the packages of a version for this machine from the source in root.
func build(root, bin, dist, version string) ([]byte, error) {
	cmd := exec.Command("sh", "systemd/packages/build.sh")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "ARCHS="+runtime.GOARCH, "BIN="+bin, "DIST="+dist, "VERSION="+version, "SOURCE_DATE_EPOCH="+epoch)
	return cmd.CombinedOutput()
}

// version is the version of the package that git describes so.
func version(t *testing.T, described string) string {
	t.Helper()
	return strings.TrimSpace(run(t, "sh", "version.sh", described, "321"))
}

// run runs a program, which has to succeed, and returns its output.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}
