package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/safefile"
)

// siteFlags are the flags of the commands that compare a file with this host.
type siteFlags struct {
	sourceFlags
	Host string `placeholder:"NAME" help:"Be the host of this name (default: what init recorded)."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// desired implements wish.
func (s *siteFlags) desired(ctx context.Context, dir confdir.Dir, conf confdir.Conf) (plan.Desired, *hcl.Config, hcl.Diagnostics, error) {
	host := s.Host
	if host == "" {
		var err error
		if host, err = conf.Node(); err != nil {
			return plan.Desired{}, nil, nil, err
		}
	}
	config, diags, err := s.load(ctx)
	if err != nil {
		return plan.Desired{}, nil, nil, err
	}
	server, more := config.Server(host)
	diags = append(diags, more...)
	declared := config.Site()
	d := plan.Desired{
		Host: host, File: s.name(), Confdir: otherThanDefault(dir),
		Server: server, Limits: declared.Limits, Audit: declared.Audit,
		Organizations: declared.Organizations, Removed: declared.Removed,
	}
	if declared.Database != nil {
		d.Database = &plan.Database{Database: *declared.Database}
	}
	diags = append(diags, resolve(&d, dir, config)...)
	config.Sort(diags)
	return d, config, diags, nil
}

// resolve reads on this host what d names, and checks it: certificates, files of
// codes and of a database's URL.
func resolve(d *plan.Desired, dir confdir.Dir, config *hcl.Config) hcl.Diagnostics {
	var diags hcl.Diagnostics
	if d.Database != nil {
		database, wrong := desiredDatabase(config, d.Database.Database)
		d.Database, diags = &database, append(diags, wrong...)
	}
	if d.Server != nil {
		server := byDefault(dir, *d.Server)
		d.Server = &server
		warnings, wrong := checkTLS(config, *d.Server, dir)
		d.Warnings, diags = append(d.Warnings, warnings...), append(diags, wrong...)
	}
	d.AuthCodes = map[string]names.Secret{}
	for _, org := range d.Organizations {
		if org.AuthCodeFile == "" {
			continue
		}
		code, err := readAuthCode(org.AuthCodeFile)
		if err != nil {
			diags = append(diags, config.ErrorAt("organization", org.Name, "auth_code_file",
				"the authorization code cannot be read", sentence(err)))
			continue
		}
		d.AuthCodes[org.Name] = code
	}
	return diags
}

// readAuthCode reads a file that holds a code, which nobody else may read.
func readAuthCode(file string) (names.Secret, error) {
	text, err := safefile.ReadSecret(file)
	if err != nil {
		return "", err
	}
	code := names.Secret(text)
	if err := names.CheckAuthCode(code); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return code, nil
}

// sentence makes an error the text of a diagnostic.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
