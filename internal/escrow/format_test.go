package escrow_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestFormats: what stored bytes are bound to, and what a repeated put is known
// by, must not change, or nothing that is stored opens any more. The expected
// values were written out by hand from the layouts in the code's comments.
func TestFormats(t *testing.T) {
	t.Parallel()
	field := func(s string) string { return string([]byte{0, 0, byte(len(s) >> 8), byte(len(s))}) + s }
	d := escrow.Deposit{
		Client: alice, UUID: "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10", Handle: "ä/b", Version: 258,
		NotAfter: time.UnixMicro(0x0102030405060708), Created: time.UnixMicro(1), Deleted: noon, Size: 99, Digest: [32]byte{1},
	}
	want := field("ktsd-deposit/1") + field("acme") + field(string(alice)) + field("0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10") + field("ä/b") +
		field("\x00\x00\x00\x00\x00\x00\x01\x02") + field("\x01\x02\x03\x04\x05\x06\x07\x08") + field("\x00\x00\x00\x00\x00\x00\x00\x01")
	if got := string(escrow.DepositBinding(d, "acme")); got != want {
		t.Errorf("binding of a deposit: got %q, want %q", got, want)
	}
	d.NotAfter = time.Time{}
	want = strings.Replace(want, "\x01\x02\x03\x04\x05\x06\x07\x08", strings.Repeat("\x00", 8), 1)
	if got := string(escrow.DepositBinding(d, "acme")); got != want {
		t.Errorf("binding of a deposit without not_after: got %q, want %q", got, want)
	}
	if got, want := string(escrow.CodeBinding("acme")), field("ktsd-auth-code/1")+field("acme"); got != want {
		t.Errorf("binding of a code: got %q, want %q", got, want)
	}
	// Python: f = lambda s: struct.pack(">I", len(s)) + s
	// sha256(f(b"ktsd-deposit-digest/1") + f(b"h") + f(b"\0"*8) + f(b"contents"))
	digest := escrow.DepositDigest("h", time.Time{}, []byte("contents"))
	if got, want := hex.EncodeToString(digest[:]), "076f164d475dfa76f696fb37fee60c96eda6192741a152f64d58817bd12c976b"; got != want {
		t.Errorf("digest: got %s, want %s", got, want)
	}
}

// TestOrganizationRow: what an organization's MAC is over is what it was before there
// was a management, for a tenant's; a file's says so in a field more.
func TestOrganizationRow(t *testing.T) {
	t.Parallel()
	field := func(s string) string { return string([]byte{0, 0, 0, byte(len(s))}) + s }
	org := escrow.Organization{Name: "acme", UUID: "u", Approval: escrow.ApprovalContacts, Created: noon, Expires: time.UnixMicro(258)}
	before := field("ktsd-organization-row/1") + field("acme") + field("contacts") + field("\x00\x00\x00\x00\x00\x00\x01\x02")
	for by, want := range map[escrow.Management]string{
		escrow.ManagedByTenant: before, escrow.ManagedByFile: before + field("file"), "": before + field(""), "tenant ": before + field("tenant "),
	} {
		org.ManagedBy = by
		if got := string(escrow.RowOf(org, "")); got != want {
			t.Errorf("managed by %q: got %q, want %q", by, got, want)
		}
	}
}

// TestDigestBounds: no two puts have one digest because of where a field ends.
func TestDigestBounds(t *testing.T) {
	t.Parallel()
	seen := map[[32]byte]string{}
	for name, digest := range map[string][32]byte{
		"ab c":      escrow.DepositDigest("ab", time.Time{}, []byte("c")),
		"a bc":      escrow.DepositDigest("a", time.Time{}, []byte("bc")),
		"a bc 1µs":  escrow.DepositDigest("a", time.UnixMicro(1), []byte("bc")),
		"a bc noon": escrow.DepositDigest("a", noon, []byte("bc")),
		"abc":       escrow.DepositDigest("abc", time.Time{}, nil),
	} {
		if other, ok := seen[digest]; ok {
			t.Errorf("%q and %q have one digest", name, other)
		}
		seen[digest] = name
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const fp = "4EDC46882386C827E20DEEA2D850ACA33BEDB0D1"
	fingerprint := func(s string) (string, error) { v, err := escrow.ParseFingerprint(s); return string(v), err }
	id := func(s string) (string, error) { v, err := escrow.ParseUUID(s); return string(v), err }
	org := func(s string) (string, error) { v, err := escrow.ParseOrgName(s); return string(v), err }
	handle := func(s string) (string, error) { v, err := escrow.ParseHandle(s); return string(v), err }
	management := func(s string) (string, error) { v, err := escrow.ParseManagement(s); return string(v), err }
	approval := func(s string) (string, error) { v, err := escrow.ParseApproval(s); return string(v), err }
	tests := []struct {
		name  string
		parse func(string) (string, error)
		in    string
		want  string // "" for a fault of kind Invalid
	}{
		{"fingerprint", fingerprint, fp, fp},
		{"fingerprint in lower case", fingerprint, strings.ToLower(fp), fp},
		{"qualified fingerprint", fingerprint, "4096R/" + fp, fp},
		{"short fingerprint", fingerprint, fp[:38], ""},
		{"odd fingerprint", fingerprint, fp[:39], ""},
		{"long fingerprint", fingerprint, fp + "00", ""},
		{"fingerprint with spaces", fingerprint, fp[:20] + " " + fp[20:], ""},
		{"fingerprint, twice qualified", fingerprint, "a/b/" + fp, ""},
		{"fingerprint, none", fingerprint, "4096R/", ""},
		{"management", management, "file", "file"},
		{"management of the tenant", management, "tenant", "tenant"},
		{"management of nobody", management, "", ""},
		{"management of somebody else", management, "File", ""},
		{"uuid", id, "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10", "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10"},
		{"uuid in upper case", id, "0B5FBB9C-3A1C-4F6E-9C57-0D4F2C1F7A10", "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10"},
		{"uuid without hyphens", id, "0b5fbb9c3a1c4f6e9c570d4f2c1f7a10", ""},
		{"uuid in braces", id, "{0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10}", ""},
		{"uuid, urn", id, "urn:uuid:0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10", ""},
		{"uuid, not hex", id, "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a1g", ""},
		{"organization", org, "disaster-recov_1", "disaster-recov_1"},
		{"organization with a dot", org, "a.b", ""},
		{"handle", handle, "a/b c", "a/b c"},
		{"handle with ..", handle, "a/../b", ""},
		{"approval", approval, "contacts", "contacts"},
		{"approval in capitals", approval, "Contacts", ""},
		{"no approval", approval, "", ""},
	}
	for _, test := range tests {
		got, err := test.parse(test.in)
		if got != test.want || (test.want == "") != is(err, fault.Invalid) || (test.want != "" && err != nil) {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

func FuzzParseFingerprint(f *testing.F) {
	f.Add("4096R/4EDC46882386C827E20DEEA2D850ACA33BEDB0D1")
	f.Add("4edc46882386c827e20deea2d850aca33bedb0d1")
	f.Fuzz(func(t *testing.T, s string) {
		fp, err := escrow.ParseFingerprint(s)
		if err != nil {
			if !is(err, fault.Invalid) {
				t.Errorf("got %v, want %q", err, fault.Invalid)
			}
			return
		}
		if again, err := escrow.ParseFingerprint(string(fp)); err != nil || again != fp || len(fp) != 40 || strings.ToUpper(string(fp)) != string(fp) {
			t.Errorf("%q: got %q, which parses as %q, %v", s, fp, again, err)
		}
	})
}

func FuzzParseUUID(f *testing.F) {
	f.Add("0B5FBB9C-3A1C-4F6E-9C57-0D4F2C1F7A10")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := escrow.ParseUUID(s)
		if err == nil && (!strings.EqualFold(string(id), s) || strings.ToLower(string(id)) != string(id)) {
			t.Errorf("%q: got %q", s, id)
		}
	})
}

func FuzzParseKeyHash(f *testing.F) {
	f.Add("9b2f1d7a5e04c3868f60d1b7ac5932e4170f8bd65ca94e2370d8f1b6a3c5e790")
	f.Add("9b2f")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		hash, err := escrow.ParseKeyHash(s)
		if err != nil {
			if !is(err, fault.Invalid) || hash != (escrow.KeyHash{}) {
				t.Errorf("%q: got %s, %v, want %q alone", s, hash, err, fault.Invalid)
			}
			return
		}
		if hash.String() != strings.ToLower(s) {
			t.Errorf("%q: got %s", s, hash)
		}
	})
}
