package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/cli"
)

type auditSearchCommand struct {
	Since        string `help:"From this time on." placeholder:"TIME"`
	Until        string `help:"Before this time." placeholder:"TIME"`
	Actor        string `help:"Who did it, such as a fingerprint or 'operator uid 0'." placeholder:"PATTERN"`
	Action       string `help:"What was done, such as deposit.get or 'client.*'." placeholder:"PATTERN"`
	Organization string `help:"In which organization." placeholder:"PATTERN"`
	Object       string `help:"To what: a UUID, handle, fingerprint or contact." placeholder:"PATTERN"`
	Outcome      string `help:"How it ended: ok, refused or failed." placeholder:"PATTERN"`
	Source       string `help:"From where: an address, or socket." placeholder:"PATTERN"`
	RequestID    string `help:"Which request, as answers and ktsd's log name it." placeholder:"PATTERN"`
	JSON         bool   `help:"Print the lines as they stand in the log."`
	Limit        int    `help:"Stop after so many." placeholder:"N"`
}

// Help is shown by --help.
func (auditSearchCommand) Help() string {
	return `Prints the records that match all that is given, oldest first, one a line.

TIME is 2026-11-21, '2026-11-21 13:00' (of this host's zone), 2026-11-21T12:00:00Z, or
how long ago: 90s, 15m, 2h, 7d, 4w. PATTERN is the whole text, in either case of
letters, with * for anything; --actor, --object and --source are also found as a part.

Segments that were moved away are not searched, and nothing is verified: that is
'ktadmin audit verify'.

Examples:
  ktadmin audit search --since 1h
  ktadmin audit search --object luks/sda2 --action 'deposit.*' --json
  ktadmin audit search --actor 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1 --outcome refused --since 7d`
}

// Validate is called by kong.
func (s auditSearchCommand) Validate() error {
	if s.Limit < 0 {
		return errors.New("--limit: give a number of records, or leave it out for all")
	}
	_, err := s.filter(time.Now())
	return err
}

func (s auditSearchCommand) filter(now time.Time) (audit.Filter, error) {
	f := audit.Filter{
		Action: s.Action, Organization: s.Organization, Outcome: s.Outcome, RequestID: s.RequestID,
		Actor: s.Actor, Object: s.Object, Source: s.Source,
	}
	var err error
	if s.Since != "" {
		if f.Since, err = audit.ParseWhen(s.Since, now); err != nil {
			return f, fmt.Errorf("--since: %w", err)
		}
	}
	if s.Until != "" {
		if f.Until, err = audit.ParseWhen(s.Until, now); err != nil {
			return f, fmt.Errorf("--until: %w", err)
		}
	}
	if !f.Until.IsZero() && f.Until.Before(f.Since) {
		return f, fmt.Errorf("--until %s is before --since %s", s.Until, s.Since)
	}
	return f, nil
}

// Run prints what is found.
func (s auditSearchCommand) Run(c *command, streams *cli.Streams) error {
	dir, err := c.Dir()
	if err != nil {
		return err
	}
	filter, err := s.filter(time.Now())
	if err != nil {
		return err
	}
	out := bufio.NewWriter(streams.Out)
	n := 0
	damaged, err := audit.Search(dir.Audit(), filter, func(hit audit.Found) error {
		if err := s.print(out, hit); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if n++; n == s.Limit {
			return audit.ErrStop
		}
		return nil
	})
	err = errors.Join(err, out.Flush())
	if damaged > 0 {
		fmt.Fprintf(streams.Err, "ktadmin: warning: %d damaged or edited lines were passed over; see: ktadmin audit verify\n", damaged)
	}
	return err
}

func (s auditSearchCommand) print(w io.Writer, hit audit.Found) error {
	if s.JSON {
		_, err := fmt.Fprintf(w, "%s\n", hit.Line)
		return err
	}
	_, err := fmt.Fprintln(w, recordLine(hit))
	return err
}

// recordLine tells of a record in a line, for people: when, how it ended, what, to
// what, by whom, from where, and why. What callers made up is quoted where it could disturb
// a terminal.
func recordLine(hit audit.Found) string {
	words := []string{hit.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), fmt.Sprintf("%-7s", hit.Outcome), plain(hit.Action)}
	if hit.Object != "" {
		words = append(words, plain(hit.Object))
	}
	if hit.Detail != "" {
		words = append(words, "("+plain(hit.Detail)+")")
	}
	words = append(words, "by", plain(hit.Actor))
	if hit.Organization != "" {
		words = append(words, "of", plain(string(hit.Organization)))
	}
	if hit.Source != "" {
		words = append(words, "from", plain(hit.Source))
	}
	if hit.RequestID != "" {
		words = append(words, "request", plain(hit.RequestID))
	}
	if hit.Reason != "" {
		words = append(words, "reason", strconv.Quote(hit.Reason))
	}
	return strings.Join(words, " ")
}

func plain(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
