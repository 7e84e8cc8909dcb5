package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
)

// signedLog makes a log of several segments in a directory, and returns a file of
// the heads that the server's own key signed of it, one after each segment.
func signedLog(t *testing.T, dir string) (heads string) {
	t.Helper()
	ring, err := os.ReadFile(confdir.Dir(dir).SecretKeyring())
	if err != nil {
		t.Fatal(err)
	}
	key, err := pgp.ReadSecretKeyring(ring, "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := audit.Open(confdir.Dir(dir).Audit(), "localhost", audit.Options{SegmentSize: 1000, Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var all bytes.Buffer
	for n := range 12 {
		r := escrow.Record{ID: fmt.Sprintf("%032x", n), Action: "deposit.get", Outcome: escrow.OutcomeOK, Actor: "client 4EDC", Detail: "handle " + fmt.Sprint(n)}
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
		if n == 11 {
			break // has no head
		}
		h, err := l.Head()
		if err == nil {
			h.Signature, err = key.Sign(h.Text())
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "audit head %s\n", h.Line())
	}
	heads = filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(heads, all.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return heads
}

// TestVerifyAgainstHeads: heads show what the chain alone does not, and the command
// says what.
func TestVerifyAgainstHeads(t *testing.T) {
	t.Parallel()
	segment := func(dir string, n int) string {
		return filepath.Join(confdir.Dir(dir).Audit(), fmt.Sprintf("audit-%08d.jsonl", n))
	}
	verify := func(dir string, args ...string) (string, int) {
		t.Helper()
		out, errs, code := ktest.Run(t, "ktadmin", append([]string{"audit", "verify", "--confdir", dir}, args...)...)
		return out + errs, code
	}
	for name, c := range map[string]struct {
		attack       func(dir string)
		bare, headed string // what is said, as regular expressions; exit 1 where it is an error
	}{
		"nothing": {func(string) {}, `anchor: +none`, `(?s)anchor: +11 heads hold; .*open: +the last 1 lines, since .*, have no head yet`},
		"the tail cut": {func(dir string) {
			last, err := filepath.Glob(segment(dir, 0)[:len(segment(dir, 0))-7] + "*")
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(last[len(last)-1])
			if err != nil {
				t.Fatal(err)
			}
			header := data[:bytes.IndexByte(data, '\n')+1]
			if err := os.WriteFile(last[len(last)-1], header, 0o600); err != nil {
				t.Fatal(err)
			}
		}, `anchor: +none`, `error: the audit log does not hold: .*: the log ends at seq \d+, but a head of 20.*Z was signed for seq \d+: its end was cut off`},
		"computed anew": {func(dir string) {
			os.RemoveAll(confdir.Dir(dir).Audit())
			signedLog(t, dir)
			l, err := audit.Open(confdir.Dir(dir).Audit(), "localhost", audit.Options{Reserve: -1})
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}, `anchor: +none`, `error: the audit log does not hold: .*audit-00000001.jsonl:\d+: seq \d+ is not the line that a head of `},
		"the beginning moved away": {func(dir string) { os.Remove(segment(dir, 1)) },
			`error: the audit log holds, but its beginning is not there: (?s).*hint: .*--checkpoint FILE .*--from-segment 2`,
			`begins: +with segment 2: the \d+ lines before it are not here`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := ktest.Dir(t)
			heads := signedLog(t, dir)
			c.attack(dir)
			for _, try := range []struct {
				want string
				args []string
			}{{c.bare, nil}, {c.headed, []string{"--checkpoint", heads}}} {
				out, code := verify(dir, try.args...)
				wantCode := 0
				if strings.HasPrefix(try.want, "error") {
					wantCode = 1
				}
				if code != wantCode || !regexp.MustCompile(try.want).MatchString(out) {
					t.Errorf("%v: got %d\n%s\nwant %d and %q", try.args, code, out, wantCode, try.want)
				}
			}
		})
	}
}
