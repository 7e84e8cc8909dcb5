package escrow

import (
	"github.com/ktsd/ktsd/internal/fault"
)

// roomForChanges returns nil while the audit log's disk has room for changes. Below
// the mark they are refused, so that the reads of all clients can be audited, and
// served, for as long as possible.
func (k *keeper) roomForChanges() error {
	if s := k.auditor.Space(); s.Low {
		return errLowWater(s)
	}
	return nil
}

func errLowWater(s Space) *fault.Error {
	return fault.New(fault.Unavailable, "the audit log's disk has %d MB free; changes stop below %d MB, reads go on", s.Free>>20, s.Mark>>20).
		WithHint("the server's operator: make room on the disk of the audit log; ktsd goes on by itself")
}

// watchSpace raises the alarm when the disk has less room than the mark says, and
// ends it.
func (k *keeper) watchSpace() {
	s := k.auditor.Space()
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.Low && !k.low {
		k.log.Error("the audit log's disk is nearly full: changes are refused until there is room, reads go on",
			"free_bytes", s.Free, "mark_bytes", s.Mark, "reserve_bytes", s.Reserve)
	}
	if !s.Low && k.low {
		k.log.Info("the audit log's disk has room again: changes are made", "free_bytes", s.Free, "mark_bytes", s.Mark)
	}
	k.low = s.Low
}

// auditState is what Health tells of the audit.
type auditState struct {
	backlog Backlog
	space   Space
}

func (k *keeper) state() (auditState, error) {
	space := k.auditor.Space()
	backlog, err := k.backlog()
	return auditState{backlog, space}, err
}
