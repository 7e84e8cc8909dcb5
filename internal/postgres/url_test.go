package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/postgres"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://kt:sesame@db.example.com/ktsd?sslmode=verify-full":                       "db.example.com:5432/ktsd as kt",
		"postgresql://kt@db.example.com:6543/ktsd":                                           "db.example.com:6543/ktsd as kt",
		"postgres://kt:p%40ss%2Fword@[::1]:5432/ktsd":                                        "[::1]:5432/ktsd as kt",
		"host=db.example.com port=6543 dbname=ktsd user=kt password='my sesame'":             "db.example.com:6543/ktsd as kt",
		"postgres://kt@a.example.com:1,b.example.com:2/ktsd?target_session_attrs=read-write": "a.example.com:1,b.example.com:2/ktsd as kt",
		"host=/run/postgresql dbname=ktsd user=kt":                                           "/run/postgresql:5432/ktsd as kt",
		"postgres://kt@h/?application_name=x&pool_max_conns=9":                               "h:5432/kt as kt",
	} {
		if err := postgres.CheckURL(url); err != nil {
			t.Errorf("CheckURL(%q): %v", url, err)
		}
		if got := postgres.Describe(url); got != want {
			t.Errorf("Describe(%q): got %q, want %q", url, got, want)
		}
	}
}

// TestBadURL: what is wrong is said as far as it is certain that it is not the
// password.
func TestBadURL(t *testing.T) {
	t.Parallel()
	const form = "cannot be read"
	none := filepath.Join(t.TempDir(), "none.pem")
	for url, want := range map[string]string{
		"":                                                               form,
		"  ":                                                             form,
		"db.example.com":                                                 form,
		"mysql://u:Zq79Kw@h/d":                                           form,
		"postgres://u:Zq7/9Kw@h/d":                                       form,
		"postgres://u:12/Zq79Kw@h/d":                                     form,
		"postgres://u:Zq7@9Kw@h/d":                                       form,
		"postgres://u:Zq7:9Kw@h/d":                                       form,
		"postgres://u:Zq7?9Kw=x@h/d":                                     form,
		"postgres://u:Zq7#9Kw@h/d":                                       form,
		"postgres://u:Zq7%zz9Kw@h/d":                                     form,
		"host=h password=my Zq79Kw":                                      form,
		"host=h password=my Zq79Kw user=u":                               form,
		"host=h password='Zq79Kw":                                        form,
		"host=h password=my Zq79Kw=1":                                    "keyword",
		"postgres://u:Zq79Kw@h/d?sslmode=strict":                         "sslmode",
		"postgres://u:Zq79Kw@h:port/d":                                   "port",
		"postgres://u:Zq79Kw@h/d?ssl_mode=x":                             "keyword",
		"postgres://u:Zq79Kw@h/d?pool_max_conns=none":                    "pool_max_conns",
		"postgres://u:Zq79Kw@h/d?pool_max_conns=0":                       "pool_max_conns",
		"postgres://u:Zq79Kw@h/d?default_query_exec_mode=exec":           "keyword",
		"postgres://u:Zq79Kw@h/d?connect_timeout=soon":                   "soon",
		"postgres://u:Zq79Kw@h/d?service=none&servicefile=" + none:       "service",
		"postgres://u:Zq79Kw@h/d?sslrootcert=" + none:                    none,
		"host=h password=Zq79Kw sslmode=verify-full sslrootcert=" + none: none,
	} {
		err := postgres.CheckURL(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckURL(%q): got %v, want an error with %q", url, err, want)
			continue
		}
		if leaks(err.Error()) {
			t.Errorf("CheckURL(%q): got %v, want nothing of the password", url, err)
		}
		if got := postgres.Describe(url); leaks(got) {
			t.Errorf("Describe(%q): got %q, want nothing of the password", url, got)
		}
		if _, err := postgres.Open(context.Background(), url, node); err == nil || leaks(err.Error()) {
			t.Errorf("Open(%q): got %v, want an error with nothing of the password", url, err)
		}
	}
}

// leaks says whether a text has a part of the password of TestBadURL.
func leaks(s string) bool { return strings.Contains(s, "Zq7") || strings.Contains(s, "9Kw") }

// secret is a password that appears in nothing else.
const secret = "Zq7Xv9Kw"

// FuzzURL: whatever surrounds a password, and however it is broken, no output has
// it, nor half of it.
func FuzzURL(f *testing.F) {
	for _, seed := range [][2]string{
		{"postgres://u:", "@h/d"}, {"postgres://u:", "/x@h/d"}, {"postgres://u:a/", "@h/d"}, {"postgres://u:a@", "@h/d"},
		{"postgres://u:a?x=", "@h/d"}, {"postgres://u:a?sslrootcert=", "@h/d"}, {"postgres://h/d?password=", "&sslmode=x"}, {"postgres://h/d?sslpassword=", "&sslmode=x"},
		{"host=h password=", " sslmode=x"}, {"host=h password='a ", "' sslmode=x"}, {"host=h password=a ", ""}, {"password=", ""}, {"postgres://u:1,", "@h/d"},
		{"postgres://u:[", "]@h/d"}, {"postgres://u:%", "@h:5/d"}, {"postgres://:", "@:5/"}, {"postgres:// u:", "@h/d"}, {"postgres://u:1/", "@h"}, {"host=h password = ' ", " x=y"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if !isPassword(before, after) {
			return
		}
		url := before + secret + after
		for what, got := range map[string]string{"CheckURL": text(postgres.CheckURL(url)), "Describe": postgres.Describe(url)} {
			if strings.Contains(got, secret[:4]) || strings.Contains(got, secret[4:]) {
				t.Errorf("%s(%q): got %q, want nothing of the password", what, url, got)
			}
		}
	})
}

// isPassword says whether what follows would be taken for a password, or a part of
// one, by a person who reads it.
func isPassword(before, after string) bool {
	if rest, ok := strings.CutPrefix(before, "postgres://"); ok {
		if host, query, ok := strings.Cut(rest, "?"); ok && !strings.ContainsAny(host, ":@[,") { // password=… or sslpassword=…
			key := query[strings.LastIndexByte(query, '&')+1:]
			return key == "password=" || key == "sslpassword="
		}
		_, userinfo, colon := strings.Cut(rest, ":")
		return colon && strings.Contains(after, "@") && !strings.Contains(rest[:len(rest)-len(userinfo)], "/") && !strings.Contains(userinfo, "@")
	}
	at := strings.LastIndex(before, "password=")
	return at >= 0 && !strings.Contains(before[at+len("password="):], "=") && !strings.Contains(before[at:], " ") && !strings.HasPrefix(before, "postgresql:")
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestUnreadableFiles: a service file that is named is read, and what is missing in
// it is said.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "service.conf")
	if err := os.WriteFile(name, []byte("[kt]\nhost=h\npassword=sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := postgres.Describe("service=kt user=u dbname=d servicefile="+name), "h:5432/d as u"; got != want {
		t.Errorf("Describe: got %q, want %q", got, want)
	}
	if err := postgres.CheckURL("service=other servicefile=" + name); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("CheckURL with a service that is not there: got %v, want its name", err)
	}
}
