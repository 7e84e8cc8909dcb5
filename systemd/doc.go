// Package systemd holds the units, which its tests verify with systemd itself. Folder
// packages makes the .deb and the .rpm.
package systemd
