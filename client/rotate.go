package client

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// RotateOptions name a TLS key and certificate to take, such as those of a CA: both
// or none. With none they are made.
type RotateOptions struct {
	Certificate, Key string // files, PEM
}

// Rotated tells how a rotation ended.
type Rotated struct {
	Key      string   // of the TLS key in use: 64 hex digits
	Retired  []string // keys that were retired
	Finished bool     // what an earlier call had left was done, and no other key made
}

// RotateCertificate has another TLS key take the place of the client's, and then
// retires the one before. Interrupted at any point it is simply called again, and
// goes on from there; meanwhile the client works with one or the other key.
func (c *Client) RotateCertificate(ctx context.Context, o RotateOptions) (Rotated, error) {
	return c.rotate(ctx, o, func(rotationStep) error { return nil })
}

// rotationStep is a point where a rotation can be interrupted.
type rotationStep string

// The steps, in their order: after each of them files or server have changed.
const (
	stepKey      rotationStep = "the new key is written"
	stepPair     rotationStep = "its certificate is written"
	stepBound    rotationStep = "the server has bound it"
	stepRecorded rotationStep = "what to retire is recorded"
	stepHalfway  rotationStep = "the key is swapped"
	stepSwapped  rotationStep = "the certificate is swapped"
	stepRetired  rotationStep = "the old one is retired"
)

// rotation is one call of RotateCertificate.
type rotation struct {
	*Client
	conf conf                     // as it is on disk
	stop func(rotationStep) error // lets a test interrupt it
}

func (c *Client) rotate(ctx context.Context, o RotateOptions, stop func(rotationStep) error) (Rotated, error) {
	given, err := o.load()
	if err != nil {
		return Rotated{}, err
	}
	unlock, err := c.dir.lock()
	if err != nil {
		return Rotated{}, err
	}
	defer unlock()
	r := &rotation{Client: c, stop: stop}
	if r.conf, err = c.dir.readConf(); err != nil {
		return Rotated{}, err
	}
	if err := c.dir.finishSwap(); err != nil {
		return Rotated{}, err
	}
	wanted, err := r.wanted(given)
	if err != nil {
		return Rotated{}, err
	}
	if wanted {
		if err := r.replace(ctx, given); err != nil {
			return Rotated{}, err
		}
	}
	done, err := r.retire(ctx)
	done.Finished = !wanted
	return done, err
}

// load returns the pair that the options name, nil for none.
func (o RotateOptions) load() (*tls.Certificate, error) {
	if o == (RotateOptions{}) {
		return nil, nil
	}
	if o.Certificate == "" || o.Key == "" {
		return nil, fault.New(fault.Invalid, "a certificate and its private key are given together, or not at all")
	}
	return tlsconf.LoadPair(o.Certificate, o.Key)
}

// wanted says whether a TLS key is to be replaced, or only what is left of the last
// rotation to be done.
func (r *rotation) wanted(given *tls.Certificate) (bool, error) {
	present, err := r.dir.present().hash()
	if err != nil {
		return false, err
	}
	if given != nil {
		same := tlsconf.KeyHash(given.Leaf) == present
		if same && len(r.conf.Retire) == 0 {
			return false, fault.New(fault.Conflict, "the TLS key that is given is the one in use").WithHint("another certificate of the same key: copy it to %s", r.dir.certificate())
		}
		return !same, nil
	}
	return len(r.conf.Retire) == 0 || r.dir.isRotating(), nil
}

// isRotating tells whether a next pair is there.
func (d directory) isRotating() bool {
	_, err := d.next().hash()
	return err == nil
}

// replace has the next pair made, bound and put in the place of the present one.
func (r *rotation) replace(ctx context.Context, given *tls.Certificate) error {
	for try := 1; ; try++ {
		next, err := r.stage(given)
		if err != nil {
			return err
		}
		err = r.bind(ctx, next)
		if err == nil {
			break
		}
		if !errors.Is(err, fault.Conflict) {
			return err
		}
		if err := r.dir.next().discard(); err != nil { // it was retired, or another client's: nothing makes it good
			return err
		}
		if given != nil || try > 1 {
			return err
		}
	}
	if err := r.stop(stepBound); err != nil {
		return err
	}
	return r.swap()
}

// stage writes the next pair, unless it is there: after an interruption it may be
// bound already.
func (r *rotation) stage(given *tls.Certificate) (*tls.Certificate, error) {
	next := r.dir.next()
	if have, err := tlsconf.LoadPair(next.certificate, next.key); err == nil {
		key := tlsconf.KeyHash(have.Leaf)
		if given == nil || tlsconf.KeyHash(given.Leaf) == key {
			return have, nil
		}
		if err := r.record(key); err != nil {
			return nil, err
		}
	}
	certPEM, keyPEM, err := r.pem(given)
	if err != nil {
		return nil, err
	}
	defer clear(keyPEM)
	if err := r.dir.write(next.key, keyPEM, 0o600); err != nil {
		return nil, err
	}
	if err := r.stop(stepKey); err != nil {
		return nil, err
	}
	if err := r.dir.write(next.certificate, certPEM, 0o600); err != nil {
		return nil, err
	}
	if err := r.stop(stepPair); err != nil {
		return nil, err
	}
	return tlsconf.LoadPair(next.certificate, next.key)
}

// pem returns the files of a pair that is given, or of a new one.
func (r *rotation) pem(given *tls.Certificate) (certPEM, keyPEM []byte, err error) {
	if given == nil {
		if certPEM, keyPEM, err = tlsconf.ClientCertificate(r.key.Fingerprint()); err != nil {
			return nil, nil, fmt.Errorf("making a TLS certificate: %w", err)
		}
		return certPEM, keyPEM, nil
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(given.PrivateKey)
	if err != nil {
		return nil, nil, errors.New("the private key that is given cannot be written")
	}
	defer clear(pkcs8)
	for _, der := range given.Certificate {
		certPEM = append(certPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// bind has the server bind a TLS key: its private key signs the request, and the
// client's OpenPGP key signs for it.
func (r *rotation) bind(ctx context.Context, next *tls.Certificate) error {
	request, err := tlsconf.NewRequest(r.key.Fingerprint(), next.PrivateKey)
	if err != nil {
		return fmt.Errorf("making a certification request: %w", err)
	}
	key := tlsconf.KeyHash(next.Leaf)
	_, server, _ := strings.Cut(r.conf.ServerFingerprint, "/")
	now := time.Now().UTC().Truncate(time.Second)
	signature, err := r.key.Sign(proof.Certificate(r.conf.Organization, server, r.key.Fingerprint(), key, now))
	if err != nil {
		return fmt.Errorf("signing for the TLS key: %w", err)
	}
	public, err := r.key.Public().Armored()
	if err != nil {
		return err
	}
	var out api.Certificate
	err = r.remote.call(ctx, http.MethodPost, "/v1/certificates", nil, api.NewCertificate{
		Request: string(request), PublicKey: public, Time: now, Signature: signature,
	}, &out)
	if err == nil && (out.Key != hex.EncodeToString(key[:]) || out.Retired != nil) {
		return fault.New(fault.Internal, "the server's answer is not about the TLS key that was sent").WithHint("is it a Key Trustee server?")
	}
	return err
}

// swap puts the next pair, which is bound, in the place of the present one.
func (r *rotation) swap() error {
	present, err := r.dir.present().hash()
	if err != nil {
		return err
	}
	if err := r.record(present); err != nil {
		return err
	}
	if err := r.stop(stepRecorded); err != nil {
		return err
	}
	next := r.dir.next()
	if err := r.dir.rename(next.key, r.dir.certificateKey()); err != nil {
		return err
	}
	if err := r.stop(stepHalfway); err != nil {
		return err
	}
	if err := r.dir.rename(next.certificate, r.dir.certificate()); err != nil {
		return err
	}
	return r.stop(stepSwapped)
}

// record notes a key that is to be retired.
func (r *rotation) record(key [sha256.Size]byte) error {
	text := hex.EncodeToString(key[:])
	if slices.Contains(r.conf.Retire, text) {
		return nil
	}
	r.conf.Retire = append(r.conf.Retire, text)
	return r.dir.writeConf(r.conf)
}

// retire retires what was recorded, over a connection with the key in use.
func (r *rotation) retire(ctx context.Context) (Rotated, error) {
	present, err := r.dir.present().hash()
	if err != nil {
		return Rotated{}, err
	}
	remote, err := r.connectNow()
	if err != nil {
		return Rotated{}, err
	}
	r.remote.next.Store(remote)
	done := Rotated{Key: hex.EncodeToString(present[:])}
	for _, key := range r.conf.Retire {
		if key == done.Key {
			continue // recorded by a rotation whose new pair was lost
		}
		_, err := r.RetireCertificate(ctx, key)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return done, fmt.Errorf("TLS key %s is in use, but %s is not retired yet: %w", done.Key, key, err)
		}
		done.Retired = append(done.Retired, key)
	}
	if err := r.stop(stepRetired); err != nil {
		return done, err
	}
	r.conf.Retire = nil
	return done, r.dir.writeConf(r.conf)
}

// lock keeps two rotations of one client apart.
func (d directory) lock() (unlock func(), err error) {
	f, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.New(fault.Conflict, "another registration or rotation is at work on %s", d).WithHint("wait until it has ended")
	}
	return func() { f.Close() }, nil
}
