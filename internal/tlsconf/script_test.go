package tlsconf_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// program writes a shell script and returns its path.
func program(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPassword: what a program prints, without one line break, whatever surrounds
// this process.
func TestPassword(t *testing.T) {
	t.Setenv("SECRET", "of the environment")
	long := strings.Repeat("s", 4096)
	for script, want := range map[string]string{
		"/bin/echo -n password":                      "password",
		"/bin/echo password":                         "password",
		`/bin/echo -n 'it'"'"'s' a\ "b \"c\" \\d\e"`: `it's a b "c" \d\e`,
		"/usr/bin/printf 'a\\n\\n'":                  "a\n",
		"/usr/bin/printf 'a\\r\\n'":                  "a",
		"  /bin/echo   ''x  ":                        "x",
		program(t, "env | sort | tr '\\n' ' '; pwd; cat; id -u | grep -c ."):        "",
		program(t, "printf %s "+long):                                               long,
		program(t, "echo password; echo the password is s3cr3t >&2"):                "password",
		program(t, "(sleep 0.2; echo late) & echo password; wait") + " an argument": "password\nlate",
	} {
		got, err := tlsconf.Files{PasswordScript: script}.Password()
		if want == "" { // the one that looks around
			if text := string(got); err != nil || strings.Contains(text, "SECRET") || !strings.Contains(text, "LANG=C") || !strings.Contains(text, " /\n") {
				t.Errorf("a program's surroundings: got %q and %v", got, err)
			}
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%.60s: got %q and %v, want %q", script, got, err, want)
		}
	}
}

// TestPasswordRefused: what goes wrong is told with the program's name, and with
// nothing of what it was given or has printed.
func TestPasswordRefused(t *testing.T) {
	writable := program(t, "echo s3cr3t")
	if err := os.Chmod(writable, 0o777); err != nil {
		t.Fatal(err)
	}
	unreadable := program(t, "echo s3cr3t")
	if err := os.Chmod(unreadable, 0o600); err != nil {
		t.Fatal(err)
	}
	open := program(t, "echo s3cr3t")
	if err := os.Chmod(filepath.Dir(open), 0o777); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		program(t, "echo s3cr3t; echo s3cr3t >&2; exit 3"):        "ended with exit code 3: run it by hand",
		program(t, "echo s3cr3t; kill -9 $$"):                     "was ended by a signal: killed",
		program(t, "printf '\\n'"):                                "printed no password",
		program(t, "yes s3cr3t"):                                  "printed more than 4096 bytes",
		program(t, "printf %4097s s3cr3t"):                        "printed more than 4096 bytes",
		program(t, "setsid sleep 30 & echo s3cr3t"):               "left something running that holds its output",
		program(t, "trap '' PIPE; while :; do echo s3cr3t; done"): "printed more than 4096 bytes",
		writable:                         "can be written by others, its mode is 0777: run chmod go-w " + writable,
		open:                             "can be written by others, its mode is 0777: run chmod go-w " + filepath.Dir(open),
		unreadable:                       "cannot be run: permission denied",
		"/nowhere/s3cr3t-program":        "no such file or directory",
		"/bin":                           "is not a program",
		"echo s3cr3t":                    "does not begin with the absolute path of a program",
		"/bin/echo s3cr3t$HOME":          "character 17 means something to a shell, and none is run: put the word within single quotes",
		"/bin/echo 's3cr3t":              "a single quote has no end",
		"":                               "the password script is empty",
		"   ":                            "the password script is empty",
		writable + " s3cr3t":             "can be written by others",
		program(t, "exit 1") + " s3cr3t": "/password (arguments not shown) ended with exit code 1",
	} {
		got, err := tlsconf.Files{PasswordScript: script}.Password()
		if _, ok := errors.AsType[*tlsconf.ScriptError](err); !ok || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q and %v, want %q", script, got, err, want)
		} else if strings.Contains(err.Error(), "s3cr3t") && script != "/nowhere/s3cr3t-program" {
			t.Errorf("%q: the error shows the password: %v", script, err)
		}
	}
}

// TestPasswordHangs: when its time is over a program is killed with all that it has
// started.
func TestPasswordHangs(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	script := program(t, "sleep 1000 & echo $! $$ >"+pids+"; echo s3cr3t; wait")
	started := time.Now()
	_, err := tlsconf.Files{PasswordScript: script}.Password()
	if took := time.Since(started); err == nil || !strings.Contains(err.Error(), "was stopped after 10s") || took < 10*time.Second || took > time.Minute {
		t.Errorf("got %v after %s, want that it was stopped after 10 s", err, took)
	}
	checkEnded(t, pids)
}

// TestPasswordLeaves: what a program leaves running, so that it holds the output, is
// killed too, and so is one that prints without end.
func TestPasswordLeaves(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sleep 1000 & echo $! >PIDS; echo s3cr3t":                                         "left something running that holds its output",
		"sleep 1000 & echo $! >PIDS; echo s3cr3t; exit 3":                                 "ended with exit code 3",
		"trap '' PIPE; echo $$ >PIDS; while :; do echo s3cr3t 2>/dev/null; done":          "printed more than 4096 bytes",
		"(trap '' PIPE; while :; do echo s3cr3t; done) 2>/dev/null & echo $! >PIDS; wait": "printed more than 4096 bytes",
	} {
		pids := filepath.Join(t.TempDir(), "pids")
		script := program(t, strings.ReplaceAll(text, "PIDS", pids))
		started := time.Now()
		_, err := tlsconf.Files{PasswordScript: script}.Password()
		if took := time.Since(started); err == nil || !strings.Contains(err.Error(), want) || took >= 10*time.Second {
			t.Errorf("%s: got %v after %s, want %q at once", text, err, took, want)
		}
		checkEnded(t, pids)
	}
}

// checkEnded waits for the end of the processes whose numbers a file holds.
func checkEnded(t *testing.T, pids string) {
	t.Helper()
	for _, pid := range strings.Fields(string(read(t, pids))) {
		var number int
		fmt.Sscan(pid, &number)
		for range 100 { // whoever takes orphans on may need a moment
			if errors.Is(syscall.Kill(number, 0), syscall.ESRCH) || zombie(number) {
				number = 0
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if number != 0 {
			t.Errorf("process %d still runs", number)
		}
	}
}

// zombie tells whether a process has ended, and nobody has asked how.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestPasswordAccount: where root asks, the program is run as the account that the
// directory belongs to, and has to be that one's or root's.
func TestPasswordAccount(t *testing.T) {
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root")
	}
	const account = 65533
	dir := ktest.Public(t)
	if err := os.Chown(dir, account, account); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nid -u; id -G\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[int]string{0: "65533\n65533", account: "65533\n65533", 4242: ""} {
		if err := os.Chown(file, owner, owner); err != nil {
			t.Fatal(err)
		}
		got, err := tlsconf.Files{PasswordScript: file, Owner: dir}.Password()
		if string(got) != want || (err != nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "run chown root "+file) {
			t.Errorf("owner %d: got %q and %v, want %q", owner, got, err, want)
		}
	}
	if got, err := (tlsconf.Files{PasswordScript: file, Owner: "/"}).Password(); err == nil {
		t.Errorf("run as root, of another account's: got %q, want an error", got)
	}
}

// TestLoadEncrypted: the program is run for an encrypted key alone.
func TestLoadEncrypted(t *testing.T) {
	certPEM, keyPEM := selfSigned(t)
	key, err := tlsconf.ParseKey(keyPEM, nil)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := tlsconf.MarshalKey(key, []byte("s3cr3t"))
	if err != nil {
		t.Fatal(err)
	}
	path := files(t, map[string][]byte{"cert": certPEM, "key": keyPEM, "encrypted": encrypted})
	for _, test := range []struct {
		key, script string
		want        error
		text        string
	}{
		{"encrypted", "/bin/echo -n s3cr3t", nil, ""},
		{"encrypted", "", tlsconf.ErrEncryptedKey, "private_key_password_script"},
		{"encrypted", "/bin/echo -n s3cr3t2", tlsconf.ErrPassword, "encrypted: the password is not"},
		{"encrypted", "/bin/false s3cr3t", nil, "/bin/false (arguments not shown) ended with exit code 1"},
		{"key", "/bin/false s3cr3t", nil, ""},
	} {
		pair, err := tlsconf.Files{Certificate: path("cert"), Key: path(test.key), PasswordScript: test.script}.LoadServer()
		if test.text == "" {
			if err != nil || pair.PrivateKey == nil {
				t.Errorf("%s with %q: got %v, want the pair", test.key, test.script, err)
			}
			continue
		}
		_, ofKey := errors.AsType[*tlsconf.KeyError](err)
		if _, ofScript := errors.AsType[*tlsconf.ScriptError](err); ofScript != strings.HasPrefix(test.script, "/bin/false") {
			t.Errorf("%s with %q: got %v, a ScriptError: %t", test.key, test.script, err, ofScript)
		}
		if !ofKey || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s with %q: got %v, want a KeyError with %q", test.key, test.script, err, test.text)
		}
	}
}

// TestLoadServerHalfway: between the two renames of a replacement the new certificate
// is found beside the old one, and nothing else is.
func TestLoadServerHalfway(t *testing.T) {
	oldCert, oldKey := selfSigned(t)
	newCert, newKey := selfSigned(t)
	otherCert, _ := selfSigned(t)
	const next = tlsconf.NextSuffix
	for name, test := range map[string]struct {
		content map[string][]byte
		want    []byte
	}{
		"before":    {map[string][]byte{"cert": oldCert, "key": oldKey, "cert" + next: newCert, "key" + next: newKey}, oldCert},
		"halfway":   {map[string][]byte{"cert": oldCert, "key": newKey, "cert" + next: newCert}, newCert},
		"after":     {map[string][]byte{"cert": newCert, "key": newKey}, newCert},
		"another's": {map[string][]byte{"cert": oldCert, "key": newKey, "cert" + next: otherCert}, nil},
	} {
		path := files(t, test.content)
		pair, err := tlsconf.Files{Certificate: path("cert"), Key: path("key")}.LoadServer()
		if test.want == nil {
			if !errors.Is(err, tlsconf.ErrMismatch) {
				t.Errorf("%s: got %v, want %v", name, err, tlsconf.ErrMismatch)
			}
			continue
		}
		want, _ := tlsconf.Files{Certificate: files(t, map[string][]byte{"c": test.want})("c"), Key: path("key")}.Load()
		if err != nil || tlsconf.ChainFingerprint(pair) != tlsconf.ChainFingerprint(want) {
			t.Errorf("%s: got another pair, or %v", name, err)
		}
	}
}

// FuzzSplitWords: a line that is taken has the words that a POSIX shell finds in it.
func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{"-n password", `a 'b c' "d e" f\ g`, `'it'"'"'s'`, `"\$ \" \\ \e"`, `''`, `a''b`, `\`, `'`, `"`, `$a`, "`a`", `"$a"`, "\"`a`\"", `'$a'`, "~", "a~", "#", "a#", "{a,b}", "=", "a=~", "!", "\xff\x81", "*", "a]", "\t a\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := tlsconf.SplitWords("/bin/true " + line)
		if err != nil {
			if len(line) > 8 && strings.Contains(err.Error(), line) {
				t.Errorf("the error shows the line: %v", err)
			}
			return
		}
		out, err := exec.Command("sh", "-c", `printf '%s\0' /bin/true `+line).Output()
		if err != nil {
			t.Fatalf("%q: sh: %v", line, err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-sh +ours):\n%s", line, diff)
		}
	})
}
