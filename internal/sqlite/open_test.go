package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/storetest"
)

// refused checks that Open and Create refuse a file with an error that says want.
func refused(t *testing.T, path, node, want string) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, node)
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open: got %v, want an error with %q and the path", err, want)
	}
	if errors.Is(err, sqlite.ErrNoDatabase) {
		t.Errorf("Open: got %v, want another error than ErrNoDatabase", err)
	}
	s, err = sqlite.Create(context.Background(), path, node)
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Create: got %v, want an error with %q", err, want)
	}
}

func TestOpenNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	if _, err := sqlite.Open(context.Background(), path, node); !errors.Is(err, sqlite.ErrNoDatabase) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open without a file: got %v, want ErrNoDatabase and the path", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Open made a file (%v)", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // what an interrupted Create leaves
		t.Fatal(err)
	}
	if _, err := sqlite.Open(context.Background(), path, node); !errors.Is(err, sqlite.ErrNoDatabase) {
		t.Errorf("Open of an empty file: got %v, want ErrNoDatabase", err)
	}
	storetest.Write(t, create(t, path), "1")
}

// TestInterruptedCreate: a file with a schema and no node is not opened, and
// Create completes it.
func TestInterruptedCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	create(t, path).Close()
	if _, err := raw(t, path).Exec(`DELETE FROM node`); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(context.Background(), path, node); err == nil || !strings.Contains(err.Error(), "ktadmin init") {
		t.Errorf("Open: got %v, want an error that names ktadmin init", err)
	}
	storetest.Write(t, create(t, path), "1")
}

func TestCreateTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	first := create(t, path)
	storetest.Write(t, first, "1")
	if err := first.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	again := create(t, path)
	storetest.Write(t, again, "2")
	if got := storetest.Records(t, again); got != "1 2" {
		t.Errorf("after Create on a database: got records %q, want %q", got, "1 2")
	}
}

func TestOtherNode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	create(t, path).Close()
	for _, other := range []string{"kts02.example.com", "", "KTS01.example.com"} {
		refused(t, path, other, "belongs to node "+node)
	}
	if got := storetest.Records(t, open(t, path)); got != "" {
		t.Errorf("got records %q, want none", got)
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	create(t, path).Close()
	db := raw(t, path)
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	refused(t, path, node, "a newer ktsd wrote it; install that version or a later one")
	if _, err := db.Exec(`DELETE FROM goose_db_version WHERE version_id = 99`); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

// raw opens the file with the driver alone, as another program would.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestNotADatabase(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "whole.db")
	create(t, whole).Close()
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, contents := range map[string][]byte{
		"text":      []byte(strings.Repeat("this is no database\n", 1000)),
		"one byte":  {1},
		"cut":       data[:len(data)/2],
		"no header": append(make([]byte, 100), data[100:]...),
	} {
		path := filepath.Join(t.TempDir(), "keytrustee.db")
		if err := os.WriteFile(path, contents, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(context.Background(), path, node)
		if err == nil {
			s.Close()
			t.Errorf("%s: got a store, want an error", name)
		} else if errors.Is(err, sqlite.ErrNoDatabase) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error with the path, and not ErrNoDatabase", name, err)
		}
		if after, _ := os.ReadFile(path); len(contents) > 1 && string(after) != string(contents) {
			t.Errorf("%s: Open changed the file", name)
		}
	}
}

// TestMode changes the umask of the process, so it is not parallel.
func TestMode(t *testing.T) {
	for _, umask := range []int{0o022, 0o077, 0} {
		path := filepath.Join(t.TempDir(), "keytrustee.db")
		old := syscall.Umask(umask)
		s, err := sqlite.Create(context.Background(), path, node)
		if err == nil {
			err = storetest.TryWrite(s, "1")
		}
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(path + suffix)
			if err != nil {
				t.Errorf("umask %04o: %v", umask, err)
			} else if info.Mode().Perm() != 0o600 {
				t.Errorf("umask %04o: %s: got mode %04o, want 0600", umask, info.Name(), info.Mode().Perm())
			}
		}
	}
}

// TestDurable shows the settings that make an acknowledged change survive a
// power failure, where they count: on the connections in use.
func TestDurable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	create(t, path).Close()
	s := open(t, path)
	storetest.Write(t, s, "1")
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0"} {
		if got, err := sqlite.WriterPragma(s, pragma); err != nil || got != want {
			t.Errorf("writing connection: %s: got %q, %v, want %q", pragma, got, err, want)
		}
		if got, err := sqlite.ReaderPragma(s, pragma); err != nil || got != want {
			t.Errorf("reading connection: %s: got %q, %v, want %q", pragma, got, err, want)
		}
	}
}

// TestOddPath: the path is a file's name, and none of it a URI.
func TestOddPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space", "q?mode=memory", "f#ragment", "p%41ercent", "plus+", "ü", "a&b=c", "semi;colon"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name+".db")
		s := create(t, path)
		storetest.Write(t, s, "1")
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q: got %v, want a file", path, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("%q: got files %v (%v), want one", path, entries, err)
		}
		if got := storetest.Records(t, open(t, path)); got != "1" {
			t.Errorf("%q: got records %q after opening it again, want %q", path, got, "1")
		}
	}
}
