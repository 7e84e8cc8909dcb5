package main

import (
	"math"
	"time"

	"github.com/ktsd/ktsd/client"
)

// From when on something is worth a warning.
const (
	certificateWarning = 30 * 24 * time.Hour // before its end; ktsd logs it then too
	unsyncedWarning    = 10 * time.Second    // for a record to be on disk, which takes one
	freeWarning        = 2                   // times the mark, at which changes stop
)

// judge adds what it finds wrong, and the verdict over all findings.
func (s *status) judge(now time.Time) {
	if s.Certificate != nil {
		s.judgeCertificate(now)
	}
	if s.Store != nil && s.Store.Problem != "" {
		s.find(levelError, "", "changes are refused: %s", s.Store.Problem)
	}
	if s.Audit != nil {
		s.judgeAudit(s.Audit, now)
	}
	s.judgeWaiting(needsReload, "ktadmin apply, or: systemctl reload ktsd")
	s.judgeWaiting(needsRestart, "systemctl restart ktsd")
	if s.Counts != nil && s.Counts.Expired > 0 {
		s.find(levelNote, "", "the clients of expired organizations are refused: %s", some(s.Counts.ExpiredNames, s.Counts.Expired))
	}
	if s.Findings == nil {
		s.Findings = []finding{}
	}
	s.Result = levelOK
	for _, f := range s.Findings {
		if f.Level == levelError || f.Level == levelWarning && s.Result == levelOK {
			s.Result = f.Level
		}
	}
}

func (s *status) judgeWaiting(needs, hint string) {
	if what := settings(s.Waiting, needs); what != "" {
		s.find(levelWarning, hint, "ktsd has not taken on what keytrustee.conf says of this: %s", what)
	}
}

func (s *status) judgeCertificate(now time.Time) {
	left := s.Certificate.Expires.Sub(now)
	s.Certificate.DaysLeft = int(math.Floor(left.Hours() / 24))
	const hint = "ktadmin cert request, then: ktadmin cert install"
	switch {
	case left <= 0:
		s.find(levelError, hint, "the TLS certificate has ended: %s", s.Certificate.File)
	case left < certificateWarning:
		s.find(levelWarning, hint, "the TLS certificate ends in %s: %s", plural(int64(s.Certificate.DaysLeft), "day"), s.Certificate.File)
	}
	if !s.Certificate.Named {
		s.find(levelWarning, "have one made for it: ktadmin cert request, or set hostname in the site's file", "the TLS certificate is not for %s, the name by which clients reach this server", s.Certificate.Hostname)
	}
	if !s.Certificate.Suited {
		s.find(levelWarning, "have tls.ciphers in the site's file match the key, or have a certificate made for another type of key: ktadmin cert request --key-type",
			"no cipher suite that ktsd may use works with the key of the TLS certificate, so only clients with TLS 1.3 can connect")
	}
	if s.Certificate.SelfSigned {
		s.find(levelNote, "", "the TLS certificate is self-signed: clients have to be given it, or the server's fingerprint")
	}
}

func (s *status) judgeAudit(a *client.AuditStatus, now time.Time) {
	if a.Problem != "" {
		s.find(levelError, "", "requests are refused, since they cannot be audited: %s", a.Problem)
	}
	const room = "make room on the disk of the audit log; segments that are kept elsewhere may be moved away"
	switch {
	case a.LowWater:
		s.find(levelError, room, "changes are refused: the audit log's disk has %s free, less than %s", size(max(a.Free, 0)), size(a.Mark))
	case a.Free < 0:
		s.find(levelWarning, "", "it cannot be told how much is free on the audit log's disk")
	case a.Free < freeWarning*a.Mark:
		s.find(levelWarning, room, "the audit log's disk fills up: %s free, and changes stop below %s", size(a.Free), size(a.Mark))
	}
	if a.Since != nil {
		if age := now.Sub(*a.Since); age > unsyncedWarning {
			s.find(levelWarning, "is the disk slow or gone? ktsd's log and dmesg tell", "records of the audit log are not on disk for %d seconds", int(age.Seconds()))
		}
	}
	if a.HeadProblem != "" {
		s.find(levelWarning, "", "no signed head of the audit log was sent: %s", a.HeadProblem)
	}
}
