package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/ktsd/ktsd/internal/cli"
)

// stopTimeout is how long requests under way have to end when ktsd stops.
const stopTimeout = 20 * time.Second

// serve tells systemd, and waits: for a stop, for a failure. Nothing that can take its
// time is done here, since the watchdog waits for it.
func (k *ktsd) serve(ctx context.Context, hup <-chan os.Signal) error {
	watchdog, stopWatchdog := watchdogTicks()
	defer stopWatchdog()
	look := time.NewTicker(restInterval)
	defer look.Stop()

	k.log.Info("serving", "version", cli.Version, "fingerprint", k.fingerprint, "node", k.node, "database", k.database,
		"listen", k.settings.Load().listen, "socket", k.dir.Socket(), "start_ms", time.Since(k.started).Milliseconds())
	k.notify(daemon.SdNotifyReady, "STATUS=serving on "+k.settings.Load().listen)
	go k.reloadOn(ctx, hup)
	for {
		select {
		case <-ctx.Done():
			return k.stop()
		case err := <-k.failed:
			return errors.Join(err, k.stop())
		case <-look.C:
			k.rest.look()
		case <-watchdog:
			k.notify(daemon.SdNotifyWatchdog)
		}
	}
}

// stop ends after the requests under way, with everything on disk.
func (k *ktsd) stop() error {
	k.stopping.Store(true)
	k.notify(daemon.SdNotifyStopping)
	k.log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	admin := make(chan error)
	go func() { admin <- k.admin.Shutdown(ctx) }()
	err := errors.Join(k.public.Shutdown(ctx), <-admin)
	if errors.Is(err, context.DeadlineExceeded) {
		k.log.Warn("requests were still under way and were cut off")
		err = errors.Join(k.public.Close(), k.admin.Close())
	}
	err = errors.Join(err, k.close())
	k.log.Info("stopped")
	return err
}

// notify tells systemd; without systemd it does nothing.
func (k *ktsd) notify(states ...string) {
	for _, state := range states {
		if _, err := daemon.SdNotify(false, state); err != nil {
			k.log.Warn("telling systemd", "error", err)
		}
	}
}

// watchdogTicks ticks twice in the time within which systemd wants to hear from
// us; never where it does not.
func watchdogTicks() (<-chan time.Time, func()) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return nil, func() {}
	}
	t := time.NewTicker(interval / 2)
	return t.C, t.Stop
}
