package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/audit"
)

// seal and check stand in for an OpenPGP signature, which ktsd's tests make.
func seal(text []byte) ([]byte, error) { return append([]byte("signed "), text...), nil }

func check(h audit.Head) error {
	if want, _ := seal(h.Text()); !bytes.Equal(h.Signature, want) {
		return errors.New("bad signature")
	}
	return nil
}

// headOf returns a signed head of a log.
func headOf(t *testing.T, l *audit.Log) audit.Head {
	t.Helper()
	h, err := l.Head()
	if err != nil {
		t.Fatal(err)
	}
	h.Signature, _ = seal(h.Text())
	return h
}

// headedLog is smallLog with a head after each segment, and one line more.
func headedLog(t *testing.T) (dir string, heads []audit.Head) {
	t.Helper()
	dir = t.TempDir()
	l := open(t, dir, 600)
	for n := 0; n < 12; n += 4 {
		add(t, l, records(n, n+4)...)
		heads = append(heads, headOf(t, l))
	}
	l.Close()
	l = open(t, dir, 1<<20)
	add(t, l, record(12))
	l.Close()
	return dir, heads
}

func lines(heads ...audit.Head) string {
	var all strings.Builder
	for _, h := range heads {
		all.WriteString(h.Line() + "\n")
	}
	return all.String()
}

// against verifies a log with heads.
func against(t *testing.T, dir string, from int, heads ...audit.Head) (audit.Report, error) {
	t.Helper()
	c, err := audit.ReadCheckpoint(strings.NewReader(lines(heads...)), node, check)
	if err != nil {
		t.Fatal(err)
	}
	return audit.Verification{Checkpoint: c, From: from}.Run(dir)
}

func TestHeadsHold(t *testing.T) {
	dir, heads := headedLog(t)
	report, err := against(t, dir, 0, heads[2], heads[0], heads[1], heads[1]) // in any order, and twice
	if err != nil {
		t.Fatal(err)
	}
	if report.Heads != 4 || report.AnchorSeq != 15 || report.Unanchored != 1 || report.UnanchoredSince != record(12).Time {
		t.Errorf("got %+v, want 4 heads up to seq 15, and one line after them", report)
	}
	var text strings.Builder
	report.Write(&text)
	want := fmt.Sprintf("anchor:   4 heads hold; the newest, of %s, is of line 15\nopen:     the last 1 lines, since 2026-11-21T12:00:12Z, have no head yet\n",
		heads[2].Time.Format(time.RFC3339))
	if !strings.HasSuffix(text.String(), want) {
		t.Errorf("got %q, want it to end with %q", text.String(), want)
	}
	l := open(t, dir, 1<<20)
	report, err = against(t, dir, 0, headOf(t, l))
	if err != nil || report.Unanchored != 0 {
		t.Errorf("got %v and %d lines without a head, want none", err, report.Unanchored)
	}
}

// wantProblem makes sure that heads show what the chain alone does not.
func wantProblem(t *testing.T, dir, file, problem string, heads ...audit.Head) {
	t.Helper()
	if _, err := audit.Verify(dir); err != nil {
		t.Fatalf("without heads: got %v, want no fault", err)
	}
	_, err := against(t, dir, 0, heads...)
	var fault *audit.Fault
	if !errors.As(err, &fault) || fault.File != file || !strings.Contains(fault.Problem, problem) {
		t.Errorf("got %v, want %s: …%s…", err, file, problem)
	}
}

func TestTailCut(t *testing.T) {
	for _, left := range []int{1, 3, 4} { // lines of the last segment
		dir, heads := headedLog(t)
		edit(t, segment(dir, 3), func(lines [][]byte) [][]byte { return lines[:left] })
		wantProblem(t, dir, segment(dir, 3), fmt.Sprintf("the log ends at seq %d, but a head of ", 10+left), heads...)
	}
	dir, heads := headedLog(t)
	edit(t, segment(dir, 3), func(lines [][]byte) [][]byte { return lines[:5] }) // no head yet: it does not show
	if report, err := against(t, dir, 0, heads...); err != nil || report.Unanchored != 0 {
		t.Errorf("a cut behind the newest head: got %v, %+v, want no fault", err, report)
	}
	os.Remove(segment(dir, 3))
	wantProblem(t, dir, segment(dir, 2), "the log ends at seq 10, but a head of ", heads...)
}

// TestComputedAnew: whoever can write to the log can make another that holds.
func TestComputedAnew(t *testing.T) {
	dir, heads := headedLog(t)
	os.Remove(segment(dir, 3))
	l := open(t, dir, 600)
	other := records(8, 12)
	other[1].Actor = "somebody else"
	add(t, l, other...)
	add(t, l, records(12, 20)...)
	l.Close()
	wantProblem(t, dir, segment(dir, 3), "seq 15 is not the line that a head of ", heads...)
	_, err := against(t, dir, 0, heads...)
	if want := "computed anew from some line after seq 10 on"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want …%s", err, want)
	}
	if _, err := against(t, dir, 0, heads[:2]...); err != nil {
		t.Errorf("heads of before: got %v, want no fault", err)
	}
}

// TestSwappedSegmentsRenumbered: a forger who swaps two segments has to compute
// both anew.
func TestSwappedSegmentsRenumbered(t *testing.T) {
	_, heads := headedLog(t)
	dir := t.TempDir()
	l := open(t, dir, 600)
	for _, n := range []int{4, 0, 8} {
		add(t, l, records(n, n+4)...)
	}
	l.Close()
	wantProblem(t, dir, segment(dir, 1), "seq 5 is not the line that a head of ", heads...)
}

// TestFirstSegmentsMovedAway: what is there is verified; that it begins where it
// says is vouched for by a head of the line before, or of any later one.
func TestFirstSegmentsMovedAway(t *testing.T) {
	dir, heads := headedLog(t)
	os.Remove(segment(dir, 1))
	report, err := audit.Verify(dir)
	var fault *audit.Fault
	if !errors.As(err, &fault) || !fault.Missing || fault.File != segment(dir, 1) ||
		!strings.Contains(fault.Problem, "the log begins with segment 2, seq 6, and holds from there on") {
		t.Errorf("without heads: got %v, want the missing beginning", err)
	}
	if report.Records != 9 {
		t.Errorf("got %d records, want the 9 that are there", report.Records)
	}
	if _, err := (audit.Verification{From: 2}).Run(dir); err != nil {
		t.Errorf("from segment 2: got %v, want no fault", err)
	}
	for name, some := range map[string][]audit.Head{"before": heads[:1], "after": heads[1:2], "at the end": heads[2:], "all": heads} {
		if report, err := against(t, dir, 0, some...); err != nil || report.Missing != 5 {
			t.Errorf("a head %s: got %v and %d missing lines, want 5 and no fault", name, err, report.Missing)
		}
	}
	os.Remove(segment(dir, 2))
	if _, err := against(t, dir, 0, heads[0]); !errors.As(err, &fault) || !fault.Missing {
		t.Errorf("a head of a line that is not there: got %v, want the missing beginning", err)
	}
	if report, err := against(t, dir, 0, heads...); err != nil || report.HeadsBefore != 1 {
		t.Errorf("got %v and %d heads of what is not there, want one", err, report.HeadsBefore)
	}
	edit(t, segment(dir, 3), func(lines [][]byte) [][]byte { // another chain's
		lines[0] = rehash(bytes.Replace(lines[0], []byte(`"prev":"`), []byte(`"prev":"0`), 1)[:len(lines[0])])
		return lines
	})
	if _, err := against(t, dir, 3, heads[1]); err == nil {
		t.Error("a beginning that no head knows: got no fault")
	}
	if _, err := (audit.Verification{From: 7}).Run(dir); err == nil || !strings.Contains(err.Error(), "there is no segment 7") {
		t.Errorf("got %v, want that there is no such segment", err)
	}
}

// TestCheckpointForms: heads are found as they are sent and as journals show them.
func TestCheckpointForms(t *testing.T) {
	dir, heads := headedLog(t)
	h := heads[1]
	quoted := strings.ReplaceAll(h.Line(), `"`, `\"`)
	for name, text := range map[string]string{
		"bare":            h.Line(),
		"with CR":         h.Line() + "\r\n",
		"-o cat":          "time=2026-11-21T12:00:00Z level=INFO msg=serving\naudit head " + h.Line() + "\nanother line\n",
		"-o short":        "Nov 21 12:00:00 kts01 ktsd[1]: audit head " + h.Line(),
		"-o json":         `{"__CURSOR":"s=1","KTSD_AUDIT_HEAD":"` + quoted + `","MESSAGE":"audit head"}`,
		"-o json, stderr": `{"MESSAGE":"audit head ` + quoted + `","_PID":"17"}` + "\n" + `{"MESSAGE":[104,105]}`,
		"container":       `{"log":"audit head ` + quoted + `\n","stream":"stderr"}`,
		"other order":     `{"node":"` + node + `", "v":1, ` + strings.TrimPrefix(h.Line(), `{"v":1,"node":"`+node+`",`),
		"long line":       strings.Repeat("x", 1<<20) + "\n" + h.Line(),
	} {
		c, err := audit.ReadCheckpoint(strings.NewReader(text), node, check)
		if err != nil || c.Heads() != 1 {
			t.Errorf("%s: got %v, %v, want the head", name, c, err)
			continue
		}
		if report, err := (audit.Verification{Checkpoint: c}).Run(dir); err != nil || report.AnchorSeq != h.Seq {
			t.Errorf("%s: got %v and anchor %d, want %d", name, err, report.AnchorSeq, h.Seq)
		}
	}
	other := h
	other.Node = "kts02.example.com"
	c, err := audit.ReadCheckpoint(strings.NewReader(lines(other)+"{}\n[]\n\nnonsense\n{\"v\":1}\n"), node, check)
	if err != nil || c.Heads() != 0 || c.Others != 1 || c.Lines != 5 {
		t.Errorf("got %+v, %v, want one head of another node and five other lines", c, err)
	}
}

// TestBadHeads: what claims to be a head of this node and is none is told, with
// its line.
func TestBadHeads(t *testing.T) {
	_, heads := headedLog(t)
	edited := func(change func(h *audit.Head)) string {
		h := heads[1]
		change(&h)
		return h.Line()
	}
	for name, c := range map[string]struct{ line, want string }{
		"another seq":                      {edited(func(h *audit.Head) { h.Seq++ }), "not signed by this server"},
		"another hash":                     {edited(func(h *audit.Head) { h.Hash = heads[0].Hash }), "not signed by this server"},
		"another time":                     {edited(func(h *audit.Head) { h.Time = h.Time.Add(time.Second) }), "not signed by this server"},
		"another segment":                  {edited(func(h *audit.Head) { h.Segment++ }), "not signed by this server"},
		"another signature":                {edited(func(h *audit.Head) { h.Signature = []byte("x") }), "not signed by this server"},
		"no signature":                     {edited(func(h *audit.Head) { h.Signature = nil }), "it is not signed"},
		"no hash":                          {edited(func(h *audit.Head) { h.Hash = "x" }), "its hash is none"},
		"no seq":                           {edited(func(h *audit.Head) { h.Seq = 0 }), "it names no line"},
		"a second line in the node's name": {edited(func(h *audit.Head) { h.Node = node + "\nsegment: 1" }), "its node is no name"},
		"a time with a fraction":           {edited(func(h *audit.Head) { h.Time = h.Time.Add(time.Millisecond) }), "its time is none"},
		"cut":                              {heads[1].Line()[:200], "it is cut or damaged"},
	} {
		_, err := audit.ReadCheckpoint(strings.NewReader(lines(heads[0])+c.line+"\n"), node, check)
		var fault *audit.HeadFault
		if !errors.As(err, &fault) || fault.Line != 2 || !strings.Contains(fault.Problem, c.want) {
			t.Errorf("%s: got %v, want line 2: …%s…", name, err, c.want)
		}
	}
}

// TestHerald: a head when the chain has moved, none when it has not, and one at the
// end; each is of lines that are on disk.
func TestHerald(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	var mu sync.Mutex
	var sent []audit.Head
	fail := true
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(sent)
	}
	var log bytes.Buffer
	h := audit.StartHerald(audit.HeraldConfig{
		Log: l, Sign: seal, Interval: 5 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Send: func(h audit.Head) error {
			mu.Lock()
			defer mu.Unlock()
			if fail {
				fail = false
				return errors.New("nobody listens")
			}
			sent = append(sent, h)
			return nil
		},
	})
	wait := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); count() < n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("got %d heads, want %d", count(), n)
			}
		}
	}
	wait(1)
	add(t, l, records(0, 3)...)
	wait(2)
	time.Sleep(50 * time.Millisecond)
	before := count()
	mu.Lock()
	for i, h := range sent[1:] {
		if h.Seq == sent[i].Seq {
			t.Errorf("got %d heads of a chain that did not move: %+v", before, sent)
		}
	}
	mu.Unlock()
	add(t, l, record(3))
	h.Close()
	if last, err := h.Sent(); err != nil || last.Seq != 5 || l.Lines() != 5 {
		t.Errorf("Sent: got %+v, %v, of %d lines, want the last of 5", last, err, l.Lines())
	}
	if got := sent[len(sent)-1]; got.Seq != 5 || count() == before {
		t.Errorf("the last head: got %+v, want one of seq 5", got)
	}
	if report, err := against(t, dir, 0, sent...); err != nil || report.Unanchored != 0 {
		t.Errorf("got %v, %+v, want that the heads hold", err, report)
	}
	if !strings.Contains(log.String(), "nobody listens") {
		t.Errorf("got the log %q, want that a head was not sent", log.String())
	}
}

// FuzzCheckpoint: whatever stands in a file of heads, what is taken is what was
// signed.
func FuzzCheckpoint(f *testing.F) {
	h := audit.Head{Version: 1, Node: node, Segment: 1, Seq: 7, Hash: strings.Repeat("ab", 32), Time: start.Truncate(time.Second)}
	h.Signature, _ = seal(h.Text())
	f.Add([]byte(h.Line()))
	f.Add([]byte("audit head " + h.Line() + "\n{}"))
	f.Add([]byte(`{"MESSAGE":"audit head ` + strings.ReplaceAll(h.Line(), `"`, `\"`) + `"}`))
	f.Add([]byte(`{"KTSD_AUDIT_HEAD":1,"v":1,"seq":1,"hash":"x","node":"y"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		audit.ReadCheckpoint(bytes.NewReader(data), node, func(h audit.Head) error {
			again, err := audit.ParseHead([]byte(h.Line()))
			if err != nil || !bytes.Equal(again.Text(), h.Text()) || bytes.Count(h.Text(), []byte("\n")) != 6 {
				t.Errorf("%q: read as %q, then as %q (%v)", data, h.Text(), again.Text(), err)
			}
			return check(h)
		})
	})
}
