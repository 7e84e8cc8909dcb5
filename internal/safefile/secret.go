package safefile

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxSecret is how long a secret may be, in bytes: a code, a URL.
const MaxSecret = 4096

// ReadSecret returns the one line that the file at path holds, without its end. It
// refuses a file that others may read (CheckSecret), and what is no regular file, for
// that could make it wait for ever. No error shows the line.
func ReadSecret(path string) (string, error) {
	if err := CheckSecret(path); err != nil {
		return "", err
	}
	f, _, err := OpenRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	secret, err := ReadSecretFrom(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if strings.ContainsAny(secret, "\r\n") {
		return "", fmt.Errorf("%s: it has more than one line", path)
	}
	return secret, nil
}

// ReadSecretFrom returns what r holds, without the line breaks that end it.
func ReadSecretFrom(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSecret+1))
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	if len(data) > MaxSecret {
		return "", errors.New("reading a secret: it has more than 4096 bytes")
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}
