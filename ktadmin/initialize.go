package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/safefile"
)

// initializer makes what is missing of a server's directory, in an order in
// which every prefix is either completed by the next run or refused by it. Each
// file is written whole, and keytrustee.conf, without which nothing starts, last.
type initializer struct {
	dir           confdir.Dir
	hostname      string // as asked for; empty: to be found out
	emptyDatabase bool

	conf     confdir.Conf
	complete bool // keytrustee.conf was there: an earlier init came to its end, or the directory was copied
	newRing  bool // this run made the KEK ring, so there can be no database yet
	key      *pgp.SecretKey
	made     []string
}

// account is the service account that a directory made by root is given to.
const account = "keytrustee"

// run returns the server's qualified fingerprint.
func (i *initializer) run(ctx context.Context) (string, error) {
	if i.hostname != "" {
		if err := names.CheckHostname(i.hostname); err != nil {
			return "", fault.New(fault.Invalid, "--hostname: %v", err)
		}
	}
	if err := i.makeConfdir(); err != nil {
		return "", fmt.Errorf("making the configuration directory: %w", err)
	}
	unlock, err := i.dir.LockChanges()
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := i.sweep(); err != nil {
		return "", err
	}
	if err := i.readConf(); err != nil {
		return "", err
	}
	for _, step := range []func(context.Context) error{i.keyring, i.kekRing, i.ssl, i.state, i.database, i.writeConf} {
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	return i.key.Qualified(), nil
}

// makeConfdir makes the directory and those above it. What root makes belongs to
// the service account, where there is one.
func (i *initializer) makeConfdir() error {
	path := string(i.dir)
	if confdir.Exists(path) {
		return nil
	}
	var owned []string
	if parent := filepath.Dir(path); !confdir.Exists(parent) {
		if err := safefile.MakeParents(parent); err != nil {
			return err
		}
		if err := safefile.MakeDir(parent); err != nil {
			return err
		}
		owned = append(owned, parent)
	}
	if err := safefile.MakeDir(path); err != nil {
		return err
	}
	i.made = append(i.made, path)
	owner, err := user.Lookup(account)
	if os.Geteuid() != 0 || err != nil {
		return nil
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	for _, dir := range append(owned, path) {
		if err := os.Chown(dir, uid, gid); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes the temporary files of a run that was killed: no secret is to lie
// about that nothing uses.
func (i *initializer) sweep() error {
	for _, file := range []string{i.dir.SecretKeyring(), i.dir.PublicKeyring(), i.dir.KEKRing()} {
		if err := safefile.Sweep(file); err != nil {
			return err
		}
	}
	return nil
}

// readConf reads what an earlier run left, and settles this host's name.
func (i *initializer) readConf() error {
	conf, err := i.dir.ReadConf()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	i.conf, i.complete = conf, err == nil
	recorded := conf.Hostname
	stays := confdir.Exists(i.dir.SSL()) || confdir.Exists(i.dir.Database()) // what is this host's own
	if i.hostname == "" && recorded != "" && stays {
		i.hostname = recorded
	}
	if i.hostname == "" {
		if i.hostname, err = confdir.SystemHostname(); err != nil {
			return err
		}
	}
	if recorded != "" && stays && i.hostname != recorded {
		return fault.New(fault.Conflict, "%s belongs to host %s, not %s", i.dir, recorded, i.hostname).
			WithHint("make another directory for %s; of this one, .ssl and the state are never copied to another host", i.hostname)
	}
	return nil
}

// writeConf records whose directory this is, which makes it one.
func (i *initializer) writeConf(context.Context) error {
	fingerprint := i.key.Public().Fingerprint()
	if i.conf.LocalFingerprint == fingerprint && i.conf.Hostname == i.hostname {
		return nil
	}
	i.conf.LocalFingerprint, i.conf.Hostname = fingerprint, i.hostname
	if err := i.dir.WriteConf(i.conf); err != nil {
		return err
	}
	i.made = append(i.made, i.dir.Conf())
	return nil
}

func (i *initializer) write(path string, data []byte) error {
	if err := i.dir.Write(path, data, 0o600); err != nil {
		return err
	}
	i.made = append(i.made, path)
	return nil
}
