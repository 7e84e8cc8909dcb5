package main

import (
	"fmt"
)

// reload takes up keytrustee.conf and the certificate as they are now, or says
// why it goes on as before. Open connections are not disturbed.
func (k *ktsd) reload() error {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	next, err := loadSettings(k.dir)
	if err != nil {
		return err
	}
	if err := k.move(next.addresses); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
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
	k.reloading.Lock()
	defer k.reloading.Unlock()
	next, err := nextSettings(k.dir)
	if err != nil {
		return err
	}
	if err := k.tryAddresses(next.addresses); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	return nil
}
