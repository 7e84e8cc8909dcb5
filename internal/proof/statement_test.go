package proof_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/proof"
)

const statementText = "ktsd-tls-key/1\n" +
	"server: 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1\n" +
	"key: ab00000000000000000000000000000000000000000000000000000000000001\n" +
	"not-before: 2026-11-21T12:00:00Z\n" +
	"not-after: 2026-11-28T12:00:00Z\n"

func statement() proof.Statement {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return proof.Statement{Server: server, Key: [32]byte{0: 0xab, 31: 1}, NotBefore: at, NotAfter: at.AddDate(0, 0, 7)}
}

// TestStatement: servers in use sign exactly these bytes. Another text needs
// another version.
func TestStatement(t *testing.T) {
	t.Parallel()
	s := statement()
	s.NotBefore = s.NotBefore.Add(999_999_999).In(time.FixedZone("CET", 3600))
	if got := string(s.Text()); got != statementText {
		t.Errorf("got\n%s\nwant\n%s", got, statementText)
	}
	got, err := proof.ParseStatement([]byte(statementText))
	if diff := cmp.Diff(statement(), got); err != nil || diff != "" {
		t.Errorf("read back: %v (-want +got):\n%s", err, diff)
	}
}

// TestStatementRefused: one byte more, less or otherwise is another text.
func TestStatementRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new string }{
		{"ktsd-tls-key/1", "ktsd-tls-key/2"},
		{"ktsd-tls-key/1", "ktsd-registration/1"},
		{"4EDC", "4edc"},
		{"4EDC", "4ED"},
		{"4EDC", " 4EDC"},
		{"ab00", "AB00"},
		{"ab00", "ab000"},
		{"ab00", "xy00"},
		{"server: ", "server:"},
		{"server: ", "Server: "},
		{"12:00:00Z\nnot-after", "12:00:00.5Z\nnot-after"},
		{"12:00:00Z\nnot-after", "13:00:00+01:00\nnot-after"},
		{"2026-11-28", "2026-11-31"},
		{"not-before: 2026-11-21T12:00:00Z\nnot-after: 2026-11-28T12:00:00Z\n", "not-after: 2026-11-28T12:00:00Z\nnot-before: 2026-11-21T12:00:00Z\n"},
		{"\n", "\r\n"},
		{"28T12:00:00Z\n", "28T12:00:00Z"},
		{"28T12:00:00Z\n", "28T12:00:00Z\n\n"},
		{"28T12:00:00Z\n", "28T12:00:00Z\nmore: 1\n"},
		{statementText, ""},
	} {
		text := strings.Replace(statementText, c.old, c.new, 1)
		if got, err := proof.ParseStatement([]byte(text)); err == nil || got != (proof.Statement{}) {
			t.Errorf("%q for %q: got %+v, %v, want an error alone", c.new, c.old, got, err)
		}
	}
}

// TestStatementCheck: it holds for one server, one key and a time.
func TestStatementCheck(t *testing.T) {
	t.Parallel()
	s := statement()
	for _, c := range []struct {
		name, server string
		key          [32]byte
		now          time.Time
		want         string // in the error; "": none
	}{
		{"good", server, s.Key, s.NotBefore.Add(time.Hour), ""},
		{"first moment", server, s.Key, s.NotBefore, ""},
		{"last moment", server, s.Key, s.NotAfter.Add(-1), ""},
		{"too early", server, s.Key, s.NotBefore.Add(-1), "holds from 2026-11-21T12:00:00Z"},
		{"too late", server, s.Key, s.NotAfter, "ended at 2026-11-28T12:00:00Z"},
		{"other server", strings.Repeat("A", 40), s.Key, s.NotBefore, "server " + server},
		{"other key", server, [32]byte{}, s.NotBefore, "another TLS key"},
	} {
		err := s.Check(c.server, c.key, c.now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzParseStatement: what is taken is what Text makes of it.
func FuzzParseStatement(f *testing.F) {
	f.Add([]byte(statementText))
	f.Add([]byte(strings.ReplaceAll(statementText, "2026", "9999")))
	f.Add([]byte("ktsd-tls-key/1\n\n\n\n\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := proof.ParseStatement(text)
		if err == nil && string(s.Text()) != string(text) {
			t.Errorf("got %+v of another text: %q", s, text)
		}
	})
}
