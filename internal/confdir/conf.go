package confdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/safefile"
)

// Conf is what keytrustee.conf holds. Where a field is empty, its default
// applies. Keys that it does not know, such as those of the original, are kept.
type Conf struct {
	LocalFingerprint string // of the server's OpenPGP key, 40 hex digits
	Hostname         string // recorded by init --hostname; empty: what the system says
	ServerHostname   string // by which clients reach the server; empty: Hostname's rules
	Listen           string // HOST:PORT, or several, with commas between
	TLSMinVersion    string // tlsv1 … tlsv1.3
	Certificate      string // file
	PrivateKey       string // file
	Ciphers          string // in OpenSSL's notation
	CAChain          string // file
	PasswordScript   string // program with arguments that prints the private key's password; may hold the password
	DatabaseURL      string // of PostgreSQL; may hold a password. With neither of the two: SQLite
	DatabaseURLFile  string // file that holds the URL

	Limits *bounds.Limits // nil: the defaults; see LimitsInForce
	Audit  *bounds.Audit  // nil: the defaults; see AuditInForce

	other map[string]json.RawMessage
}

// DefaultListen is the address that ktsd listens on unless told otherwise; the
// port is the original's (11371, that of OpenPGP key servers).
const DefaultListen = ":11371"

// DefaultTLSMinVersion is the TLS floor unless told otherwise.
const DefaultTLSMinVersion = "tlsv1.2"

// keys binds the fields to their names in the file.
func (c *Conf) keys() map[string]*string {
	return map[string]*string{
		"LOCAL_FINGERPRINT": &c.LocalFingerprint,
		"HOSTNAME":          &c.Hostname,
		"SERVER_HOSTNAME":   &c.ServerHostname,
		"LISTEN":            &c.Listen,
		"TLS_MIN_VERSION":   &c.TLSMinVersion,
		"SSL_CERTIFICATE":   &c.Certificate,
		"SSL_PRIVATE_KEY":   &c.PrivateKey,
		"SSL_CIPHERS":       &c.Ciphers,
		"SSL_CA_CHAIN":      &c.CAChain,

		"SSL_PRIVATE_KEY_PASSWORD_SCRIPT": &c.PasswordScript,

		"DATABASE_URL":      &c.DatabaseURL,
		"DATABASE_URL_FILE": &c.DatabaseURLFile,
	}
}

// maxConf bounds the size of keytrustee.conf, in bytes.
const maxConf = 1 << 20

// ReadConf reads keytrustee.conf. The error is fs.ErrNotExist if there is none.
func (d Dir) ReadConf() (Conf, error) { return readConf(d.Conf()) }

// ReadNextConf reads keytrustee.conf.next. The error is fs.ErrNotExist if there is
// none.
func (d Dir) ReadNextConf() (Conf, error) { return readConf(d.NextConf()) }

func readConf(file string) (Conf, error) {
	f, info, err := safefile.OpenRegular(file)
	if err != nil {
		return Conf{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConf+1))
	if err != nil {
		return Conf{}, err
	}
	if len(data) > maxConf {
		return Conf{}, fmt.Errorf("%s has %d bytes; at most %d are read", file, info.Size(), maxConf)
	}
	c, err := ParseConf(data)
	if err != nil {
		return Conf{}, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// ParseConf reads the contents of keytrustee.conf. Its errors name keys and never
// show values, since the original's file has passwords.
func ParseConf(data []byte) (Conf, error) {
	var c Conf
	if err := json.Unmarshal(data, &c.other); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + strings.Count(string(data[:min(int(syntax.Offset), len(data))]), "\n")
			return Conf{}, fmt.Errorf("line %d is not JSON", line)
		}
		return Conf{}, errors.New("it is not a JSON object")
	}
	for key, field := range c.keys() {
		if raw, ok := c.other[key]; ok {
			if err := json.Unmarshal(raw, field); err != nil {
				return Conf{}, fmt.Errorf("%s is not a string", key)
			}
			delete(c.other, key)
		}
	}
	if err := c.takeBounds(); err != nil {
		return Conf{}, err
	}
	if _, digits, qualified := strings.Cut(c.LocalFingerprint, "/"); qualified {
		c.LocalFingerprint = digits // 4096R/…, as the fingerprint is shown
	}
	return c, nil
}

// Marshal returns the contents of keytrustee.conf, keys in order.
func (c Conf) Marshal() ([]byte, error) {
	all := map[string]any{}
	for key, raw := range c.other {
		all[key] = raw
	}
	for key, field := range c.keys() {
		if *field != "" {
			all[key] = *field
		}
	}
	c.addBounds(all)
	data, err := json.MarshalIndent(all, "", "    ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// WriteConf replaces keytrustee.conf.
func (d Dir) WriteConf(c Conf) error {
	data, err := c.Marshal()
	if err != nil {
		return err
	}
	return d.Write(d.Conf(), data, 0o600)
}
