package main

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

// resolve returns what is to be listened on, in the order of the addresses. It refuses
// two that overlap, however they are written, since only one of them could be had.
func resolve(addresses []string) ([]*net.TCPAddr, error) {
	all := make([]*net.TCPAddr, len(addresses))
	for i, address := range addresses {
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return nil, err
		}
		for j, other := range all[:i] {
			if overlap(at, other) {
				return nil, fmt.Errorf("%s and %s cannot both be listened on: they are the same, or one is part of the other", addresses[j], address)
			}
		}
		all[i] = at
	}
	return all, nil
}

// open listens on an address: of IPv4 or IPv6 alone where it is one of theirs, be it
// 0.0.0.0 or ::, and of both where there is no host.
func open(at *net.TCPAddr) (net.Listener, error) { return openWith(at, nil) }

// openWith is open with a function that prepares the socket. It is one of plain TCP,
// since Linux winds down no socket of MPTCP, which is Go's default.
func openWith(at *net.TCPAddr, prepare func(network, address string, c syscall.RawConn) error) (net.Listener, error) {
	config := net.ListenConfig{Control: prepare}
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), network(at), at.String())
}

func network(at *net.TCPAddr) string {
	switch {
	case at.IP == nil:
		return "tcp"
	case at.IP.To4() != nil:
		return "tcp4"
	}
	return "tcp6"
}

// overlap says whether some connections are for both addresses.
func overlap(a, b *net.TCPAddr) bool {
	switch {
	case a.Port != b.Port:
		return false
	case a.IP == nil || b.IP == nil:
		return true
	case network(a) != network(b):
		return false
	}
	return a.IP.IsUnspecified() || b.IP.IsUnspecified() || a.IP.Equal(b.IP) && a.Zone == b.Zone
}

// anyPort returns at with a port that is free.
func anyPort(at *net.TCPAddr) *net.TCPAddr { return &net.TCPAddr{IP: at.IP, Zone: at.Zone} }
