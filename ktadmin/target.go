package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
)

// target carries a plan out on a host.
type target struct {
	*host
	kept     bool // what keytrustee.conf said before this apply is kept
	replaced bool // keytrustee.conf, and ktsd has not taken the new one on yet
}

var _ plan.Target = (*target)(nil)

// Configure implements plan.Target.
func (t *target) Configure(ctx context.Context, c plan.Configuration) error {
	conf, err := t.conf()
	if err != nil {
		return err
	}
	if s := c.Server; s != nil {
		conf.Listen, conf.ServerHostname = s.Listen, t.hostname(conf, *s)
		conf.TLSMinVersion, conf.Ciphers = s.TLS.MinVersion, s.TLS.Ciphers
		conf.Certificate, conf.PrivateKey, conf.CAChain = s.TLS.Certificate, s.TLS.PrivateKey, s.TLS.CAChain
		conf.PasswordScript = s.TLS.PasswordScript
	}
	if c.Limits != nil {
		conf.Limits = c.Limits
	}
	if c.Audit != nil {
		conf.Audit = c.Audit
	}
	if err := t.try(ctx, conf); err != nil {
		return err
	}
	if err := t.swap(conf); err != nil {
		return err
	}
	t.replaced = true
	return nil
}

// hostname is what keytrustee.conf has to say of the name by which clients reach a
// server: nothing, where that is what ktsd takes by itself.
func (t *target) hostname(conf confdir.Conf, s site.Server) string {
	if node, err := conf.Node(); err == nil && s.Hostname == "" && !strings.EqualFold(node, s.Name) {
		return s.Name
	}
	return s.Hostname
}

// swap replaces keytrustee.conf, and keeps the one that was there before the first
// of an apply's changes.
func (t *target) swap(conf confdir.Conf) error {
	if !t.kept {
		before, err := os.ReadFile(t.dir.Conf())
		if err != nil {
			return err
		}
		if err := t.dir.Write(t.dir.PreviousConf(), before, 0o600); err != nil {
			return err
		}
		t.kept = true
	}
	return t.dir.WriteConf(conf)
}

// Reload implements plan.Target. A configuration of this apply that ktsd refuses is
// not left on the disk for its next start.
func (t *target) Reload(ctx context.Context) error {
	err := t.admin.Reload(ctx)
	if err == nil || !errors.Is(err, client.ErrConflict) {
		return err
	}
	if !t.replaced {
		return fault.New(fault.Conflict, "%v; ktsd goes on as before, and would not start with this", err).
			WithHint("mend what ktsd names; %s is the configuration before this one, if there was one", t.dir.PreviousConf())
	}
	before, failed := os.ReadFile(t.dir.PreviousConf())
	if failed == nil {
		failed = t.dir.Write(t.dir.Conf(), before, 0o600)
	}
	if failed != nil {
		return errors.Join(err, failed)
	}
	return fmt.Errorf("%w: %w", plan.ErrUndone, fault.New(fault.Conflict, "%v", err).WithHint("mend what ktsd names, then apply again"))
}

// CreateOrganization implements plan.Target. One that is there by now, such as that
// of an apply which was killed while ktsd made it, is no error: the comparison after
// the changes tells whether it is as declared.
func (t *target) CreateOrganization(ctx context.Context, org site.Organization, code names.Secret) error {
	n := client.NewOrganization{
		Name: org.Name, Contacts: org.Contacts, Approval: string(org.Approval), AuthCode: code.Reveal(), ManagedBy: string(org.ManagedBy),
	}
	if !org.Expiration.IsZero() {
		n.Expires = &org.Expiration
	}
	err := t.admin.CreateOrganization(ctx, n)
	if errors.Is(err, client.ErrConflict) {
		return nil
	}
	return err
}

// AddContacts implements plan.Target.
func (t *target) AddContacts(ctx context.Context, org string, contacts []string) error {
	return t.admin.AddContacts(ctx, org, contacts)
}

// RemoveContact implements plan.Target.
func (t *target) RemoveContact(ctx context.Context, org, contact string) error {
	_, err := t.admin.RemoveContact(ctx, org, contact)
	return err
}

// SetAdmission implements plan.Target.
func (t *target) SetAdmission(ctx context.Context, org string, approval site.Approval, code names.Secret) error {
	return t.admin.SetAdmission(ctx, org, string(approval), code.Reveal())
}

// SetExpiration implements plan.Target.
func (t *target) SetExpiration(ctx context.Context, org string, at time.Time) error {
	if at.IsZero() {
		at = site.NoExpiration()
	}
	return t.admin.SetExpiration(ctx, org, at)
}

// SetManagement implements plan.Target.
func (t *target) SetManagement(ctx context.Context, org string, by site.ManagedBy) error {
	return t.admin.SetManagement(ctx, org, string(by))
}

// RemoveOrganization implements plan.Target. One that is gone by now, such as that of
// an apply which was killed, is no error.
func (t *target) RemoveOrganization(ctx context.Context, org string, deposits int64) error {
	err := t.admin.RemoveOrganization(ctx, org, deposits)
	if errors.Is(err, client.ErrNotFound) {
		return nil
	}
	return err
}

// try asks ktsd, if it runs, whether it can work with a configuration, before that is
// the one on the disk. It changes nothing.
func (t *target) try(ctx context.Context, conf confdir.Conf) error {
	data, err := conf.Marshal()
	if err != nil {
		return err
	}
	if err := t.dir.Write(t.dir.NextConf(), data, 0o600); err != nil {
		return err
	}
	err = t.admin.Check(ctx)
	if errors.Is(err, client.ErrNotRunning) {
		err = nil // what can be checked without it has been
	}
	if errors.Is(err, client.ErrConflict) {
		err = fault.New(fault.Conflict, "ktsd would refuse it: %v; nothing was changed", err).
			WithHint("mend what ktsd names, then apply again")
	}
	return errors.Join(err, os.Remove(t.dir.NextConf()))
}
