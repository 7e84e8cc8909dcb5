// Package systemd holds the units, which its tests verify with systemd itself.
package systemd
