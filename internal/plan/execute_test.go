package plan_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
)

// everything is a scenario whose plan has a change of every kind.
func everything() scenario { return scenarios()[0] }

func TestExecuteReports(t *testing.T) {
	s := everything()
	w := worldOf(s.live)
	var progress []string
	s.desired.Confdir = "/srv/key trustee"
	err := plan.Execute(context.Background(), plan.Diff(s.desired, w.live()), w, func(m string) { progress = append(progress, m) })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`server "kts01.example.com": keytrustee.conf written`,
		`server "kts01.example.com": ktsd reloaded`,
		`organization "archive": authorization code set from /etc/keytrustee/archive.code`,
		`organization "lab": created with 2 contacts, approval "auth_code"`,
		`organization "lab": authorization code generated; read it on this host with: orgtool get-auth -n lab --confdir '/srv/key trustee'`,
		`organization "payments": 1 contact added`,
		`organization "payments": approval is now "contacts"`,
		`organization "payments": contact "jake@example.com" removed`,
	}
	if diff := cmp.Diff(want, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if got := w.organizations["archive"].AuthCode.Reveal(); got != newCode {
		t.Errorf("got code %q for archive, want %q", got, newCode)
	}
}

// TestExecuteSetsTheDatabase: only while ktsd is stopped, and before anything else.
func TestExecuteSetsTheDatabase(t *testing.T) {
	s := everything()
	w := worldOf(s.live)
	s.desired.Database = &plan.Database{Database: site.Database{Engine: "postgres", URL: "a"}, Shown: "postgres a"}
	var progress []string
	execute := func() error {
		return plan.Execute(context.Background(), plan.Diff(s.desired, w.live()), w, func(m string) { progress = append(progress, m) })
	}
	if err := execute(); !errors.Is(err, plan.ErrRunning) || w.calls != 0 || len(progress) != 0 {
		t.Errorf("while ktsd runs: got error %v, %d calls and %q, want %v and nothing done", err, w.calls, progress, plan.ErrRunning)
	}
	w.stopped = true
	if err := execute(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`database "postgres": its tables are there, and keytrustee.conf names it`,
		`server "kts01.example.com": keytrustee.conf written`,
	}
	if diff := cmp.Diff(want, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if w.database.URL != "a" {
		t.Errorf("got database %+v, want the declared one", w.database)
	}
}

func TestExecuteStopsAtTheFirstError(t *testing.T) {
	s := everything()
	w := worldOf(s.live)
	w.failAt = 2
	var progress []string
	err := plan.Execute(context.Background(), plan.Diff(s.desired, w.live()), w, func(m string) { progress = append(progress, m) })
	var incomplete *plan.Incomplete
	if !errors.As(err, &incomplete) || !errors.Is(err, errBroken) {
		t.Fatalf("got error %v, want an Incomplete around %v", err, errBroken)
	}
	want := `could not reload ktsd: broken; 1 of 7 changes done, not begun: set the admission of organization "archive", ` +
		`create organization "lab", add 1 contact to organization "payments", and 2 more`
	if got := err.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(incomplete.Done) != 1 || len(incomplete.Left) != 5 || incomplete.Failed.String() != "reload ktsd" {
		t.Errorf("got %d done, %q failed, %d left; want 1, reload, 5", len(incomplete.Done), incomplete.Failed, len(incomplete.Left))
	}
	if len(progress) != 1 || w.calls != 2 {
		t.Errorf("got %d messages and %d calls, want 1 and 2", len(progress), w.calls)
	}
}

func TestExecuteStopsWhenCancelled(t *testing.T) {
	s := everything()
	w := worldOf(s.live)
	ctx, cancel := context.WithCancel(context.Background())
	err := plan.Execute(ctx, plan.Diff(s.desired, w.live()), w, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	if w.calls != 1 {
		t.Errorf("got %d calls, want 1: none after the cancellation", w.calls)
	}
}

// TestRenderReportsWriteErrors fails the writer at the end, where a buffer is
// flushed.
func TestRenderReportsWriteErrors(t *testing.T) {
	s := everything()
	if err := plan.Render(brokenWriter{}, plan.Diff(s.desired, s.live), plan.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("got error %v, want %v", err, errBroken)
	}
}

// TestLargePlan is the size that plans are promised for.
func TestLargePlan(t *testing.T) {
	desired := plan.Desired{Host: "h", File: "f"}
	live := plan.Live{Running: &plan.Running{}}
	for i := range 10_000 {
		org := site.Organization{Name: "org-" + strings.Repeat("x", i%5) + string(rune('a'+i%26)) + itoa(i), Contacts: []string{"a@b", "c@d"}, Approval: site.ApprovalContacts}
		desired.Organizations = append(desired.Organizations, org)
		if i%2 == 0 {
			org.Contacts = []string{"e@f"}
			live.Running.Organizations = append(live.Running.Organizations, plan.LiveOrganization{Organization: org})
		}
	}
	p := plan.Diff(desired, live)
	var b bytes.Buffer
	if err := plan.Render(&b, p, plan.Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "Plan: 15000 to add, 0 to change, 5000 to remove.\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("got last line %q, want %q", b.String()[b.Len()-60:], want)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }
