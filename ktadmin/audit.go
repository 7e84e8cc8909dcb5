package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Verify the hash chain of this node's audit log; ktsd may be running."`
	Search auditSearchCommand `cmd:"" help:"Search this node's audit log; ktsd may be running."`
}

type auditVerifyCommand struct {
	Checkpoint  string `help:"File of signed heads that were kept elsewhere, one a line, or - for standard input." placeholder:"FILE"`
	FromSegment int    `help:"Begin with segment N, where those before it were moved away." placeholder:"N"`
}

// Help is shown by --help.
func (auditVerifyCommand) Help() string {
	return `Reads every segment of the audit log and checks that no line was edited, removed,
moved or put in. Exits 1 at the first fault, and names its file and line.

The chain alone cannot tell that its end was cut off, or that it was computed anew.
The heads that ktsd signs and sends every minute can: give them with --checkpoint, as
ktsd wrote them to the journal or to its log; other lines between them do not matter.
Fetch them from where they are kept, not from this host.

Segments that were moved away from the beginning are no fault if a head vouches for
the place where the log begins; without heads, say --from-segment N.

Examples:
  ktadmin audit verify
  journalctl -D /var/log/journal/remote -o cat -u ktsd | ktadmin audit verify --checkpoint -
  ktadmin audit verify --from-segment 12`
}

// Validate is called by kong.
func (v auditVerifyCommand) Validate() error {
	if v.FromSegment < 0 {
		return errors.New("--from-segment: segments are counted from 1")
	}
	return nil
}

// Run verifies and prints a report.
func (v auditVerifyCommand) Run(c *command, streams *cli.Streams) error {
	dir, err := c.Dir()
	if err != nil {
		return err
	}
	verification := audit.Verification{From: v.FromSegment}
	if v.Checkpoint != "" {
		if verification.Checkpoint, err = readCheckpoint(dir, v.Checkpoint, streams); err != nil {
			return err
		}
	}
	report, err := verification.Run(dir.Audit())
	if f, ok := errors.AsType[*audit.Fault](err); ok && f.Missing {
		return fault.New(fault.Corrupt, "the audit log holds, but its beginning is not there: %v", err).
			WithHint("if the segments before were moved away on purpose: --checkpoint FILE with a head of later than that, or --from-segment %d", report.From)
	}
	if err != nil {
		return fault.New(fault.Corrupt, "the audit log does not hold: %v", err).
			WithHint("keep a copy of %s as it is before anything else, and find out who could write there", dir.Audit())
	}
	if err := report.Write(streams.Out); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// readCheckpoint reads the heads of this node, and checks that this server signed
// them.
func readCheckpoint(dir confdir.Dir, file string, streams *cli.Streams) (*audit.Checkpoint, error) {
	node, err := audit.Node(dir.Audit())
	if err != nil {
		return nil, fault.New(fault.Corrupt, "the audit log does not hold: %v", err).WithHint("ktadmin audit verify, without --checkpoint, tells more")
	}
	key, err := serverPublicKey(dir)
	if err != nil {
		return nil, err
	}
	in := streams.In
	if file == "-" {
		file = "standard input"
	} else {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("--checkpoint: %w", err)
		}
		defer f.Close()
		in = io.Reader(f)
	}
	checkpoint, err := audit.ReadCheckpoint(in, node, func(h audit.Head) error { return key.Verify(h.Text(), h.Signature, h.Time) })
	if err != nil {
		return nil, fault.New(fault.Corrupt, "--checkpoint: %s: %v", file, err).
			WithHint("find out how that line got there; to verify without it, take it out of the file")
	}
	if checkpoint.Heads() == 0 {
		return nil, fault.New(fault.Invalid, "--checkpoint: %s holds no head of node %s (%d of other nodes, %d other lines)", file, node, checkpoint.Others, checkpoint.Lines).
			WithHint("give what ktsd wrote to the journal, for instance: journalctl -o cat -u ktsd | ktadmin audit verify --checkpoint -")
	}
	return checkpoint, nil
}

// serverPublicKey returns the server's OpenPGP key from pubring.gpg.
func serverPublicKey(dir confdir.Dir) (*pgp.PublicKey, error) {
	conf, err := dir.ReadConf()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	ring, err := os.ReadFile(dir.PublicKeyring())
	if err != nil {
		return nil, fmt.Errorf("reading the server's OpenPGP key: %w", err)
	}
	keys, err := pgp.ReadPublicKeyring(ring)
	if err != nil {
		return nil, fmt.Errorf("reading the server's OpenPGP key: %s: %w", dir.PublicKeyring(), err)
	}
	for _, key := range keys {
		if key.Fingerprint() == conf.LocalFingerprint || conf.LocalFingerprint == "" && len(keys) == 1 {
			return key, nil
		}
	}
	return nil, fault.New(fault.NotFound, "%s does not hold the server's key %s", dir.PublicKeyring(), conf.LocalFingerprint).
		WithHint("restore pubring.gpg and keytrustee.conf from one backup")
}
