package main_test

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestAddressesOfOneFamily: an address of IPv4 is for IPv4 alone, one of IPv6 for IPv6
// alone, and no host is for both. A host without IPv6 has the former.
func TestAddressesOfOneFamily(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	four, six := net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)
	for _, c := range []struct {
		listen []string
		served []string
	}{
		{[]string{"0.0.0.0:" + port}, []string{four}},
		{[]string{"[::]:" + port}, []string{six}},
		{[]string{"0.0.0.0:" + port, "[::]:" + port}, []string{four, six}},
		{[]string{":" + port}, []string{four, six}},
		{[]string{"[::]:" + port, "127.0.0.1:" + port}, []string{four, six}},
		{[]string{"[::ffff:127.0.0.1]:" + port}, []string{four}},
		{[]string{"[::1]:" + port}, []string{six}},
	} {
		all := strings.Join(c.listen, ", ")
		if strings.Contains(all, "[::") && slices.Contains(c.served, six) && !hasIPv6() {
			continue
		}
		if err := listenOn(t, s, c.listen...); err != nil {
			t.Errorf("%s: %v", all, err)
			continue
		}
		for _, address := range []string{four, six} {
			switch served := slices.Contains(c.served, address); {
			case address == six && !hasIPv6():
			case served:
				wantServed(t, all, s, []string{address}, nil)
			default:
				wantServed(t, all, s, nil, []string{address})
			}
		}
	}
}

// TestAddressesThatOverlap: addresses that are one, or one of which is part of another
// one, are refused by a check in the words of the reload, whatever is listened on.
func TestAddressesThatOverlap(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	dir := confdir.Dir(s.Dir)
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := listenOn(t, s, ":"+port); err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{
		"127.0.0.1:P, localhost:P", "127.0.0.1:P, [::ffff:127.0.0.1]:P", "127.0.0.2:P 0.0.0.0:P", ":P, 0.0.0.0:P", "[::1]:P, :P",
		"[::1]:P, [::]:P", "[::1]:P, [0:0:0:0:0:0:0:1]:P",
	} {
		listen = strings.ReplaceAll(listen, "P", port)
		writeNext(t, dir, func(c *confdir.Conf) { c.Listen = listen })
		checked := s.Admin().Check(t.Context())
		reloaded := listenOn(t, s, listen)
		const want = "cannot both be listened on"
		if checked == nil || reloaded == nil || checked.Error() != reloaded.Error() || !strings.Contains(checked.Error(), want) {
			t.Errorf("%s: got at the check and at the reload\n%v\n%v\nwant %q of both", listen, checked, reloaded, want)
		}
		wantServed(t, "after "+listen, s, []string{s.Addr}, nil)
	}
}
