package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/ktsd/ktsd/internal/cli"
)

// stopTimeout is how long requests under way have to end when ktsd stops.
const stopTimeout = 20 * time.Second

// serve tells systemd, and waits: for a signal, for a reload, for a failure.
func (k *ktsd) serve(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	watchdog, stopWatchdog := watchdogTicks()
	defer stopWatchdog()

	k.log.Info("serving", "version", cli.Version, "fingerprint", k.fingerprint, "node", k.node,
		"listen", k.settings.Load().listen, "socket", k.dir.Socket(), "start_ms", time.Since(k.started).Milliseconds())
	k.notify(daemon.SdNotifyReady, "STATUS=serving on "+k.settings.Load().listen)
	for {
		select {
		case <-ctx.Done():
			return k.stop()
		case err := <-k.failed:
			return errors.Join(err, k.stop())
		case <-hup:
			if err := k.reload(); err != nil {
				k.log.Error("reload refused; ktsd goes on as before", "error", err)
			}
		case <-watchdog:
			k.notify(daemon.SdNotifyWatchdog)
		}
	}
}

// stop ends after the requests under way, with everything on disk.
func (k *ktsd) stop() error {
	k.notify(daemon.SdNotifyStopping)
	k.log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := errors.Join(k.public.Shutdown(ctx), k.admin.Shutdown(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		k.log.Warn("requests were still under way and were cut off")
		err = errors.Join(k.public.Close(), k.admin.Close())
	}
	err = errors.Join(err, k.close())
	k.log.Info("stopped")
	return err
}

// reload takes up keytrustee.conf and the certificate as they are now, or says
// why it goes on as before. Open connections are not disturbed: a new address is
// opened before the old one is closed, and what was accepted there goes on.
func (k *ktsd) reload() error {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	next, err := loadSettings(k.dir)
	if err != nil {
		return err
	}
	before := k.settings.Load()
	if next.listen != before.listen {
		l, err := net.Listen("tcp", next.listen)
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		old := k.listener
		k.listener = l
		k.settings.Store(next)
		go k.serveOn("public", func() error { return k.public.ServeTLS(l, "", "") })
		if err := old.Close(); err != nil {
			k.log.Warn("closing the old listener", "error", err)
		}
	}
	k.settings.Store(next)
	k.warnOfExpiry(next)
	k.log.Info("reloaded", "listen", next.listen, "tls_min_version", next.minVersion, "certificate", next.certFile)
	k.notify("STATUS=serving on " + next.listen)
	return nil
}

func (k *ktsd) warnOfExpiry(s *settings) {
	if left := time.Until(s.leaf().NotAfter); left < expiryWarning {
		k.log.Warn("the TLS certificate ends soon, or has ended", "certificate", s.certFile, "not_after", s.leaf().NotAfter)
	}
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
