package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/seal"
)

// TestSecretsStayIn uses every route, and then looks for what must not be found
// in the log (level debug), the audit, the answers to errors, and the database
// with its write-ahead log, while ktsd runs and after it.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	dir := confdir.Dir(ktest.Dir(t))
	s := ktest.Start(t, string(dir))
	const code, newCode, wrongCode = "OpenSesame-the-right-code", "Gugelhupf-the-next-code", "Abrakadabra-a-wrong-code"
	plaintext, raw := randomBytes(64), randomBytes(64)
	secrets := map[string][]byte{
		"the plaintext": plaintext, "contents put raw": raw, "the code": []byte(code), "the next code": []byte(newCode), "a wrong code": []byte(wrongCode),
	}
	keyMaterial(t, dir, secrets)

	organization(t, s, "acme", "auth_code", code)
	clientDir := filepath.Join(t.TempDir(), "client")
	registration := client.Registration{Servers: []string{s.URL}, Organization: "acme", CA: s.CA(), AuthCode: code}
	if _, err := client.Register(t.Context(), clientDir, registration); err != nil {
		t.Fatal(err)
	}
	c, err := client.Open(clientDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(t.Context(), "luks", plaintext, nil); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Get(t.Context(), "luks", 0); err != nil || !bytes.Equal(got, plaintext) {
		t.Fatalf("get: got %d bytes (%v), want the plaintext", len(got), err)
	}
	if _, err := c.Delete(t.Context(), "luks"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Undelete(t.Context(), "luks"); err != nil {
		t.Fatal(err)
	}
	answers := append(useAllRoutes(t, s, newCode, wrongCode, raw), administer(t, s, wrongCode)...)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	clientKeys(t, clientDir, secrets)

	search(t, "an answer to an error", answers, secrets)
	searchFiles(t, dir.State(), secrets)
	s.Stop(t)
	searchFiles(t, dir.State(), secrets)
	search(t, "the log", []byte(s.Log()), secrets)
	if len(s.Log()) < 1000 {
		t.Errorf("log: got %d bytes, want what a run at level debug logs", len(s.Log()))
	}
}

// useAllRoutes makes what requests the package client did not make, with errors,
// and returns the error answers.
func useAllRoutes(t *testing.T, s *ktest.Server, code, wrong string, contents []byte) (answers []byte) {
	t.Helper()
	admin, ctx := s.Admin(), t.Context()
	id := newIdentity(t)
	keep := func(r reply) {
		if r.status >= 400 {
			answers = append(answers, r.body...)
		}
	}
	if err := admin.SetAdmission(ctx, "acme", "auth_code", code); err != nil {
		t.Fatal(err)
	}
	for _, try := range []string{wrong, code + "x", code} {
		in := id.registration(t, s, "acme")
		in.AuthCode = try
		keep(id.register(t, s, in))
	}
	for _, body := range []string{`{"auth_code":["` + wrong + `"]}`, `{"time":"` + wrong + `"}`, `{"auth_code":"` + wrong + `"`, wrong} {
		keep(request(t, s.HTTP(t, id.pair), http.MethodPost, s.URL+"/v1/clients", []byte(body)))
	}
	b := box{s.HTTP(t, id.pair), s.URL}
	d := b.keep(t, "raw", contents)
	keep(b.put(t, d.UUID, "other", contents))
	keep(b.put(t, d.UUID, "raw", append(contents[:len(contents):len(contents)], 'x')))
	keep(b.put(t, uuid.NewString(), "raw", contents, "not_after", "2020-01-01T00:00:00Z"))
	keep(b.put(t, "x", "raw", contents))
	wantContents(t, "raw", b.get(t, d.UUID), contents)
	b.list(t, "prefix", "", "show", "all")
	if _, err := admin.DisableClient(ctx, id.key.Fingerprint()); err != nil {
		t.Error(err)
	}
	keep(b.get(t, d.UUID))
	if _, err := admin.EnableClient(ctx, id.key.Fingerprint()); err != nil {
		t.Error(err)
	}
	orgs, err := admin.Organizations(ctx)
	if err != nil || len(orgs) != 1 || orgs[0].AuthCode != code {
		t.Errorf("organizations: got %d (%v), want one with its code", len(orgs), err)
	}
	if _, err := admin.Clients(ctx, ""); err != nil {
		t.Error(err)
	}
	keep(request(t, s.HTTP(t), http.MethodGet, s.URL+"/v1/organizations", nil))
	return answers
}

// administer makes the operator's requests, most of them wrong, and returns the
// errors.
func administer(t *testing.T, s *ktest.Server, wrong string) (answers []byte) {
	t.Helper()
	admin, ctx := s.Admin(), t.Context()
	fail := func(err error) {
		if err == nil {
			t.Error("got no error, want one")
			return
		}
		answers = append(answers, err.Error()...)
	}
	fail(admin.SetAdmission(ctx, "acme", "automatic", wrong))
	fail(admin.SetAdmission(ctx, "nowhere", "auth_code", wrong))
	fail(admin.SetAdmission(ctx, "acme", "auth_code", wrong+"\n"))
	fail(admin.CreateOrganization(ctx, client.NewOrganization{Name: "acme", AuthCode: wrong}))
	fail(admin.CreateOrganization(ctx, client.NewOrganization{Name: "no name", AuthCode: wrong}))
	fail(admin.AddContacts(ctx, "acme", []string{"no address"}))
	if err := admin.AddContacts(ctx, "acme", []string{"finn@example.com"}); err != nil {
		t.Error(err)
	}
	if _, err := admin.RemoveContact(ctx, "acme", "finn@example.com"); err != nil {
		t.Error(err)
	}
	return answers
}

// keyMaterial adds the server's secret keys to what is searched for.
func keyMaterial(t *testing.T, dir confdir.Dir, secrets map[string][]byte) {
	t.Helper()
	data, err := os.ReadFile(dir.KEKRing())
	if err != nil {
		t.Fatal(err)
	}
	var ring seal.Ring
	if err := json.Unmarshal(data, &ring); err != nil {
		t.Fatal(err)
	}
	secrets["the KEK"] = ring.KEKs[0].Key
	data, err = os.ReadFile(dir.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	secrets["the TLS private key"] = block.Bytes[36:68] // of PKCS#8: the scalar of P-256
	data, err = os.ReadFile(dir.SecretKeyring())
	if err != nil {
		t.Fatal(err)
	}
	secrets["the OpenPGP secret key"] = data[600:664] // of RSA-4096: behind the public numbers
}

// clientKeys adds the client's own.
func clientKeys(t *testing.T, dir string, secrets map[string][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "client-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	secrets["the client's TLS private key"] = block.Bytes[36:68]
}

// search looks for secrets as they are, in hex and in base64.
func search(t *testing.T, where string, data []byte, secrets map[string][]byte) {
	t.Helper()
	for name, secret := range secrets {
		for form, needle := range map[string][]byte{
			"as it is": secret, "in hex": []byte(hex.EncodeToString(secret)), "in base64": []byte(base64.StdEncoding.EncodeToString(secret)),
		} {
			if bytes.Contains(data, needle) {
				t.Errorf("%s: got %s %s, want it nowhere", where, name, form)
			}
		}
	}
}

func searchFiles(t *testing.T, root string, secrets map[string][]byte) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		names = append(names, filepath.Base(path))
		search(t, path, data, secrets)
		return err
	})
	if err != nil || len(names) < 3 {
		t.Errorf("files searched below %s at %s: got %v (%v), want database, audit and lock", root, time.Now(), names, err)
	}
}
