package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"

	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// A client has one TLS key, in client-key.pem, with its certificate, in
// client-cert.pem. RotateCertificate replaces both, and at every moment a key and a
// certificate are there that belong together and that the server takes:
//
//	1  client-key.pem.new and client-cert.pem.new are written, and bound
//	2  keytrustee.conf's RETIRE names the present key
//	3  client-key.pem.new becomes client-key.pem
//	4  client-cert.pem.new becomes client-cert.pem
//	5  the key that RETIRE names is retired, and RETIRE emptied
//
// Between 3 and 4 they are client-key.pem and client-cert.pem.new; before and after,
// those without ".new".
type pair struct{ certificate, key string } // files

func (d directory) present() pair { return pair{d.certificate(), d.certificateKey()} }

func (d directory) next() pair { return pair{d.certificate() + ".new", d.certificateKey() + ".new"} }

// halfway is the pair between the steps 3 and 4.
func (d directory) halfway() pair { return pair{d.next().certificate, d.certificateKey()} }

// hash returns what the server knows the key by, once both files were checked.
func (p pair) hash() ([sha256.Size]byte, error) {
	loaded, err := tlsconf.LoadPair(p.certificate, p.key)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return tlsconf.KeyHash(loaded.Leaf), nil
}

// discard removes a pair that nobody uses.
func (p pair) discard() error {
	return errors.Join(ifThere(os.Remove(p.certificate)), ifThere(os.Remove(p.key)))
}

func ifThere(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// finishSwap makes step 4 where a rotation was killed before it.
func (d directory) finishSwap() error {
	if _, err := d.present().hash(); !errors.Is(err, tlsconf.ErrMismatch) {
		return nil
	}
	if _, err := d.halfway().hash(); err != nil {
		return nil // of no rotation's making
	}
	return d.rename(d.next().certificate, d.certificate())
}

// rename is on disk when it returns, so that renames are in order there too.
func (d directory) rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return safefile.SyncDir(string(d))
}

// connect returns the way to the servers with a TLS key.
func (c *Client) connect(p pair) (*remote, error) {
	key, err := p.hash()
	if err != nil {
		return nil, err
	}
	r, err := newRemote(c.conf.Servers, c.dir.authority(c.conf), p.certificate, p.key)
	if err != nil {
		return nil, err
	}
	r.renew = func(ctx context.Context) *remote { return c.renewed(ctx, key) }
	return r, nil
}

// swapTries bounds how often the files are read while another process swaps them.
const swapTries = 3

// connectNow is connect with the pair of the moment.
func (c *Client) connectNow() (*remote, error) {
	for try := 1; ; try++ {
		r, err := c.connect(c.dir.present())
		if !errors.Is(err, tlsconf.ErrMismatch) {
			return r, err
		}
		if r, err := c.connect(c.dir.halfway()); err == nil {
			return r, nil
		}
		if try == swapTries {
			return nil, err
		}
	}
}

// renewed returns the way to the servers with another TLS key than one that they do
// not know any more: with that which another process has put in its place, or was
// about to. It is nil where there is none that they know.
func (c *Client) renewed(ctx context.Context, refused [sha256.Size]byte) *remote {
	for _, p := range []pair{c.dir.present(), c.dir.halfway(), c.dir.next()} {
		if key, err := p.hash(); err != nil || key == refused {
			continue
		}
		r, err := c.connect(p)
		if err != nil {
			continue
		}
		if _, err := r.sendOnce(ctx, "GET", "/v1/self", nil, nil); err == nil {
			return r
		}
	}
	return nil
}
