package names_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/names"
)

// TestSecretNeverShows prints a secret in every way that Go has.
func TestSecretNeverShows(t *testing.T) {
	const code = "ThisISAs3cr3t!"
	secret := names.Secret(code)
	holder := struct {
		Code  names.Secret
		ByOrg map[string]names.Secret
		At    *names.Secret
	}{secret, map[string]names.Secret{"a": secret}, &secret}

	outputs := map[string]string{
		"String":   secret.String(),
		"GoString": secret.GoString(),
		"error":    fmt.Errorf("storing %w and %q", fmt.Errorf("%v", secret), secret).Error(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%10.3s", "%d", "%T %[1]v"} {
		outputs[verb] = fmt.Sprintf(verb, secret)
		outputs[verb+" in a struct"] = fmt.Sprintf(verb, holder)
	}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	outputs["JSON"] = string(asJSON)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "code", secret)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "code", secret, "holder", holder)
	outputs["slog"] = log.String()

	hex := fmt.Sprintf("%x", code)
	for how, output := range outputs {
		if strings.Contains(output, code) || strings.Contains(strings.ToLower(output), hex) || strings.Contains(output, code[:3]) {
			t.Errorf("%s shows the secret: %s", how, output)
		}
	}
	if want := `"(sensitive value)"`; !strings.Contains(outputs["JSON"], `"Code":`+want) {
		t.Errorf("got JSON %s, want Code to be %s", outputs["JSON"], want)
	}
	if got := secret.Reveal(); got != code {
		t.Errorf("got Reveal() = %q, want %q", got, code)
	}
}

func TestSecretEqual(t *testing.T) {
	for _, test := range []struct {
		a, b names.Secret
		want bool
	}{
		{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"a", "aa", false}, {"a", "A", false},
	} {
		if got := test.a.Equal(test.b); got != test.want {
			t.Errorf("got %q equal to %q: %v, want %v", test.a.Reveal(), test.b.Reveal(), got, test.want)
		}
	}
}
