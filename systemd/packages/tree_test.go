package packages_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// copyTree returns a copy of a small Debian with systemd, of this machine's release.
// The original is made once, by debootstrap from the mirror that this machine's apt
// uses, in the folder KTSD_TEST_TREES names (by default ktsd-test in the user's
// cache), and takes 250 MB and half a minute; remove it to have it made anew.
func copyTree(t *testing.T) string {
	t.Helper()
	ktest.Need(t, "debootstrap", "apt-get")
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root, to make a Debian")
	}
	trees := os.Getenv("KTSD_TEST_TREES")
	if trees == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = "/var/cache" // root without a home
		}
		trees = filepath.Join(cache, "ktsd-test")
	}
	release := strings.TrimSpace(run(t, "sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"))
	original := filepath.Join(trees, release)
	if err := makeTree(trees, release, original); err != nil {
		t.Fatalf("making a Debian in %s: %v", original, err)
	}
	root := filepath.Join(t.TempDir(), "root")
	run(t, "cp", "-a", "--reflink=auto", original, root)
	return root
}

// makeTree makes the original, unless it is there. Two processes that want it at the
// same time make it once.
func makeTree(trees, release, original string) error {
	if err := os.MkdirAll(trees, 0o755); err != nil {
		return err
	}
	lock, err := os.Create(original + ".lock")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(original); err == nil {
		return nil
	}
	mirror, err := mirror(release)
	if err != nil {
		return err
	}
	half := original + ".half"
	if err := os.RemoveAll(half); err != nil { // of a run that was killed
		return err
	}
	make := exec.Command("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus", release, half, mirror)
	make.Env = append(os.Environ(), "LC_ALL=C")
	for _, scheme := range []string{"http", "https"} {
		if proxy := aptConfig("Acquire::" + scheme + "::Proxy"); proxy != "" && proxy != "DIRECT" {
			make.Env = append(make.Env, scheme+"_proxy="+proxy)
		}
	}
	if out, err := make.CombinedOutput(); err != nil {
		return fmt.Errorf("debootstrap from %s: %w\n%s", mirror, err, out)
	}
	return os.Rename(half, original)
}

// mirror returns where apt gets a release from.
func mirror(release string) (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)",
		"Created-By: Packages", "Codename: "+release, "Component: main").Output()
	first, _, _ := strings.Cut(string(out), "\n")
	if err != nil || first == "" {
		return "", fmt.Errorf("apt has no sources of %s (%v): run apt-get update", release, err)
	}
	return first, nil
}

// aptConfig returns a setting of apt; "" for one that is not set.
func aptConfig(name string) string {
	out, _ := exec.Command("apt-config", "shell", "value", name).Output()
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(string(out)), "value="), "'")
}
