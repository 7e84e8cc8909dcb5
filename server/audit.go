package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/ktsd/ktsd/internal/audit"
)

// openAudit takes up the node's audit log.
func (k *ktsd) openAudit() (*audit.Log, error) {
	chain, err := audit.Open(k.dir.Audit(), k.node, auditOptions(k.settings.Load().audit))
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	k.closers = append(k.closers, chain)
	return chain, nil
}

// startHerald has the heads of the audit log sent, while the block audit says so.
// It is closed before the log, after all is in it.
func (k *ktsd) startHerald() {
	send := sendHead(k.stderr)
	k.herald = audit.StartHerald(audit.HeraldConfig{
		Log: k.chain, Sign: k.key.Sign, Logger: k.log, Send: func(h audit.Head) error {
			if !k.settings.Load().audit.Heads {
				return nil
			}
			return send(h)
		},
	})
	k.closers = append(k.closers, k.herald)
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
