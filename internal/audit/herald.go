package audit

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// HeadInterval is how often a head of a chain that grows is sent.
const HeadInterval = time.Minute

// HeraldConfig is what a Herald is made of.
type HeraldConfig struct {
	Log      *Log
	Sign     func(text []byte) ([]byte, error) // a detached signature by the server's key
	Send     func(Head) error                  // takes a head away from this host's audit log
	Logger   *slog.Logger
	Interval time.Duration // 0: HeadInterval
}

// Herald sends a signed head of a log every minute in which the chain moved, and
// one at its end. It sends nothing that is not on disk, and holds no lock of the
// log while it signs and sends. A head that cannot be sent is sent by a later one,
// which vouches for more.
type Herald struct {
	config HeraldConfig
	last   atomic.Pointer[announced] // nil: nothing yet
	stop   chan struct{}
	done   chan struct{}
}

// announced is the last head that was sent, and why the last try after it failed.
type announced struct {
	head Head
	err  error
}

// StartHerald starts to send.
func StartHerald(config HeraldConfig) *Herald {
	if config.Interval == 0 {
		config.Interval = HeadInterval
	}
	h := &Herald{config: config, stop: make(chan struct{}), done: make(chan struct{})}
	go h.run()
	return h
}

func (h *Herald) run() {
	defer close(h.done)
	tick := time.NewTicker(h.config.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.announce()
		case <-h.stop:
			h.announce()
			return
		}
	}
}

// announce sends the head if it is another than the last one sent.
func (h *Herald) announce() {
	sent, _ := h.Sent()
	head, err := h.config.Log.Head()
	if errors.Is(err, ErrClosed) || err == nil && head.Seq == sent.Seq {
		return
	}
	if err == nil {
		if head.Signature, err = h.config.Sign(head.Text()); err == nil {
			err = h.config.Send(head)
		}
	}
	if err != nil {
		h.config.Logger.Error("no head of the audit log was sent", "error", err)
		h.last.Store(&announced{sent, err})
		return
	}
	h.last.Store(&announced{head: head})
}

// Sent returns the last head that was sent since the start, whose Seq is 0 while there
// is none, and why the next one could not be sent, if that is so.
func (h *Herald) Sent() (Head, error) {
	if last := h.last.Load(); last != nil {
		return last.head, last.err
	}
	return Head{}, nil
}

// Close sends the last head. It is to be called before the log is closed, with
// everything in it.
func (h *Herald) Close() error {
	close(h.stop)
	<-h.done
	return nil
}
