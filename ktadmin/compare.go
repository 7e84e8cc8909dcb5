package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/plan"
)

// wish is where what is wanted of this host comes from: a site's files, or a plan
// that was saved.
type wish interface {
	// desired returns it, checked on this host, with the configuration to report
	// errors on, which is empty where there are no files.
	desired(ctx context.Context, dir confdir.Dir, conf confdir.Conf) (plan.Desired, *hcl.Config, hcl.Diagnostics, error)
}

// comparison is a plan, with what it was made from.
type comparison struct {
	plan.Plan
	desired plan.Desired
	running bool // whether ktsd runs
}

// compare compares what is wanted with what is live. Errors of the files are
// printed.
func (h *host) compare(ctx context.Context, from wish, streams *cli.Streams, asJSON bool) (comparison, error) {
	conf, err := h.conf()
	if err != nil {
		return comparison{}, err
	}
	desired, config, diags, err := from.desired(ctx, h.dir, conf)
	if err != nil {
		return comparison{}, err
	}
	if diags.HasErrors() {
		return comparison{}, refuse(streams, diags, asJSON)
	}
	live, err := h.live(ctx, conf)
	if err != nil {
		return comparison{}, err
	}
	if err := h.countRemoved(ctx, desired, live.Running); err != nil {
		return comparison{}, err
	}
	if diags := checkRemoved(config, desired, live.Running); diags.HasErrors() {
		return comparison{}, refuse(streams, diags, asJSON)
	}
	return comparison{plan.Diff(desired, live), desired, live.Running != nil}, nil
}

// countRemoved asks what the organizations hold that are to be removed.
func (h *host) countRemoved(ctx context.Context, desired plan.Desired, running *plan.Running) error {
	if running == nil {
		return nil
	}
	for _, gone := range desired.Removed {
		for i, org := range running.Organizations {
			if org.Name != gone.Organization {
				continue
			}
			usage, err := h.admin.Usage(ctx, org.Name)
			if err != nil {
				return err
			}
			running.Organizations[i].Usage = &plan.Usage{Clients: usage.Clients, Deposits: usage.Deposits}
		}
	}
	return nil
}

// checkRemoved wants every deposit that is lost counted in the file: who reads it
// there knows what is lost.
func checkRemoved(config *hcl.Config, desired plan.Desired, running *plan.Running) hcl.Diagnostics {
	var diags hcl.Diagnostics
	if running == nil {
		return nil
	}
	counted := map[string]int64{}
	for _, gone := range desired.Removed {
		counted[gone.Organization] = gone.Deposits
	}
	for _, org := range running.Organizations {
		deposits, isGone := counted[org.Name]
		if !isGone || org.Usage == nil || org.Usage.Deposits == deposits {
			continue
		}
		d := config.ErrorAt("removed", org.Name, "deposits",
			fmt.Sprintf("organization %q holds %s, and the file says %d", org.Name, plural(org.Usage.Deposits, "deposit"), deposits),
			"To remove it is to lose them for good, and with them all that they are the keys of; so the file has to say how many they are.")
		d.Suggestion = fmt.Sprintf("If nobody needs them any more: deposits = %d", org.Usage.Deposits)
		diags = append(diags, d)
	}
	return diags
}

// show prints a plan.
func show(streams *cli.Streams, p plan.Plan, asJSON bool) error {
	if asJSON {
		return cli.WriteJSON(streams.Out, p)
	}
	return plan.Render(streams.Out, p, plan.Options{Color: colored(streams.Out)})
}
