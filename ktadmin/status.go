package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

type statusCommand struct {
	JSON bool `name:"json" help:"Print it as JSON."`
}

// Help is shown by --help.
func (statusCommand) Help() string {
	return `Shows on one screen what runs on this host, with which certificate, database and clients, and
what is wrong. While ktsd is stopped it shows what its files say. Nothing is changed, and no
audit record is left.

Exits 0 if all is well; 2 at warnings: the certificate ends within 30 days, is for another name,
or fits no cipher suite, keytrustee.conf has what ktsd has not taken on, the audit log's disk
fills up or is slow, its heads do not get away; 1 at errors: ktsd is stopped or does not answer,
its certificate has ended, changes or requests are refused. A self-signed certificate, pending
clients and expired organizations are told, and are no warnings. Mind that the plugins of Nagios
have 1 and 2 the other way round.

Examples:
  ktadmin status
  ktadmin status --json | jq -r '.findings[].text'`
}

// Run shows the status.
func (s *statusCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	conf, err := h.conf()
	if err != nil {
		return err
	}
	seen, err := h.status(ctx, conf)
	if err != nil {
		return err
	}
	if s.JSON {
		err = cli.WriteJSON(streams.Out, seen)
	} else {
		err = seen.write(streams.Out)
	}
	if err != nil {
		return err
	}
	switch seen.Result {
	case levelError:
		return &cli.Coded{Code: cli.CodeError}
	case levelWarning:
		return &cli.Coded{Code: cli.CodeDifferences}
	}
	return nil
}

// status looks at everything. The error is one that keeps it from looking.
func (h *host) status(ctx context.Context, conf confdir.Conf) (*status, error) {
	s := &status{Role: roleActive, Confdir: string(h.dir)}
	running, err := h.admin.Server(ctx)
	var live client.ServerStatus
	if err == nil {
		live, err = h.admin.Status(ctx)
	}
	if errors.Is(err, fault.Denied) {
		return nil, err
	}
	if err != nil {
		return s, h.stopped(s, conf, err)
	}
	s.Ktsd, s.Version, s.Started, s.Host, s.Listen = ktsdRunning, running.Version, &running.Started, running.Node, running.Listen
	s.Database, s.Store, s.Audit, s.Counts = running.Database, &live.Store, &live.Audit, live.Counts
	s.Certificate = &certificateView{File: running.Certificate, CertificateStatus: live.Certificate}
	if s.Waiting, err = h.waiting(conf, running); err != nil {
		return nil, err
	}
	s.judge(live.Time)
	return s, nil
}

// stopped shows what the files say while ktsd cannot be asked, for the reason given.
func (h *host) stopped(s *status, conf confdir.Conf, cause error) (err error) {
	if s.Host, err = conf.Node(); err != nil {
		return err
	}
	s.Listen, s.Database = cmp.Or(conf.Listen, confdir.DefaultListen), liveDatabase(conf).Shown
	if errors.Is(cause, client.ErrNotRunning) {
		s.Ktsd = ktsdStopped
		s.find(levelError, "start it: systemctl start ktsd, or by hand: ktsd --confdir "+string(h.dir), "ktsd is not running")
	} else {
		s.Ktsd = ktsdSilent
		s.find(levelError, "what it logged tells more: journalctl -u ktsd", "ktsd does not answer as it should: %v", cause)
	}
	file := cmp.Or(conf.Certificate, h.dir.Certificate())
	leaf, err := tlsconf.ReadCertificate(file)
	if err != nil {
		s.find(levelError, "put it in its place again, or have one made: ktadmin init", "%v", err)
	} else {
		s.Certificate = &certificateView{File: file, CertificateStatus: describeCertificate(leaf, cmp.Or(conf.ServerHostname, s.Host))}
		s.Certificate.Suited = suited(conf.Ciphers, conf.TLSMinVersion, leaf)
	}
	s.judge(time.Now())
	return nil
}

func describeCertificate(leaf *x509.Certificate, hostname string) client.CertificateStatus {
	return client.CertificateStatus{
		Subject: leaf.Subject.String(), Names: tlsconf.Names(leaf), Expires: leaf.NotAfter, SelfSigned: tlsconf.IsSelfSigned(leaf),
		Hostname: hostname, Named: leaf.VerifyHostname(hostname) == nil,
	}
}

// waiting returns what ktsd has not taken on yet of keytrustee.conf and the files that
// this names.
func (h *host) waiting(conf confdir.Conf, running client.Server) ([]waitingView, error) {
	limits, audit, err := runningBounds(running)
	if err != nil {
		return nil, err
	}
	is, written := inForce(running, conf), written(conf, running.Node)
	var found []waitingView
	for _, c := range []struct {
		what    string
		changed bool
		needs   string
	}{
		{"listen", cmp.Or(conf.Listen, confdir.DefaultListen) != running.Listen, needsReload},
		{"tls min_version", cmp.Or(conf.TLSMinVersion, confdir.DefaultTLSMinVersion) != running.TLSMinVersion, needsReload},
		{"certificate", cmp.Or(conf.Certificate, h.dir.Certificate()) != running.Certificate || h.certificateChanged(conf, running), needsReload},
		{"private key", cmp.Or(conf.PrivateKey, h.dir.PrivateKey()) != running.PrivateKey, needsReload},
		{"hostname", written.Hostname != is.Hostname, needsReload},
		{"tls ciphers", written.TLS.Ciphers != is.TLS.Ciphers, needsReload},
		{"tls ca_chain", cmp.Or(conf.CAChain, h.dir.CertificateChain()) != running.CAChain, needsReload},
		{"tls private_key_password_script", written.TLS.PasswordScript != is.TLS.PasswordScript, needsReload},
		{"limits", conf.LimitsInForce() != limits, needsReload},
		{"audit", conf.AuditInForce() != audit, needsReload},
		{"database", running.DatabaseChanged, needsRestart},
	} {
		if c.changed {
			found = append(found, waitingView{Setting: c.what, Needs: c.needs})
		}
	}
	return found, nil
}
