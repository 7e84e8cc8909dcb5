package main

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// handOver opens an address while old listeners of ktsd's own, which are to be closed
// after it, are in its way: they share the port (SO_REUSEPORT). From then on until the
// last of these sockets is closed Linux lets any program of the same account share it
// too, but none of another. It could take connections, and what it needs to answer them
// it can read in the configuration directory anyway. So it is not set from the start.
func handOver(at *net.TCPAddr, old []net.Listener) (net.Listener, error) {
	for _, l := range old {
		if err := onSocket(l, share); err != nil {
			return nil, fmt.Errorf("sharing the port with an old listener: %w", err)
		}
	}
	return openWith(at, func(_, _ string, c syscall.RawConn) error { return control(c, share) })
}

func share(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

// lastHandshakes is how long connections that have begun have until they are made.
const lastHandshakes = 200 * time.Millisecond

// noSYN lets a socket see all segments but those that begin a connection: it loads the
// flags, which are in byte 13 of a TCP header (RFC 9293, 3.1), and drops SYN without ACK.
func noSYN() []unix.SockFilter {
	return []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
}

// windDown has listeners take no more connections, and waits until those that have
// begun are made and accepted. Whoever comes meanwhile gets no answer, asks again after
// a second (RFC 6298), and by then finds the listener that has taken over.
func windDown(old []net.Listener) error {
	for _, l := range old {
		filter := noSYN()
		program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		err := onSocket(l, func(fd int) error {
			return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
		})
		if err != nil {
			return fmt.Errorf("winding down an old listener: %w", err)
		}
	}
	if len(old) > 0 {
		time.Sleep(lastHandshakes)
	}
	return nil
}

// onSocket does something with a listener's descriptor.
func onSocket(l net.Listener, do func(fd int) error) error {
	if b, ok := l.(*bounded); ok {
		l = b.Listener
	}
	c, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	return control(c, do)
}

func control(c syscall.RawConn, do func(fd int) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
