package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/confdir"
)

// auditSettings are the block audit of the configuration. A change takes effect
// with a start.
func auditSettings(confdir.Conf) (options audit.Options, heads bool) {
	return audit.Options{}, true
}

// openAudit takes up the node's audit log, and has its heads sent.
func (k *ktsd) openAudit(conf confdir.Conf) (*audit.Log, error) {
	options, heads := auditSettings(conf)
	chain, err := audit.Open(k.dir.Audit(), k.node, options)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	k.closers = append(k.closers, chain)
	if heads { // closed before the chain, after all is in it
		k.closers = append(k.closers, audit.StartHerald(audit.HeraldConfig{
			Log: chain, Sign: k.key.Sign, Send: sendHead(k.stderr), Logger: k.log,
		}))
	}
	return chain, nil
}

// sendHead sends heads to the journal or, where there is none, as a line to
// standard error, both times with the same text.
func sendHead(stderr io.Writer) func(audit.Head) error {
	return func(h audit.Head) error {
		line := h.Line()
		if journal.Enabled() {
			err := journal.Send("audit head "+line, journal.PriInfo, map[string]string{
				"SYSLOG_IDENTIFIER": "ktsd", "KTSD_AUDIT_HEAD": line, "KTSD_AUDIT_SEQ": strconv.FormatUint(h.Seq, 10),
			})
			if err == nil {
				return nil
			}
		}
		_, err := fmt.Fprintf(stderr, "audit head %s\n", line)
		return err
	}
}
