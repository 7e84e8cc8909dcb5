package client

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// Certificate describes a TLS key that is bound to a client, or was. The key alone
// counts: a certificate's chain and expiry play no part.
type Certificate = api.Certificate

// InForce tells where it is in force that access was taken away.
type InForce = api.InForce

// Certificates returns the client's own, retired ones too, by their time.
func (c *Client) Certificates(ctx context.Context) ([]Certificate, error) {
	var out api.Certificates
	err := c.remote.get(ctx, "/v1/certificates", nil, &out)
	return out.Certificates, err
}

// RetireCertificate ends one of the client's own, for good, by its key: 64 hex
// digits. The one in use is ErrConflict: RotateCertificate replaces it.
func (c *Client) RetireCertificate(ctx context.Context, key string) (Certificate, error) {
	if err := checkKey(key); err != nil {
		return Certificate{}, err
	}
	var out Certificate
	err := c.remote.call(ctx, http.MethodDelete, "/v1/certificates/"+key, nil, nil, &out)
	if errors.Is(err, fault.NotFound) {
		return Certificate{}, fault.New(fault.NotFound, "this client has no certificate %s", key).WithHint("keytrustee certificates shows those that it has")
	}
	return out, err
}

// checkKey refuses what is no hash of a TLS key, and so none to stand in a path.
func checkKey(key string) error {
	if b, err := hex.DecodeString(key); err != nil || len(b) != 32 {
		return fault.New(fault.Invalid, "%.80q is not the hash of a TLS key", key).
			WithHint("it has 64 hex digits: SHA-256 of the key's SubjectPublicKeyInfo")
	}
	return nil
}
