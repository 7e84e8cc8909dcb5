package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// host is this host: its directory, and the ktsd that may run on it.
type host struct {
	dir   confdir.Dir
	admin *client.Admin
}

// host returns the host that --confdir means.
func (c *command) host() (*host, error) {
	dir, err := c.Dir()
	if err != nil {
		return nil, err
	}
	return &host{dir: dir, admin: client.NewAdmin(dir.DialSocket)}, nil
}

// conf reads keytrustee.conf.
func (h *host) conf() (confdir.Conf, error) {
	conf, err := h.dir.ReadConf()
	if errors.Is(err, fs.ErrNotExist) {
		return conf, fault.New(fault.NotFound, "there is no %s", h.dir.Conf()).WithHint("make the directory: ktadmin init --confdir %s", h.dir)
	}
	return conf, err
}

// live reads what exists: what conf, keytrustee.conf, says, and what ktsd does.
func (h *host) live(ctx context.Context, conf confdir.Conf) (plan.Live, error) {
	node, err := conf.Node()
	if err != nil {
		return plan.Live{}, err
	}
	live := plan.Live{
		Server:   byDefault(h.dir, written(conf, node)),
		Database: liveDatabase(conf),
		Limits:   conf.LimitsInForce(),
		Audit:    conf.AuditInForce(),
	}
	running, err := h.admin.Server(ctx)
	if errors.Is(err, client.ErrNotRunning) {
		return live, nil
	} else if err != nil {
		return live, err
	}
	orgs, err := h.admin.Organizations(ctx)
	if err != nil {
		return live, err
	}
	limits, audit, err := runningBounds(running)
	if err != nil {
		return live, err
	}
	live.Running = &plan.Running{
		Limits:             limits,
		Audit:              audit,
		Server:             byDefault(h.dir, inForce(running, conf)),
		CertificateChanged: h.certificateChanged(conf, running),
		Database:           running.Database,
		DatabaseChanged:    running.DatabaseChanged,
		Organizations:      make([]plan.LiveOrganization, len(orgs)),
	}
	for i, o := range orgs {
		live.Running.Organizations[i] = organization(o)
	}
	return live, nil
}

// written is the server that keytrustee.conf describes.
func written(conf confdir.Conf, node string) site.Server {
	return site.Server{Name: node, Listen: conf.Listen, Hostname: conf.ServerHostname, TLS: site.TLS{
		MinVersion: conf.TLSMinVersion, Ciphers: conf.Ciphers, PasswordScript: conf.PasswordScript,
		Certificate: conf.Certificate, PrivateKey: conf.PrivateKey, CAChain: conf.CAChain,
	}}
}

// inForce is the server that ktsd says it is. It is called what its host is where
// nobody called it otherwise.
func inForce(running client.Server, conf confdir.Conf) site.Server {
	hostname := running.Hostname
	if conf.ServerHostname == "" && hostname == running.Node {
		hostname = ""
	}
	return site.Server{Name: running.Node, Listen: running.Listen, Hostname: hostname, TLS: site.TLS{
		MinVersion: running.TLSMinVersion, Ciphers: running.Ciphers, PasswordScript: running.PasswordScript,
		Certificate: running.Certificate, PrivateKey: running.PrivateKey, CAChain: running.CAChain,
	}}
}

// byDefault leaves empty what a server has by default.
func byDefault(dir confdir.Dir, s site.Server) site.Server {
	unless := func(value *string, byDefault string) {
		if *value == byDefault {
			*value = ""
		}
	}
	unless(&s.Listen, confdir.DefaultListen)
	unless(&s.TLS.MinVersion, confdir.DefaultTLSMinVersion)
	unless(&s.TLS.Certificate, dir.Certificate())
	unless(&s.TLS.PrivateKey, dir.PrivateKey())
	unless(&s.TLS.CAChain, dir.CertificateChain())
	return s
}

// certificateChanged tells whether the certificate or its chain is another one on
// the disk than ktsd has loaded. One that cannot be loaded is no change: a reload
// would refuse it.
func (h *host) certificateChanged(conf confdir.Conf, running client.Server) bool {
	files := h.files(conf)
	files.Certificate, files.Key = running.Certificate, running.PrivateKey
	pair, err := files.LoadServer()
	return err == nil && tlsconf.ChainFingerprint(pair) != running.Loaded
}

// files are those of the certificate that keytrustee.conf names, with its defaults.
func (h *host) files(conf confdir.Conf) tlsconf.Files {
	return tlsconf.Files{
		Certificate: cmp.Or(conf.Certificate, h.dir.Certificate()), Key: cmp.Or(conf.PrivateKey, h.dir.PrivateKey()),
		Chain: cmp.Or(conf.CAChain, h.dir.CertificateChain()), PasswordScript: conf.PasswordScript, Owner: string(h.dir),
	}
}

func organization(o client.Organization) plan.LiveOrganization {
	state := plan.StateActive
	if !time.Now().Before(o.Expires) {
		state = "expired"
	}
	expiration := o.Expires
	if expiration.Equal(site.NoExpiration()) {
		expiration = time.Time{}
	}
	return plan.LiveOrganization{
		Organization: site.Organization{
			Name: o.Name, Contacts: o.Contacts, Approval: site.Approval(o.Approval),
			Expiration: expiration, ManagedBy: site.ManagedBy(o.ManagedBy),
		},
		State:    state,
		AuthCode: names.Secret(o.AuthCode),
	}
}
