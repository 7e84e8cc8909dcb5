package main_test

import (
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/escrow"
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

// TestDefaultLimits: what the domain does where nobody says is what the desired
// state takes for the default.
func TestDefaultLimits(t *testing.T) {
	l := bounds.DefaultLimits()
	want := escrow.Limits{
		ClientDeposits: l.ClientDeposits, ClientBytes: l.ClientBytes, ClientRate: l.ClientRate,
		OrganizationDeposits: l.OrganizationDeposits, OrganizationBytes: l.OrganizationBytes, OrganizationRate: l.OrganizationRate,
		PendingClients: l.PendingClients, PendingExpiry: l.PendingExpiry, PurgeAfter: l.PurgeAfter, Verifications: int(l.Verifications),
	}
	if got := escrow.DefaultLimits(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
