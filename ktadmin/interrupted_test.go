package main_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// parts are what init makes, in its order; keytrustee.conf comes after them.
var parts = []string{"secring.gpg", "pubring.gpg", "kekring.json", ".ssl", "state", "state/db", "state/audit", "state/run", "state/db/keytrustee.db"}

// prefix returns a directory that holds the first n parts of a whole one, as an
// init leaves it that was killed.
func prefix(t *testing.T, n int) string {
	t.Helper()
	whole := ktest.Dir(t)
	dir := filepath.Join(t.TempDir(), "kt")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts[:n] {
		from, to := filepath.Join(whole, part), filepath.Join(dir, part)
		if info, err := os.Stat(from); err == nil && info.IsDir() && part != ".ssl" {
			if err := os.Mkdir(to, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("copying %s: %v\n%s", part, err, out)
		}
	}
	return dir
}

// refused makes sure that ktsd does not start on a half made directory.
func refused(t *testing.T, dir string) {
	t.Helper()
	cmd := ktest.Command(t, "ktsd", "--confdir", dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tooLong := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	tooLong.Stop()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(stderr.String(), "ktadmin init --confdir "+dir) {
		t.Errorf("ktsd on a half made directory: exit code %d, want 1 and a hint\n%s", code, &stderr)
	}
}

// completed makes sure that init makes a directory whole and ktsd starts on it.
func completed(t *testing.T, dir string, args ...string) {
	t.Helper()
	out := ktest.Must(t, "ktadmin", append([]string{"init", "--confdir", dir, "--hostname", "localhost"}, args...)...)
	if !strings.Contains(out, "\nInitialized directory for 4096R/") {
		t.Errorf("init: got %q, want the fingerprint at the end", out)
	}
	again := ktest.Must(t, "ktadmin", "init", "--confdir", dir)
	if !strings.Contains(again, "nothing was changed") {
		t.Errorf("init again: got %q, want nothing changed", again)
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen = ktest.FreeAddress(t) })
	if code := ktest.Start(t, dir).Stop(t); code != 0 {
		t.Errorf("ktsd ended with exit code %d, want 0", code)
	}
}

// contents returns the files below dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestInitCompletesEveryPrefix(t *testing.T) {
	for n := 0; n <= len(parts); n++ {
		last := "nothing"
		if n > 0 {
			last = parts[n-1]
		}
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			dir := prefix(t, n)
			before := contents(t, dir)
			refused(t, dir)
			completed(t, dir)
			after := contents(t, dir)
			for path, data := range before {
				if strings.HasSuffix(path, ".db") {
					continue
				}
				if diff := cmp.Diff(data, after[path]); diff != "" {
					t.Errorf("%s was made anew", path)
				}
			}
		})
	}
}

// TestInitCompletesHalfFiles: what a crash leaves in the middle of a step.
func TestInitCompletesHalfFiles(t *testing.T) {
	for name, half := range map[string]struct {
		parts int
		file  string
		data  string
	}{
		"a temporary file":       {0, ".secring.gpg.123.tmp", "half"},
		"a staged TLS key":       {3, ".ssl.tmp/ssl-cert-keytrustee-pk.pem", "half"},
		"an empty database file": {8, "state/db/keytrustee.db", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := prefix(t, half.parts)
			file := filepath.Join(dir, half.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(half.data), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, dir)
			completed(t, dir)
		})
	}
}

// TestInitForAnotherHost: an interrupted init is not completed under another
// name than that of the certificate it left.
func TestInitForAnotherHost(t *testing.T) {
	t.Parallel()
	dir := prefix(t, 4)
	_, stderr, code := ktest.Run(t, "ktadmin", "init", "--confdir", dir, "--hostname", "kts01.example.com")
	if code != 1 || !strings.Contains(stderr, "is not for host kts01.example.com") {
		t.Errorf("got exit code %d, %q, want 1 and that the certificate is for another host", code, stderr)
	}
	refused(t, dir)
	completed(t, dir)
}

// TestInitKilled kills init at any moment, and lets the next one complete it.
func TestInitKilled(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts int
		whole bool // but for the state, as on a passive server
		args  []string
	}{
		{name: "new", parts: 3}, // with its OpenPGP key, which takes long to make
		{name: "empty database", parts: 4, whole: true, args: []string{"--empty-database"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conf, err := confdir.Dir(ktest.Dir(t)).ReadConf()
			if err != nil {
				t.Fatal(err)
			}
			make := func() string {
				dir := prefix(t, c.parts)
				if c.whole {
					if err := confdir.Dir(dir).WriteConf(conf); err != nil {
						t.Fatal(err)
					}
				}
				return dir
			}
			start := time.Now()
			completed(t, make(), c.args...)
			took := time.Since(start) / 2

			killed := 0
			for range 10 {
				dir := make()
				if kill(t, rand.N(took), append([]string{"init", "--confdir", dir, "--hostname", "localhost"}, c.args...)...) {
					killed++
				}
				if _, err := os.Stat(filepath.Join(dir, "keytrustee.conf")); errors.Is(err, fs.ErrNotExist) {
					refused(t, dir)
				}
				completed(t, dir, c.args...)
			}
			t.Logf("%d of 10 were killed in time", killed)
			if killed == 0 {
				t.Error("no init was killed before its end: want some")
			}
		})
	}
}

// kill runs ktadmin, kills it after a while, and tells whether it was in time.
func kill(t *testing.T, after time.Duration, args ...string) bool {
	t.Helper()
	cmd := ktest.Command(t, "ktadmin", args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	cmd.Process.Kill()
	return cmd.Wait() != nil
}

func TestInitsAtOnce(t *testing.T) {
	t.Parallel()
	dir := prefix(t, 1)
	type outcome struct {
		stdout, stderr string
		code           int
	}
	outcomes := make(chan outcome)
	for range 6 {
		go func() {
			var o outcome
			o.stdout, o.stderr, o.code = ktest.Run(t, "ktadmin", "init", "--confdir", dir, "--hostname", "localhost")
			outcomes <- o
		}()
	}
	made := 0
	for range 6 {
		o := <-outcomes
		switch {
		case o.code == 0 && strings.Contains(o.stdout, "made "):
			made++
		case o.code == 0 && strings.Contains(o.stdout, "nothing was changed"):
		case o.code == 1 && strings.Contains(o.stderr, "another init, apply or cert is at work on "+dir):
		default:
			t.Errorf("init beside others: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
		}
	}
	if made != 1 {
		t.Errorf("%d of the inits made something, want 1", made)
	}
	completed(t, dir)
}
