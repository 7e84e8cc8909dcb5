package main_test

import (
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/site"
)

// TestDefaults: what the desired state takes for ktsd's defaults is what ktsd has.
// The two are told apart since ktsd is built without the desired state.
func TestDefaults(t *testing.T) {
	dir := confdir.Dir("/srv/kt")
	for what, pair := range map[string][2]string{
		"listen":          {site.DefaultListen, confdir.DefaultListen},
		"tls.min_version": {site.DefaultMinVersion, confdir.DefaultTLSMinVersion},
		"tls.certificate": {filepath.Join(string(dir), site.DefaultCertificate), dir.Certificate()},
		"tls.private_key": {filepath.Join(string(dir), site.DefaultPrivateKey), dir.PrivateKey()},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: the desired state has %q, ktsd %q", what, pair[0], pair[1])
		}
	}
}
