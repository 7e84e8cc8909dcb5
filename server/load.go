package main

import (
	"fmt"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/postgres"
)

// load loads what a reload would take up: conf, which was read from file. It refuses
// what the next start would refuse, or would serve as another server than this one is.
func (k *ktsd) load(file string, conf confdir.Conf) (*settings, error) {
	if err := k.dir.CheckWith(file, conf); err != nil {
		return nil, err
	}
	if err := k.sameServer(file, conf); err != nil {
		return nil, err
	}
	if _, err := databaseURL(file, conf); err != nil {
		return nil, err
	}
	return settingsOf(k.dir, file, conf)
}

// sameServer refuses a configuration of another node, or of another OpenPGP key:
// neither can be changed while ktsd runs.
func (k *ktsd) sameServer(file string, conf confdir.Conf) error {
	node, err := conf.Node()
	if err != nil {
		return err
	}
	if node != k.node {
		return fault.New(fault.Conflict, "%s: HOSTNAME: the data here belongs to node %s, and this would be %s, so the next start would be refused", file, k.node, node)
	}
	key, err := serverKey(k.dir, conf.LocalFingerprint)
	if err != nil {
		return err
	}
	if key.Fingerprint() != k.key.Fingerprint() {
		return fault.New(fault.Conflict, "%s: LOCAL_FINGERPRINT: clients know this server by %s, and from the next start on it would be %s", file, k.fingerprint, key.Qualified())
	}
	return nil
}

// databaseURL returns the URL of the PostgreSQL database that conf, read from file,
// names; "" stands for SQLite.
func databaseURL(file string, conf confdir.Conf) (string, error) {
	url, err := conf.ReadDatabaseURL()
	if err == nil && url != "" {
		err = postgres.CheckURL(url)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return url, nil
}
