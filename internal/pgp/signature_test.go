package pgp_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/pgp"
)

const statement = "ktsd-register/1\norganization: disaster-recov\n"

func sign(t testing.TB, key *pgp.SecretKey, text string) []byte {
	t.Helper()
	signature, err := key.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func TestVerify(t *testing.T) {
	server, err := serverKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, key := range []*pgp.SecretKey{clientKey(t), server} {
		good := sign(t, key, statement)
		damaged := bytes.Clone(good)
		damaged[len(damaged)-1] ^= 1
		for _, test := range []struct {
			name      string
			text      string
			signature []byte
			now       time.Time
			want      error
		}{
			{"good", statement, good, now, nil},
			{"reader's clock a day behind", statement, good, now.Add(-24 * time.Hour), nil},
			{"reader's clock a week behind", statement, good, now.Add(-7 * 24 * time.Hour), pgp.ErrSignature},
			{"years later", statement, good, now.AddDate(30, 0, 0), nil},
			{"another text", statement + "\n", good, now, pgp.ErrSignature},
			{"other line ends", "ktsd-register/1\r\norganization: disaster-recov\r\n", good, now, pgp.ErrSignature},
			{"another key", statement, sign(t, clientKey(t), statement), now, pgp.ErrSignature},
			{"damaged", statement, damaged, now, pgp.ErrSignature},
			{"cut off", statement, good[:len(good)-1], now, pgp.ErrSignature},
			{"two signatures", statement, append(bytes.Clone(good), good...), now, pgp.ErrSignature},
			{"none", statement, nil, now, pgp.ErrSignature},
			{"a key", statement, key.Public().Binary(), now, pgp.ErrSignature},
			{"too large", statement, make([]byte, pgp.MaxSignature+1), now, pgp.ErrTooLarge},
		} {
			err := key.Public().Verify([]byte(test.text), test.signature, test.now)
			if !errors.Is(err, test.want) {
				t.Errorf("%s, %s: Verify error = %v, want %v", key.Qualified(), test.name, err, test.want)
			}
		}
	}
}

// TestGnuPGSignatures verifies what plain gpg signs, and lets gpg verify ours.
func TestGnuPGSignatures(t *testing.T) {
	for _, algorithm := range []string{"rsa2048", "ed25519", "nistp256"} {
		g := newGPG(t)
		g.run(nil, "--quick-generate-key", "a@example.com", algorithm, "sign,cert", "never")
		secret := readSecret(t, g.run(nil, "--export-secret-keys"))
		now := time.Now()
		for _, test := range []struct {
			name string
			args []string
			want error
		}{
			{"binary", []string{"--detach-sign"}, nil},
			{"armored", []string{"--armor", "--detach-sign"}, nil},
			{"text mode", []string{"--textmode", "--detach-sign"}, pgp.ErrSignature},
			{"not detached", []string{"--sign"}, pgp.ErrSignature},
			{"expired", []string{"--faked-system-time", "20200101T000000", "--default-sig-expire", "1d", "--ignore-valid-from", "--ignore-time-conflict", "--detach-sign"}, pgp.ErrSignature},
		} {
			err := secret.Public().Verify([]byte(statement), g.run([]byte(statement), test.args...), now)
			if !errors.Is(err, test.want) {
				t.Errorf("%s, %s: Verify error = %v, want %v", algorithm, test.name, err, test.want)
			}
		}
		if algorithm == "rsa2048" { // the others refuse to sign a short hash
			weak := g.run([]byte(statement), "--digest-algo", "SHA1", "--detach-sign")
			if err := secret.Public().Verify([]byte(statement), weak, now); !errors.Is(err, pgp.ErrSignature) {
				t.Errorf("SHA-1: Verify error = %v, want %v", err, pgp.ErrSignature)
			}
		}
		file := filepath.Join(g.dir, "ours.sig")
		if err := os.WriteFile(file, sign(t, secret, statement), 0o600); err != nil {
			t.Fatal(err)
		}
		g.run([]byte(statement), "--verify", file, "-")
		if _, _, err := g.try([]byte(statement+"x"), "--verify", file, "-"); err == nil {
			t.Errorf("%s: gpg --verify accepts our signature over another text", algorithm)
		}
	}
}

// TestVerifyExpiredKey: who holds an expired key can neither sign nor be verified.
func TestVerifyExpiredKey(t *testing.T) {
	g := newGPG(t)
	past := []string{"--faked-system-time", "20200101T000000"}
	g.run(nil, append(past, "--quick-generate-key", "a@example.com", "ed25519", "default", "1y")...)
	secret := readSecret(t, g.run(nil, "--export-secret-keys"))
	signature := g.run([]byte(statement), "--faked-system-time", "20200102T000000", "--detach-sign")
	if err := secret.Public().Verify([]byte(statement), signature, time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Errorf("Verify while the key was valid: %v", err)
	}
	err := secret.Public().Verify([]byte(statement), signature, time.Now())
	if !errors.Is(err, pgp.ErrSignature) || !errors.Is(err, pgp.ErrExpired) {
		t.Errorf("Verify error = %v, want %v and %v", err, pgp.ErrSignature, pgp.ErrExpired)
	}
	if _, err := secret.Sign([]byte(statement)); !errors.Is(err, pgp.ErrExpired) {
		t.Errorf("Sign error = %v, want %v", err, pgp.ErrExpired)
	}
}

func FuzzVerify(f *testing.F) {
	key := clientKey(f)
	good := sign(f, key, statement)
	f.Add(good)
	f.Add([]byte("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"))
	now := time.Now()
	f.Fuzz(func(t *testing.T, signature []byte) {
		if err := key.Public().Verify([]byte(statement+"x"), signature, now); err == nil {
			t.Error("Verify accepts a signature over another text")
		}
	})
}
