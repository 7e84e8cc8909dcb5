package hcl_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/hcl"
)

// codes has a code or a password in every place that one is written to by mistake.
// No single damaged character makes what leads to it look harmless.
const codes = `organization "one" {
  contacts  = ["finn@example.com"]
  auth_code = "ThisISAs3cr3t!"
}
organization "two" {
  auth_code_file = "ThisISAs3cr3t!"
  auth_code = [
    "ThisISAs3cr3t!",
  ] # auth_code = "ThisISAs3cr3t!"
}
organization "three" { auth_code = "ThisISAs3cr3t!" }
organization "four" {
  auth_code "ThisISAs3cr3t!" {}
  "auth_code" = "ThisISAs3cr3t!"
  approval = ""
  auth_code: ThisISAs3cr3t
}
database "postgres" {
  url = "postgres://ktsd:ThisISAs3cr3t!@db/keytrustee"
  url = "user=ktsd password=ThisISAs3cr3t! host=db"
  password = "ThisISAs3cr3t!"
} # postgres://ktsd:ThisISAs3cr3t!@db/keytrustee
server "kts01" {
  tls {
    private_key_password_script = "/bin/echo -n ThisISAs3cr3t!"
  }
}
variable "first" {
  sensitive = true
  default   = "ThisISAs3cr3t!"
}
variable "last" {
  default   = "ThisISAs3cr3t!"
  sensitive = true
}
variable "list" {
  type    = list(string)
  default = [
    "ThisISAs3cr3t!",
  ]
  sensitive = true
}
`

// TestDamagedFilesShowNoSecret removes each character of a file, and inserts
// others before it, one block after another. However that block and all that follow
// are misread then, the codes stay hidden.
func TestDamagedFilesShowNoSecret(t *testing.T) {
	blocks := regexp.MustCompile(`(?m)^\w+ "\w+" \{`).FindAllStringIndex(codes, -1)
	for n, start := range blocks {
		next := len(codes)
		if n+1 < len(blocks) {
			next = blocks[n+1][0]
		}
		t.Run(codes[start[0]:start[1]], func(t *testing.T) {
			t.Parallel()
			damage(t, codes[start[0]:], next-start[0])
		})
	}
}

// damage damages the first n bytes of a text, one at a time.
func damage(t *testing.T, text string, n int) {
	for i := range n {
		damaged := [][]byte{slices.Delete([]byte(text), i, i+1)}
		inName := i > 0 && isNameByte(text[i-1]) && isNameByte(text[i])
		for _, c := range []byte("\"\n{}[]=#,$'\\") {
			if c == '\n' && inName {
				continue // leaves a line that nobody would take for a code's
			}
			damaged = append(damaged, slices.Insert([]byte(text), i, c))
		}
		for _, src := range damaged {
			_, diags := hcl.Parse(src, "damaged.hcl")
			if output := diags.Error(); strings.Contains(output, "s3cr3t") {
				t.Fatalf("with a change at byte %d:\n%s\nshows a secret:\n%s", i, src, output)
			}
		}
	}
}

func isNameByte(b byte) bool { return b == '_' || b >= 'a' && b <= 'z' }
