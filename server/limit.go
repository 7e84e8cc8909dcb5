package main

import (
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/internal/names"
)

// crowd counts the connections of clients, and takes no more than leave some
// descriptors (RLIMIT_NOFILE) to the database, the audit log and the admin socket.
// Who is beyond that waits, most in the kernel's queue, until another one leaves; who has
// more than one address may is closed at once.
type crowd struct {
	log *slog.Logger

	mu     sync.Mutex
	most   int // 0: as many as descriptors allow
	each   int // of one address; 0: half of all
	count  int
	from   map[string]int
	left   chan struct{} // closed when one leaves; nil while nobody waits for that
	warned time.Time

	turnedAway int // since that was last logged
	told       time.Time
}

// resize sets how many connections there may be, in all and from one address; 0 is
// the default. Those that are there stay.
func (c *crowd) resize(most, each int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most, c.each = most, each
	if c.left != nil {
		close(c.left)
		c.left = nil
	}
}

// reserved are the descriptors that clients cannot have: of each CPU's readers of
// the database, of each address with the connection that it holds back, and of what
// else ktsd has open.
func reserved() int { return 64 + 2*names.MaxAddresses + 12*runtime.NumCPU() }

// room is how many connections there may be: as many as are set, or as descriptors
// allow.
func (c *crowd) room() int {
	if room := descriptors(); c.most == 0 || c.most > room {
		return room
	}
	return c.most
}

// descriptors is how many connections descriptors allow. The limit can be changed
// from outside (prlimit).
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 10
	}
	all := int(min(limit.Cur, 1<<30))
	return max(all-reserved(), all/4)
}

// enter counts one in, or returns what tells when there may be room for it.
func (c *crowd) enter() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := c.room()
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

// admit counts a connection of an address, unless there are too many: no address
// can have all of them. The host's own are no exception: behind a proxy there, or
// anywhere, strangers are one address, and the other half is for the rest.
func (c *crowd) admit(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	each := c.each
	if each == 0 {
		each = max(c.room()/2, 1)
	}
	if c.from[address] < each {
		if c.from == nil {
			c.from = map[string]int{}
		}
		c.from[address]++
		return true
	}
	c.turnedAway++
	if now := time.Now(); now.Sub(c.told) > time.Minute {
		c.log.Warn("connections were closed: their address has all that one can", "address", address, "connections", each, "closed", c.turnedAway)
		c.told, c.turnedAway = now, 0
	}
	return false
}

// dismiss counts a connection of an address out.
func (c *crowd) dismiss(address string) {
	c.mu.Lock()
	if c.from[address]--; c.from[address] == 0 {
		delete(c.from, address)
	}
	c.mu.Unlock()
	c.leave()
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

// Accept implements net.Listener. A connection that there is no room for is held
// back, one at a listener; the next wait in the kernel's queue. So no listener keeps
// a place for itself that another one has a client for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err := b.await(); err != nil {
			conn.Close()
			return nil, err
		}
		if address := addressOf(conn); b.crowd.admit(address) {
			return &counted{Conn: conn, crowd: b.crowd, address: address}, nil
		}
		b.crowd.leave()
		conn.Close()
	}
}

// await counts a connection in as soon as there is room for it.
func (b *bounded) await() error {
	for {
		left := b.crowd.enter()
		if left == nil {
			return nil
		}
		select {
		case <-left:
		case <-b.closed:
			return net.ErrClosed
		}
	}
}

// addressOf is whom a connection is counted for: of IPv6 the first 64 bits, since
// whoever has one such address has them all (RFC 4291, 2.5.1).
func addressOf(conn net.Conn) string {
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return conn.RemoteAddr().String()
	}
	addr := peer.AddrPort().Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// counted is a connection that counts itself out.
type counted struct {
	net.Conn
	crowd   *crowd
	address string
	once    sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.crowd.dismiss(c.address) })
	return err
}
