package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// withJournal starts a ktsd that finds the sockets of a journal in a directory, or
// none in an empty one, whatever runs on this host.
func withJournal(t *testing.T, dir, journal string) *ktest.Server {
	t.Helper()
	ktest.Need(t, "unshare")
	if os.Geteuid() != 0 {
		ktest.Missing(t, "the right to have mounts of its own (root)")
	}
	const mounts = `mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@"`
	return ktest.StartBehind(t, dir, "unshare", "--mount", "sh", "-c", mounts, journal)
}

// TestHeadsReachTheJournal: a ktsd that stops sends a head of all that is in the
// chain, as fields of the journal's own protocol; gpg finds its signature good, and
// ktadmin that it holds.
func TestHeadsReachTheJournal(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "gpg")
	journal := ktest.Public(t)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(journal, "socket"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	dir := ktest.Dir(t)
	s := withJournal(t, dir, journal)
	s.Organization(t, "acme")
	s.Stop(t)

	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	entry := make([]byte, 64<<10)
	n, err := conn.Read(entry)
	if err != nil {
		t.Fatalf("the journal got nothing: %v", err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(entry[:n])) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		fields[name] = value
	}
	line := fields["KTSD_AUDIT_HEAD"]
	if fields["MESSAGE"] != "audit head "+line || fields["SYSLOG_IDENTIFIER"] != "ktsd" || fields["PRIORITY"] != "6" {
		t.Errorf("got fields %q", fields)
	}
	if strings.Contains(s.Log(), "audit head") {
		t.Error("the head is in ktsd's log too")
	}
	var head struct {
		V, Segment       int
		Node, Hash, Time string
		Seq              json.Number
		Signature        string
	}
	if err := json.Unmarshal([]byte(line), &head); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if head.V != 1 || head.Node != "localhost" || head.Segment != 1 || fields["KTSD_AUDIT_SEQ"] != head.Seq.String() {
		t.Errorf("got %+v, want a head of localhost in segment 1", head)
	}
	text := fmt.Sprintf("ktsd-audit-head/1\nnode: %s\nsegment: %d\nseq: %s\nhash: %s\ntime: %s\n", head.Node, head.Segment, head.Seq, head.Hash, head.Time)
	verifyWithGPG(t, dir, text, head.Signature)

	out, errs, code := ktest.RunInput(t, "an entry of another kind\n"+fields["MESSAGE"]+"\n", "ktadmin", "audit", "verify", "--checkpoint", "-", "--confdir", dir)
	if code != 0 || !strings.Contains(out, "anchor:   1 heads hold") || !strings.Contains(out, "is of the last line") {
		t.Errorf("ktadmin audit verify: got %d, %s%s, want that the head holds", code, out, errs)
	}
}

// verifyWithGPG has gpg check a signature by the server's key.
func verifyWithGPG(t *testing.T, dir, text, signature string) {
	t.Helper()
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatalf("signature %q: %v", signature, err)
	}
	file := filepath.Join(home, "signature")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "", "gpg", "--homedir", home, "--batch", "--quiet", "--import", confdir.Dir(dir).PublicKeyring())
	command(t, text, "gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always", "--verify", file, "-")
}

// TestHeadsWithoutAJournal: they are lines of what ktsd prints. A second run goes
// on with the chain; one that did not move it sends none.
func TestHeadsWithoutAJournal(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	empty := ktest.Public(t)
	var heads bytes.Buffer
	run := func(work func(s *ktest.Server)) int {
		s := withJournal(t, dir, empty)
		work(s)
		s.Stop(t)
		n := 0
		for line := range strings.Lines(s.Log()) {
			if strings.HasPrefix(line, "audit head {") {
				heads.WriteString(line)
				n++
			}
		}
		return n
	}
	for range 2 {
		if n := run(func(s *ktest.Server) {
			request(t, from(t, s, "127.0.0.1", newIdentity(t).pair), http.MethodGet, s.URL+"/v1/deposits?prefix=", nil)
		}); n < 1 {
			t.Errorf("got %d heads, want one", n)
		}
	}
	file := filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(file, heads.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := ktest.Must(t, "ktadmin", "audit", "verify", "--checkpoint", file, "--confdir", dir)
	contains(t, "ktadmin audit verify", out, "heads hold", "is of the last line")
}
