package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ktsd/ktsd/client"
)

// status is what status shows; with --json, as it is. What nobody can be asked of is
// absent.
type status struct {
	Result  level      `json:"result"`
	Ktsd    string     `json:"ktsd"`              // running, stopped or silent
	Version string     `json:"version,omitempty"` // of ktsd
	Started *time.Time `json:"started,omitempty"`
	Role    string     `json:"role"`
	Host    string     `json:"host"`
	Confdir string     `json:"confdir"`
	Listen  string     `json:"listen"`

	Certificate *certificateView    `json:"certificate,omitempty"`
	Database    string              `json:"database"`
	Store       *client.StoreStatus `json:"store,omitempty"`
	Counts      *client.Counts      `json:"counts,omitempty"`
	Audit       *client.AuditStatus `json:"audit,omitempty"`
	Waiting     []waitingView       `json:"waiting,omitempty"` // of keytrustee.conf, to be taken on
	Findings    []finding           `json:"findings"`
}

// certificateView is the TLS certificate: that in use, or that of the file while ktsd is
// stopped.
type certificateView struct {
	File string `json:"file"`
	client.CertificateStatus
	DaysLeft int `json:"days_left"` // whole ones; negative once it has ended
}

// waitingView is what ktsd has not taken on yet.
type waitingView struct {
	Setting string `json:"setting"`
	Needs   string `json:"needs"` // reload or restart
}

const (
	ktsdRunning = "running"
	ktsdStopped = "stopped"
	ktsdSilent  = "silent" // it is there, and does not answer as it should

	needsReload  = "reload"
	needsRestart = "restart"

	roleActive = "active" // the only one that a single node has
)

// level is how bad something is.
type level string

const (
	levelOK      level = "ok"
	levelNote    level = "note" // nobody has to do anything
	levelWarning level = "warning"
	levelError   level = "error"
)

// finding is one thing that the operator should know.
type finding struct {
	Level level  `json:"level"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

func (s *status) find(l level, hint, format string, args ...any) {
	s.Findings = append(s.Findings, finding{l, fmt.Sprintf(format, args...), hint})
}

// write shows s on one screen.
func (s *status) write(w io.Writer) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-15s"+format+"\n", append([]any{name}, args...)...)
	}
	switch s.Ktsd {
	case ktsdRunning:
		row("ktsd", "%s, running since %s", s.Version, moment(*s.Started))
	case ktsdStopped:
		row("ktsd", "not running; what follows is what its files say")
	case ktsdSilent:
		row("ktsd", "does not answer; what follows is what its files say")
	}
	row("role", "%s", s.Role)
	row("host", "%s, listens on %s", s.Host, s.Listen)
	if s.Certificate != nil {
		row("certificate", "%s", s.Certificate)
	}
	row("database", "%s", s.database())
	if s.Counts != nil {
		row("organizations", "%s", organizationsLine(s.Counts))
		row("clients", "%s", clientsLine(s.Counts))
	}
	if s.Audit != nil {
		row("audit log", "%s", auditLine(s.Audit))
	}
	if s.Ktsd == ktsdRunning {
		row("configuration", "%s", s.configuration())
	}
	if len(s.Findings) > 0 {
		b.WriteString("\n")
	}
	for _, f := range s.Findings {
		fmt.Fprintf(&b, "%s: %s\n", f.Level, f.Text)
		if f.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", f.Hint)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", s.verdict())
	_, err := io.WriteString(w, b.String())
	return err
}

// verdict is the last line.
func (s *status) verdict() string {
	if s.Result == levelOK {
		return "All is well."
	}
	var words []string
	for _, l := range []level{levelError, levelWarning} {
		n := 0
		for _, f := range s.Findings {
			if f.Level == l {
				n++
			}
		}
		if n > 0 {
			words = append(words, plural(int64(n), string(l)))
		}
	}
	return strings.Join(words, ", ") + "."
}

// String is the certificate in one line.
func (c *certificateView) String() string {
	line := fmt.Sprintf("%s, for %s; ", c.Subject, cmp.Or(strings.Join(c.Names, " "), "no name"))
	switch {
	case c.DaysLeft < 0:
		line += "ended " + moment(c.Expires)
	default:
		line += fmt.Sprintf("ends %s, in %s", moment(c.Expires), plural(int64(c.DaysLeft), "day"))
	}
	if c.SelfSigned {
		line += "; self-signed"
	}
	return line
}

func (s *status) database() string {
	switch {
	case s.Store == nil:
		return s.Database
	case s.Store.Problem != "":
		return s.Database + ", takes no changes"
	case s.Store.Waiting > 0:
		return fmt.Sprintf("%s, takes changes; %d wait", s.Database, s.Store.Waiting)
	}
	return s.Database + ", takes changes"
}

func (s *status) configuration() string {
	if len(s.Waiting) == 0 {
		return "as keytrustee.conf says"
	}
	return "keytrustee.conf differs: " + settings(s.Waiting, "")
}

// settings lists what waits for a reload or a restart; "" for either.
func settings(waiting []waitingView, needs string) string {
	var found []string
	for _, w := range waiting {
		if needs == "" || w.Needs == needs {
			found = append(found, w.Setting)
		}
	}
	return strings.Join(found, ", ")
}

func organizationsLine(c *client.Counts) string {
	line := fmt.Sprint(c.Organizations)
	if c.Expired > 0 {
		line += fmt.Sprintf(", %d expired: %s", c.Expired, some(c.ExpiredNames, c.Expired))
	}
	return line
}

func clientsLine(c *client.Counts) string {
	line := fmt.Sprint(c.Clients)
	if c.Pending == 0 {
		return line
	}
	var by []string
	named := int64(0)
	for _, p := range c.PendingBy[:min(namesShown, len(c.PendingBy))] {
		by = append(by, fmt.Sprintf("%s %d", p.Organization, p.Clients))
		named += p.Clients
	}
	line += fmt.Sprintf(", %d of them pending: %s", c.Pending, strings.Join(by, ", "))
	if named < c.Pending {
		line += fmt.Sprintf(" and others %d", c.Pending-named)
	}
	return line
}

// namesShown is how many organizations a line names at most.
const namesShown = 5

// some lists the first names of which there are more.
func some(list []string, all int64) string {
	list = list[:min(namesShown, len(list))]
	text := strings.Join(list, ", ")
	if more := all - int64(len(list)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func auditLine(a *client.AuditStatus) string {
	parts := []string{plural(a.Lines, "line")}
	if behind := a.Unchained + a.Unsynced; behind > 0 {
		parts = append(parts, plural(int64(behind), "record")+" not on disk yet")
	}
	switch {
	case a.Head == 0:
		parts = append(parts, "no signed head sent since the start")
	case a.Head < a.Lines:
		parts = append(parts, fmt.Sprintf("last signed head %s, %s since", moment(*a.HeadSent), plural(a.Lines-a.Head, "line")))
	default:
		parts = append(parts, fmt.Sprintf("last signed head %s", moment(*a.HeadSent)))
	}
	if a.Free >= 0 {
		space := size(a.Free) + " free"
		if a.Mark > 0 {
			space += ", changes stop below " + size(a.Mark)
		}
		parts = append(parts, space)
	}
	return strings.Join(parts, "; ")
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// size is a number of bytes, rounded down to be read.
func size(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.bytes {
			return fmt.Sprintf("%d %s", n/u.bytes, u.name)
		}
	}
	return plural(n, "byte")
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
