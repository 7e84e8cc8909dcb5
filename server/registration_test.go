package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
)

// organization makes an organization with the approval and code given.
func organization(t *testing.T, s *ktest.Server, name, approval, code string) {
	t.Helper()
	err := s.Admin().CreateOrganization(t.Context(), client.NewOrganization{Name: name, Approval: approval, AuthCode: code})
	if err != nil {
		t.Fatalf("creating organization %s: %v", name, err)
	}
}

// TestRegistrationRefusalsLookAlike: nobody learns from the answer whether an
// organization exists.
func TestRegistrationRefusalsLookAlike(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	organization(t, s, "acme", "auth_code", "OpenSesame")
	id := newIdentity(t)
	try := func(org, code string) reply {
		r := id.registration(t, s, org)
		r.AuthCode = code
		return id.register(t, s, r)
	}
	wrong := try("acme", "OpenSesamf")
	wantKind(t, "a wrong code", wrong, fault.Denied)
	for what, r := range map[string]reply{
		"a missing code": try("acme", ""), "an unknown organization": try("acne", "OpenSesame"), "one without a code": try("acne", ""),
		"a longer code": try("acme", "OpenSesame1"), "a shorter code": try("acme", "OpenSesam"), "the code in other letters": try("acme", "opensesame"),
		"the organization in other letters": try("Acme", "OpenSesame"),
	} {
		if got, want := anonymous(r), anonymous(wrong); got != want {
			t.Errorf("%s: got\n%s\nwant what a wrong code gets:\n%s", what, got, want)
		}
	}
	wantKind(t, "the client after refusals", request(t, s.HTTP(t, id.pair), "GET", s.URL+"/v1/self", nil), fault.Unauthenticated)
	var c api.Client
	wantOK(t, "the right code", try("acme", "OpenSesame"), &c)
	if c.State != "active" || c.Organization != "acme" || c.Fingerprint != id.key.Fingerprint() {
		t.Errorf("registered: got %+v, want it active in acme as %s", c, id.key.Fingerprint())
	}
}

// TestRegistrationBadNames: each from an address of its own, since refusals from
// one address are limited.
func TestRegistrationBadNames(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	for i, org := range []string{"", "a b", "a/b", "..", "a.b", "ä", "a\n", strings.Repeat("a", 65), "a\x00"} {
		id := newIdentity(t)
		r := post(t, from(t, s, fmt.Sprintf("127.0.1.%d", i+1), id.pair), s, id.registration(t, s, org))
		wantKind(t, fmt.Sprintf("organization %.20q", org), r, fault.Invalid)
	}
	for i, name := range []string{strings.Repeat("n", 129), "a\nb", "a\x1b[2Jb", "\u202e", "a\x00"} {
		id := newIdentity(t)
		in := id.registration(t, s, "acme")
		in.Name = name
		wantKind(t, fmt.Sprintf("client %.20q", name), post(t, from(t, s, fmt.Sprintf("127.0.2.%d", i+1), id.pair), s, in), fault.Invalid)
	}
}

// TestRegistrationBadKeys: what is sent in place of an OpenPGP public key.
func TestRegistrationBadKeys(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "gpg")
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	id := newIdentity(t)
	secret, err := id.key.SecretKeyring()
	if err != nil {
		t.Fatal(err)
	}
	public := id.armored(t)
	lines := strings.SplitAfter(public, "\n")
	cases := map[string]struct{ block, says string }{
		"empty":                     {"", "not an OpenPGP key"},
		"text":                      {"my key", "not an OpenPGP key"},
		"a certificate":             {string(id.certPEM), "not an OpenPGP key"},
		"a private key":             {armor("PGP PRIVATE KEY BLOCK", secret), "private key"},
		"a private key in disguise": {armor("PGP PUBLIC KEY BLOCK", secret), "private key"},
		"cut in its lines":          {strings.Join(lines[:len(lines)-5], ""), "cut off"},
		"cut in its packets":        {armor("PGP PUBLIC KEY BLOCK", id.key.Public().Binary()[:60]), ""},
		"without its signatures":    {armor("PGP PUBLIC KEY BLOCK", id.key.Public().Binary()[:53]), ""},
		"two keys":                  {armor("PGP PUBLIC KEY BLOCK", pgp.PublicKeyring(id.key.Public(), newIdentity(t).key.Public())), "several"},
		"a signature":               {armor("PGP SIGNATURE", id.sign(t, []byte("x"))), "not an OpenPGP key"},
		"expired":                   {expiredKey(t), "expired"},
		"over 64 KiB":               {public + strings.Repeat("x", 65<<10), "too large"},
	}
	for i, name := range slices.Sorted(maps.Keys(cases)) {
		in := id.registration(t, s, "acme")
		in.PublicKey = cases[name].block
		r := post(t, from(t, s, fmt.Sprintf("127.0.3.%d", i+1), id.pair), s, in)
		wantKind(t, name, r, fault.Invalid)
		contains(t, name, r.detail().Message, "public key: ", cases[name].says)
	}
	wantKind(t, "the client after it", request(t, s.HTTP(t, id.pair), "GET", s.URL+"/v1/self", nil), fault.Unauthenticated)
}

// expiredKey is a key that gpg made in 2020 for one day.
func expiredKey(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	chmod(t, home, 0o700)
	command(t, "", "gpg", "--homedir", home, "--batch", "--quiet", "--faked-system-time", "20200101T000000", "--passphrase", "",
		"--quick-gen-key", "old <old@example.com>", "ed25519", "sign", "1d")
	return command(t, "", "gpg", "--homedir", home, "--batch", "--armor", "--export", "old@example.com")
}

func TestRegistrationBadJSON(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	id := newIdentity(t)
	good, err := json.Marshal(id.registration(t, s, "acme"))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "OpenSesame4711"
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "organization=acme&auth_code=" + secret, "cut": string(good[:len(good)-2]), "an array": "[" + string(good) + "]",
		"a string": `"` + secret + `"`, "unknown field": strings.Replace(string(good), "{", `{"role":"admin",`, 1),
		"trailing data": string(good) + "{}", "trailing text": string(good) + secret,
		"organization a number": `{"organization":5}`, "code a number": `{"auth_code":4711}`, "code an object": `{"auth_code":{"` + secret + `":1}}`,
		"time in words": `{"time":"` + secret + `"}`, "signature not base64": `{"signature":"!` + secret + `"}`, "key a list": `{"public_key":["` + secret + `"]}`,
		"half a surrogate and a quote": `{"name":"\ud800", "auth_code":"` + secret + `}`,
	} {
		r := request(t, s.HTTP(t, id.pair), http.MethodPost, s.URL+"/v1/clients", []byte(body))
		wantKind(t, name, r, fault.Invalid)
		if said := r.detail().Message + r.detail().Hint; strings.Contains(string(r.body), secret) || strings.Contains(said, "4711") {
			t.Errorf("%s: got %s, want no value in it", name, r.body)
		}
	}
	r := request(t, s.HTTP(t, id.pair), http.MethodPost, s.URL+"/v1/clients", make([]byte, api.MaxRegistration+1))
	wantKind(t, "over the limit", r, fault.TooLarge)
	if strings.Contains(s.Log(), secret) {
		t.Errorf("log: got a value of a request's body in it")
	}
	wantOK(t, "the same one unspoilt", request(t, s.HTTP(t, id.pair), http.MethodPost, s.URL+"/v1/clients", good), nil)
}

// TestRegisteringAgainChangesNothing: neither name nor state, whatever it is.
func TestRegisteringAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	organization(t, s, "careful", "contacts", "")
	again := func(id *identity, org, state string) {
		t.Helper()
		in := id.registration(t, s, org)
		in.Name = "another name"
		var c api.Client
		wantOK(t, "registering again", id.register(t, s, in), &c)
		if c.State != state || c.Name != "test" {
			t.Errorf("registering again: got %+v, want state %s and the first name", c, state)
		}
	}
	id := newIdentity(t)
	wantOK(t, "registering", id.register(t, s, id.registration(t, s, "acme")), nil)
	again(id, "acme", "active")
	if _, err := s.Admin().DisableClient(t.Context(), id.key.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	again(id, "acme", "disabled")
	other := id.withCertificate(t)
	wantKind(t, "another certificate of a disabled client", other.register(t, s, other.registration(t, s, "acme")), fault.Disabled)
	wantKind(t, "a disabled client", box{s.HTTP(t, id.pair), s.URL}.getHandle(t, "x"), fault.Disabled)
	wantKind(t, "a disabled client with a new certificate", box{s.HTTP(t, other.pair), s.URL}.getHandle(t, "x"), fault.Unauthenticated)

	waiting := newIdentity(t)
	wantOK(t, "registering", waiting.register(t, s, waiting.registration(t, s, "careful")), nil)
	again(waiting, "careful", "pending")
	wantKind(t, "a pending client", box{s.HTTP(t, waiting.pair), s.URL}.getHandle(t, "x"), fault.Pending)
	second := waiting.withCertificate(t)
	wantKind(t, "another certificate of a pending client", second.register(t, s, second.registration(t, s, "careful")), fault.Pending)
	wantKind(t, "that certificate", box{s.HTTP(t, second.pair), s.URL}.getHandle(t, "x"), fault.Unauthenticated)

	twice := newIdentity(t)
	wantOK(t, "registering", twice.register(t, s, twice.registration(t, s, "acme")), nil)
	wantKind(t, "the same fingerprint in another organization", twice.register(t, s, twice.registration(t, s, "careful")), fault.Conflict)
	clients, err := s.Admin().Clients(t.Context(), "careful")
	if err != nil || len(clients) != 1 {
		t.Errorf("clients of careful: got %v (%v), want the one that waits", clients, err)
	}
}

// TestSecondCertificate: a client may have several, all for the same deposits.
func TestSecondCertificate(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	b, id := newBox(t, s, "acme")
	d := b.keep(t, "kept", []byte("contents"))
	second := id.withCertificate(t)
	wantOK(t, "registering the second", second.register(t, s, second.registration(t, s, "acme")), nil)
	wantContents(t, "with the second certificate", box{s.HTTP(t, second.pair), s.URL}.get(t, d.UUID), []byte("contents"))
	wantContents(t, "with the first certificate", b.get(t, d.UUID), []byte("contents"))
}

// TestApproval: what each way to let clients in does.
func TestApproval(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	s := ktest.Start(t, dir)
	organization(t, s, "careful", "contacts", "")
	id := newIdentity(t)
	in := id.registration(t, s, "careful")
	var c api.Client
	wantOK(t, "registering", id.register(t, s, in), &c)
	b := box{s.HTTP(t, id.pair), s.URL}
	if c.State != "pending" {
		t.Errorf("state: got %s, want pending", c.State)
	}
	wantKind(t, "putting while pending", b.put(t, "6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1", "x", []byte("x")), fault.Pending)
	wantKind(t, "listing while pending", request(t, b.http, "GET", b.find("prefix", ""), nil), fault.Pending)
	wantOK(t, "asking for itself while pending", request(t, b.http, "GET", s.URL+"/v1/self", nil), &c)

	ktest.Must(t, "orgtool", "enable-client", "--confdir", dir, "--fingerprint", id.key.Fingerprint())
	b.keep(t, "x", []byte("x"))

	organization(t, s, "open", "automatic", "")
	anybody := newIdentity(t)
	in = anybody.registration(t, s, "open")
	in.AuthCode = "of no use"
	wantOK(t, "an automatic organization", anybody.register(t, s, in), &c)
	if c.State != "active" {
		t.Errorf("state: got %s, want active", c.State)
	}
}

// TestRegistrationLimit: after 20 refusals an address has to wait 3 s for each
// further try. Only registrations from that address wait: other addresses, and
// everything else that clients do from it, go on.
func TestRegistrationLimit(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	organization(t, s, "acme", "auth_code", "OpenSesame")
	s.Organization(t, "open")
	b, _ := newBox(t, s, "open")
	id := newIdentity(t)
	bad := id.registration(t, s, "acme")
	good := bad
	good.AuthCode = "OpenSesame"
	attacker := from(t, s, "127.0.0.1", id.pair)
	for i := range 20 {
		wantKind(t, fmt.Sprintf("refusal %d", i+1), post(t, attacker, s, bad), fault.Denied)
	}
	limited := post(t, attacker, s, good) // the right code would not help: no oracle
	wantKind(t, "one more", limited, fault.Limited)
	if limited.header.Get("Retry-After") == "" {
		t.Errorf("Retry-After: got none, want seconds")
	}
	b.keep(t, "meanwhile", []byte("x"))
	elsewhere := newIdentity(t)
	in := elsewhere.registration(t, s, "acme")
	in.AuthCode = "OpenSesame"
	wantOK(t, "from another address", post(t, from(t, s, "127.0.0.2", elsewhere.pair), s, in), nil)

	deadline := time.Now().Add(10 * time.Second)
	for post(t, attacker, s, good).status != 200 {
		if time.Now().After(deadline) {
			t.Fatalf("10 s later the right code is still refused")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// TestRegistrationLimitAtOnce: guesses that come all at once get no further than
// one after the other.
func TestRegistrationLimitAtOnce(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	organization(t, s, "acme", "auth_code", "OpenSesame")
	id := newIdentity(t)
	guess := id.registration(t, s, "acme")
	started := time.Now()
	var judged atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		c := s.HTTP(t, id.pair)
		for range 40 {
			group.Go(func() {
				if post(t, c, s, guess).status == http.StatusForbidden {
					judged.Add(1)
				}
			})
		}
	}
	group.Wait()
	most := 20 + 3 + int64(time.Since(started)/(3*time.Second)) + 1 // the burst, what was under way, what grew again
	if got := judged.Load(); got > most {
		t.Errorf("guesses judged of 320 at once: got %d, want at most %d", got, most)
	}
}
