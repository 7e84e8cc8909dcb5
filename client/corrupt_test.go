package client_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
)

func readFile(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(t *testing.T, c *client.Client, handle, secret string) client.Deposit {
	t.Helper()
	d, err := c.Put(context.Background(), handle, []byte(secret), nil)
	if err != nil {
		t.Fatalf("putting %s: %v", handle, err)
	}
	return d
}

// deceived is a client whose server answers every get with what it is told to.
type deceived struct {
	*client.Client
	lie atomic.Pointer[answered]
}

func newDeceived(t *testing.T, s *ktest.Server, dir string) *deceived {
	d := &deceived{}
	d.Client = useServers(t, dir, impostor(t, s, func(w http.ResponseWriter, _ *http.Request) { d.lie.Load().to(w) }))
	return d
}

// get asks for handle "a".
func (d *deceived) get(lie answered, version int64) (string, error) {
	d.lie.Store(&lie)
	_, plaintext, err := d.Get(context.Background(), "a", version)
	return string(plaintext), err
}

// refuses makes sure that the client takes none of the lies.
func (d *deceived) refuses(t *testing.T, lies map[string]answered) {
	t.Helper()
	for name, lie := range lies {
		if got, err := d.get(lie, 0); !errors.Is(err, client.ErrCorrupt) || got != "" {
			t.Errorf("%s: got %q, %v, want ErrCorrupt", name, got, err)
		}
	}
}

// TestSwappedAnswers: a deposit is never taken for another one, though all of
// them are the same client's own.
func TestSwappedAnswers(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")
	put(t, c, "a", "two")
	put(t, c, "b", "bee")
	neighbour, neighbourDir := s.Client(t, "q")
	put(t, neighbour, "a", "neighbour")
	stranger, strangerDir := s.Client(t, "p")
	put(t, stranger, "a", "stranger")

	older, latest, b := real(t, s, dir, "a", 1), real(t, s, dir, "a", 2), real(t, s, dir, "b", 0)
	neighbours, strangers := real(t, s, neighbourDir, "a", 0), real(t, s, strangerDir, "a", 0)
	d := newDeceived(t, s, dir)
	if got, err := d.get(latest, 0); err != nil || got != "two" {
		t.Fatalf("the true answer: got %q, %v, want two", got, err)
	}
	d.refuses(t, map[string]answered{
		"another handle's":               b,
		"another handle's bytes":         latest.with(b.body),
		"another handle's UUID":          latest.as(b, api.HeaderUUID),
		"the older version's bytes":      latest.with(older.body),
		"the older version's UUID":       latest.as(older, api.HeaderUUID),
		"no UUID":                        latest.as(answered{}, api.HeaderUUID),
		"another client's":               neighbours,
		"another client's bytes":         latest.with(neighbours.body),
		"another organization's":         strangers,
		"another organization's bytes":   latest.with(strangers.body),
		"nothing":                        latest.with(nil),
		"the beginning":                  latest.with(latest.body[:len(latest.body)-1]),
		"plaintext":                      latest.with([]byte("two")),
		"another client's handle and id": neighbours.as(latest, api.HeaderUUID),
	})
	if got, err := d.get(latest, 1); !errors.Is(err, client.ErrCorrupt) || got != "" {
		t.Errorf("version 2 for version 1: got %q, %v, want ErrCorrupt", got, err)
	}
}

// TestFlippedBytes: every byte of the answer counts, or changes nothing.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	genuine := real(t, s, dir, "a", 0)
	d := newDeceived(t, s, dir)
	refused := 0
	for i := range genuine.body {
		flipped := bytes.Clone(genuine.body)
		flipped[i] ^= 1 << (i % 8)
		got, err := d.get(genuine.with(flipped), 0)
		switch {
		case errors.Is(err, client.ErrCorrupt) && got == "":
			refused++
		case err == nil && got == "secret": // as in a key ID, which is a hint
		default:
			t.Errorf("byte %d flipped: got %q, %v, want ErrCorrupt", i, got, err)
		}
	}
	if least := len(genuine.body) * 9 / 10; refused < least {
		t.Errorf("%d of %d flipped answers were refused, want %d or more", refused, len(genuine.body), least)
	}
}

// TestOtherContexts: the client's own signature counts for one server,
// organization, UUID and handle.
func TestOtherContexts(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	server, key, genuine := serverFingerprint(t, c), secretKey(t, dir), real(t, s, dir, "a", 0)
	right := proof.DepositContext(server, "q", genuine.uuid(), "a")
	d := newDeceived(t, s, dir)
	encrypted := func(context string) answered {
		body, err := pgp.Encrypt([]byte("elsewhere"), key, context)
		if err != nil {
			t.Fatal(err)
		}
		return genuine.with(body)
	}
	if got, err := d.get(encrypted(right), 0); err != nil || got != "elsewhere" {
		t.Fatalf("the right context: got %q, %v, want it taken", got, err)
	}
	d.refuses(t, map[string]answered{
		"another server":       encrypted(proof.DepositContext(strings.Repeat("0", 40), "q", genuine.uuid(), "a")),
		"another organization": encrypted(proof.DepositContext(server, "p", genuine.uuid(), "a")),
		"another UUID":         encrypted(proof.DepositContext(server, "q", "e5f7ae58-26a5-4fbb-9c0e-e10fd5ae1a42", "a")),
		"another handle":       encrypted(proof.DepositContext(server, "q", genuine.uuid(), "b")),
		"a longer handle":      encrypted(right + "b"),
		"another purpose":      encrypted(strings.Replace(right, "ktsd-deposit/1", "ktsd-deposit/2", 1)),
		"a registration":       encrypted("ktsd-registration/1"),
	})
}

// TestForeignEnvelopes: what gpg makes of the client's public key, which is no
// secret.
func TestForeignEnvelopes(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "gpg")
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	genuine := real(t, s, dir, "a", 0)
	context := proof.DepositContext(serverFingerprint(t, c), "q", genuine.uuid(), "a")

	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	gpg := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--trust-model", "always"}, args...)...)
		cmd.Stdin = strings.NewReader("forged")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, &errs)
		}
		return out
	}
	t.Cleanup(func() { exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	gpg("--passphrase", "", "--quick-gen-key", "stranger@example.com", "future-default", "default", "never")
	gpg("--import", filepath.Join(dir, "secring.gpg"))
	own := c.Fingerprint()

	d := newDeceived(t, s, dir)
	notation := []string{"--sig-notation", "context@proton.ch=" + context}
	if got, err := d.get(genuine.with(gpg(append(notation, "-r", own, "-u", own, "--sign", "--encrypt")...)), 0); err != nil || got != "forged" {
		t.Fatalf("gpg with the client's own key and the context: got %q, %v, want it taken", got, err)
	}
	d.refuses(t, map[string]answered{
		"unsigned":                     genuine.with(gpg("-r", own, "--encrypt")),
		"signed by a stranger":         genuine.with(gpg(append(notation, "-r", own, "-u", "stranger@example.com", "--sign", "--encrypt")...)),
		"signed without a context":     genuine.with(gpg("-r", own, "-u", own, "--sign", "--encrypt")),
		"signed and not encrypted":     genuine.with(gpg(append(notation, "-u", own, "--sign")...)),
		"with a password, not the key": genuine.with(gpg(append(notation, "-u", own, "--sign", "--symmetric", "--passphrase", "x", "--pinentry-mode", "loopback")...)),
		"encrypted to a stranger":      genuine.with(gpg(append(notation, "-r", "stranger@example.com", "--no-encrypt-to", "-u", own, "--sign", "--encrypt")...)),
	})
}

// TestForeignConfirmation: a put is confirmed by the answer to it alone, and waits
// otherwise.
func TestForeignConfirmation(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	other := put(t, c, "a", "one")
	for name, body := range map[string]string{
		"another deposit's": `{"uuid": "` + other.UUID + `", "handle": "a", "version": 1}`,
		"nothing":           `{}`,
		"a page":            `<html>welcome</html>`,
		"empty":             ``,
	} {
		lying := useServers(t, dir, impostor(t, s, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) }))
		if d, err := lying.Put(context.Background(), "a", []byte("two"), nil); !errors.Is(err, client.ErrOutcomeUnknown) {
			t.Errorf("%s: got %+v, %v, want ErrOutcomeUnknown", name, d, err)
		}
		if kept := waiting(t, dir); len(kept) != 1 {
			t.Errorf("%s: got %d puts that wait, want 1", name, len(kept))
		}
	}
	c = useServers(t, dir, s.URL)
	if d := put(t, c, "a", "two"); d.Version != 2 {
		t.Errorf("the put again: got version %d, want 2", d.Version)
	}
}
