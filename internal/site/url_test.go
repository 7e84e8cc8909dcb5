package site_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/site"
)

// databaseURLs are connection strings with the beginning of what is wrong with
// them; "" is nothing, "password" a password alone.
func databaseURLs() map[string]string {
	return map[string]string{
		"postgres://ktsd@db.example.com:5432/keytrustee?sslmode=verify-full&sslrootcert=/etc/pki/ca.pem&passfile=/etc/pgpass": "",
		"postgresql://ktsd@db.example.com/keytrustee":                                  "",
		"postgres://ktsd@db1:5432,db2:5433/keytrustee?target_session_attrs=read-write": "",
		"postgres://ktsd@[2001:db8::1]:5432/keytrustee":                                "",
		"postgres://ktsd@[2001:db8::1]/keytrustee":                                     "",
		"postgres://finn%40human@db/keytrustee":                                        "",
		"postgres:///keytrustee?host=/run/postgresql&user=ktsd":                        "",
		"postgres:///?service=keytrustee":                                              "",
		"service=keytrustee":                                                           "",
		" service = 'keytrustee'  sslmode=verify-full ":                                "",
		`user='finn \'the\' human' host=/run/postgresql dbname=keytrustee passfile=/x`: "",
		`user=a\ b host=''`:                                                            "",
		"postgres://ktsd:s3cr3t@db/keytrustee":                                         "password",
		"postgres://:s3cr3t@db/keytrustee":                                             "password",
		"postgres://ktsd:@db/keytrustee":                                               "password",
		"postgres://ktsd:s3cr3t@with@db/keytrustee":                                    "password",
		"postgres://ktsd:s3cr3t%2F@db/keytrustee":                                      "password",
		"postgres://ktsd@db/keytrustee?password=s3cr3t":                                "password",
		"postgres://ktsd@db/keytrustee?PassWord=s3cr3t":                                "password",
		"postgres://ktsd@db/keytrustee?%70assword=s3cr3t":                              "password",
		"postgres://ktsd@db/keytrustee?sslpassword=s3cr3t":                             "password",
		"host=db user=ktsd password=s3cr3t":                                            "password",
		"host=db user=ktsd password = 's3cr3t'":                                        "password",
		"host='a b' PASSWORD=s3cr3t":                                                   "password",
		"user=ktsd oauth_client_secret=s3cr3t":                                         "password",
		"postgres://ktsd:s3cr3t/x@db/keytrustee":                                       "a /, ? or @",
		"postgres://ktsd:12/s3cr3t@db/keytrustee":                                      "a /, ? or @",
		"postgres://ktsd:12?s3cr3t@db/keytrustee":                                      "a /, ? or @",
		"postgres://ktsd:12#s3cr3t@db/keytrustee":                                      "a # or a space",
		"postgres://ktsd:12 s3cr3t@db/keytrustee":                                      "a # or a space",
		"postgres://ktsd@db:s3cr3t/keytrustee":                                         "the port",
		"postgres://ktsd@db,db2:s3cr3t/keytrustee":                                     "the port",
		"postgres://kt%sd@db/s3cr3t":                                                   "a % in",
		"postgres://ktsd@db/s3cr3t?a=%":                                                "its parameters",
		"postgres://db.example.com/s3cr3t":                                             "it names no user",
		"host=s3cr3t":                                                                  "it names no user",
		"user='' host=s3cr3t":                                                          "it names no user",
		"user=ktsd host='s3cr3t":                                                       "a quote",
		"mysql://ktsd:s3cr3t@db/keytrustee":                                            "it is neither",
		"ktsd:s3cr3t@db/keytrustee":                                                    "it is neither",
		"":                                                                             "it is neither",
		"=s3cr3t":                                                                      "it is neither",
		"user=ktsd s3cr3t":                                                             "it is neither",
		"user=ktsd\x00 s3cr3t":                                                         "it cannot hold",
	}
}

func TestCheckDatabaseURL(t *testing.T) {
	for url, want := range databaseURLs() {
		err := site.CheckDatabaseURL(url)
		switch {
		case err == nil || want == "":
			if err != nil || want != "" {
				t.Errorf("%q: got %v, want %q", url, err, want)
			}
		case strings.Contains(err.Error(), "s3cr3t"):
			t.Errorf("%q: the error shows the value: %v", url, err)
		case want == "password":
			if !errors.Is(err, site.ErrPassword) {
				t.Errorf("%q: got %v, want %v", url, err, site.ErrPassword)
			}
		case errors.Is(err, site.ErrPassword) || !strings.HasPrefix(err.Error(), want):
			t.Errorf("%q: got %v, want %q", url, err, want)
		}
	}
}

// TestCheckSecretDatabaseURL: a file of its own may hold a password; the other
// rules stand.
func TestCheckSecretDatabaseURL(t *testing.T) {
	for url, want := range databaseURLs() {
		if url == "postgres://:s3cr3t@db/keytrustee" || strings.HasPrefix(url, "host='a b'") {
			want = "it names no user"
		} else if want == "password" {
			want = ""
		}
		err := site.CheckSecretDatabaseURL(url)
		if (err == nil) != (want == "") || err != nil && (!strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t")) {
			t.Errorf("%q: got %v, want %q", url, err, want)
		}
	}
}

// FuzzCheckDatabaseURL: whatever is wrong, it is said in words that the table above
// has too, so that no part of the value is in them.
func FuzzCheckDatabaseURL(f *testing.F) {
	words := map[string]bool{}
	for url := range databaseURLs() {
		f.Add(url)
		for _, err := range []error{site.CheckDatabaseURL(url), site.CheckSecretDatabaseURL(url)} {
			if err != nil {
				words[err.Error()] = true
			}
		}
	}
	f.Fuzz(func(t *testing.T, url string) {
		err, secret := site.CheckDatabaseURL(url), site.CheckSecretDatabaseURL(url)
		if err == nil && secret != nil {
			t.Errorf("%q: got %v where a password is allowed, and no error where none is", url, secret)
		}
		for _, err := range []error{err, secret} {
			if err != nil && !words[err.Error()] {
				t.Errorf("%q: got an error that no other value has: %v", url, err)
			}
		}
	})
}
