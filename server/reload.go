package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// reloadOn reloads at each signal, beside everything else that ktsd does, until ctx
// ends. Signals that come during a reload are one more reload.
func (k *ktsd) reloadOn(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			if err := k.reloadWithin(0); err != nil && ctx.Err() == nil {
				k.log.Error("reload refused; ktsd goes on as before", "error", err)
			}
		}
	}
}

// reload takes up keytrustee.conf and the certificate as they are now, or says
// why it goes on as before. Open connections are not disturbed.
func (k *ktsd) reload() error { return k.reloadWithin(turnPatience) }

// reloadWithin reloads if its turn comes within patience; 0 waits for good.
func (k *ktsd) reloadWithin(patience time.Duration) error {
	if err := k.turn.take(patience); err != nil {
		return err
	}
	defer k.turn.giveUp()
	conf, err := k.dir.ReadConf()
	if err != nil {
		return err
	}
	next, err := k.load(k.dir.Conf(), conf)
	if err != nil {
		return err
	}
	if k.stopping.Load() {
		return errors.New("it is about to stop")
	}
	if err := k.move(next.addresses); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	next.goOnFrom(k.settings.Load())
	k.takeOn(next)
	if k.databaseChanged() {
		k.log.Warn("keytrustee.conf names another database, or another URL of it, which a start takes on and a reload does not", "database", k.database)
	}
	k.log.Info("reloaded", "listen", next.listen, "tls_min_version", next.minVersion, "certificate", next.certFile)
	k.notify("STATUS=serving on " + next.listen)
	return nil
}

// check says whether a reload would take up keytrustee.conf.next in the place of
// keytrustee.conf, or why it would not. It changes nothing.
func (k *ktsd) check() error {
	if err := k.turn.take(turnPatience); err != nil {
		return err
	}
	defer k.turn.giveUp()
	conf, err := k.dir.ReadNextConf()
	if err != nil {
		return err
	}
	next, err := k.load(k.dir.NextConf(), conf)
	if err != nil {
		return err
	}
	if err := k.tryAddresses(next.addresses); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	return nil
}
