package hcl

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// auditBlock is the schema of
//
//	audit {                       # what it does not name has its default, as here
//	  segment_size = "64MiB"      # a segment is full from here
//	  segment_age  = "24h"        # or this old
//	  reserve      = "64MiB"      # set aside for reads while the disk is full
//	  low_water    = "256MiB"     # free space below which writes stop; 0: none
//	  heads        = true         # a signed head every minute into the system's journal
//	}
func auditBlock() blockKind {
	a := bounds.DefaultAudit()
	return blockKind{
		example: "audit {",
		single:  true,
		store:   storeAudit,
		body:    bodySchema{kind: "audit", attributes: settingNames(a.Settings())},
	}
}

func storeAudit(d *decoder, _ string, body *hclsyntax.Body) {
	a := site.Audit{Audit: bounds.DefaultAudit()}
	a.Written = d.settings(body, a.Settings())
	if d.blockIsValid() {
		d.config.site.Audit = &a
	}
}
