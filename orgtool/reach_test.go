package main_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestTellsWhereItIsInForce: a ktsd that cannot write its database takes access away
// on its own node, and knows no more of whose it was. Its answers are made here.
func TestTellsWhereItIsInForce(t *testing.T) {
	t.Parallel()
	dir := confdir.Dir(t.TempDir())
	if err := os.Mkdir(dir.State(), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := dir.ListenSocket()
	if err != nil {
		t.Fatal(err)
	}
	key, fp := strings.Repeat("ab", 32), strings.Repeat("AB", 20)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const reach = `"in_force": {"node": "kts01.example.com", "everywhere": false}`
		switch r.Method + " " + r.URL.Path {
		case "POST /v1/certificates/" + key + "/revoke":
			fmt.Fprintf(w, `{"key": %q, "client": "", "created": "0001-01-01T00:00:00Z", %s}`, key, reach)
		case "POST /v1/clients/" + fp + "/disable":
			fmt.Fprintf(w, `{"fingerprint": %q, "organization": "", "state": "disabled", "created": "0001-01-01T00:00:00Z", %s}`, fp, reach)
		case "DELETE /v1/organizations/q/contacts/a@example.com":
			fmt.Fprintf(w, `{%s}`, reach)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"revoke-certificate", "--key", key}, "certificate " + key + " is revoked\n"},
		{[]string{"disable-client", "--fingerprint", fp}, "client " + fp + " is disabled\n"},
		{[]string{"remove-contact", "-n", "q", "-c", "a@example.com"}, "organization q is without contact a@example.com\n"},
	} {
		want := c.want + "in force on kts01.example.com now; the database is told as soon as it can be written\n"
		stdout, stderr, code := ktest.Run(t, "orgtool", append([]string{"--confdir", string(dir)}, c.args...)...)
		if code != 0 || stdout != "" || stderr != want {
			t.Errorf("orgtool %s: got exit code %d, %q, %q, want 0 and %q", c.args[0], code, stdout, stderr, want)
		}
	}
}
