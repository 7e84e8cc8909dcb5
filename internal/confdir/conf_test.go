package confdir_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ktsd/ktsd/internal/confdir"
)

// original is a keytrustee.conf as Key Trustee Server writes it, with what ktsd
// does not know, such as numbers that no float64 holds.
const original = `{
    "LOCAL_FINGERPRINT": "4EDC46882386C827E20DEEA2D850ACA33BEDB0D1",
    "DB_PASSWORD": "hunter2 <&> \u00e4 \/",
    "DB_ENGINE": "postgresql", "DB_HOST": "localhost", "DB_PORT": 11381, "BIG": 12345678901234567890.0100, "NESTED": {"b": [1, null, true], "a": "x"},
    "LISTEN": ":11371"
}`

func TestConfRoundTrip(t *testing.T) {
	t.Parallel()
	c, err := confdir.ParseConf([]byte(original))
	if err != nil {
		t.Fatalf("ParseConf: %v", err)
	}
	ignore := cmpopts.IgnoreUnexported(confdir.Conf{})
	want := confdir.Conf{LocalFingerprint: "4EDC46882386C827E20DEEA2D850ACA33BEDB0D1", Listen: ":11371"}
	if diff := cmp.Diff(want, c, ignore); diff != "" {
		t.Errorf("ParseConf: (-want +got)\n%s", diff)
	}
	c.Listen, c.Hostname, c.TLSMinVersion = "", "kts01.example.com", "tlsv1.3"
	c.Certificate, c.PrivateKey = "/etc/pki/kts01.pem", "/etc/pki/kts01.key"
	c.DatabaseURL, c.DatabaseURLFile = "postgres://ktsd@db.example.com/keytrustee?sslmode=verify-full&passfile=/x", "/etc/keytrustee/database-url"
	d := confdir.Dir(t.TempDir())
	if err := d.WriteConf(c); err != nil {
		t.Fatalf("WriteConf: %v", err)
	}
	if info, err := os.Stat(d.Conf()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	again, err := d.ReadConf()
	if diff := cmp.Diff(c, again, ignore); diff != "" || err != nil {
		t.Errorf("ReadConf: %v (-want +got)\n%s", err, diff)
	}

	var before, after map[string]json.RawMessage
	data, err := os.ReadFile(d.Conf())
	if err = errors.Join(err, json.Unmarshal([]byte(original), &before), json.Unmarshal(data, &after)); err != nil {
		t.Fatal(err)
	}
	if _, ok := after["LISTEN"]; ok {
		t.Error("LISTEN was emptied and is still in the file")
	}
	for _, key := range []string{"DB_ENGINE", "DB_HOST", "DB_PASSWORD", "DB_PORT", "BIG", "NESTED"} {
		if got, want := compact(t, after[key]), compact(t, before[key]); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	var password string
	if err := json.Unmarshal(after["DB_PASSWORD"], &password); err != nil || password != "hunter2 <&> ä /" {
		t.Errorf("DB_PASSWORD: got %q, %v", password, err)
	}
	keys := strings.Index(string(data), "BIG") < strings.Index(string(data), "DB_PORT") && strings.Index(string(data), "DB_PORT") < strings.Index(string(data), "TLS_MIN")
	if !keys || !strings.HasSuffix(string(data), "}\n") {
		t.Errorf("the keys are not in order, or the last line does not end:\n%s", data)
	}
}

// compact returns a JSON value without the space between its parts, and with its
// characters as they are.
func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var out strings.Builder
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestConfErrors: an error names the line or the key, and shows no value.
func TestConfErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, conf, want string }{
		{"empty", "", "line 1 is not JSON"},
		{"line 1", `{"DB_PASSWORD": hunter2}`, "line 1 is not JSON"},
		{"line 3", "{\n\"A\": \"b\",\n\"DB_PASSWORD\": \"hunter2\" \"x\"}", "line 3 is not JSON"},
		{"cut on line 2", "{\n\"DB_PASSWORD\": \"hunter2", "line 2 is not JSON"},
		{"behind its end", "{}\n\nhunter2", "line 3 is not JSON"},
		{"a list", `["hunter2"]`, "not a JSON object"},
		{"a string", `"hunter2"`, "not a JSON object"},
		{"a number for a string", `{"LISTEN": 11371, "DB_PASSWORD": "hunter2"}`, "LISTEN is not a string"},
		{"a number for the database", `{"DATABASE_URL": {"x": "hunter2"}}`, "DATABASE_URL is not a string"},
		{"a list for a string", `{"HOSTNAME": ["hunter2"]}`, "HOSTNAME is not a string"},
	}
	for _, test := range tests {
		_, err := confdir.ParseConf([]byte(test.conf))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", test.name, err)
		}
	}
}

func TestReadConf(t *testing.T) {
	t.Parallel()
	d := confdir.Dir(t.TempDir())
	if _, err := d.ReadConf(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v, want %v", err, fs.ErrNotExist)
	}
	for contents, want := range map[string]string{
		"{\n\"A\": hunter2}": d.Conf() + ": line 2 is not JSON", `{"A": "` + strings.Repeat("x", 1<<20) + `"}`: "at most 1048576 are read",
	} {
		if err := os.WriteFile(d.Conf(), []byte(contents), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.ReadConf(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := d.ReadNextConf(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no next file: got %v, want %v", err, fs.ErrNotExist)
	}
	if err := os.WriteFile(d.NextConf(), []byte(`{"LISTEN": ":1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if next, err := d.ReadNextConf(); err != nil || next.Listen != ":1" {
		t.Errorf("the next file: got %+v, %v, want its address", next, err)
	}
}

func TestNode(t *testing.T) {
	t.Parallel()
	if got, err := (confdir.Conf{Hostname: "KTS01.example.com"}).Node(); err != nil || got != "KTS01.example.com" {
		t.Errorf("recorded: got %q, %v, want it as it was recorded", got, err)
	}
	system, err := confdir.SystemHostname()
	if err != nil || system == "" || system != strings.ToLower(strings.TrimSpace(system)) {
		t.Errorf("SystemHostname: got %q, %v", system, err)
	}
	if got, err := (confdir.Conf{}).Node(); err != nil || got != system {
		t.Errorf("not recorded: got %q, %v, want %q", got, err, system)
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add([]byte(original))
	f.Add([]byte(`{"LISTEN": null, "listen": "x"}`))
	f.Add([]byte("null"))
	f.Add([]byte(`{"LIMITS": {"client_rate": 5, "purge_after": "7d"}, "AUDIT": {"heads": false}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := confdir.ParseConf(data)
		if err != nil {
			return
		}
		out, err := c.Marshal()
		if err != nil {
			t.Fatalf("Marshal: %v", err)
		}
		again, err := confdir.ParseConf(out)
		if err != nil {
			t.Fatalf("ParseConf after Marshal: %v\n%s", err, out)
		}
		if diff := cmp.Diff(c, again, cmpopts.IgnoreUnexported(confdir.Conf{})); diff != "" {
			t.Errorf("after Marshal: (-want +got)\n%s", diff)
		}
		if second, err := again.Marshal(); err != nil || string(second) != string(out) {
			t.Errorf("Marshal again: got %s, %v, want %s", second, err, out)
		}
	})
}
