package packages_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/ktest"
)

// contents is what is in each package, as "ls -l" shows its mode and owner.
const contents = `-rw-r----- root/root /etc/keytrustee/site.hcl
-rw-r--r-- root/root /usr/lib/systemd/system/ktsd.service
-rw-r--r-- root/root /usr/lib/sysusers.d/keytrustee.conf
-rw-r--r-- root/root /usr/lib/tmpfiles.d/keytrustee.conf
-rw-r--r-- root/root /usr/share/bash-completion/completions/keytrustee
-rw-r--r-- root/root /usr/share/bash-completion/completions/keytrustee-orgtool
-rw-r--r-- root/root /usr/share/bash-completion/completions/ktadmin
-rw-r--r-- root/root /usr/share/bash-completion/completions/ktsd
-rw-r--r-- root/root /usr/share/bash-completion/completions/orgtool
-rw-r--r-- root/root /usr/share/doc/ktsd/CHANGELOG.md
-rw-r--r-- root/root /usr/share/doc/ktsd/README.md
-rw-r--r-- root/root /usr/share/doc/ktsd/copyright
-rw-r--r-- root/root /usr/share/doc/ktsd/examples/postgres.hcl
-rw-r--r-- root/root /usr/share/doc/ktsd/examples/site.hcl
-rw-r--r-- root/root /usr/share/doc/ktsd/examples/tenants.hcl
-rw-r--r-- root/root /usr/share/doc/ktsd/monitoring/alerts.yml
-rw-r--r-- root/root /usr/share/doc/ktsd/monitoring/dashboard.json
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/keytrustee-orgtool.fish
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/keytrustee.fish
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/ktadmin.fish
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/ktsd.fish
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/orgtool.fish
-rw-r--r-- root/root /usr/share/man/man1/keytrustee-orgtool.1.gz
-rw-r--r-- root/root /usr/share/man/man1/keytrustee.1.gz
-rw-r--r-- root/root /usr/share/man/man1/orgtool.1.gz
-rw-r--r-- root/root /usr/share/man/man8/ktadmin.8.gz
-rw-r--r-- root/root /usr/share/man/man8/ktsd.8.gz
-rw-r--r-- root/root /usr/share/zsh/site-functions/_keytrustee
-rw-r--r-- root/root /usr/share/zsh/site-functions/_keytrustee-orgtool
-rw-r--r-- root/root /usr/share/zsh/site-functions/_ktadmin
-rw-r--r-- root/root /usr/share/zsh/site-functions/_ktsd
-rw-r--r-- root/root /usr/share/zsh/site-functions/_orgtool
-rwxr-xr-x root/root /usr/bin/keytrustee
-rwxr-xr-x root/root /usr/bin/ktadmin
-rwxr-xr-x root/root /usr/bin/ktsd
-rwxr-xr-x root/root /usr/bin/orgtool
lrwxrwxrwx root/root /usr/bin/keytrustee-orgtool -> orgtool
`

// TestContents: both packages have the same files, and no others.
func TestContents(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "dpkg-deb", "rpm")
	var deb, rpm []string
	for line := range strings.Lines(run(t, "dpkg-deb", "-c", packageFile(t, newer, "deb"))) {
		f := strings.Fields(line) // mode owner/group size date time ./name [-> target]
		f[5] = strings.TrimPrefix(f[5], ".")
		deb = append(deb, strings.Join(append(f[:2], f[5:]...), " "))
	}
	for line := range strings.Lines(run(t, "rpm", "-qlvp", packageFile(t, newer, "rpm"))) {
		f := strings.Fields(line) // mode links owner group size month day year name [-> target]
		f[0] = strings.Replace(f[0], "l---------", "lrwxrwxrwx", 1)
		rpm = append(rpm, strings.Join(append([]string{f[0], f[2] + "/" + f[3]}, f[8:]...), " "))
	}
	for format, files := range map[string][]string{"deb": deb, "rpm": rpm} {
		files = slices.DeleteFunc(files, func(line string) bool {
			return line[0] == 'd'
		})
		slices.Sort(files)
		if diff := cmp.Diff(contents, strings.Join(files, "\n")+"\n"); diff != "" {
			t.Errorf("files of the .%s (-want +got):\n%s", format, diff)
		}
	}
}

// TestStarterSite: the file that is installed is valid on any host, and so are the
// blocks that it shows, once the "#" are taken out.
func TestStarterSite(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("site.hcl")
	if err != nil {
		t.Fatal(err)
	}
	config, diags := hcl.Parse(src, "site.hcl")
	if diags.HasErrors() || len(config.Site().Servers)+len(config.Site().Organizations) > 0 {
		t.Errorf("as installed: got %+v, %v, want no errors and nothing declared", config.Site(), diags)
	}
	_, shown, _ := strings.Cut(string(src), "\n\n") // the blocks are behind the head
	var blocks strings.Builder
	for line := range strings.Lines(shown) {
		if line = strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "); line == "\n" || strings.ContainsAny(line, "{}=") {
			blocks.WriteString(line)
		}
	}
	config, diags = hcl.Parse([]byte(blocks.String()), "site.hcl")
	if diags.HasErrors() || len(config.Site().Servers) != 1 || len(config.Site().Organizations) != 1 {
		t.Errorf("with all blocks: got %+v, %v, want a server and an organization\n%s", config.Site(), diags, blocks.String())
	}
}

// TestReproducible: a copy of the source in another folder, with other times and
// another umask, gives the same bytes.
func TestReproducible(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "git")
	want := map[string]string{"deb": packageFile(t, newer, "deb"), "rpm": packageFile(t, newer, "rpm")}
	root, dist := filepath.Join(t.TempDir(), "elsewhere"), t.TempDir()
	copySource(t, ktest.Root(t), root)
	cmd := exec.Command("sh", "-c", `umask 0077; exec "$@"`, "sh", "env", "TZ=Asia/Tokyo", "LC_ALL=C", "ARCHS="+runtime.GOARCH, "BIN="+ktest.Bin(t),
		"DIST="+dist, "VERSION="+newer, "SOURCE_DATE_EPOCH="+epoch, "sh", "systemd/packages/build.sh")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building in a copy: %v\n%s", err, out)
	}
	for format, file := range want {
		a, errA := os.ReadFile(file)
		b, errB := os.ReadFile(filepath.Join(dist, filepath.Base(file)))
		if errA != nil || errB != nil {
			t.Errorf("reading the .%s: %v, %v", format, errA, errB)
		} else if !bytes.Equal(a, b) {
			t.Errorf("two builds of the .%s differ", format)
		}
	}
}

// copySource copies what git knows of, and what it would take up, without times.
func copySource(t *testing.T, from, to string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = from
	names, err := list.Output()
	if err != nil {
		ktest.Missing(t, "a work tree of git's")
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(from, name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		target := filepath.Join(to, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(target), 0o700)
		}
		if err == nil {
			err = os.WriteFile(target, data, 0o600)
		}
		if err != nil {
			t.Fatalf("copying the source: %v", err)
		}
	}
}
