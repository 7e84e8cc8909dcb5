package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/internal/cli"
)

type siteCommand struct {
	settings
	Organizations int `help:"Organizations that the site's file declares." default:"10000"`
}

// Help is shown by --help.
func (siteCommand) Help() string {
	return `Measures ktadmin over a large site: a plan of it on an empty server, an apply, and a plan
that finds nothing to do.

Examples:
  bench site
  bench site --engine postgres --organizations 1000`
}

// Run measures.
func (c *siteCommand) Run(ctx context.Context, streams *cli.Streams) (err error) {
	b, err := c.begin(streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	found := &footprint{Settings: b.settings}
	if found.Machine, err = b.inspect(); err != nil {
		return err
	}
	k, err := b.ktsd(ctx, "ktsd", 1, 1)
	if err != nil {
		return err
	}
	file := filepath.Join(b.work, "site.hcl")
	if err := writeSite(file, c.Organizations); err != nil {
		return err
	}
	if err := c.plans(ctx, b, k, found, file, "with everything to do", 2); err != nil {
		return err
	}
	b.progress("apply of %d organizations", c.Organizations)
	took, used, err := k.Ktadmin(ctx, 0, "apply", "-f", file, "--auto-approve")
	if err != nil {
		return err
	}
	found.atMost(fmt.Sprintf("apply of %d organizations", c.Organizations), took.Seconds(), 60, "s")
	found.add("processor time of ktadmin for it", used.Seconds(), "s")
	if err := c.plans(ctx, b, k, found, file, "with nothing to do", 0); err != nil {
		return err
	}
	found.print(streams.Out)
	return errors.Join(b.writeJSON(found), b.verdict())
}

// plans makes a plan a few times, whose exit code is to be the given one.
func (c *siteCommand) plans(ctx context.Context, b *session, k *rig.Ktsd, found *footprint, file, of string, code int) error {
	var times, work []float64
	for range max(1, c.Rounds) {
		b.progress("plan of %d organizations, %s", c.Organizations, of)
		took, used, err := k.Ktadmin(ctx, code, "plan", "-f", file)
		if err != nil {
			return err
		}
		times, work = append(times, took.Seconds()), append(work, used.Seconds())
	}
	found.atMost(fmt.Sprintf("plan of %d organizations, %s", c.Organizations, of), middle(times), 2, "s")
	found.add("processor time of ktadmin for it", middle(work), "s")
	return nil
}

// writeSite declares so many organizations, each in a block of its own, with two
// contacts; every third is admitted by a code.
func writeSite(file string, organizations int) error {
	var s strings.Builder
	for i := range organizations {
		approval := []string{"auth_code", "contacts", "automatic"}[i%3]
		fmt.Fprintf(&s, "organization \"tenant-%05d\" {\n  contacts = [\"finn@example.com\", \"jake-%d@example.com\"]\n  approval = %q\n}\n", i, i, approval)
	}
	return os.WriteFile(file, []byte(s.String()), 0o600)
}
