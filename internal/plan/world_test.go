package plan_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

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
	organizations      map[string]plan.LiveOrganization

	calls   int
	failAt  int  // the call that fails, counted from 1; 0 = none
	failing bool // the failing call does its work before it fails
}

func worldOf(live plan.Live) *world {
	w := &world{file: live.Server, organizations: map[string]plan.LiveOrganization{}}
	if r := live.Running; r != nil {
		w.running, w.certificateChanged = r.Server, r.CertificateChanged
		for _, org := range r.Organizations {
			org.Contacts = slices.Clone(org.Contacts)
			w.organizations[org.Name] = org
		}
	}
	return w
}

func (w *world) clone() *world { return worldOf(w.live()) }

func (w *world) live() plan.Live {
	return plan.Live{Server: w.file, Running: &plan.Running{
		Server: w.running, CertificateChanged: w.certificateChanged,
		Organizations: slices.Collect(maps.Values(w.organizations)),
	}}
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

func (w *world) WriteServer(_ context.Context, server site.Server) error {
	return w.do(func() error { w.file = server; return nil })
}

func (w *world) Reload(context.Context) error {
	return w.do(func() error { w.running, w.certificateChanged = w.file, false; return nil })
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
