package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// directory is where a client keeps its keys and what it knows of its servers.
type directory string

func (d directory) file(name string) string { return filepath.Join(string(d), name) }

func (d directory) conf() string           { return d.file("keytrustee.conf") }
func (d directory) secretKeyring() string  { return d.file("secring.gpg") }
func (d directory) publicKeyring() string  { return d.file("pubring.gpg") }
func (d directory) certificate() string    { return d.file("client-cert.pem") }
func (d directory) certificateKey() string { return d.file("client-key.pem") }
func (d directory) ca() string             { return d.file("ca.pem") }
func (d directory) serverKeys() string     { return d.file("server-keys.json") }
func (d directory) pending() string        { return d.file("pending") }

// conf is what keytrustee.conf holds. It is written once the server has taken
// the registration.
type conf struct {
	Servers           []string `json:"SERVERS"` // base URLs, in the order in which they are tried
	Organization      string   `json:"ORGANIZATION"`
	ClientName        string   `json:"CLIENT_NAME,omitempty"`
	LocalFingerprint  string   `json:"LOCAL_FINGERPRINT"`
	ServerFingerprint string   `json:"SERVER_FINGERPRINT"`  // qualified: 4096R/…
	CA                bool     `json:"CA,omitempty"`        // ca.pem vouches for the servers, not the system's roots
	Statement         bool     `json:"STATEMENT,omitempty"` // neither does: SERVER_FINGERPRINT's statements over their TLS keys do
	Retire            []string `json:"RETIRE,omitempty"`    // TLS keys that a rotation has yet to retire: 64 hex digits
}

// authority returns who vouches for the servers.
func (d directory) authority(c conf) authority {
	switch {
	case c.Statement:
		return authority{known: readKnownKeys(d, bareFingerprint(c.ServerFingerprint))}
	case c.CA:
		return authority{ca: d.ca()}
	}
	return authority{}
}

// readConf returns the configuration; its error is fs.ErrNotExist before the
// client is registered.
func (d directory) readConf() (conf, error) {
	var c conf
	data, err := os.ReadFile(d.conf())
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s is not a client's configuration in JSON", d.conf())
	}
	return c, nil
}

func (d directory) writeConf(c conf) error {
	data, err := json.MarshalIndent(c, "", "    ")
	if err != nil {
		return err
	}
	return d.write(d.conf(), append(data, '\n'), 0o600)
}

// write replaces a file of the directory; what root writes belongs to its owner.
func (d directory) write(path string, data []byte, mode fs.FileMode) error {
	return safefile.WriteAs(string(d), path, data, mode)
}

// make makes the directory and those above it.
func (d directory) make() error {
	if err := safefile.MakeParents(string(d)); err != nil {
		return err
	}
	return safefile.MakeDir(string(d))
}

// hasCertificate tells whether the TLS key and its certificate are there.
func (d directory) hasCertificate() bool {
	_, certErr := os.Lstat(d.certificate())
	_, keyErr := os.Lstat(d.certificateKey())
	return certErr == nil && keyErr == nil
}

// readKey returns the client's OpenPGP key.
func (d directory) readKey() (*pgp.SecretKey, error) {
	if err := safefile.CheckSecret(d.secretKeyring()); err != nil {
		return nil, err
	}
	ring, err := os.ReadFile(d.secretKeyring())
	if err != nil {
		return nil, err
	}
	defer clear(ring)
	key, err := pgp.ReadSecretKeyring(ring, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.secretKeyring(), err)
	}
	return key, nil
}

// ensureKey returns the client's OpenPGP key, made and on disk if there was none.
func (d directory) ensureKey(name, host string, keyType pgp.KeyType) (*pgp.SecretKey, error) {
	key, err := d.readKey()
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = pgp.GenerateClientKey(name, host, keyType); err != nil {
		return nil, fmt.Errorf("making an OpenPGP key: %w", err)
	}
	ring, err := key.SecretKeyring()
	if err != nil {
		return nil, err
	}
	defer clear(ring)
	return key, d.write(d.secretKeyring(), ring, 0o600)
}

// ensureCertificate makes a TLS key and its certificate, self-signed, unless both
// are there: one without the other is of no use.
func (d directory) ensureCertificate(fingerprint string) error {
	if d.hasCertificate() {
		return nil
	}
	cert, key, err := tlsconf.ClientCertificate(fingerprint)
	if err != nil {
		return fmt.Errorf("making a TLS certificate: %w", err)
	}
	if err := d.write(d.certificateKey(), key, 0o600); err != nil {
		return err
	}
	return d.write(d.certificate(), cert, 0o600)
}
