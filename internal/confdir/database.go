package confdir

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ktsd/ktsd/internal/safefile"
)

// UsesPostgres tells whether the configuration names a PostgreSQL database, rather
// than the SQLite file of the directory.
func (c Conf) UsesPostgres() bool { return c.DatabaseURL != "" || c.DatabaseURLFile != "" }

// ReadDatabaseURL returns the URL of the PostgreSQL database, which may hold a
// password, from where the configuration has it; "" stands for the SQLite file.
func (c Conf) ReadDatabaseURL() (string, error) {
	if c.DatabaseURLFile == "" {
		return c.DatabaseURL, nil
	}
	if c.DatabaseURL != "" {
		return "", errors.New("DATABASE_URL and DATABASE_URL_FILE are both set: remove one of them")
	}
	if !filepath.IsAbs(c.DatabaseURLFile) {
		return "", fmt.Errorf("DATABASE_URL_FILE is %q, which is no absolute path", c.DatabaseURLFile)
	}
	url, err := safefile.ReadSecret(c.DatabaseURLFile)
	if err != nil {
		return "", fmt.Errorf("reading the database's URL: %w", err)
	}
	if url = strings.TrimSpace(url); url == "" {
		return "", fmt.Errorf("reading the database's URL: %s is empty", c.DatabaseURLFile)
	}
	return url, nil
}
