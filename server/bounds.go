package main

import (
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/escrow"
)

// takeBounds has each part work within the bounds of the settings from now on.
func (k *ktsd) takeBounds(s *settings) {
	k.service.SetLimits(escrowLimits(s.limits))
	k.chain.SetOptions(auditOptions(s.audit))
	k.memory.Resize(s.limits.Bodies, s.limits.Answers)
	k.clients.resize(int(s.limits.Connections), int(s.limits.ConnectionsPerAddress))
}

// escrowLimits are those of the limits that the domain keeps.
func escrowLimits(l bounds.Limits) escrow.Limits {
	return escrow.Limits{
		ClientDeposits: l.ClientDeposits, ClientBytes: l.ClientBytes, ClientRate: l.ClientRate,
		OrganizationDeposits: l.OrganizationDeposits, OrganizationBytes: l.OrganizationBytes, OrganizationRate: l.OrganizationRate,
		PendingClients: l.PendingClients, PendingExpiry: l.PendingExpiry, PurgeAfter: l.PurgeAfter,
		Verifications: int(l.Verifications),
	}
}

// auditOptions are those of the audit log. Where nobody says otherwise it chooses by
// the size of its disk.
func auditOptions(a bounds.Audit) audit.Options {
	o := audit.Options{SegmentSize: a.SegmentSize, SegmentAge: a.SegmentAge, Reserve: a.Reserve, LowWater: a.LowWater}
	byDefault := bounds.DefaultAudit()
	if o.Reserve == byDefault.Reserve {
		o.Reserve = 0
	}
	switch o.LowWater {
	case byDefault.LowWater:
		o.LowWater = 0
	case 0:
		o.LowWater = -1
	}
	return o
}

// limitsOut tells the limits as the API does.
func limitsOut(l bounds.Limits) api.Limits {
	return api.Limits{
		ClientDeposits: l.ClientDeposits, ClientBytes: l.ClientBytes, ClientRate: l.ClientRate,
		OrganizationDeposits: l.OrganizationDeposits, OrganizationBytes: l.OrganizationBytes, OrganizationRate: l.OrganizationRate,
		PendingClients: l.PendingClients, PendingExpiry: l.PendingExpiry.String(), PurgeAfter: l.PurgeAfter.String(),
		Connections: l.Connections, ConnectionsPerAddress: l.ConnectionsPerAddress,
		Bodies: l.Bodies, Answers: l.Answers, Verifications: l.Verifications,
	}
}

func auditOut(a bounds.Audit) api.AuditSettings {
	return api.AuditSettings{
		SegmentSize: a.SegmentSize, SegmentAge: a.SegmentAge.String(), Reserve: a.Reserve, LowWater: a.LowWater, Heads: a.Heads,
	}
}
