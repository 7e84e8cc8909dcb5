package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
)

// move has ktsd listen on these addresses and on no others. The new ones are opened
// before an old one is closed, those that stay are not touched, and what was accepted
// goes on. Where an old one is in the way of a new one, such as localhost:11371 of
// :11371, it is closed first. After an error ktsd listens as before.
func (k *ktsd) move(addresses []string) error {
	all, err := resolve(addresses)
	if err != nil {
		return err
	}
	opened, closed := map[string]net.Listener{}, []string(nil)
	for i, address := range addresses {
		if k.listeners[address] != nil {
			continue
		}
		l, err := open(all[i])
		if errors.Is(err, syscall.EADDRINUSE) {
			for _, old := range k.inTheWay(address, addresses) {
				k.listeners[old].Close()
				delete(k.listeners, old)
				closed = append(closed, old)
			}
			l, err = open(all[i])
		}
		if err != nil {
			closeAll(opened)
			return errors.Join(err, k.listenAgain(closed))
		}
		opened[address] = l
	}
	for address, l := range opened {
		k.servePublic(address, l)
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

// inTheWay returns the addresses listened on that may keep a new one from being
// opened, and are not to stay.
func (k *ktsd) inTheWay(address string, stay []string) []string {
	var all []string
	for old := range k.listeners {
		if samePort(old, address) && !slices.Contains(stay, old) {
			all = append(all, old)
		}
	}
	return all
}

// listenAgain listens once more on addresses that were closed in vain. Where that
// fails ktsd cannot go on.
func (k *ktsd) listenAgain(addresses []string) error {
	var errs []error
	for _, address := range addresses {
		var l net.Listener
		all, err := resolve([]string{address})
		if err == nil {
			l, err = open(all[0])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("listening again on %s: %w", address, err))
			continue
		}
		k.servePublic(address, l)
	}
	err := errors.Join(errs...)
	if err != nil {
		k.failed <- err
	}
	return err
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
