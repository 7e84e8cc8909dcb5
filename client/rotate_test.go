package client_test

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// keyOf returns the key of the certificate in a client's directory.
func keyOf(t *testing.T, dir string) string {
	t.Helper()
	hash := tlsconf.KeyHash(ktest.Pair(t, dir).Leaf)
	return hex.EncodeToString(hash[:])
}

// inForce returns the keys that the server takes.
func inForce(t *testing.T, c *client.Client) (keys []string) {
	t.Helper()
	certs, err := c.Certificates(context.Background())
	if err != nil {
		t.Fatalf("Certificates: %v", err)
	}
	for _, k := range certs {
		if k.Retired == nil {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// reopen opens a client's directory as a new process does.
func reopen(t *testing.T, dir string) *client.Client {
	t.Helper()
	c, err := client.Open(dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return c
}

// wantRotated makes sure that a client's directory works, that one certificate is in
// force, and that nothing is left over.
func wantRotated(t *testing.T, dir, secret string) {
	t.Helper()
	c := reopen(t, dir)
	wantSecret(t, c, secret)
	if keys := inForce(t, c); len(keys) != 1 || keys[0] != keyOf(t, dir) {
		t.Errorf("certificates in force: got %v, want the one of the directory, %s", keys, keyOf(t, dir))
	}
	status, err := c.Status(context.Background())
	if err != nil || status.Rotating || len(status.Retiring) > 0 {
		t.Errorf("Status: got %+v, %v, want that no rotation is under way", status, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func wantSecret(t *testing.T, c *client.Client, secret string) {
	t.Helper()
	if _, got, err := c.Get(context.Background(), "a", 0); err != nil || string(got) != secret {
		t.Errorf("Get: got %q, %v, want %q", got, err, secret)
	}
}

// TestRotate: the old certificate ends, the new one is in the files; a process that
// was there before goes on.
func TestRotate(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	running, before, old := reopen(t, dir), keyOf(t, dir), ktest.Pair(t, dir)
	wantSecret(t, running, "secret")
	done, err := c.RotateCertificate(context.Background(), client.RotateOptions{})
	if err != nil || len(done.Retired) != 1 || done.Retired[0] != before || done.Key != keyOf(t, dir) || done.Finished || done.Key == before {
		t.Fatalf("RotateCertificate: got %+v, %v, want another key than %s, which is retired", done, err, before)
	}
	wantRotated(t, dir, "secret")
	wantSecret(t, c, "secret")
	wantSecret(t, running, "secret")
	put(t, running, "b", "another")

	resp, err := s.HTTP(t, old).Get(s.URL + "/v1/self")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("with the old certificate: got status %d, want 401", resp.StatusCode)
	}
	if _, err := c.RetireCertificate(context.Background(), done.Key); !errors.Is(err, client.ErrConflict) {
		t.Errorf("retiring the one in use: got %v, want %v", err, client.ErrConflict)
	}
	for _, key := range []string{"", "../../x", strings.Repeat("0", 62), strings.Repeat("g", 64)} {
		if _, err := c.RetireCertificate(context.Background(), key); err == nil || !strings.Contains(err.Error(), "is not the hash") {
			t.Errorf("retiring %q: got %v, want that it is no hash", key, err)
		}
	}
	_, err = c.RetireCertificate(context.Background(), strings.Repeat("0", 64))
	is(t, "retiring one that is absent", err, "ErrNotFound")
}

// TestRotateInterrupted stops a rotation after each of its steps, as a kill would:
// what is there works at once, and the next call ends with one certificate.
func TestRotateInterrupted(t *testing.T) {
	t.Parallel()
	s := shared()
	for _, step := range client.RotationSteps() {
		for _, way := range []string{"run again", "killed twice", "with a pair", "with the old one retired"} {
			t.Run(step+", "+way, func(t *testing.T) {
				t.Parallel()
				c, dir := s.Client(t, "q")
				put(t, c, "a", "secret")
				before := keyOf(t, dir)
				stop(t, c, step, client.RotateOptions{})
				wantSecret(t, reopen(t, dir), "secret")
				wantSecret(t, c, "secret")
				o := client.RotateOptions{}
				switch way {
				case "killed twice":
					client.RotateUntil(reopen(t, dir), step, o) // where the rest has fewer steps, it is done
					wantSecret(t, reopen(t, dir), "secret")
				case "with a pair":
					o = newPair(t)
				case "with the old one retired":
					if _, err := s.Admin().RevokeCertificate(context.Background(), before); err != nil {
						t.Fatal(err)
					}
					if step == client.RotationSteps()[0] || step == client.RotationSteps()[1] {
						return // no other is bound yet: the client has to register again
					}
					wantSecret(t, c, "secret")
					wantSecret(t, reopen(t, dir), "secret")
				}
				done, err := reopen(t, dir).RotateCertificate(context.Background(), o)
				if err != nil || done.Key == before {
					t.Fatalf("RotateCertificate: got %+v, %v, want another key than %s", done, err, before)
				}
				wantRotated(t, dir, "secret")
			})
		}
	}
}

// stop interrupts a rotation after a step.
func stop(t *testing.T, c *client.Client, step string, o client.RotateOptions) {
	t.Helper()
	if err := client.RotateUntil(c, step, o); !errors.Is(err, client.ErrStopped) {
		t.Fatalf("RotateCertificate until %q: got %v, want that it was stopped", step, err)
	}
}

// newPair has openssl make a key and a certificate that a CA signed.
func newPair(t *testing.T) client.RotateOptions {
	t.Helper()
	ktest.Need(t, "openssl")
	dir := t.TempDir()
	script := exec.Command("sh", "-ec", `umask 077
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2
		openssl req -new -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=db01
		openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out client.pem -days 2
		cat ca.pem >>client.pem`)
	script.Dir = dir
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	return client.RotateOptions{Certificate: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client.key")}
}

// TestRotateToAPair takes a certificate of a CA, with its chain, and refuses what is
// no pair, what is in use, and what was retired.
func TestRotateToAPair(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	first := client.RotateOptions{Certificate: filepath.Join(dir, "client-cert.pem"), Key: filepath.Join(dir, "client-key.pem")}
	if _, err := c.RotateCertificate(context.Background(), first); !errors.Is(err, client.ErrConflict) {
		t.Errorf("to the pair in use: got %v, want %v", err, client.ErrConflict)
	}
	kept := filepath.Join(t.TempDir(), "kept")
	if out, err := exec.Command("cp", "-a", dir, kept).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	o := newPair(t)
	done, err := c.RotateCertificate(context.Background(), o)
	if err != nil || done.Key != keyOf(t, dir) {
		t.Fatalf("RotateCertificate: got %+v, %v", done, err)
	}
	given, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
	if err != nil {
		t.Fatal(err)
	}
	if got := ktest.Pair(t, dir); len(got.Certificate) != 2 || !got.Leaf.Equal(given.Leaf) {
		t.Errorf("client-cert.pem has %d certificates, want those that were given", len(got.Certificate))
	}
	wantRotated(t, dir, "secret")

	was := client.RotateOptions{Certificate: filepath.Join(kept, "client-cert.pem"), Key: filepath.Join(kept, "client-key.pem")}
	if _, err := c.RotateCertificate(context.Background(), was); !errors.Is(err, client.ErrConflict) || !strings.Contains(err.Error(), "bound before") {
		t.Errorf("to one that was retired: got %v, want that it was bound before", err)
	}
	for name, bad := range map[string]client.RotateOptions{
		"no key": {Certificate: o.Certificate}, "no certificate": {Key: o.Key}, "another's key": {Certificate: o.Certificate, Key: was.Key},
		"no file": {Certificate: o.Certificate, Key: "/nowhere"},
	} {
		if _, err := c.RotateCertificate(context.Background(), bad); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	wantRotated(t, dir, "secret")
}

// TestRotateTwiceAtOnce: two rotations of one client do not mix.
func TestRotateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	errs := make(chan error)
	for range 4 {
		other := reopen(t, dir)
		go func() {
			_, err := other.RotateCertificate(context.Background(), client.RotateOptions{})
			errs <- err
		}()
	}
	for range 20 {
		wantSecret(t, reopen(t, dir), "secret")
	}
	done := 0
	for range 4 {
		if err := <-errs; err == nil {
			done++
		} else if !errors.Is(err, client.ErrConflict) {
			t.Errorf("RotateCertificate beside others: got %v, want %v or none", err, client.ErrConflict)
		}
	}
	if done == 0 {
		t.Error("no rotation was made")
	}
	wantRotated(t, dir, "secret")
}

// TestOpenReadOnlyHalfway: to work between the two renames of a rotation nothing need
// be written, so a directory that cannot be written does it too.
func TestOpenReadOnlyHalfway(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "secret")
	stop(t, c, client.RotationSteps()[4], client.RotateOptions{})
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantSecret(t, reopen(t, dir), "secret")
	after, err := os.ReadDir(dir)
	if err != nil || len(before) != len(after) {
		t.Errorf("files of the directory: got %d (%v), want the %d that were there: a get writes nothing", len(after), err, len(before))
	}
	status, err := reopen(t, dir).Status(context.Background())
	if err != nil || len(status.Retiring) != 1 {
		t.Errorf("Status: got %+v, %v, want one to retire", status, err)
	}
}

// TestRotateByFingerprint: where the server is known by its OpenPGP key, it is so
// with the next TLS key of the client too.
func TestRotateByFingerprint(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := shared()
	server, err := s.Admin().Server(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "client")
	if _, err := client.Register(ctx, dir, client.Registration{Servers: []string{s.URL}, Organization: "q", Fingerprint: server.Fingerprint}); err != nil {
		t.Fatalf("Register: %v", err)
	}
	c := reopen(t, dir)
	put(t, c, "a", "secret")
	running := reopen(t, dir)
	wantSecret(t, running, "secret")
	stop(t, c, client.RotationSteps()[4], client.RotateOptions{})
	wantSecret(t, reopen(t, dir), "secret")
	if done, err := reopen(t, dir).RotateCertificate(ctx, client.RotateOptions{}); err != nil || len(done.Retired) != 1 || !done.Finished {
		t.Fatalf("RotateCertificate: got %+v, %v, want that the interrupted one is finished", done, err)
	}
	wantRotated(t, dir, "secret")
	wantSecret(t, running, "secret")
}
