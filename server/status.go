package main

import (
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// status tells how the process does, within seconds whatever hangs.
func (k *ktsd) status() api.ServerStatus {
	health := k.service.Health()
	s := api.ServerStatus{
		Time:        time.Now().UTC().Truncate(time.Second),
		Certificate: certificateStatus(k.settings.Load()),
		Store:       api.StoreStatus{Problem: problem(health.Store), Waiting: health.Queued},
		Audit:       auditStatus(health),
	}
	s.Audit.Lines = int64(k.chain.Lines())
	if head, err := k.herald.Sent(); k.settings.Load().audit.Heads {
		s.Audit.HeadProblem = problem(err)
		if head.Seq > 0 {
			s.Audit.Head, s.Audit.HeadSent = int64(head.Seq), &head.Time
		}
	}
	if census, err := k.service.Census(); err == nil {
		s.Counts = countsOut(census)
	} else if s.Store.Problem == "" {
		s.Store.Problem = problem(err)
	}
	return s
}

func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func certificateStatus(s *settings) api.CertificateStatus {
	leaf := s.leaf()
	return api.CertificateStatus{
		Subject: leaf.Subject.String(), Names: tlsconf.Names(leaf), Expires: leaf.NotAfter, SelfSigned: tlsconf.IsSelfSigned(leaf),
		Hostname: s.hostname, Named: leaf.VerifyHostname(s.hostname) == nil, Suited: s.suited(),
	}
}

func auditStatus(h escrow.Health) api.AuditStatus {
	a := api.AuditStatus{
		Problem: problem(h.Audit), Unchained: h.Backlog.Unchained, Unsynced: h.Backlog.Unsynced,
		Free: max(h.Space.Free, -1), Mark: h.Space.Mark, Reserve: h.Space.Reserve, LowWater: h.Space.Low,
	}
	if !h.Backlog.Since.IsZero() {
		since := h.Backlog.Since.UTC()
		a.Since = &since
	}
	return a
}

func countsOut(c escrow.Census) *api.Counts {
	out := &api.Counts{Clients: c.Clients, Pending: c.Pending, Organizations: c.Organizations, Expired: c.Expired}
	for _, w := range c.Waiting {
		out.PendingBy = append(out.PendingBy, api.PendingClients{Organization: string(w.Organization), Clients: w.Clients})
	}
	for _, name := range c.ExpiredNames {
		out.ExpiredNames = append(out.ExpiredNames, string(name))
	}
	return out
}
