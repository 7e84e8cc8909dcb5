package names_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

func TestChecks(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := []struct {
		name      string
		check     func(string) error
		good, bad []string
	}{
		{
			"CheckOrganization", names.CheckOrganization,
			[]string{"a", "disaster-recov", "Team_7", "-", strings.Repeat("x", 64)},
			[]string{"", "two words", "a/b", "..", "a.b", "ä", "a\x00", "a\n", strings.Repeat("x", 65)},
		},
		{
			"CheckContact", names.CheckContact,
			[]string{"finn@example.com", "root@localhost", "a.b+c@kts01", "o'neil@example.com", strings.Repeat("a", 242) + "@example.com"},
			[]string{
				"", "finn", "finn@", "@example.com", "Finn <finn@example.com>", "<finn@example.com>", `"a b"@example.com`, `"a,b"@example.com`,
				"a@b, c@d", "a@b c@d", " a@b", "a@b ", "a@b\n", "a@b (Finn)", "a\x00@b", strings.Repeat("a", 243) + "@example.com",
			},
		},
		{
			"CheckReason", names.CheckReason,
			[]string{"-", "CHG-1: a reason, ü 𝄞", strings.Repeat("a", 255)},
			[]string{"", " ", " leading", "trailing ", "two\nlines", "tab\tbed", "nul\x00", "\xff", "\u202egnp", "\u2028", strings.Repeat("a", 256), strings.Repeat("ü", 128)},
		},
		{
			"CheckListen", names.CheckListen,
			[]string{":11371", "localhost:11371", "10.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]:443", "kts01.example.com:443"},
			[]string{"", "11371", ":0", ":65536", ":-1", ":+1", ":011", ":http", ":", "::1:443", "[zz]:1", "[10.0.0.1]:1", "a b:1", "[localhost:1]:2", "http://a:1", "a:1:2", ":1\n"},
		},
		{
			"CheckMinVersion", site.CheckMinVersion,
			[]string{"tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"},
			[]string{"", "tlsv1.0", "TLSv1.2", "tls1.2", "sslv3", "tlsv1.4"},
		},
		{
			"CheckApproval", func(s string) error { return site.CheckApproval(site.Approval(s)) },
			[]string{"auth_code", "contacts", "automatic"},
			[]string{"", "auth-code", "Automatic", "none"},
		},
		{
			"CheckHostname", names.CheckHostname,
			[]string{"localhost", "kts01.example.com", "KTS01", "10.0.0.1", "a-b.c", long + ".b", strings.Repeat("a.", 126) + "a"},
			[]string{"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b", "a b", "ä", "a\n", "a:1", long + "a.b", strings.Repeat("a.", 127) + "a"},
		},
	}
	for _, test := range tests {
		for _, value := range test.good {
			if err := test.check(value); err != nil {
				t.Errorf("%s(%q): got %v, want no error", test.name, value, err)
			}
		}
		for _, value := range test.bad {
			if err := test.check(value); err == nil {
				t.Errorf("%s(%q): got no error, want one", test.name, value)
			} else if len(value) > 6 && strings.Contains(err.Error(), value) {
				t.Errorf("%s(%q): the error repeats the value: %v", test.name, value, err)
			}
		}
	}
}

// FuzzCheckContact makes sure that an accepted address can go into the lists
// and mail headers that it is meant for.
func FuzzCheckContact(f *testing.F) {
	for _, seed := range []string{"finn@example.com", "root@localhost", `"a b"@c`, "a@[1.2.3.4]", "a@b,c@d", "ä@ö", "a@b\r\nBcc: c@d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if names.CheckContact(address) != nil {
			return
		}
		if strings.ContainsAny(address, " ,;<>\"\x00\r\n\t\x1b\x7f") || strings.Count(address, "@") != 1 || len(address) > names.MaxContact {
			t.Errorf("%q is accepted", address)
		}
	})
}

func FuzzCheckListen(f *testing.F) {
	for _, seed := range []string{":11371", "localhost:1", "[::1]:2", "a:b:c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if names.CheckListen(address) == nil && (strings.ContainsAny(address, " /\r\n\x00") || !strings.Contains(address, ":")) {
			t.Errorf("%q is accepted", address)
		}
	})
}

// TestParseListen: what separates addresses, and what is no list of them.
func TestParseListen(t *testing.T) {
	t.Parallel()
	var sixteen []string
	for i := range names.MaxAddresses {
		sixteen = append(sixteen, fmt.Sprintf("10.0.0.%d:11371", i))
	}
	for list, want := range map[string][]string{
		":11371":                                {":11371"},
		"10.0.0.1:1, [::1]:2":                   {"10.0.0.1:1", "[::1]:2"},
		"a:1,b:1 c:1 , d:1,":                    {"a:1", "b:1", "c:1", "d:1"},
		strings.Join(sixteen, ", "):             sixteen,
		strings.Join(sixteen, ",") + " , ,  , ": sixteen,
	} {
		if got, err := names.ParseListen(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseListen(%q): got %q, %v, want %q", list, got, err, want)
		}
	}
	for list, want := range map[string]string{
		"": "there is no address", " , ": "there is no address", "here": `"here": this is no address`, ":1,:0": `":0": the port must be`,
		":1 :2 :1": ":1 is there twice", strings.Join(sixteen, ",") + ",:1": "these are 17 addresses; at most 16",
	} {
		if got, err := names.ParseListen(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseListen(%q): got %q, %v, want an error with %q", list, got, err, want)
		}
	}
}

// TestListenKey: which addresses are the same.
func TestListenKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{{":1", ":1"}, {"[::1]:1", "[0:0:0:0:0:0:0:1]:1"}, {"127.0.0.1:1", "[::ffff:127.0.0.1]:1"}, {"a:1", "A:1"}, {"[FE80::1%a]:1", "[fe80::1%a]:1"}} {
		if a, b := names.ListenKey(same[0]), names.ListenKey(same[1]); a != b {
			t.Errorf("%q: got %q and %q, want the same", same, a, b)
		}
	}
	for _, other := range [][2]string{{":1", ":2"}, {":1", "0.0.0.0:1"}, {"0.0.0.0:1", "[::]:1"}, {"[::1]:1", "127.0.0.1:1"}, {"a:1", "b:1"}} {
		if a, b := names.ListenKey(other[0]), names.ListenKey(other[1]); a == b {
			t.Errorf("%q: got %q for both, want two", other, a)
		}
	}
}

// TestPartOf: which address is part of another.
func TestPartOf(t *testing.T) {
	t.Parallel()
	all := []string{":1", "0.0.0.0:2", "[::]:3", "a:4", ":5", "0.0.0.0:5"}
	for address, want := range map[string]string{
		":1": "", "a:1": ":1", "127.0.0.1:1": ":1", "[::1]:1": ":1", "0.0.0.0:1": ":1",
		"127.0.0.1:2": "0.0.0.0:2", "[::ffff:127.0.0.1]:2": "0.0.0.0:2", "[::1]:2": "", "a:2": "", ":2": "", "0.0.0.0:2": "",
		"[::1]:3": "[::]:3", "127.0.0.1:3": "", "a:4": "", "127.0.0.1:4": "", "127.0.0.1:5": ":5", "0.0.0.0:5": ":5", ":6": "", "x": "",
	} {
		if got, isPart := names.PartOf(address, all); got != want || isPart != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", address, got, isPart, want)
		}
	}
}

// FuzzParseListen: what is accepted are addresses, and the same once they are joined.
func FuzzParseListen(f *testing.F) {
	for _, seed := range []string{":11371", "localhost:1, [::1]:2", "a:1 b:1", ",,:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		addresses, err := names.ParseListen(list)
		if err != nil {
			return
		}
		for _, address := range addresses {
			if err := names.CheckListen(address); err != nil {
				t.Errorf("%q of %q: %v", address, list, err)
			}
		}
		again, err := names.ParseListen(strings.Join(addresses, ", "))
		if err != nil || !slices.Equal(again, addresses) || len(addresses) == 0 {
			t.Errorf("%q: got %q, and %q (%v) once they are joined", list, addresses, again, err)
		}
	})
}
