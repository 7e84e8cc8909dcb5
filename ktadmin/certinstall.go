package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/keystore"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

type certInstallCommand struct {
	Certificate    string `required:"" placeholder:"FILE" help:"The certificate: PEM, DER, PKCS#12 or JKS, with its chain and its private key or without."`
	Key            string `placeholder:"FILE" help:"The private key, where the certificate's file has none (default: that of the request which waits, or the one in place)."`
	Chain          string `placeholder:"FILE" help:"What leads to the root, where the certificate's file has none."`
	PasswordFile   string `placeholder:"FILE" help:"File of the password that opens these, or - for standard input."`
	Alias          string `placeholder:"NAME" help:"Which entry of a PKCS#12 or JKS file, where it has several."`
	UntrustedChain bool   `help:"The root of the chain need not be known on this host."`
}

// Help is shown by --help.
func (certInstallCommand) Help() string {
	return `Checks the certificate, and names all that is wrong with it before anything is touched: the private
key has to be its own, the chain complete up to a root that is in the files or known to this host's
system, all of it in time, and the certificate that of a server with the name by which clients reach
this one. Certificates are put in order, and the root is left out, since clients have it.

Then the pair in place is kept in .ssl (.previous), the new one written where keytrustee.conf has its files
(SSL_CERTIFICATE and SSL_PRIVATE_KEY; else in .ssl), the key encrypted if a password script is set,
and ktsd, if it runs, takes it on without dropping a connection. Where ktsd refuses, everything is
put back. Interrupted at any point and run again it goes on from there, and ktsd starts meanwhile.

Examples:
  ktadmin cert install --certificate kts01.crt --chain ca.crt
  ktadmin cert install --certificate kts01.p12 --password-file -
  ktadmin cert install --certificate keystore.jks --alias kts01 --password-file password
  ktadmin cert install --certificate kts01.pem --key kts01.key --untrusted-chain`
}

// Run installs the certificate.
func (i *certInstallCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	w, unlock, err := c.certChange()
	if err != nil {
		return err
	}
	defer unlock()
	candidate, err := i.read(ctx, w, streams)
	if err != nil {
		return err
	}
	candidate.Hostname, candidate.UnknownRoot = w.hostname, i.UntrustedChain
	return w.install(ctx, streams, candidate)
}

// read reads the files.
func (i *certInstallCommand) read(ctx context.Context, w *certWork, streams *cli.Streams) (tlsconf.Candidate, error) {
	var password []byte
	if i.PasswordFile != "" {
		secret, err := cli.ReadSecret(ctx, streams, i.PasswordFile)
		if err != nil {
			return tlsconf.Candidate{}, fmt.Errorf("--password-file: %w", err)
		}
		password = []byte(secret)
		defer clear(password)
	}
	alias := i.Alias
	if i.Key != "" {
		alias = "" // which is of the private key
	}
	contents, err := i.readFile(ctx, i.Certificate, password, alias)
	if err != nil {
		return tlsconf.Candidate{}, err
	}
	candidate := tlsconf.Candidate{Certificates: contents.Certificates, Key: contents.Key}
	if i.Chain != "" {
		chain, err := i.readFile(ctx, i.Chain, password, "")
		if err != nil {
			return candidate, err
		}
		candidate.Certificates = append(candidate.Certificates, chain.Certificates...)
	}
	if len(candidate.Certificates) == 0 {
		return candidate, fault.New(fault.Invalid, "%s holds no certificate", i.Certificate)
	}
	if i.Key != "" {
		if candidate.Key, err = i.readKey(ctx, password, streams); err != nil {
			return candidate, err
		}
	}
	if candidate.Key != nil {
		return candidate, nil
	}
	candidate.Key, err = w.ownKey(candidate.Certificates)
	if errors.Is(err, fs.ErrNotExist) {
		return candidate, fault.New(fault.Invalid, "there is no private key: %s holds none, and no request waits", i.Certificate).
			WithHint("give the key's file: --key")
	}
	return candidate, err
}

// ownKey returns the private key of the request that waits; or that in place, where it
// is one of the certificates' own. The error is fs.ErrNotExist where there is neither.
func (w *certWork) ownKey(certificates []*x509.Certificate) (crypto.Signer, error) {
	requested, err := w.requestedKey()
	if err == nil && slices.ContainsFunc(certificates, func(c *x509.Certificate) bool { return sameKey(requested, c.PublicKey) }) {
		return requested, nil
	}
	if present, err := w.pair.files.LoadKey(); err == nil &&
		slices.ContainsFunc(certificates, func(c *x509.Certificate) bool { return sameKey(present, c.PublicKey) }) {
		return present, nil
	}
	if errors.Is(err, tlsconf.ErrPassword) || errors.Is(err, tlsconf.ErrEncryptedKey) {
		return nil, fault.New(fault.Conflict, "%v", err).
			WithHint("it waits under the password that was in force when it was requested: have that printed until the certificate is installed, or make another request (--again)")
	}
	return requested, err
}

// sameKey tells whether a private key belongs to a public one.
func sameKey(key crypto.Signer, public crypto.PublicKey) bool {
	own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(public)
}

// readFile reads one of the files, and says what to do about a password. How long that
// takes is the file's to say, PKCS#12 having no bound: whoever waits can interrupt it.
func (i *certInstallCommand) readFile(ctx context.Context, file string, password []byte, alias string) (keystore.Contents, error) {
	type result struct {
		contents keystore.Contents
		err      error
	}
	done := make(chan result, 1)
	go func() {
		contents, err := keystore.ReadFile(file, bytes.Clone(password), alias)
		done <- result{contents, err}
	}()
	select {
	case r := <-done:
		return r.contents, explain(file, r.err)
	case <-ctx.Done():
		return keystore.Contents{}, fmt.Errorf("interrupted while reading %s; nothing was changed", file)
	}
}

// explain adds what to do about an error of ReadFile's.
func explain(file string, err error) error {
	if wrong, ok := errors.AsType[*keystore.AliasError](err); ok {
		f := fault.New(fault.Invalid, "%s", file).Because(wrong)
		if len(wrong.Have) > 0 {
			f = f.WithHint("name one of them: --alias")
		}
		return f
	}
	if errors.Is(err, keystore.ErrNeedsPassword) {
		return fault.New(fault.Invalid, "%v", err).WithHint("give its password in a file, or on standard input: --password-file")
	}
	return err
}

// readKey reads the private key's own file.
func (i *certInstallCommand) readKey(ctx context.Context, password []byte, streams *cli.Streams) (crypto.Signer, error) {
	contents, err := i.readFile(ctx, i.Key, password, i.Alias)
	if err != nil {
		return nil, err
	}
	if contents.Key == nil {
		return nil, fault.New(fault.Invalid, "%s holds no private key", i.Key)
	}
	if info, err := os.Stat(i.Key); err == nil && info.Mode().Perm()&0o077 != 0 {
		warn(streams, "others can read %s, its mode is %04o: remove it once the certificate is installed", i.Key, info.Mode().Perm())
	}
	return contents.Key, nil
}

// install checks the candidate and puts it in place.
func (w *certWork) install(ctx context.Context, streams *cli.Streams, candidate tlsconf.Candidate) error {
	if err := w.pair.check(); err != nil {
		return err
	}
	chain, wrong := candidate.Check(time.Now())
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the certificate is not installed, and nothing was changed:\n  - %s", strings.Join(wrong, "\n  - "))
	}
	before, err := w.pair.read()
	if err != nil {
		return err
	}
	after := pairData{certificate: encodeChain(chain), mode: before.mode & certificateMode}
	if w.inPlace(after.certificate, before, candidate.Key) {
		after.key = before.key
	} else if after.key, err = w.encodeKey(candidate.Key); err != nil {
		return err
	}
	if !after.equal(before) {
		if err := w.pair.keep(before); err != nil {
			return err
		}
		if err := w.pair.swap(after); err != nil {
			return err
		}
	}
	running, err := w.takeOn(ctx, before, after)
	if err != nil {
		return err
	}
	w.report(streams, chain, before, after, running)
	return w.forgetRequested()
}

// inPlace tells whether the certificate and its key are those in place, whose key may
// be written otherwise.
func (w *certWork) inPlace(certificate []byte, before pairData, key crypto.Signer) bool {
	if !bytes.Equal(certificate, before.certificate) {
		return false
	}
	present, err := w.pair.files.LoadKey()
	return err == nil && sameKey(present, key.Public())
}

// takeOn has ktsd take the certificate on, if it runs, and puts the old one back where
// it refuses, whatever the reason. Where its answer was lost, what it has loaded tells.
func (w *certWork) takeOn(ctx context.Context, before, after pairData) (running bool, err error) {
	err = w.admin.Reload(ctx)
	if err == nil {
		return true, nil
	}
	if errors.Is(err, client.ErrNotRunning) {
		return false, nil
	}
	refused := !errors.Is(err, client.ErrOutcomeUnknown) && !errors.Is(err, fault.Internal)
	if !refused {
		loaded, unknown := w.loaded(ctx)
		if unknown == nil && loaded {
			return true, nil
		}
		refused = unknown == nil
	}
	if !refused || after.equal(before) {
		return true, fmt.Errorf("the certificate is in place, but whether ktsd has taken it on is not known: %w", err)
	}
	if failed := w.pair.restore(before); failed != nil {
		return true, errors.Join(err, failed)
	}
	hint := "mend what ktsd names, then install again"
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" && f.Kind != fault.Conflict {
		hint = f.Hint
	}
	return true, fault.New(fault.Conflict, "%v; certificate and key are as they were before", err).WithHint("%s", hint)
}

// loaded tells whether ktsd has the certificate in place loaded. It asks for a while,
// also where ctx is over.
func (w *certWork) loaded(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	pair, err := w.pair.files.LoadServer()
	if err != nil {
		return false, err
	}
	running, err := w.admin.Server(ctx)
	return running.Loaded == tlsconf.ChainFingerprint(pair), err
}

// report tells what was done.
func (w *certWork) report(streams *cli.Streams, chain []*x509.Certificate, before, after pairData, running bool) {
	files, leaf := w.pair.files, chain[0]
	if after.equal(before) {
		fmt.Fprintf(streams.Out, "%s was in place before\n", files.Certificate)
	} else {
		if before.key != nil && before.certificate != nil {
			fmt.Fprintf(streams.Out, "kept the old pair as %s and %s\n", w.dir.PreviousCertificate(), w.dir.PreviousKey())
		}
		fmt.Fprintf(streams.Out, "installed %s (for %s, until %s) and %s\n", files.Certificate, join(tlsconf.Names(leaf)), leaf.NotAfter.UTC().Format(time.DateOnly), files.Key)
	}
	if running {
		fmt.Fprintln(streams.Out, "ktsd has taken it on")
	} else {
		fmt.Fprintln(streams.Out, "ktsd is not running; it takes it on when it starts")
	}
	for _, warning := range tlsconf.Warnings(asPair(chain), w.hostname, time.Now()) {
		warn(streams, "%s", warning.Text)
	}
	if !suited(w.conf.Ciphers, w.conf.TLSMinVersion, chain[0]) {
		warn(streams, "no suite of SSL_CIPHERS works with its key, so only clients with TLS 1.3 can connect")
	}
}

// encodeChain returns certificates in PEM.
func encodeChain(chain []*x509.Certificate) []byte {
	var data []byte
	for _, certificate := range chain {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return data
}
