package ciphers_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ciphers"
)

// The suites that are not insecure, in OpenSSL's order.
const secure = "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 " +
	"ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA"

func named(ids []uint16) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = ciphers.Name(id)
	}
	return strings.Join(all, " ")
}

// TestParse: suites, what is left out for it is insecure and not named, and warnings.
func TestParse(t *testing.T) {
	t.Parallel()
	const noSecrecy = ": insecure: RSA key exchange has no forward secrecy"
	for _, c := range []struct {
		s, suites, leftOut string
		warnings           []string
	}{
		{
			"AES256:CAMELLIA256-SHA", "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA",
			"AES256-GCM-SHA384 AES256-SHA", []string{"CAMELLIA256-SHA: not available in this build"},
		},
		{"DEFAULT", secure, "ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 AES256-GCM-SHA384 AES128-GCM-SHA256 AES128-SHA256 AES256-SHA AES128-SHA", nil},
		{"HIGH:!aNULL:!kRSA:!MD5:!RC4:!EXP", secure, "ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256", nil},
		{"AES256:kRSA+AES256", "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA AES256-GCM-SHA384 AES256-SHA", "",
			[]string{"AES256-GCM-SHA384" + noSecrecy, "AES256-SHA" + noSecrecy}},
		{"AES128-SHA,TLS_RSA_WITH_AES_256_CBC_SHA", "AES128-SHA AES256-SHA", "", []string{"AES128-SHA" + noSecrecy, "AES256-SHA" + noSecrecy}},
		// RC4 and 3DES, which the openssl of a distribution may not have.
		{"RC4", "ECDHE-ECDSA-RC4-SHA ECDHE-RSA-RC4-SHA", "RC4-SHA", []string{"ECDHE-ECDSA-RC4-SHA: insecure: RC4 is broken", "ECDHE-RSA-RC4-SHA: insecure: RC4 is broken"}},
		{"RC4-SHA", "RC4-SHA", "", []string{"RC4-SHA: insecure: RSA key exchange has no forward secrecy, RC4 is broken"}},
		{"RC4+kRSA", "RC4-SHA", "", []string{"RC4-SHA: insecure: RSA key exchange has no forward secrecy, RC4 is broken"}},
		{"3DES:DES-CBC3-SHA", "ECDHE-RSA-DES-CBC3-SHA DES-CBC3-SHA", "",
			[]string{"ECDHE-RSA-DES-CBC3-SHA: insecure: 3DES has blocks of 64 bits", "DES-CBC3-SHA: insecure: RSA key exchange has no forward secrecy, 3DES has blocks of 64 bits"}},
		{"3DES:AES128-SHA:ECDHE-RSA-AES128-SHA:@STRENGTH:-kRSA", "ECDHE-RSA-AES128-SHA ECDHE-RSA-DES-CBC3-SHA", "", []string{"ECDHE-RSA-DES-CBC3-SHA: insecure: 3DES has blocks of 64 bits"}},
		{"COMPLEMENTOFDEFAULT:AES128-GCM-SHA256", "AES128-GCM-SHA256", "ECDHE-ECDSA-RC4-SHA ECDHE-RSA-RC4-SHA ECDHE-RSA-DES-CBC3-SHA RC4-SHA DES-CBC3-SHA", []string{"AES128-GCM-SHA256" + noSecrecy}},
		{"MEDIUM:ECDHE-RSA-AES128-SHA:+RC4", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-DES-CBC3-SHA DES-CBC3-SHA ECDHE-ECDSA-RC4-SHA ECDHE-RSA-RC4-SHA RC4-SHA", nil},
		{"ALL+FIPS:!AES", "", "", nil},
		{"SHA256", "ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256", "AES128-SHA256",
			[]string{"ECDHE-ECDSA-AES128-SHA256: insecure: CBC with SHA-256 is open to timing attacks in Go", "ECDHE-RSA-AES128-SHA256: insecure: CBC with SHA-256 is open to timing attacks in Go"}},
		{"AES128-SHA256:!ECDHE", "AES128-SHA256", "", []string{"AES128-SHA256: insecure: RSA key exchange has no forward secrecy, CBC with SHA-256 is open to timing attacks in Go"}},
		// Terms that match nothing, or do nothing.
		{"CHACHA20:CHACHE20:!CHACHE20:-CHACHE20+kRSA", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "",
			[]string{"CHACHE20: unknown", "!CHACHE20: unknown", "-CHACHE20+kRSA: unknown"}},
		{"CHACHA20:DHE:EXP:TLS_DHE_RSA_WITH_AES_128_CBC_SHA:!DHE:!EXP:-PSK:+SRP", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "",
			[]string{"DHE: not available in this build", "EXP: not available in this build", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA: not available in this build"}},
		{"CHACHA20:kRSA+kDHE", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "", []string{"kRSA+kDHE: no cipher suite has all of these"}},
		{"CHACHA20:foo!bar", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "",
			[]string{"foo: unknown", "!bar: passed over: no separator before it, and what stands before it is not known"}},
		{"CHACHA20:DEFAULT:SUITEB128", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "",
			[]string{"DEFAULT: works at the beginning of the string alone", "SUITEB128: works at the beginning of the string alone"}},
		{"SUITEB128:AES256", "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384", "", []string{"AES256: what follows a SUITEB keyword has no effect"}},
		{"CHACHA20@SECLEVEL=2", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "",
			[]string{"@SECLEVEL=2: security levels have no effect here; the least version of TLS is set by min_version"}},
		{"CHACHA20@STRENGTH+x", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "", []string{"+x: passed over: no separator before it"}},
		{"TLS_AES_128_GCM_SHA256:CHACHA20:!TLS_AES_256_GCM_SHA384:TLSv1.3", "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", "", []string{
			"TLS_AES_128_GCM_SHA256: the cipher suites of TLS 1.3 are fixed; a cipher string neither adds nor excludes them",
			"!TLS_AES_256_GCM_SHA384: the cipher suites of TLS 1.3 are fixed; a cipher string neither adds nor excludes them",
			"TLSv1.3: the cipher suites of TLS 1.3 are fixed; a cipher string neither adds nor excludes them",
		}},
	} {
		got, err := ciphers.Parse(c.s)
		if c.suites == "" {
			if err == nil {
				t.Errorf("%q: got %s, want an error", c.s, named(got.Suites))
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.s, err)
		}
		var warnings []string
		for _, w := range got.Warnings {
			warnings = append(warnings, w.String())
		}
		if diff := cmp.Diff([]any{c.suites, c.leftOut, c.warnings}, []any{named(got.Suites), named(got.LeftOut), warnings}); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", c.s, diff)
		}
	}
}

// TestParseEmpty: nothing said is Go's own choice.
func TestParseEmpty(t *testing.T) {
	t.Parallel()
	if got, err := ciphers.Parse(""); err != nil || got.Suites != nil || got.LeftOut != nil || got.Warnings != nil {
		t.Errorf("got %+v, %v, want nothing", got, err)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		" ":                                      "leaves no cipher suite",
		"!ALL":                                   "leaves no cipher suite",
		"AES128:!AES":                            "leaves no cipher suite",
		"CAMELLIA:foo":                           "leaves no cipher suite: CAMELLIA: not available in this build; foo: unknown",
		"TLS_AES_128_GCM_SHA256":                 "leaves no cipher suite: TLS_AES_128_GCM_SHA256: the cipher suites of TLS 1.3 are fixed",
		"MEDIUM":                                 "only suites that are insecure, such as ECDHE-ECDSA-RC4-SHA: name those that are to be used",
		"AES128+":                                `no cipher suite or keyword at ""`,
		"AES:/x":                                 `no cipher suite or keyword at "/x"`,
		"!!AES":                                  `no cipher suite or keyword at "!AES"`,
		"AES@FOO:x":                              `"@FOO" is no command of cipher strings`,
		"@SECLEVEL=6":                            `"@SECLEVEL=6" is no command of cipher strings: there are @STRENGTH and @SECLEVEL=0 to 5`,
		strings.Repeat("A", ciphers.MaxLength+1): "4097 bytes; at most 4096 are read",
	} {
		if got, err := ciphers.Parse(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %+v, %v, want an error with %q", s, got, err, want)
		}
	}
}

// TestInsecure: what is insecure, and what Go has at all, is what this Go says.
func TestInsecure(t *testing.T) {
	t.Parallel()
	order, err := ciphers.Order("ALL")
	if err != nil {
		t.Fatal(err)
	}
	want := goSuites()
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(order)); !slices.Equal(got, want) {
		t.Errorf("suites: got %04x, want Go's, %04x", got, want)
	}
	all, err := ciphers.Parse("ALL")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tls.InsecureCipherSuites() {
		if slices.Contains(all.Suites, s.ID) || !slices.Contains(all.LeftOut, s.ID) {
			t.Errorf("ALL: %s is not left out, though Go calls it insecure", s.Name)
		}
		named, err := ciphers.Parse(ciphers.Name(s.ID))
		if err != nil || !slices.Equal(named.Suites, []uint16{s.ID}) || len(named.Warnings) != 1 || named.Warnings[0].Kind != ciphers.Insecure {
			t.Errorf("%s, named: got %+v, %v, want it with a warning", s.Name, named, err)
		}
	}
	if n := len(all.Suites) + len(all.LeftOut); n != len(want) {
		t.Errorf("ALL: got %d suites with those left out, want %d", n, len(want))
	}
}

// FuzzParse: whatever comes, suites are Go's, none is there twice or insecure without a
// warning, and the string read again says the same.
func FuzzParse(f *testing.F) {
	for _, s := range realWorld {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ciphers.Parse(s)
		if err != nil {
			if got.Suites != nil {
				t.Errorf("%q: got suites with the error %v", s, err)
			}
			return
		}
		if (len(got.Suites) == 0) != (s == "") {
			t.Errorf("%q: got no suite", s)
		}
		seen, insecure := map[uint16]bool{}, 0
		for _, id := range slices.Concat(got.Suites, got.LeftOut) {
			if seen[id] || !slices.Contains(goSuites(), id) {
				t.Errorf("%q: got %04x twice, or it is not Go's", s, id)
			}
			seen[id] = true
		}
		for _, suite := range tls.InsecureCipherSuites() {
			if slices.Contains(got.Suites, suite.ID) {
				insecure++
			}
		}
		for _, w := range got.Warnings {
			if w.Kind == ciphers.Insecure {
				insecure--
			} else if !strings.Contains(s, w.Term) || w.Text == "" {
				t.Errorf("%q: got a warning of %q, which is not there", s, w.Term)
			}
		}
		if insecure != 0 {
			t.Errorf("%q: insecure suites and warnings of them differ by %d", s, insecure)
		}
		if again, err := ciphers.Parse(s); err != nil || !cmp.Equal(got, again) {
			t.Errorf("%q: got %+v and then %+v, %v", s, got, again, err)
		}
	})
}
