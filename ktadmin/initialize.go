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
	"syscall"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/tlsconf"
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
	unlock, err := i.lock()
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

// lock keeps two runs apart.
func (i *initializer) lock() (unlock func(), err error) {
	d, err := os.Open(string(i.dir))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		return nil, fmt.Errorf("another init is at work on %s", i.dir)
	}
	return func() { d.Close() }, nil
}

// sweep removes the temporary files of a run that was killed: no secret is to lie
// about that nothing uses.
func (i *initializer) sweep() error {
	for _, file := range []string{i.dir.SecretKeyring(), i.dir.PublicKeyring(), i.dir.KEKRing()} {
		left, err := filepath.Glob(filepath.Join(string(i.dir), "."+filepath.Base(file)+".*.tmp"))
		if err != nil {
			return err
		}
		for _, tmp := range left {
			if err := os.Remove(tmp); err != nil {
				return err
			}
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
	if recorded := conf.Hostname; recorded != "" && confdir.Exists(i.dir.SSL()) {
		if i.hostname != "" && i.hostname != recorded {
			return fault.New(fault.Conflict, "%s belongs to host %s, not %s", i.dir, recorded, i.hostname).
				WithHint("make another directory for %s, or remove %s to make this one its own", i.hostname, i.dir.SSL())
		}
		i.hostname = recorded
	}
	if i.hostname == "" {
		i.hostname, err = confdir.SystemHostname()
		return err
	}
	return nil
}

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
	if confdir.Exists(i.dir.Database()) {
		return fault.New(fault.Conflict, "the database %s is there, but the KEK ring %s is missing", i.dir.Database(), i.dir.KEKRing()).
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
// exist which the other node has. The file appears at once, whole.
func (i *initializer) database(ctx context.Context) error {
	wanted := !i.complete || i.newRing || i.emptyDatabase
	if !wanted || i.complete && confdir.Exists(i.dir.Database()) {
		return nil
	}
	if confdir.Exists(i.dir.Database()) {
		return i.createDatabase(ctx, i.dir.Database()) // whoever made it, it is made sure of
	}
	staging := i.dir.Database() + ".tmp"
	for _, rest := range []string{staging, staging + "-wal", staging + "-shm"} { // of an interrupted init
		if err := os.RemoveAll(rest); err != nil {
			return err
		}
	}
	if err := i.createDatabase(ctx, staging); err != nil {
		return err
	}
	if err := os.Rename(staging, i.dir.Database()); err != nil {
		return err
	}
	i.made = append(i.made, i.dir.Database())
	return safefile.SyncDir(filepath.Dir(i.dir.Database()))
}

// createDatabase makes the database file at path, or takes up one that is there.
func (i *initializer) createDatabase(ctx context.Context, path string) error {
	store, err := sqlite.Create(ctx, path, i.hostname)
	if err != nil {
		return err
	}
	return errors.Join(store.Close(), i.dir.Adopt(path))
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
