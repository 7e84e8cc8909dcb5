package client

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// knownKeys are the TLS keys of which the server with a fingerprint has said that
// they are its own, each until its statement ends. It is safe for concurrent use.
type knownKeys struct {
	server string        // fingerprint, 40 hex digits
	asking chan struct{} // holds one while a server is asked

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
	dir   directory // where they are kept; "" for nowhere
}

// newKnownKeys knows none yet.
func newKnownKeys(server string) *knownKeys {
	return &knownKeys{server: server, asking: make(chan struct{}, 1), until: map[[sha256.Size]byte]time.Time{}}
}

// keptKeys is what server-keys.json holds. It saves asking; without it, or with one
// of another server, everything is asked again.
type keptKeys struct {
	Server string               `json:"server"`
	Keys   map[string]time.Time `json:"keys"` // SHA-256 of the SubjectPublicKeyInfo → end of the statement
}

// readKnownKeys returns those that are kept in a client's directory.
func readKnownKeys(d directory, server string) *knownKeys {
	k := newKnownKeys(server)
	k.dir = d
	k.merge()
	return k
}

// merge adds what the directory has.
func (k *knownKeys) merge() {
	var kept keptKeys
	data, err := os.ReadFile(k.dir.serverKeys())
	if err != nil || json.Unmarshal(data, &kept) != nil || kept.Server != k.server {
		return
	}
	for text, until := range kept.Keys {
		key, err := hex.DecodeString(text)
		if err == nil && len(key) == sha256.Size && until.After(k.until[[sha256.Size]byte(key)]) {
			k.until[[sha256.Size]byte(key)] = until
		}
	}
}

// has tells whether the key is known, and its statement holds.
func (k *knownKeys) has(key [sha256.Size]byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Before(k.until[key])
}

// learn adds a key, and keeps it. That it could not be kept, such as in a directory
// that cannot be written, costs a question the next time.
func (k *knownKeys) learn(key [sha256.Size]byte, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until[key] = until
	if k.dir != "" {
		_ = k.keep()
	}
}

// keepIn keeps them in a client's directory from now on.
func (k *knownKeys) keepIn(d directory) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dir = d
	return k.keep()
}

// keep writes them, with what another process has kept meanwhile, and without those
// whose statements have ended.
func (k *knownKeys) keep() error {
	k.merge()
	now := time.Now()
	maps.DeleteFunc(k.until, func(_ [sha256.Size]byte, until time.Time) bool { return !now.Before(until) })
	kept := keptKeys{Server: k.server, Keys: map[string]time.Time{}}
	for key, until := range k.until {
		kept.Keys[hex.EncodeToString(key[:])] = until
	}
	data, err := json.MarshalIndent(kept, "", "    ")
	if err != nil {
		return err
	}
	return k.dir.write(k.dir.serverKeys(), append(data, '\n'), 0o600)
}

// ask has a server that showed an unknown key say whose it is, and learns the key
// if it is that of our server. Any error but Unavailable is a reason not to trust it.
func (k *knownKeys) ask(ctx context.Context, server string, seen *x509.Certificate) error {
	select {
	case k.asking <- struct{}{}:
		defer func() { <-k.asking }()
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "no answer from %s", server).Because(ctx.Err())
	}
	key := tlsconf.KeyHash(seen)
	if k.has(key) {
		return nil // somebody else has asked meanwhile
	}
	public, statement, err := introduction(ctx, server, key)
	if err != nil {
		return err
	}
	if public.Fingerprint() != k.server {
		return fmt.Errorf("it is server %s, and not %s", public.Qualified(), k.server)
	}
	k.learn(key, statement.NotAfter)
	return nil
}
