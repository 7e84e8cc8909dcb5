package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// parsePKCS12 reads what openssl and keytool write, modern or old: any number of
// RSA and ECDSA keys, or one of any type, which then has no alias.
func parsePKCS12(data, password []byte, alias string) (c Contents, err error) {
	defer func() { // the package trusts some lengths of what it reads
		if recover() != nil {
			c, err = Contents{}, ErrDamaged
		}
	}()
	//lint:ignore SA1019 nothing else tells the entries of a file apart; no block leaves this file
	blocks, err := pkcs12.ToPEM(data, string(password))
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		if password == nil {
			return Contents{}, ErrNeedsPassword
		}
		return Contents{}, ErrPassword
	}
	if err != nil {
		return parseOnePKCS12(data, password, alias)
	}
	c.Format = "PKCS#12"
	var entries []entry
	for _, block := range blocks {
		switch block.Type {
		case "CERTIFICATE":
			certificate, err := x509.ParseCertificate(bytes.Clone(block.Bytes))
			if err != nil {
				return Contents{}, ErrDamaged
			}
			c.Certificates = append(c.Certificates, certificate)
		case "PRIVATE KEY":
			key, err := bareKey(block)
			if err != nil {
				return Contents{}, err
			}
			entries = append(entries, entry{block.Headers["friendlyName"], key})
		}
	}
	c.Key, err = choose(entries, alias)
	return c, err
}

// parseOnePKCS12 reads a file with one entry.
func parseOnePKCS12(data, password []byte, alias string) (Contents, error) {
	key, certificate, others, err := pkcs12.DecodeChain(bytes.Clone(data), string(password))
	var missing pkcs12.NotImplementedError
	if errors.As(err, &missing) {
		return Contents{}, fmt.Errorf("%w (%s)", ErrDamaged, string(missing))
	} else if err != nil {
		return Contents{}, ErrDamaged
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Contents{}, ErrDamaged
	}
	if alias != "" {
		return Contents{}, &AliasError{Wanted: alias}
	}
	return Contents{Format: "PKCS#12", Certificates: append([]*x509.Certificate{certificate}, others...), Key: signer}, nil
}

// bareKey reads a key in the form that ToPEM gives it.
func bareKey(block *pem.Block) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, ErrDamaged
	}
	return key, nil
}

// entry is a private key with its name in the file.
type entry struct {
	alias string
	key   crypto.Signer
}

// choose returns the key with an alias, or the only one, or nil where there is none.
func choose(entries []entry, alias string) (crypto.Signer, error) {
	var have []string
	for _, e := range entries {
		if alias != "" && strings.EqualFold(e.alias, alias) {
			return e.key, nil
		}
		have = append(have, e.alias)
	}
	switch {
	case alias != "" || len(entries) > 1:
		return nil, &AliasError{Wanted: alias, Have: have}
	case len(entries) == 0:
		return nil, nil
	}
	return entries[0].key, nil
}
