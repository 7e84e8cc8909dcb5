package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
)

// unit is the systemd unit of ktsd, which serves the default directory.
const unit = "ktsd.service"

// startUnit starts ktsd's unit and returns once systemd calls it ready, or says
// why there is nothing to start.
func (h *host) startUnit(ctx context.Context, streams *cli.Streams) error {
	if h.dir != confdir.Default {
		return errors.New("no unit serves this directory")
	}
	if err := exec.CommandContext(ctx, "systemctl", "--quiet", "cat", unit).Run(); err != nil {
		return fmt.Errorf("no unit %s is installed", unit)
	}
	fmt.Fprintf(streams.Err, "starting %s\n", unit)
	if out, err := exec.CommandContext(ctx, "systemctl", "start", unit).CombinedOutput(); err != nil {
		return fmt.Errorf("starting %s: %w: %s (journalctl -u %s tells more)", unit, err, strings.TrimSpace(string(out)), unit)
	}
	return nil
}
