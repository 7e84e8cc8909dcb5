package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/site"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// siteFlags are the flags of the commands that compare a file with this host.
type siteFlags struct {
	File string `short:"f" required:"" placeholder:"FILE" help:"The site's file."`
	Host string `placeholder:"NAME" help:"Be the host of this name (default: what init recorded)."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// desired reads what the file wants of this host, and checks on this host what
// the file names: certificates, files of codes and of a database's URL.
func (s *siteFlags) desired(dir confdir.Dir, conf confdir.Conf) (plan.Desired, hcl.Diagnostics, error) {
	host := s.Host
	if host == "" {
		var err error
		if host, err = conf.Node(); err != nil {
			return plan.Desired{}, nil, err
		}
	}
	config, diags := hcl.Load(s.File)
	server, more := config.Server(host)
	diags = append(diags, more...)
	d := plan.Desired{
		Host: host, File: s.File, Server: server, Limits: config.Site().Limits, Audit: config.Site().Audit,
		Organizations: config.Site().Organizations, AuthCodes: map[string]names.Secret{},
	}
	if dir != confdir.Default {
		d.Confdir = string(dir)
	}
	var wrong hcl.Diagnostics
	d.Database, wrong = desiredDatabase(config, config.Site().Database)
	diags = append(diags, wrong...)
	if server != nil && server.TLS.Certificate != "" {
		diags = append(diags, checkCertificate(config, *server)...)
	}
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
	return d, diags, nil
}

// checkCertificate loads the certificate and key as ktsd would. One that has
// expired would keep every client out.
func checkCertificate(config *hcl.Config, server site.Server) hcl.Diagnostics {
	pair, err := tlsconf.LoadPair(server.TLS.Certificate, server.TLS.PrivateKey)
	attr := "tls.certificate"
	if _, ok := errors.AsType[*tlsconf.KeyError](err); ok {
		attr = "tls.private_key"
	}
	if err == nil && time.Now().After(pair.Leaf.NotAfter) {
		err = fmt.Errorf("it has expired, at %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{config.ErrorAt("server", server.Name, attr, "the certificate cannot be used on this host", sentence(err))}
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
