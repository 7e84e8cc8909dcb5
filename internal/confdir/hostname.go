package confdir

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Node returns this host's name: what init recorded, or else what
// "hostname -f" says, or the kernel's name where that gives none.
func (c Conf) Node() (string, error) {
	if c.Hostname != "" {
		return c.Hostname, nil
	}
	return SystemHostname()
}

// SystemHostname returns what "hostname -f" says, in lower case, or the kernel's
// name where that gives none.
func SystemHostname() (string, error) {
	if out, err := exec.Command("hostname", "-f").Output(); err == nil {
		if name := strings.TrimSpace(string(out)); name != "" {
			return strings.ToLower(name), nil
		}
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("finding this host's name: %w", err)
	}
	return strings.ToLower(name), nil
}
