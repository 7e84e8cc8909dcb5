package hcl

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// limitsBlock is the schema of
//
//	limits {                                  # what it does not name has its default, as here
//	  client_deposits         = 100000        # of one client, deleted ones included, purged ones not
//	  client_bytes            = "1GiB"        # of these together
//	  client_rate             = 1000          # requests a second
//	  organization_deposits   = 1000000
//	  organization_bytes      = "64GiB"
//	  organization_rate       = 10000
//	  pending_clients         = 100           # of an organization, that wait for approval
//	  pending_expiry          = "14d"
//	  purge_after             = "7d"          # after a delete, before its client may purge
//	  connections             = 0             # of clients at once; 0: as many as descriptors allow
//	  connections_per_address = 0             # 0: half of these
//	  bodies                  = "64MiB"       # of requests, held at once
//	  answers                 = "128MiB"      # held at once
//	  verifications           = 4             # of OpenPGP signatures, at once
//	}
func limitsBlock() blockKind {
	l := bounds.DefaultLimits()
	return blockKind{
		example: "limits {",
		single:  true,
		store:   storeLimits,
		body:    bodySchema{kind: "limits", attributes: settingNames(l.Settings())},
	}
}

func storeLimits(d *decoder, _ string, body *hclsyntax.Body) {
	l := site.Limits{Limits: bounds.DefaultLimits()}
	l.Written = d.settings(body, l.Settings())
	if d.blockIsValid() {
		d.config.site.Limits = &l
	}
}
