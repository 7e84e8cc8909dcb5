package main

import (
	"log/slog"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// crowd counts the connections of clients, and takes no more than leave some
// descriptors (RLIMIT_NOFILE) to the database, the audit log and the admin socket.
// Who is beyond that waits in the kernel's queue until another one leaves.
type crowd struct {
	log *slog.Logger

	mu     sync.Mutex
	count  int           // with one for each listener that waits for the next
	left   chan struct{} // closed when one leaves; nil while nobody waits for that
	warned time.Time
}

// reserved are the descriptors that clients cannot have: of each CPU's readers of
// the database, and of what else ktsd has open.
func reserved() int { return 64 + 12*runtime.NumCPU() }

// room is how many connections there may be. The limit can be changed from outside
// (prlimit).
func (c *crowd) room() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 10
	}
	all := int(min(limit.Cur, 1<<30))
	return max(all-reserved(), all/4)
}

// enter counts one in, or returns what tells when there may be room for it.
func (c *crowd) enter() <-chan struct{} {
	room := c.room()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count < room {
		c.count++
		return nil
	}
	if now := time.Now(); now.Sub(c.warned) > time.Minute {
		c.warned = now
		c.log.Warn("clients have all the connections they can; more wait until one is closed", "connections", room)
	}
	if c.left == nil {
		c.left = make(chan struct{})
	}
	return c.left
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count--
	if c.left != nil {
		close(c.left)
		c.left = nil
	}
}

// bounded is a listener whose connections are counted.
type bounded struct {
	net.Listener
	crowd  *crowd
	closed chan struct{}
	once   sync.Once
}

// bound has a listener take in no more than there is room for.
func (c *crowd) bound(l net.Listener) net.Listener {
	return &bounded{Listener: l, crowd: c, closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		left := b.crowd.enter()
		if left == nil {
			break
		}
		select {
		case <-left:
		case <-b.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		b.crowd.leave()
		return nil, err
	}
	return &counted{Conn: conn, crowd: b.crowd}, nil
}

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// counted is a connection that counts itself out.
type counted struct {
	net.Conn
	crowd *crowd
	once  sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.crowd.leave)
	return err
}
