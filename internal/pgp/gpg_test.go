package pgp_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// gpgHome is a GnuPG home directory of its own, with a short path: the agent's
// socket lives in it.
type gpgHome struct {
	t   testing.TB
	dir string
}

func newGPG(t testing.TB) gpgHome {
	t.Helper()
	ktest.Need(t, "gpg", "gpgconf")
	dir, err := os.MkdirTemp("/tmp", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", dir, "--kill", "all").Run()
		os.RemoveAll(dir)
	})
	return gpgHome{t, dir}
}

// try runs gpg and returns its standard output and standard error.
func (g gpgHome) try(stdin []byte, args ...string) (stdout []byte, stderr string, err error) {
	g.t.Helper()
	cmd := exec.Command("gpg", append([]string{"--homedir", g.dir, "--batch", "--yes", "--no-tty",
		"--pinentry-mode", "loopback", "--passphrase", "", "--trust-model", "always"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Stdin = bytes.NewReader(stdin)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	stdout, err = cmd.Output()
	return stdout, errors.String(), err
}

func (g gpgHome) run(stdin []byte, args ...string) []byte {
	g.t.Helper()
	stdout, stderr, err := g.try(stdin, args...)
	if err != nil {
		g.t.Fatalf("gpg %q: %v\n%s", args, err, stderr)
	}
	return stdout
}

// generate makes a key and returns its fingerprint. GnuPG makes keys that
// cannot encrypt unless it chooses the algorithms or gets a list of subkeys.
func (g gpgHome) generate(uid string, args ...string) string {
	g.t.Helper()
	g.run(nil, append(args[:len(args):len(args)], "--quick-generate-key", uid, "default", "default", "never")...)
	return g.fingerprint(uid)
}

// fingerprint returns the primary fingerprint of the key found by uid.
func (g gpgHome) fingerprint(uid string) string {
	g.t.Helper()
	return g.field(uid, "fpr", 9)
}

// field returns a field of the first record of that type in the listing of uid.
func (g gpgHome) field(uid, record string, n int) string {
	g.t.Helper()
	for line := range strings.Lines(string(g.run(nil, "--with-colons", "--list-keys", uid))) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] == record {
			return fields[n]
		}
	}
	g.t.Fatalf("gpg --list-keys %s shows no %s record", uid, record)
	return ""
}
