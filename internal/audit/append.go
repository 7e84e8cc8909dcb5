package audit

import (
	"fmt"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Append chains the records in order and hands them to the kernel in one write
// before it returns. With an error none of them is in the chain, and the next
// Append continues from where the chain was before: after a full disk the log
// goes on as soon as there is space.
//
// A record whose line would exceed 64 KiB is refused, together with those
// appended beside it.
func (l *Log) Append(records ...escrow.Record) error {
	if len(records) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if l.full() {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	l.encoder.start(l.head)
	for i := range records {
		if err := l.encoder.event(&records[i]); err != nil {
			return fmt.Errorf("writing audit record %s: %w", records[i].ID, err)
		}
	}
	return l.write()
}

// full tells whether the next line begins a segment: the last one has its size, or
// its age and something in it.
func (l *Log) full() bool {
	return l.size >= l.options.SegmentSize || l.head.seq > l.first && time.Since(l.began) >= l.options.SegmentAge
}

// write appends the encoder's lines to the segment, on a full disk into the space
// of the reserve, and moves the head behind them, or leaves head and file as they
// were. The caller holds mu.
func (l *Log) write() error {
	again := false
	err := l.withReserve(func() error {
		if err := l.dropPartial(); err != nil {
			return err
		}
		if again {
			l.claim()
		}
		again = true
		n, err := l.file.Write(l.encoder.bytes())
		l.partial = err != nil && n > 0
		return err
	})
	if err != nil {
		err = fmt.Errorf("writing the audit log: %w", err)
		if undo := l.dropPartial(); undo != nil {
			return fmt.Errorf("%w (and then %w)", err, undo)
		}
		return err
	}
	n := int64(len(l.encoder.bytes()))
	l.size += n
	l.space.written.Add(n)
	l.head = l.encoder.head
	l.lines.Store(l.head.seq)
	return nil
}

// dropPartial takes back what a failed write left in the file. Should the
// process end before that succeeds, Open finds it as a torn tail.
func (l *Log) dropPartial() error {
	if !l.partial {
		return nil
	}
	if err := l.file.Truncate(l.size); err != nil {
		return fmt.Errorf("taking back a partly written line of the audit log: %w", err)
	}
	l.partial = false
	return nil
}
