package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
)

type applyCommand struct {
	Plan string `arg:"" optional:"" name:"planfile" help:"A plan that 'ktadmin plan --out' saved: just that is done, unasked, or nothing."`
	siteFlags
	AutoApprove bool   `help:"Do not ask."`
	Reason      string `placeholder:"TEXT" help:"Why this is done, for the audit log; up to 255 bytes."`
}

// Help is shown by --help.
func (applyCommand) Help() string {
	return `Shows the plan, asks, carries it out, and then compares again, to prove that nothing is left.
Killed at any point and run again it goes on from there. What exists and is not declared is left
alone. Exits 0 when this host is as declared, 1 otherwise.

While ktsd is stopped, its unit is started where one is installed; otherwise only this host's files
are written, and what waits is named. Another database is taken on while ktsd is stopped only: its
tables are made, and what the old one holds stays there.

ktsd is asked whether it can work with the new keytrustee.conf before that takes the place of the
old one, which is kept as keytrustee.conf.previous, and put back if ktsd then refuses after all.

A saved plan has been looked at, so nobody is asked. It is refused if anything is not as it was
when the plan was made, and so once part of it was done: make it anew then.

Examples:
  ktadmin apply -f site.hcl
  ktadmin apply -f site.hcl --auto-approve --reason 'CHG-4711: contacts of disaster-recov'
  ktadmin plan -f site.hcl --out site.plan; ktadmin apply site.plan`
}

// Validate is called by kong.
func (a *applyCommand) Validate() error {
	switch {
	case a.Plan != "" && len(a.File)+len(a.Var)+len(a.VarFile) > 0:
		return errors.New("-f, --file: a saved plan holds what the files said; give one of the two")
	case a.Plan != "" && a.Host != "":
		return errors.New("--host: a saved plan is for one host; make it with plan --host")
	case a.Plan == "" && len(a.File) == 0:
		return errors.New("missing flags: -f, --file=PATH, or a saved plan")
	case a.Reason != "":
		if err := names.CheckReason(a.Reason); err != nil {
			return fmt.Errorf("--reason: %w", err)
		}
	}
	return nil
}

// Run applies the file, or the plan.
func (a *applyCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	if _, err := h.conf(); err != nil { // a directory to lock
		return err
	}
	if a.Reason != "" {
		h.admin = h.admin.WithReason(a.Reason)
	}
	var from wish = &a.siteFlags
	var saved *savedPlan
	if a.Plan != "" {
		if saved, err = readPlan(a.Plan); err != nil {
			return err
		}
		from = saved
	}
	unlock, err := h.dir.LockChanges()
	if err != nil {
		return err
	}
	defer unlock()
	if confdir.Exists(h.dir.NextConf()) { // an apply was killed
		if err := os.Remove(h.dir.NextConf()); err != nil {
			return err
		}
	}
	made, err := a.round(ctx, h, from, saved, streams)
	if err != nil {
		return err
	}
	if !made.running {
		if err := h.startUnit(ctx, streams); err != nil {
			return waiting(h, made.Plan, saved != nil, err)
		}
		then, err := a.afterStart(ctx, h, from, saved, streams)
		if err != nil {
			return err
		}
		made.Changes = append(made.Changes, then...)
	}
	if err := a.prove(ctx, h, from, streams); err != nil {
		return err
	}
	if len(made.Changes) > 0 {
		fmt.Fprintf(a.progress(streams), "Applied. %s matches %s.\n", made.Host, made.File)
	}
	return nil
}

// afterStart goes on once ktsd runs, and can be compared, and returns what it changed.
// A saved plan says nothing of what differs there, so nothing of that is done.
func (a *applyCommand) afterStart(ctx context.Context, h *host, from wish, saved *savedPlan, streams *cli.Streams) ([]plan.Change, error) {
	if saved == nil {
		made, err := a.round(ctx, h, from, nil, streams)
		return made.Changes, err
	}
	now, err := h.compare(ctx, from, streams, a.JSON)
	if err != nil || now.InSync() {
		return nil, err
	}
	if err := plan.Render(streams.Err, now.Plan, plan.Options{Color: colored(streams.Err)}); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Conflict, "what %s shows was done, and ktsd was started; it was stopped when the plan was made, and the rest, as shown, is not in it", saved.file).
		WithHint("make the plan anew, look at it, and apply that")
}

// round shows a plan, asks unless it was saved, and carries it out.
func (a *applyCommand) round(ctx context.Context, h *host, from wish, saved *savedPlan, streams *cli.Streams) (comparison, error) {
	made, err := h.compare(ctx, from, streams, a.JSON)
	if err != nil {
		return made, err
	}
	if saved != nil {
		if err := saved.check(h.dir, made); err != nil {
			return made, err
		}
	}
	if err := show(streams, made.Plan, a.JSON); err != nil {
		return made, err
	}
	if made.Stop != "" {
		return made, stopFirst(h.dir)
	}
	if len(made.Changes) == 0 {
		return made, nil
	}
	if a.Plan == "" {
		if err := a.ask(streams); err != nil {
			return made, err
		}
	}
	return made, plan.Execute(ctx, made.Plan, &target{host: h}, func(message string) {
		fmt.Fprintln(a.progress(streams), message)
	})
}

// progress goes where it does not mix with JSON.
func (a *applyCommand) progress(streams *cli.Streams) io.Writer {
	if a.JSON {
		return streams.Err
	}
	return streams.Out
}

// ask lets nothing happen unasked.
func (a *applyCommand) ask(streams *cli.Streams) error {
	if a.AutoApprove {
		return nil
	}
	if !isTerminal(streams.In) {
		return fault.New(fault.Denied, "nobody can be asked: standard input is no terminal").
			WithHint("look at the plan, then give --auto-approve")
	}
	fmt.Fprint(streams.Err, "\nApply this? Only yes is a yes: ")
	answer, err := bufio.NewReader(streams.In).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(errors.New("not applied; nothing was changed"), err)
	}
	return nil
}

// prove compares once more. What still differs is an error, since apply said
// that it would not.
func (a *applyCommand) prove(ctx context.Context, h *host, from wish, streams *cli.Streams) error {
	left, err := h.compare(ctx, from, streams, a.JSON)
	if err != nil {
		return fmt.Errorf("comparing again after the changes: %w", err)
	}
	if left.InSync() {
		return nil
	}
	if err := plan.Render(streams.Err, left.Plan, plan.Options{Color: colored(streams.Err)}); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "after the changes %s still differs from %s, as shown", left.Host, left.File).
		WithHint("did somebody else change it meanwhile? apply again")
}

// waiting says what was not done because ktsd is stopped, and how to go on.
func waiting(h *host, made plan.Plan, saved bool, cause error) error {
	var orgs []string
	for _, u := range made.Unknown {
		orgs = append(orgs, u.Organizations...)
	}
	if len(orgs) == 0 {
		return fault.New(fault.Unavailable, "this host's files are as declared, but ktsd is not running").
			WithHint("start it: ktsd --confdir %s", h.dir).Because(cause)
	}
	next := "apply again"
	if saved {
		next = "make a plan anew"
	}
	list := strings.Join(orgs[:min(5, len(orgs))], ", ")
	if len(orgs) > 5 {
		list += fmt.Sprintf(" and %d more", len(orgs)-5)
	}
	return fault.New(fault.Unavailable, "this host's files are as declared, but ktsd is not running, and the organizations wait: %s", list).
		WithHint("start it, then %s: ktsd --confdir %s", next, h.dir).Because(cause)
}
