package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/site"
)

type exportCommand struct {
	Out   string `placeholder:"FILE" help:"Write to this file, which must not exist, instead of standard output."`
	Force bool   `help:"With --out: replace a file that exists."`
}

// Help is shown by --help.
func (exportCommand) Help() string {
	return `Writes what is live on this host as a site's file: keytrustee.conf, and the organizations that
ktsd has, which must be running. A plan of that file is empty. What is as by default is left out.

No secret is in it. Authorization codes stay with ktsd, where apply leaves them; a database's URL
with a password in it, and the arguments of a program that prints a password, are left to you: the
file says where. Exits 0, or 1 where something cannot be said in a file.

Examples:
  ktadmin export
  ktadmin export --out site.hcl`
}

// Validate is called by kong.
func (e exportCommand) Validate() error {
	if e.Force && e.Out == "" {
		return errors.New("--force: there is no --out")
	}
	return nil
}

// Run exports.
func (e *exportCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	conf, err := h.conf()
	if err != nil {
		return err
	}
	name, err := conf.Node()
	if err != nil {
		return err
	}
	live, err := h.live(ctx, conf)
	if err != nil {
		return err
	}
	if live.Running == nil {
		return fault.New(fault.Unavailable, "ktsd is not running, and its organizations cannot be read").
			WithHint("start it: systemctl start ktsd, or by hand: ktsd --confdir %s", h.dir)
	}
	exported, notes := exportSite(name, live)
	encoder := hcl.Encoder{HideArguments: true, Header: append([]string{"What is live on " + name + ", written by ktadmin export. What is as by default is left out."}, notes...)}
	text, err := encoder.Encode(exported)
	if err != nil {
		return err
	}
	if e.Out == "" {
		_, err = streams.Out.Write(text)
		return err
	}
	return e.write(text)
}

// exportSite is what is live, as a site of one server, and what is to be said of what
// is not in it.
func exportSite(name string, live plan.Live) (site.Site, []string) {
	var notes []string
	server := live.Server
	server.Name = name
	s := site.Site{Servers: []site.Server{server}, Database: &live.Database.Database}
	if err := site.CheckDatabaseURL(live.Database.URL); live.Database.URL != "" && err != nil {
		s.Database = nil
		notes = append(notes, "The database is not in here, since its URL may hold a password: have a file hold the URL, and name it by url_file.")
	}
	if live.Limits != bounds.DefaultLimits() {
		s.Limits = &site.Limits{Limits: live.Limits}
	}
	if live.Audit != bounds.DefaultAudit() {
		s.Audit = &site.Audit{Audit: live.Audit}
	}
	codes := false
	for _, org := range live.Running.Organizations {
		if len(org.Contacts) == 0 {
			left := "It is left alone."
			if org.ManagedBy == site.ManagedByFile {
				left = "An apply of this file gives it up: nobody's file owns it then."
			}
			notes = append(notes, "Organization "+org.Name+" is not in here, since it has no contact, and one that is declared has. "+left)
			continue
		}
		s.Organizations = append(s.Organizations, org.Organization)
		codes = codes || org.AuthCode != ""
	}
	if codes {
		notes = append(notes, "Authorization codes are not in here: ktsd keeps them, and apply leaves them as they are.")
	}
	if server.TLS.PasswordScript != "" {
		notes = append(notes, "The arguments of private_key_password_script may be a password: give them as a variable, where one is declared.")
	}
	return s, notes
}

// write writes the file; without --force it replaces none.
func (e *exportCommand) write(text []byte) error {
	f, err := os.OpenFile(e.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // the umask decides
	switch {
	case errors.Is(err, fs.ErrExist) && e.Force:
		return safefile.Replace(e.Out, text)
	case errors.Is(err, fs.ErrExist):
		return fault.New(fault.Conflict, "%s exists", e.Out).WithHint("--force replaces it")
	case err != nil:
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", e.Out, errors.Join(err, os.Remove(e.Out)))
	}
	return nil
}
