package main

import (
	"errors"
	"maps"
	"net"
	"slices"
	"syscall"
)

// move has ktsd listen on these addresses and on no others. The new ones are opened
// before an old one is closed, those that stay are not touched, and what was accepted
// goes on. Where an old one is in the way of a new one, such as localhost:11371 of
// :11371, it hands over to it. After an error ktsd listens as before.
func (k *ktsd) move(addresses []string) error {
	all, err := resolve(addresses)
	if err != nil {
		return err
	}
	opened, ended := map[string]net.Listener{}, map[string]net.Listener{}
	for i, address := range addresses {
		if k.listeners[address] != nil {
			continue
		}
		l, err := open(all[i])
		if old := k.inTheWay(address, addresses); errors.Is(err, syscall.EADDRINUSE) && len(old) > 0 {
			maps.Copy(ended, old)
			l, err = handOver(all[i], slices.Collect(maps.Values(old)))
		}
		if err != nil {
			closeAll(opened)
			return err
		}
		opened[address] = l
	}
	for address, l := range opened {
		k.servePublic(address, l)
	}
	if err := windDown(slices.Collect(maps.Values(ended))); err != nil {
		k.log.Warn("connections may have been cut off", "error", err)
	}
	for address, l := range k.listeners {
		if slices.Contains(addresses, address) {
			continue
		}
		delete(k.listeners, address)
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			k.log.Warn("closing an old listener", "error", err)
		}
	}
	return nil
}

// inTheWay returns the listeners that may keep a new address from being opened, and
// are not to stay.
func (k *ktsd) inTheWay(address string, stay []string) map[string]net.Listener {
	all := map[string]net.Listener{}
	for old, l := range k.listeners {
		if samePort(old, address) && !slices.Contains(stay, old) {
			all[old] = l
		}
	}
	return all
}

// tryAddresses opens what move would open, and closes it again. Whether an address
// is free that one of our own is in the way of shows only in the move, so there it is
// tried whether this host has it.
func (k *ktsd) tryAddresses(addresses []string) error {
	all, err := resolve(addresses)
	if err != nil {
		return err
	}
	opened := map[string]net.Listener{}
	defer closeAll(opened)
	for i, address := range addresses {
		if k.listeners[address] != nil {
			continue
		}
		l, err := open(all[i])
		if errors.Is(err, syscall.EADDRINUSE) && len(k.inTheWay(address, addresses)) > 0 {
			l, err = open(anyPort(all[i]))
		}
		if err != nil {
			return err
		}
		opened[address] = l
	}
	return nil
}

func closeAll(listeners map[string]net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

func samePort(a, b string) bool {
	_, portA, errA := net.SplitHostPort(a)
	_, portB, errB := net.SplitHostPort(b)
	return errA == nil && errB == nil && portA == portB
}
