package main

import (
	"context"
	"errors"

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
	before *confdir.Conf // keytrustee.conf before it was edited, until ktsd has taken the new one
}

var _ plan.Target = (*target)(nil)

// WriteServer implements plan.Target.
func (t *target) WriteServer(_ context.Context, s site.Server) error {
	return t.edit(func(conf *confdir.Conf) {
		conf.Listen, conf.TLSMinVersion = s.Listen, s.TLS.MinVersion
		conf.Certificate, conf.PrivateKey = s.TLS.Certificate, s.TLS.PrivateKey
	})
}

// edit changes keytrustee.conf, and notes how it was before the first edit.
func (t *target) edit(change func(*confdir.Conf)) error {
	conf, err := t.conf()
	if err != nil {
		return err
	}
	before := conf
	change(&conf)
	if err := t.dir.WriteConf(conf); err != nil {
		return err
	}
	if t.before == nil {
		t.before = &before
	}
	return nil
}

// Reload implements plan.Target. A configuration that ktsd refuses is not left
// on the disk for its next start.
func (t *target) Reload(ctx context.Context) error {
	err := t.admin.Reload(ctx)
	if err != nil && t.before != nil && errors.Is(err, client.ErrConflict) {
		if failed := t.dir.WriteConf(*t.before); failed != nil {
			return errors.Join(err, failed)
		}
		return fault.New(fault.Conflict, "%v; keytrustee.conf is as it was before", err).
			WithHint("mend what ktsd names, then apply again")
	}
	return err
}

// CreateOrganization implements plan.Target. One that is there by now, such as that
// of an apply which was killed while ktsd made it, is no error: the comparison after
// the changes tells whether it is as declared.
func (t *target) CreateOrganization(ctx context.Context, org site.Organization, code names.Secret) error {
	err := t.admin.CreateOrganization(ctx, client.NewOrganization{
		Name: org.Name, Contacts: org.Contacts, Approval: string(org.Approval), AuthCode: code.Reveal(),
	})
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
