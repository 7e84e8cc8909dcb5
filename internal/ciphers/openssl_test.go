package ciphers_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ciphers"
	"github.com/ktsd/ktsd/internal/ktest"
)

// openSSL judges a cipher string: its suites in order, or that the string is
// malformed. A string that leaves no suite has none, and is not malformed.
func openSSL(t testing.TB, s string) (names []string, malformed bool) {
	t.Helper()
	out, err := exec.Command("openssl", "ciphers", "--", s).CombinedOutput()
	text := strings.TrimSpace(string(out))
	switch {
	case err == nil:
		return strings.Split(text, ":"), false
	case strings.Contains(text, "invalid command"):
		return nil, true
	case strings.Contains(text, "no cipher match"):
		return nil, false
	}
	t.Errorf("openssl ciphers %q: %v\n%s", s, err, text)
	return nil, false
}

// common returns the suites up to TLS 1.2 that both have, by name. Debian's OpenSSL
// has no RC4 and no 3DES.
func common(t testing.TB) map[string]uint16 {
	t.Helper()
	all, _ := openSSL(t, "ALL:COMPLEMENTOFALL")
	both := map[string]uint16{}
	for _, id := range goSuites() {
		if name := ciphers.Name(id); slices.Contains(all, name) {
			both[name] = id
		} else if !strings.Contains(name, "RC4") && !strings.Contains(name, "DES-CBC3") {
			t.Errorf("openssl does not have %s", name)
		}
	}
	if len(both) < 17 {
		t.Fatalf("openssl has %d of Go's suites, want 17 and more", len(both))
	}
	return both
}

// goSuites are those that Go has up to TLS 1.2.
func goSuites() []uint16 {
	var all []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(s.SupportedVersions, tls.VersionTLS13) {
			all = append(all, s.ID)
		}
	}
	return all
}

// compare has both judge a string; openssl gets it in a spelling of its own, where
// that of ours is one of later releases.
func compare(t testing.TB, both map[string]uint16, ours, theirs string) {
	t.Helper()
	names, malformed := openSSL(t, theirs)
	order, err := ciphers.Order(ours)
	if malformed != (err != nil) {
		t.Errorf("%q: got %v; openssl calls it malformed: %t", ours, err, malformed)
		return
	}
	want, got := []string{}, []string{}
	for _, name := range names {
		if both[name] != 0 {
			want = append(want, name)
		}
	}
	for _, id := range order {
		if name := ciphers.Name(id); both[name] != 0 {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: (-openssl +ours)\n%s", ours, diff)
	}
}

// judged is a string in both spellings.
type judged struct{ ours, theirs string }

// realWorld are strings of manuals, of default configurations, and of the forms that
// the generator does not make.
var realWorld = []string{
	"AES256:CAMELLIA256-SHA", // Cloudera's manual
	"DEFAULT", "ALL", "HIGH", "MEDIUM", "LOW", "ALL:COMPLEMENTOFALL", "COMPLEMENTOFDEFAULT", "ALL:!ADH:@STRENGTH", "ALL:!aNULL:!eNULL", "3DES:+RSA",
	"DEFAULT:!DH", "RSA+AESGCM:@STRENGTH", "SHA1+DES", "HIGH:!aNULL:!MD5", "HIGH:MEDIUM:!MD5:!RC4:!3DES", "HIGH:!aNULL:!kRSA:!PSK:!SRP:!MD5:!RC4",
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305",
	"EECDH+AESGCM:EDH+AESGCM:AES256+EECDH:AES256+EDH", "EECDH+ECDSA+AESGCM:EECDH+aRSA+AESGCM:EECDH+ECDSA+SHA384:EECDH+aRSA+SHA256:EECDH:EDH+aRSA:!aNULL:!eNULL:!LOW:!3DES:!MD5:!EXP:!PSK:!SRP:!DSS:!RC4",
	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!MD5:!DSS", "ECDH+AESGCM:ECDH+AES256:ECDH+AES128:RSA+AESGCM:RSA+AES:!aNULL:!MD5",
	"kEECDH+ECDSA+AES128 kEECDH+ECDSA+AES256 kEECDH+AES128 kEECDH+AES256 kEDH+AES128 kEDH+AES256 +SHA !aNULL !eNULL !LOW !MD5 !EXP !DSS !PSK !SRP !kECDH !CAMELLIA !IDEA !SEED",
	"DEFAULT@SECLEVEL=0", "DEFAULT:@SECLEVEL=2", "ALL@STRENGTH", "HIGH@STRENGTH:!AES256", "@SECLEVEL=2:kEECDH:kRSA:kEDH:kPSK:kDHEPSK:kECDHEPSK:kRSAPSK:-aDSS:-3DES:!DES:!RC4:!RC2:!IDEA:-SEED:!eNULL:!aNULL:!MD5:-SHA384:-CAMELLIA:-ARIA:-AESCCM8",
	"PROFILE=SYSTEM", "SUITEB128", "SUITEB192", "SUITEB128ONLY", "SUITEB128C2", "SUITEB128:AES256", "AES128-SHA:SUITEB128", "SUITEB", "AES128-SHA:DEFAULT", "DEFAULTAES128-SHA", "DEFAULT,-ALL,AES128-SHA",
	"ALL!aNULL!kRSA", "AES128-SHA@STRENGTHX:AES256-SHA", "AES128-SHA@STRENGTH+x:AES256-SHA", "AES!foo!AES128:!bar!AES256", "foo!AES:AES128-SHA", "kRSA+kDHE!AES:AES128-SHA", "kRSA+aECDSA!AES:AES128-SHA",
	"AES128-SHA+kRSA", "kRSA+AES128-SHA", "AES128-SHA+AES256-SHA", "AES128-SHA+AES128-SHA", "ECDHE-RSA-AES128-SHA+HIGH", "AES128-SHA+COMPLEMENTOFDEFAULT", "CAMELLIA256-SHA+COMPLEMENTOFDEFAULT!AES:AES256-SHA",
	"", " ", ":", ":::AES128-SHA;;,, AES256-SHA::", "AES128+", "+", "-", "!", "!!AES", "@", "@FOO", "@SECLEVEL=6", "@SECLEVEL=", "@SECLEVEL=22", "@STRENGTH", "aes128-sha", "AES128-SHA/x", "AES128-SHA\n", "ä:AES", "AES:ä", "-ALL:AES:-AES128:AES128",
	"TLSv1.2", "TLSv1.0", "TLSv1", "SSLv3", "TLSv1.1", "TLSv1.3", "TLSv1.2+kRSA", "SSLv3+TLSv1.2!AES:AES128-SHA", "FIPS", "FIPS+HIGH", "CBC", "CBC:-CBC:AES", "NULL:eNULL:aNULL", "TLS_AES_128_GCM_SHA256:AES128-SHA",
}

// TestOpenSSL: the suites of a string, and their order, are those of openssl, of what
// both have.
func TestOpenSSL(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	both := common(t)
	var all []judged
	for _, s := range realWorld {
		all = append(all, judged{s, s})
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("KTSD_FUZZ_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("KTSD_FUZZ_SEED=%d", seed)
	g := newGenerator(seed)
	seen := map[string]bool{}
	for len(seen) < 2000 {
		if j := g.next(); !seen[j.ours] {
			seen[j.ours] = true
			all = append(all, j)
		}
	}
	work := make(chan judged)
	var group sync.WaitGroup
	for range runtime.NumCPU() {
		group.Go(func() {
			for j := range work {
				compare(t, both, j.ours, j.theirs)
			}
		})
	}
	for _, j := range all {
		work <- j
	}
	close(work)
	group.Wait()
}

// TestNames: names, and what they stand for, are openssl's.
func TestNames(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	out, err := exec.Command("openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	words, known := ciphers.Words(), map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // 0xC0,0x2C - TLS_ECDHE_… - ECDHE-… …
		if len(fields) < 5 {
			t.Fatalf("openssl printed %q", line)
		}
		known[fields[4]] = fields
		if strings.HasPrefix(fields[4], "TLS_") {
			continue
		}
		if words[fields[4]] != "suite" {
			t.Errorf("%s is not known as a suite", fields[4])
		}
	}
	for name := range common(t) {
		var id uint16
		fmt.Sscanf(strings.ReplaceAll(known[name][0], ",0x", ""), "0x%X", &id)
		if standard := known[name][2]; ciphers.Name(id) != name || tls.CipherSuiteName(id) != standard || words[standard] != "suite" {
			t.Errorf("%s: openssl calls %04x that, and %s; got %s and %s", name, id, standard, ciphers.Name(id), tls.CipherSuiteName(id))
		}
	}
}

// generator makes strings that hold what matters: words of all kinds, alone and
// met, with operators and commands, and some that are malformed.
type generator struct {
	*rand.Rand
	keywords, suites, gone []string
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	words := ciphers.Words()
	for _, word := range slices.Sorted(maps.Keys(words)) {
		switch {
		case words[word] == "keyword":
			g.keywords = append(g.keywords, word)
		case words[word] == "gone":
			g.gone = append(g.gone, word)
		default:
			g.suites = append(g.suites, word)
		}
	}
	return g
}

func (g *generator) among(words ...string) string { return words[g.IntN(len(words))] }

// word returns one in both spellings, and whether openssl may not know it: RC4 and
// 3DES are not in every build.
func (g *generator) word() (ours, theirs string, unsure bool) {
	switch n := g.IntN(100); {
	case n < 30: // of what Go has
		ours = g.among("AES", "AES128", "AES256", "AESGCM", "CHACHA20", "kRSA", "RSA", "aRSA", "ECDHE", "kECDHE", "aECDSA", "SHA1", "SHA256", "TLSv1.2", "TLSv1", "SSLv3", "HIGH", "ALL", "CBC")
	case n < 60:
		ours = g.among(g.keywords...)
	case n < 75:
		id := goSuites()[g.IntN(len(goSuites()))]
		ours, theirs = ciphers.Name(id), ciphers.Name(id)
		if g.IntN(4) == 0 {
			ours = tls.CipherSuiteName(id)
		}
	case n < 88:
		if ours = g.among(g.suites...); strings.HasPrefix(ours, "TLS_") {
			return g.word()
		}
	case n < 94:
		ours = g.among(g.gone...)
	case n < 97:
		ours = g.among("foo", "aes", "x-1.2=3", "AES512", "DEFAULT", "SUITEB128", "TLSv1.3", "-", "AES-", "ALLL", "AL")
	default:
		ours = g.among("", "+", "!", "/", "@", "é", "\t")
	}
	if theirs == "" {
		theirs = ours
	}
	return ours, theirs, strings.Contains(theirs, "RC4") || strings.Contains(theirs, "DES")
}

// term returns one in both spellings, and whether openssl may not know it. Such a
// word stands alone: what follows is passed over where it is not known.
func (g *generator) term() (j judged, unsure bool) {
	if g.IntN(12) == 0 {
		command := g.among("@STRENGTH", "@STRENGTH", "@STRENGTH", "@SECLEVEL=0", "@SECLEVEL=2", "@SECLEVEL=5")
		if g.IntN(20) == 0 {
			command = g.among("@SECLEVEL=7", "@STRENGTHS", "@STRENGTH+AES", "@FOO")
		}
		return judged{command, command}, false
	}
	operator := g.among("", "", "", "", "", "!", "-", "-", "+", "+")
	j = judged{operator, operator}
	words := 1 + max(0, g.IntN(5)-2)
	for i := range words {
		ours, theirs, unsure := g.word()
		if unsure && words > 1 {
			return g.term()
		}
		if i > 0 {
			ours, theirs = "+"+ours, "+"+theirs
		}
		j = judged{j.ours + ours, j.theirs + theirs}
		if unsure {
			return j, true
		}
	}
	return j, false
}

// next returns a string in both spellings.
func (g *generator) next() judged {
	prefix := g.among("", "", "", "", "DEFAULT", "DEFAULT:", "ALL:", "ALL:", "HIGH:")
	if g.IntN(100) == 0 {
		prefix = g.among("SUITEB128", "SUITEB192", "SUITEB128ONLY", "SUITEB128C2")
	}
	all, unsure := judged{prefix, prefix}, false
	for i := range 1 + g.IntN(8) {
		j, maybe := g.term()
		if i > 0 {
			separator := g.among(":", ":", ":", ":", ",", " ", ";", "::", " , ")
			if !unsure && strings.ContainsAny(j.ours[:min(1, len(j.ours))], "!@") && g.IntN(3) == 0 {
				separator = ""
			}
			all.ours, all.theirs = all.ours+separator, all.theirs+separator
		}
		all.ours, all.theirs, unsure = all.ours+j.ours, all.theirs+j.theirs, maybe
	}
	return all
}
