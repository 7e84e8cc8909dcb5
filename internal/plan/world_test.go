package plan_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
)

var errBroken = errors.New("broken")

func itoa(i int) string { return strconv.Itoa(i) }

// world is a host in memory: the Target of a plan, and the live site that the
// next plan sees.
type world struct {
	file               site.Server
	running            site.Server
	certificateChanged bool
	database           site.Database // what the file names
	opened             site.Database // what ktsd runs with
	limits, inForce    bounds.Limits // in the file, and in ktsd
	audit, kept        bounds.Audit
	stopped            bool
	organizations      map[string]plan.LiveOrganization

	calls   int
	failAt  int  // the call that fails, counted from 1; 0 = none
	failing bool // the failing call does its work before it fails
}

func worldOf(live plan.Live) *world {
	w := &world{file: live.Server, limits: live.Limits, audit: live.Audit, database: live.Database.Database, opened: live.Database.Database, organizations: map[string]plan.LiveOrganization{}}
	if r := live.Running; r != nil {
		w.running, w.certificateChanged = r.Server, r.CertificateChanged
		w.inForce, w.kept = r.Limits, r.Audit
		for _, org := range r.Organizations {
			org.Contacts = slices.Clone(org.Contacts)
			w.organizations[org.Name] = org
		}
	}
	return w
}

func (w *world) clone() *world {
	c := *w
	c.organizations = maps.Clone(w.organizations)
	for name, org := range c.organizations {
		org.Contacts = slices.Clone(org.Contacts)
		c.organizations[name] = org
	}
	return &c
}

func (w *world) live() plan.Live {
	live := plan.Live{Server: w.file, Database: shown(w.database), Limits: w.limits, Audit: w.audit}
	if !w.stopped {
		live.Running = &plan.Running{
			Server: w.running, CertificateChanged: w.certificateChanged, Limits: w.inForce, Audit: w.kept,
			Database: shown(w.opened).Shown, DatabaseChanged: w.opened.WithDefaults() != w.database.WithDefaults(),
			Organizations: slices.Collect(maps.Values(w.organizations)),
		}
	}
	return live
}

// shown describes a database by its engine and a host.
func shown(d site.Database) plan.Database {
	words := map[string]string{"": "sqlite", "/url-a": "postgres a", "/url-b": "postgres b"}
	if d.URL != "" {
		return plan.Database{Database: d, Shown: "postgres " + d.URL[:1]}
	}
	return plan.Database{Database: d, Shown: words[d.URLFile]}
}

// start starts ktsd, which takes on everything.
func (w *world) start() {
	w.stopped, w.opened = false, w.database
	w.reload()
}

// do counts a call and does its work, unless it is to fail before that.
func (w *world) do(work func() error) error {
	w.calls++
	if w.calls != w.failAt {
		return work()
	}
	if w.failing {
		if err := work(); err != nil {
			return err
		}
	}
	return errBroken
}

func (w *world) SetDatabase(_ context.Context, database site.Database) error {
	return w.do(func() error {
		if !w.stopped {
			return errors.New("ktsd is running")
		}
		w.database = database
		return nil
	})
}

func (w *world) Configure(_ context.Context, c plan.Configuration) error {
	return w.do(func() error {
		if c.Server != nil {
			w.file = *c.Server
		}
		if c.Limits != nil {
			w.limits = *c.Limits
		}
		if c.Audit != nil {
			w.audit = *c.Audit
		}
		return nil
	})
}

func (w *world) Reload(context.Context) error {
	return w.do(func() error { w.reload(); return nil })
}

// reload has ktsd take on what the disk has.
func (w *world) reload() {
	w.running, w.certificateChanged, w.inForce, w.kept = w.file, false, w.limits, w.audit
}

func (w *world) CreateOrganization(_ context.Context, org site.Organization, code names.Secret) error {
	return w.do(func() error {
		if _, exists := w.organizations[org.Name]; exists {
			return fmt.Errorf("organization %q exists", org.Name)
		}
		if org.Approval == site.ApprovalAuthCode && code == "" {
			code = "generated"
		}
		org.AuthCodeFile = ""
		org.Contacts = slices.Clone(org.Contacts)
		w.organizations[org.Name] = plan.LiveOrganization{Organization: org, State: plan.StateActive, AuthCode: code}
		return nil
	})
}

func (w *world) AddContacts(_ context.Context, name string, contacts []string) error {
	return w.edit(name, func(org *plan.LiveOrganization) { org.Contacts = append(org.Contacts, contacts...) })
}

func (w *world) RemoveContact(_ context.Context, name, contact string) error {
	return w.edit(name, func(org *plan.LiveOrganization) {
		org.Contacts = slices.DeleteFunc(org.Contacts, func(c string) bool { return c == contact })
	})
}

func (w *world) SetAdmission(_ context.Context, name string, approval site.Approval, code names.Secret) error {
	return w.edit(name, func(org *plan.LiveOrganization) {
		org.Approval = approval
		switch {
		case approval != site.ApprovalAuthCode:
		case code != "":
			org.AuthCode = code
		case org.AuthCode == "":
			org.AuthCode = "generated"
		}
	})
}

func (w *world) SetExpiration(_ context.Context, name string, at time.Time) error {
	return w.edit(name, func(org *plan.LiveOrganization) { org.Expiration = at })
}

func (w *world) SetManagement(_ context.Context, name string, by site.ManagedBy) error {
	return w.edit(name, func(org *plan.LiveOrganization) { org.ManagedBy = by })
}

func (w *world) RemoveOrganization(_ context.Context, name string, deposits int64) error {
	return w.do(func() error {
		org, exists := w.organizations[name]
		if exists && org.Usage.Deposits != deposits {
			return fmt.Errorf("organization %q holds %d deposits, not %d", name, org.Usage.Deposits, deposits)
		}
		delete(w.organizations, name)
		return nil
	})
}

func (w *world) edit(name string, change func(*plan.LiveOrganization)) error {
	return w.do(func() error {
		org, exists := w.organizations[name]
		if !exists {
			return fmt.Errorf("there is no organization %q", name)
		}
		change(&org)
		w.organizations[name] = org
		return nil
	})
}
