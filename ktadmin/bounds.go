package main

import (
	"errors"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/fault"
)

// runningBounds are the limits and audit settings that ktsd works with.
func runningBounds(s client.Server) (bounds.Limits, bounds.Audit, error) {
	l := bounds.Limits{
		ClientDeposits: s.Limits.ClientDeposits, ClientBytes: s.Limits.ClientBytes, ClientRate: s.Limits.ClientRate,
		OrganizationDeposits: s.Limits.OrganizationDeposits, OrganizationBytes: s.Limits.OrganizationBytes, OrganizationRate: s.Limits.OrganizationRate,
		PendingClients: s.Limits.PendingClients, Connections: s.Limits.Connections, ConnectionsPerAddress: s.Limits.ConnectionsPerAddress,
		Bodies: s.Limits.Bodies, Answers: s.Limits.Answers, Verifications: s.Limits.Verifications,
	}
	a := bounds.Audit{SegmentSize: s.Audit.SegmentSize, Reserve: s.Audit.Reserve, LowWater: s.Audit.LowWater, Heads: s.Audit.Heads}
	var errs [3]error
	l.PendingExpiry, errs[0] = bounds.ParseAge(s.Limits.PendingExpiry)
	l.PurgeAfter, errs[1] = bounds.ParseAge(s.Limits.PurgeAfter)
	a.SegmentAge, errs[2] = bounds.ParseAge(s.Audit.SegmentAge)
	if err := errors.Join(errs[:]...); err != nil {
		return l, a, fault.New(fault.Conflict, "what ktsd says of its limits is not understood").Because(err).
			WithHint("restart ktsd, if it is of another version than ktadmin")
	}
	return l, a, nil
}
