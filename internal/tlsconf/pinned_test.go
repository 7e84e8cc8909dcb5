package tlsconf_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// pinnedHandshake has a client that knows one key meet a server, at one version of
// TLS, and returns how many certificates the server got to see, and its error.
func pinnedHandshake(t *testing.T, version uint16, own, server *tls.Certificate, known [32]byte) (shown int, err error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan tls.ConnectionState, 1)
	go func() {
		far, err := listener.Accept()
		if err != nil {
			t.Error(err)
			close(accepted)
			return
		}
		defer far.Close()
		conn := tls.Server(far, tlsconf.Server(version, nil, func() *tls.Certificate { return server }))
		if conn.Handshake() == nil {
			conn.Write([]byte("hello"))
		}
		accepted <- conn.ConnectionState()
	}()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	config := tlsconf.Pinned(own, func(key [32]byte) bool { return key == known })
	config.ServerName, config.MaxVersion = "localhost", version
	conn := tls.Client(near, config)
	if err = conn.Handshake(); err == nil {
		_, err = io.ReadFull(conn, make([]byte, 5))
	}
	near.Close()
	return len((<-accepted).PeerCertificates), err
}

// TestPinned: the key alone counts; one that is not known ends the handshake before
// the client shows its certificate, at each version of TLS.
func TestPinned(t *testing.T) {
	t.Parallel()
	load := func(certPEM, keyPEM []byte, err error) *tls.Certificate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		path := files(t, map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM})
		pair, err := tlsconf.LoadPair(path("cert.pem"), path("key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	own := load(tlsconf.ClientCertificate("client"))
	for name, server := range map[string]*tls.Certificate{
		"good":         load(tlsconf.SelfSigned("localhost", time.Now())),
		"another name": load(tlsconf.SelfSigned("elsewhere.example.com", time.Now())),
		"out of date":  load(tlsconf.SelfSigned("localhost", time.Now().AddDate(-20, 0, 0))),
		"a client's":   load(tlsconf.ClientCertificate("client")),
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if shown, err := pinnedHandshake(t, version, own, server, tlsconf.KeyHash(server.Leaf)); err != nil || shown != 1 {
				t.Errorf("%s, %s: got %v and %d certificates of the client, want a connection and 1", name, tls.VersionName(version), err, shown)
			}
			shown, err := pinnedHandshake(t, version, own, server, tlsconf.KeyHash(own.Leaf))
			unknown, ok := errors.AsType[*tlsconf.UnknownKeyError](err)
			if !ok || !bytes.Equal(unknown.Certificate.Raw, server.Leaf.Raw) || shown != 0 {
				t.Errorf("%s, %s, a key that is not known: got %v and %d certificates of the client, want an UnknownKeyError and none", name, tls.VersionName(version), err, shown)
			}
			if seen := tlsconf.UnverifiedPeer(err); seen == nil || !bytes.Equal(seen.Raw, server.Leaf.Raw) {
				t.Errorf("%s: UnverifiedPeer does not return what the server showed", name)
			}
		}
	}
}

// TestOneExemption: Pinned is the only place that does without Go's verification of
// a server, tests of refusals aside.
func TestOneExemption(t *testing.T) {
	t.Parallel()
	root := ktest.Root(t)
	var found []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(file)
		for range bytes.Count(source, []byte("InsecureSkipVerify")) {
			name, _ := filepath.Rel(root, file)
			found = append(found, name)
		}
		return err
	})
	if diff := cmp.Diff([]string{"internal/tlsconf/pinned.go"}, found); err != nil || diff != "" {
		t.Errorf("places that name InsecureSkipVerify: %v (-want +got):\n%s", err, diff)
	}
}
