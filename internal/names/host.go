package names

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxLabel is the longest part of a host name between its dots, in bytes.
const maxLabel = 63

// CheckListen refuses what is no address to listen on: "host:port" or ":port",
// where host is a name or an IP address (IPv6 in brackets) and port is a
// decimal number from 1 to 65535.
func CheckListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New(`this is no address such as ":11371" or "kts01.example.com:11371"`)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return errors.New("the port must be a number from 1 to 65535")
	}
	if host == "" {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if strings.HasPrefix(address, "[") && (err != nil || ip.Is4()) {
		return errors.New("there is no IPv6 address between the brackets")
	}
	if err == nil {
		return nil
	}
	return CheckHostname(host)
}

// MaxAddresses is how many addresses there can be to listen on.
const MaxAddresses = 16

// ParseListen returns the addresses of a list, which commas, spaces or both
// separate: 1 to MaxAddresses, each one that CheckListen takes, none of them twice.
func ParseListen(list string) ([]string, error) {
	addresses := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	if len(addresses) == 0 {
		return nil, errors.New(`there is no address such as ":11371"`)
	}
	if len(addresses) > MaxAddresses {
		return nil, fmt.Errorf("these are %d addresses; at most %d can be listened on", len(addresses), MaxAddresses)
	}
	for i, address := range addresses {
		if err := CheckListen(address); err != nil {
			return nil, fmt.Errorf("%.80q: %w", address, err)
		}
		if slices.Contains(addresses[:i], address) {
			return nil, fmt.Errorf("%s is there twice", address)
		}
	}
	return addresses, nil
}

// ListenKey returns the one spelling of an address that CheckListen takes: two
// addresses are the same if theirs is.
func ListenKey(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return net.JoinHostPort(strings.ToLower(host), port)
}

// PartOf returns which of the addresses takes this one in, so that nobody can listen on
// both: one without a host is its port of all addresses, one of 0.0.0.0 that of all of
// IPv4, and one of :: that of all of IPv6. Names are not looked up.
func PartOf(address string, addresses []string) (whole string, isPart bool) {
	for _, other := range addresses {
		if ListenKey(other) != ListenKey(address) && includes(other, address) {
			return other, true
		}
	}
	return "", false
}

func includes(whole, part string) bool {
	all, port, err := net.SplitHostPort(whole)
	one, samePort, otherErr := net.SplitHostPort(part)
	if err != nil || otherErr != nil || port != samePort {
		return false
	}
	if all == "" {
		return true
	}
	wide, err := netip.ParseAddr(all)
	narrow, otherErr := netip.ParseAddr(one)
	return err == nil && otherErr == nil && wide.IsUnspecified() && wide.Is4() == narrow.Unmap().Is4()
}

// CheckHostname refuses what is no host name after RFC 1123, section 2.1:
// labels of 1 to 63 ASCII letters, digits and inner hyphens with dots between,
// at most MaxHostname bytes in all, without a dot at the end.
func CheckHostname(name string) error {
	if name == "" {
		return errors.New("the host name is empty")
	}
	if len(name) > MaxHostname {
		return fmt.Errorf("the host name is longer than %d characters", MaxHostname)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return errors.New("the host name has nothing before, between or after its dots")
		}
		if len(label) > maxLabel {
			return fmt.Errorf("a part of the host name is longer than %d characters", maxLabel)
		}
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return errors.New("a part of the host name begins or ends with a hyphen")
		}
		if strings.ContainsFunc(label, func(r rune) bool { return !isAlphanumeric(r) && r != '-' }) {
			return errors.New("a host name has only letters, digits, hyphens and dots")
		}
	}
	return nil
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
