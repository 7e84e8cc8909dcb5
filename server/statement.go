package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
)

// A statement holds for a week, so that a TLS key that was taken and replaced is of
// use for a week at most, and is a day old when it is given out for the last time:
// it has the better part of a week left wherever it arrives. Clocks may differ by
// an hour.
const (
	statementLifetime = 7 * 24 * time.Hour
	statementRenewal  = 24 * time.Hour
	statementLeeway   = time.Hour
)

// statements makes what ktsd says of its TLS key to those who know it by the
// fingerprint of its OpenPGP key. It is safe for concurrent use. Signing takes
// milliseconds, so a statement is kept until another key is served or it is a day
// old.
type statements struct {
	key *pgp.SecretKey

	mu     sync.Mutex
	kept   proof.Statement
	signed string // kept, signed in the clear
}

// over returns the statement over a TLS key, which may be waited for once a day.
func (s *statements) over(key [32]byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	made := s.kept.NotBefore.Add(statementLeeway)
	if s.signed != "" && s.kept.Key == key && !now.Before(made) && now.Before(made.Add(statementRenewal)) {
		return s.signed, nil
	}
	now = now.UTC().Truncate(time.Second)
	next := proof.Statement{
		Server: s.key.Fingerprint(), Key: key, NotBefore: now.Add(-statementLeeway), NotAfter: now.Add(statementLifetime),
	}
	signed, err := s.key.Clearsign(next.Text())
	if err != nil {
		return "", fmt.Errorf("making a statement over the TLS key: %w", err)
	}
	s.kept, s.signed = next, string(signed)
	return s.signed, nil
}
