// Package packages holds what the .deb and the .rpm are made of: the scripts that build
// them, and those that they run. Its tests build the packages, install them, and boot a
// Debian with the .deb. There is no Go code but the tests.
package packages
