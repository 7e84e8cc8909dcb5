// Package hcl reads the files that describe a site in HashiCorp's
// configuration language, and says everything that is wrong with it at once,
// with its place.
//
// It is the only importer of hashicorp/hcl and go-cty, and hands out plain
// site data. It looks at nothing but the files: whether a certificate exists on
// this host is for the caller to find out, and to report through ErrorAt. A
// block or an attribute that would have no effect in this build is an error,
// never skipped.
//
// A kind of block is a file of its own here, and a line in the table of
// blocks.go.
package hcl

import (
	"fmt"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"

	"github.com/ktsd/ktsd/internal/site"
)

// Config is what the files declare, with the place of each part of it.
type Config struct {
	sources sources
	site    site.Site
	places  map[address]spot
	blocks  []declaration // in the order of the files
}

// address names a block, or with attr one of its attributes: "listen",
// "tls.certificate". The name of a server is in lower case.
type address struct{ kind, name, attr string }

// spot is a place, and how the block is called that it is in.
type spot struct {
	place hcllib.Range
	title string
}

// where says where a block stands, and which of several it is that for_each made.
func (s spot) where() string {
	where := lineOf(s.place)
	if _, key, found := strings.Cut(s.title, " (for_each "); found {
		where += ", for " + strings.TrimSuffix(key, ")")
	}
	return where
}

// declaration is the header of a block.
type declaration struct {
	kind, name string // as the file has them
	place      hcllib.Range
}

// Site returns what the files declare, in their order. With errors it
// lacks blocks: apply it only if the diagnostics have none.
func (c *Config) Site() site.Site { return c.site }

// Server returns the block of a host, whose name is compared without regard to
// case. It returns nil and no diagnostics if the file declares no server at
// all; if it declares others only, that is an error that names them.
func (c *Config) Server(host string) (*site.Server, Diagnostics) {
	for _, server := range c.site.Servers {
		if strings.EqualFold(server.Name, host) {
			return &server, nil
		}
	}
	var others []string
	for _, block := range c.blocks {
		if block.kind != "server" {
			continue
		}
		if strings.EqualFold(block.name, host) {
			return nil, nil // an error in it has been reported
		}
		others = append(others, fmt.Sprintf("%s (%s)", block.name, lineOf(block.place)))
	}
	if others == nil {
		return nil, nil
	}
	return nil, Diagnostics{{
		Severity: SeverityError,
		Summary:  fmt.Sprintf("no server block for this host, %q", host),
		Detail:   "The servers declared are " + strings.Join(others, ", ") + ".",
		Suggestion: "Name the one that this host is with --host, or declare it: " +
			fmt.Sprintf("server %q { … }", host),
	}}
}

// Sort brings diagnostics into the order of the files and of their places in them.
func (c *Config) Sort(diags Diagnostics) { c.sources.order(diags) }

// ErrorAt returns an error at the place of an attribute, such as "contacts" or
// "tls.certificate", of the block of that kind and name. If the file does not
// set the attribute, the place is the block's header; if it has no such block,
// the error has no place.
func (c *Config) ErrorAt(kind, name, attr, summary, detail string) Diagnostic {
	return c.at(SeverityError, kind, name, attr, summary, detail)
}

// WarningAt is ErrorAt for what does not keep the file from being applied.
func (c *Config) WarningAt(kind, name, attr, summary, detail string) Diagnostic {
	return c.at(SeverityWarning, kind, name, attr, summary, detail)
}

func (c *Config) at(severity Severity, kind, name, attr, summary, detail string) Diagnostic {
	d := Diagnostic{Severity: severity, Summary: summary, Detail: detail, Block: blockTitle(kind, name)}
	for _, a := range []address{addressOf(kind, name, attr), addressOf(kind, name, "")} {
		if spot, ok := c.places[a]; ok {
			c.sources.locate(&d, spot.place)
			if kind != "server" { // which is called as the caller calls it
				d.Block = spot.title
			}
			break
		}
	}
	return d
}

func addressOf(kind, name, attr string) address {
	if kind == "server" {
		name = strings.ToLower(name)
	}
	return address{kind, name, attr}
}

func blockTitle(kind, name string) string {
	if name == "" {
		return kind
	}
	return fmt.Sprintf("%s %q", kind, name)
}

func lineOf(r hcllib.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }
