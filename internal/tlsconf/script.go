package tlsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/internal/safefile"
)

const (
	// scriptTimeout is how long the program may take that prints a password.
	scriptTimeout = 10 * time.Second
	// scriptLinger is how long something may hold its output once it has ended.
	scriptLinger = time.Second
	// maxPassword is how long a password may be, in bytes.
	maxPassword = 4096
)

// passwordScript is a program that prints the password of a private key, with its
// arguments, which may be the password itself.
type passwordScript struct{ words []string }

// ScriptError tells that it is the program which prints a private key's password that
// is at fault, and neither the key nor the certificate.
type ScriptError struct{ Err error }

// Error says what is wrong with the program. It shows neither its arguments nor what it
// has printed.
func (e *ScriptError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *ScriptError) Unwrap() error { return e.Err }

// CheckPasswordScript returns an error unless script is the absolute path of a
// program, with arguments or without, as splitWords reads it. It does not look for
// the program, and its error shows nothing of the line.
func CheckPasswordScript(script string) error {
	_, err := parseScript(script)
	return err
}

func parseScript(script string) (passwordScript, error) {
	words, err := splitWords(script)
	if err != nil {
		return passwordScript{}, fmt.Errorf("the password script cannot be read: %w", err)
	}
	if len(words) == 0 {
		return passwordScript{}, errors.New("the password script is empty")
	}
	if !filepath.IsAbs(words[0]) {
		return passwordScript{}, errors.New("the password script does not begin with the absolute path of a program")
	}
	return passwordScript{words}, nil
}

// String names the program, and not its arguments.
func (s passwordScript) String() string {
	if len(s.words) > 1 {
		return s.words[0] + " (arguments not shown)"
	}
	return s.words[0]
}

// run returns what the program prints, without the line break that ends it. It is
// run without a shell, without standard input, in /, with PATH and LANG alone in
// its environment; where root asks, under the account that the directory owner
// belongs to. Whatever it has started in its process group is killed with it when
// its time is over, when it prints too much, and when it fails. What it prints on
// standard error is not looked at: it may hold secrets.
func (s passwordScript) run(owner string) ([]byte, error) {
	uid, credential, err := account(owner)
	if err != nil {
		return nil, fmt.Errorf("the password script %s: %w", s, err)
	}
	program, err := safefile.Program(s.words[0], uid)
	if err != nil {
		return nil, fmt.Errorf("the password script: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	out := &passwordBuffer{full: cancel}
	defer out.wipe()
	cmd := exec.CommandContext(ctx, program, s.words[1:]...)
	cmd.Args[0] = s.words[0] // which such as busybox look at
	cmd.Dir, cmd.Env, cmd.Stdout = "/", []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = scriptLinger
	err = cmd.Run()
	if err != nil && cmd.Process != nil { // it may have left something that waits
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if err := s.verdict(ctx, err, out); err != nil {
		return nil, err
	}
	return out.password(), nil
}

// verdict says what is wrong with a run, if anything.
func (s passwordScript) verdict(ctx context.Context, err error, out *passwordBuffer) error {
	ended, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case out.n > maxPassword+1:
		return fmt.Errorf("the password script %s printed more than %d bytes", s, maxPassword)
	case ctx.Err() != nil:
		return fmt.Errorf("the password script %s was stopped after %s: it has to end by itself", s, scriptTimeout)
	case exited && ended.Exited():
		return fmt.Errorf("the password script %s ended with exit code %d: run it by hand, as the account that ktsd runs under, to see why", s, ended.ExitCode())
	case exited:
		return fmt.Errorf("the password script %s was ended by a signal: %s", s, ended.Sys().(syscall.WaitStatus).Signal())
	case errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("the password script %s left something running that holds its output", s)
	case err != nil:
		return fmt.Errorf("the password script %s cannot be run: %w", s, cause(err))
	case len(out.trimmed()) == 0:
		return fmt.Errorf("the password script %s printed no password", s)
	case len(out.trimmed()) > maxPassword:
		return fmt.Errorf("the password script %s printed more than %d bytes", s, maxPassword)
	}
	return nil
}

// cause is an error without the path that it names.
func cause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// account returns the number of the account that a program is run under, and, where
// that is not this process's own, how to get there.
func account(owner string) (uid int, _ *syscall.Credential, err error) {
	if os.Geteuid() != 0 || owner == "" {
		return os.Geteuid(), nil, nil
	}
	info, err := os.Stat(owner)
	if err != nil {
		return 0, nil, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	if stat.Uid == 0 {
		return 0, nil, nil
	}
	return int(stat.Uid), &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}, nil
}

// passwordBuffer takes what a program prints, and no more than a password and one
// line break; os/exec reads into it with no buffer between. When there is more, it calls
// full.
type passwordBuffer struct {
	data [maxPassword + 2]byte
	n    int
	full func()
}

var errTooLong = errors.New("it is too long")

// Write implements io.Writer.
func (b *passwordBuffer) Write(p []byte) (int, error) {
	n := copy(b.data[b.n:], p)
	b.n += n
	if n < len(p) {
		b.full()
		return n, errTooLong
	}
	return n, nil
}

// ReadFrom implements io.ReaderFrom.
func (b *passwordBuffer) ReadFrom(r io.Reader) (total int64, err error) {
	for b.n < len(b.data) {
		n, err := r.Read(b.data[b.n:])
		b.n, total = b.n+n, total+int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		} else if err != nil {
			return total, err
		}
	}
	b.full()
	return total, errTooLong
}

// trimmed is what was printed without one line break at its end.
func (b *passwordBuffer) trimmed() []byte {
	data := b.data[:min(b.n, len(b.data))]
	if n := len(data); n > 0 && data[n-1] == '\n' {
		data = data[:n-1]
	}
	if n := len(data); n > 0 && data[n-1] == '\r' {
		data = data[:n-1]
	}
	return data
}

// password returns a copy that outlives the buffer.
func (b *passwordBuffer) password() []byte { return append([]byte(nil), b.trimmed()...) }

func (b *passwordBuffer) wipe() { clear(b.data[:]) }
