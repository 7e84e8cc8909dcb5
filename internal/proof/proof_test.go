package proof_test

import (
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/proof"
)

const server = "4EDC46882386C827E20DEEA2D850ACA33BEDB0D1"

// TestRegistration: clients in use sign exactly these bytes. Another text needs
// another version.
func TestRegistration(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 13, 0, 0, 999_999_999, time.FixedZone("CET", 3600))
	got := string(proof.Registration("disaster-recov", server, [32]byte{0: 0xab, 31: 1}, at))
	want := "ktsd-registration/1\n" +
		"organization: disaster-recov\n" +
		"server: 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1\n" +
		"certificate-key: ab00000000000000000000000000000000000000000000000000000000000001\n" +
		"time: 2026-11-21T12:00:00Z\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDepositContext(t *testing.T) {
	t.Parallel()
	got := proof.DepositContext(server, "disaster-recov", "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10", "a handle/ä")
	want := "ktsd-deposit/1 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1 disaster-recov 0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10 a handle/ä"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAuditHead: heads that are kept were signed over exactly these bytes.
func TestAuditHead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	got := string(proof.AuditHead("kts01.example.com", 3, 812, "ab01", at))
	want := "ktsd-audit-head/1\nnode: kts01.example.com\nsegment: 3\nseq: 812\nhash: ab01\ntime: 2026-11-21T12:00:00Z\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
