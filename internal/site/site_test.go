package site_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/site"
)

func TestWithDefaults(t *testing.T) {
	want := site.Server{Name: "kts01", Hostname: "kts01", Listen: ":11371", TLS: site.TLS{
		MinVersion:  "tlsv1.2",
		Certificate: ".ssl/ssl-cert-keytrustee.pem",
		PrivateKey:  ".ssl/ssl-cert-keytrustee-pk.pem",
		CAChain:     ".ssl/ssl-cert-keytrustee-ca.pem",
	}}
	if diff := cmp.Diff(want, site.Server{Name: "kts01"}.WithDefaults()); diff != "" {
		t.Errorf("an empty server with defaults (-want +got):\n%s", diff)
	}
	if got := want.WithDefaults(); got != want {
		t.Errorf("got %+v for a server that spells the defaults out, want it unchanged", got)
	}
	own := site.Server{Listen: ":1", Hostname: "h", TLS: site.TLS{MinVersion: "tlsv1.3", Certificate: "/c", PrivateKey: "/k", CAChain: "/a"}}
	if got := own.WithDefaults(); got != own {
		t.Errorf("got %+v, want every value of its own kept: %+v", got, own)
	}
}
