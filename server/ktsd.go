package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/metrics"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/tlsconf"
	"github.com/ktsd/ktsd/internal/web"
)

// ktsd is the running server.
type ktsd struct {
	dir         confdir.Dir
	log         *slog.Logger
	stderr      io.Writer // for lines that are no log's
	node        string
	key         *pgp.SecretKey
	fingerprint string // of key, qualified
	statements  *statements
	started     time.Time
	database    string // in words
	databaseURL string // "" for SQLite; it may hold a password
	store       store
	service     *escrow.Service
	chain       *audit.Log
	herald      *audit.Herald
	memory      *web.Memory
	rest        *rest
	metrics     *metrics.Metrics
	closers     []io.Closer // in the order of opening
	public      *http.Server
	admin       *http.Server
	clients     *crowd
	failed      chan error // a part that cannot go on

	settings atomic.Pointer[settings]

	turn      turn
	stopping  atomic.Bool
	listeners map[string]net.Listener // of public, by their addresses; reload may replace them
}

// start opens everything in the order in which one thing needs another, and
// listens. Whatever is wrong is found here, before anything is served.
func start(ctx context.Context, dir confdir.Dir, log *slog.Logger, stderr io.Writer) (_ *ktsd, err error) {
	k := &ktsd{dir: dir, log: log, stderr: stderr, started: time.Now().UTC(), clients: &crowd{log: log}, turn: make(turn, 1), listeners: map[string]net.Listener{}, failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	conf, err := dir.ReadConf()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no %s", dir.Conf()).WithHint("make the directory: ktadmin init --confdir %s", dir)
	} else if err != nil {
		return nil, err
	}
	if err := dir.Check(conf); err != nil {
		return nil, err
	}
	if k.node, err = conf.Node(); err != nil {
		return nil, err
	}
	lock, err := dir.TakeLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "the state directory %s is missing", dir.State("run")).
			WithHint("restore it from a backup of this host, or have it made: ktadmin init --confdir %s", dir)
	} else if err != nil {
		return nil, err
	}
	k.closers = append(k.closers, lock)
	key, err := serverKey(dir, conf.LocalFingerprint)
	if err != nil {
		return nil, err
	}
	k.key, k.fingerprint, k.statements = key, key.Qualified(), &statements{key: key}
	armored, err := key.Public().Armored()
	if err != nil {
		return nil, err
	}
	settings, err := settingsOf(dir, dir.Conf(), conf)
	if err != nil {
		return nil, err
	}
	k.settings.Store(settings)
	k.metrics = k.newMetrics(conf)
	if err := k.openService(ctx, conf, lock, key.Fingerprint()); err != nil {
		return nil, err
	}
	k.startHerald()
	k.memory = web.NewMemory()
	k.takeOn(settings)
	k.rest = &rest{Observer: k.metrics, store: k.store}
	public, admin := web.New(web.Config{
		Service: k.service, Fingerprint: k.fingerprint, PublicKey: armored, Statement: k.statement,
		Server: k.describe, Status: k.status, Reload: k.reload, Check: k.check, Log: log, Metrics: k.metrics.Handler(), Observer: k.rest, Memory: k.memory,
	})
	return k, k.listen(public, admin)
}

// openService opens the keys, the store and the audit, and starts the domain.
func (k *ktsd) openService(ctx context.Context, conf confdir.Conf, lock *os.File, fingerprint string) error {
	ring, err := os.ReadFile(k.dir.KEKRing())
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "the KEK ring %s is missing", k.dir.KEKRing()).
			WithHint("restore it from a backup of the configuration directory; without it nothing that is stored can be opened")
	} else if err != nil {
		return fmt.Errorf("reading the KEK ring: %w", err)
	}
	keks, err := seal.ParseRing(ring)
	clear(ring)
	if err != nil {
		return fmt.Errorf("reading the KEK ring %s: %w", k.dir.KEKRing(), err)
	}
	sealer, err := seal.New(keks)
	if err != nil {
		return err
	}
	store, err := k.openStore(ctx, conf, lock)
	if err != nil {
		return err
	}
	k.store, k.closers = store, append(k.closers, store)
	k.chain, err = k.openAudit()
	if err != nil {
		return err
	}
	denied, err := deny.Open(k.dir.DenyList(), k.node)
	if err != nil {
		return err
	}
	k.closers = append(k.closers, denied)
	k.service, err = escrow.Start(ctx, escrow.Config{
		Store: store, Auditor: k.chain, Sealer: sealer, OpenPGP: openPGP{}, Server: escrow.Fingerprint(fingerprint),
		DenyList: denied, Node: k.node, Limits: escrowLimits(k.settings.Load().limits),
		Now: time.Now, Log: k.log, Fatal: func(err error) { k.failed <- err }, Observer: k.metrics,
	})
	return err
}

// newMetrics makes the metrics of what start goes on to open.
func (k *ktsd) newMetrics(conf confdir.Conf) *metrics.Metrics {
	engine := "sqlite"
	if conf.UsesPostgres() {
		engine = "postgres"
	}
	return metrics.New(metrics.Config{
		Version: cli.Version, Engine: engine, Started: k.started, Log: k.log,
		Certificate: func() time.Time { return k.settings.Load().leaf().NotAfter },
		Health:      func() escrow.Health { return k.service.Health() },
	})
}

// statement returns what ktsd says of the TLS key that it serves with now.
func (k *ktsd) statement() (string, error) {
	return k.statements.over(tlsconf.KeyHash(k.settings.Load().leaf()))
}

// takeOn has everything from now on work with s. The statement over its TLS key is
// made beside, and whoever asks first may wait for it.
func (k *ktsd) takeOn(s *settings) {
	k.settings.Store(s)
	k.takeBounds(s)
	k.warn(s)
	go func() {
		if _, err := k.statement(); err != nil {
			k.log.Error("clients that know this server by its fingerprint are turned away", "error", err)
		}
	}()
}

// describe tells what the process runs with.
func (k *ktsd) describe() api.Server {
	s := k.settings.Load()
	return api.Server{
		Version: cli.Version, Fingerprint: k.fingerprint, Node: k.node, Started: k.started,
		Hostname: s.hostname, Listen: s.listen, TLSMinVersion: s.minVersion, Ciphers: s.ciphers,
		Certificate: s.certFile, PrivateKey: s.keyFile, CAChain: s.chainFile, PasswordScript: s.passwordScript,
		Loaded: tlsconf.ChainFingerprint(s.certificate), Expires: s.leaf().NotAfter.UTC(), SelfSigned: tlsconf.IsSelfSigned(s.leaf()),
		Database: k.database, DatabaseChanged: k.databaseChanged(),
		Limits: limitsOut(s.limits), Audit: auditOut(s.audit),
	}
}

// close closes what start opened, last first.
func (k *ktsd) close() error {
	if s, ok := k.store.(interface{ GiveUp() }); ok {
		s.GiveUp()
	}
	if k.service != nil {
		k.service.Close()
	}
	var errs []error
	for i := len(k.closers) - 1; i >= 0; i-- {
		errs = append(errs, k.closers[i].Close())
	}
	return errors.Join(errs...)
}
