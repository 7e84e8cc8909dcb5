package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// keySize is the size of every key here, in bytes: AES-256.
const keySize = 32

// Ring holds the generations of the key-encryption key. Its file is JSON:
//
//	{
//	  "version": 1,
//	  "current": 1,
//	  "keks": [
//	    {"generation": 1, "created": "2026-11-21T20:53:00Z", "key": "<32 bytes, base64>"}
//	  ]
//	}
type Ring struct {
	Version int    `json:"version"`
	Current uint32 `json:"current"` // seals; the others only open
	KEKs    []KEK  `json:"keks"`
}

// KEK is one generation of the key-encryption key.
type KEK struct {
	Generation uint32    `json:"generation"` // from 1
	Created    time.Time `json:"created"`
	Key        []byte    `json:"key"`
}

// NewRing returns a ring with one new key.
func NewRing(now time.Time) *Ring {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: crypto/rand, Go 1.24
	return &Ring{Version: 1, Current: 1, KEKs: []KEK{{Generation: 1, Created: now.UTC().Truncate(time.Second), Key: key}}}
}

// ParseRing reads a ring's file. Its errors show nothing of the file.
func ParseRing(data []byte) (*Ring, error) {
	var r Ring
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, errors.New("it is not a KEK ring in JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("it is not a KEK ring in JSON: something follows it")
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("it has format version %d; this build reads version 1", r.Version)
	}
	seen := map[uint32]bool{}
	for _, k := range r.KEKs {
		switch {
		case k.Generation == 0:
			return nil, errors.New("a key has no generation")
		case seen[k.Generation]:
			return nil, fmt.Errorf("generation %d is in it twice", k.Generation)
		case len(k.Key) != keySize:
			return nil, fmt.Errorf("the key of generation %d does not have %d bytes", k.Generation, keySize)
		}
		seen[k.Generation] = true
	}
	if !seen[r.Current] {
		return nil, fmt.Errorf("its current generation, %d, is not in it", r.Current)
	}
	return &r, nil
}

// Marshal returns the ring's file. It is a secret.
func (r *Ring) Marshal() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}
