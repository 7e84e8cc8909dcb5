package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// keyring makes the server's OpenPGP key, or takes up the one that is there.
func (i *initializer) keyring(context.Context) error {
	if !confdir.Exists(i.dir.SecretKeyring()) {
		for _, rest := range []string{i.dir.PublicKeyring(), i.dir.KEKRing(), i.dir.Database()} {
			if confdir.Exists(rest) {
				return fault.New(fault.Conflict, "%s is there, but %s is missing", rest, i.dir.SecretKeyring()).
					WithHint("restore it from a backup; clients know this server by that key, so a new one is not made in its place")
			}
		}
		key, err := pgp.GenerateServerKey(i.hostname)
		if err != nil {
			return fmt.Errorf("making the server's OpenPGP key: %w", err)
		}
		ring, err := key.SecretKeyring()
		if err != nil {
			return fmt.Errorf("making the server's OpenPGP key: %w", err)
		}
		defer clear(ring)
		if err := i.write(i.dir.SecretKeyring(), ring); err != nil {
			return err
		}
	}
	ring, err := os.ReadFile(i.dir.SecretKeyring())
	if err != nil {
		return err
	}
	defer clear(ring)
	if i.key, err = pgp.ReadSecretKeyring(ring, i.conf.LocalFingerprint); err != nil {
		return fmt.Errorf("reading %s: %w", i.dir.SecretKeyring(), err)
	}
	if confdir.Exists(i.dir.PublicKeyring()) {
		return nil
	}
	return i.write(i.dir.PublicKeyring(), pgp.PublicKeyring(i.key.Public()))
}

// kekRing makes the ring of key-encryption keys, unless something may have been
// sealed with one that is lost.
func (i *initializer) kekRing(context.Context) error {
	if confdir.Exists(i.dir.KEKRing()) {
		return nil
	}
	if database := i.existingDatabase(); database != "" {
		return fault.New(fault.Conflict, "the database %s is there, but the KEK ring %s is missing", database, i.dir.KEKRing()).
			WithHint("restore the ring from a backup: what the database holds opens with nothing else")
	}
	data, err := seal.NewRing(time.Now()).Marshal()
	if err != nil {
		return err
	}
	defer clear(data)
	i.newRing = true
	return i.write(i.dir.KEKRing(), data)
}

// existingDatabase names the database that this directory has; "" if it has none. One
// on PostgreSQL is taken for there once the directory was whole.
func (i *initializer) existingDatabase() string {
	switch {
	case i.conf.UsesPostgres() && i.conf.LocalFingerprint != "":
		return liveDatabase(i.conf).Shown
	case confdir.Exists(i.dir.Database()):
		return i.dir.Database()
	}
	return ""
}

// ssl makes the TLS identity: the directory with both files appears at once.
func (i *initializer) ssl(context.Context) error {
	if confdir.Exists(i.dir.SSL()) {
		for _, file := range []string{i.dir.Certificate(), i.dir.PrivateKey()} {
			if !confdir.Exists(file) && i.conf.Certificate == "" {
				return fault.New(fault.Conflict, "%s is there, but %s is missing", i.dir.SSL(), file).
					WithHint("put it back, or remove the directory to have a new self-signed certificate made")
			}
		}
		return i.checkHost()
	}
	cert, key, err := tlsconf.SelfSigned(i.hostname, time.Now())
	if err != nil {
		return fmt.Errorf("making the TLS certificate: %w", err)
	}
	staging := i.dir.SSL() + ".tmp"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := i.dir.MakeDir(staging); err != nil {
		return err
	}
	if err := i.dir.Write(filepath.Join(staging, filepath.Base(i.dir.PrivateKey())), key, 0o600); err != nil {
		return err
	}
	if err := i.dir.Write(filepath.Join(staging, filepath.Base(i.dir.Certificate())), cert, 0o644); err != nil {
		return err
	}
	if err := os.Rename(staging, i.dir.SSL()); err != nil {
		return err
	}
	i.made = append(i.made, i.dir.PrivateKey(), i.dir.Certificate()+" (self-signed, for "+i.hostname+")")
	return safefile.SyncDir(string(i.dir))
}

// checkHost makes sure that the certificate which an interrupted init left is for
// the host that this one is to complete the directory for.
func (i *initializer) checkHost() error {
	if i.complete {
		return nil
	}
	pair, err := tlsconf.LoadPair(i.dir.Certificate(), i.dir.PrivateKey())
	if err != nil {
		return err
	}
	if err := pair.Leaf.VerifyHostname(i.hostname); err != nil {
		return fault.New(fault.Conflict, "%s is not for host %s", i.dir.Certificate(), i.hostname).
			WithHint("give the --hostname that the interrupted init was given, or remove %s to have a new certificate made", i.dir.SSL()).Because(err)
	}
	return nil
}

// state makes the directories of what stays on this host.
func (i *initializer) state(context.Context) error {
	for _, dir := range i.dir.StateDirs() {
		if confdir.Exists(dir) {
			continue
		}
		if err := i.dir.MakeDir(dir); err != nil {
			return fmt.Errorf("making the state directory: %w", err)
		}
		i.made = append(i.made, dir)
	}
	return nil
}

// database makes the database of a new directory. A directory that was copied
// without one gets none unasked: an empty one would answer that keys do not
// exist which the other node has. So it is with one on PostgreSQL.
func (i *initializer) database(ctx context.Context) error {
	if i.conf.UsesPostgres() {
		return i.postgres(ctx)
	}
	wanted := !i.complete || i.newRing || i.emptyDatabase
	if i.complete && confdir.Exists(i.dir.Database()) {
		return nil
	}
	if !wanted {
		return i.missedDatabase()
	}
	if confdir.Exists(i.dir.Database()) {
		return fillSQLite(ctx, i.dir, i.dir.Database(), i.hostname) // whoever made it, it is made sure of
	}
	if err := createSQLite(ctx, i.dir, i.hostname); err != nil {
		return err
	}
	i.made = append(i.made, i.dir.Database())
	return nil
}

// postgres makes the tables of the database that keytrustee.conf names, if that was
// asked for.
func (i *initializer) postgres(ctx context.Context) error {
	if !i.emptyDatabase {
		return nil
	}
	url, err := i.conf.ReadDatabaseURL()
	if err != nil {
		return fmt.Errorf("%s: %w", i.dir.Conf(), err)
	}
	if err := fillPostgres(ctx, url); err != nil {
		return err
	}
	i.made = append(i.made, "sure that "+describe(url)+" has its tables")
	return nil
}

// missedDatabase tells a directory that was copied without a database from one
// that has lost it.
func (i *initializer) missedDatabase() error {
	entries, err := os.ReadDir(i.dir.Audit())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !slices.ContainsFunc(entries, isSegment) {
		return nil
	}
	return fault.New(fault.Conflict, "the database %s is missing, and this host has served with it: there is an audit log", i.dir.Database()).
		WithHint("mount or restore it; an empty one (--empty-database) would deny every key that was deposited")
}

// isSegment tells a segment of the audit log from what else is in its directory.
func isSegment(e fs.DirEntry) bool {
	return strings.HasPrefix(e.Name(), "audit-") && strings.HasSuffix(e.Name(), ".jsonl")
}
