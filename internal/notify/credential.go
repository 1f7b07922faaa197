package notify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxCredential bounds the bytes of a credential.
const maxCredential = 4096

// ReadCredential reads a credential that the service manager passes (systemd.exec(5), LoadCredential=) by its
// name: one line without spaces, whose end may be missing. No error has any of its text.
func ReadCredential(name string) (string, error) {
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		return "", fmt.Errorf("credential %q: must be a name, as LoadCredential= of the service has it", name)
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", fmt.Errorf("credential %q: there are none; the service needs LoadCredential=%s:FILE, and outside a service CREDENTIALS_DIRECTORY names a directory with the file", name, name)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("read credential %q: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxCredential+1))
	if err != nil {
		return "", fmt.Errorf("read credential %q: %w", name, err)
	}
	value, err := parseCredential(string(b))
	if err != nil {
		return "", fmt.Errorf("read credential %q: %w", name, err)
	}
	return value, nil
}

// parseCredential takes what can stand in a header or an address, and nothing else.
func parseCredential(text string) (string, error) {
	value := strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case len(text) > maxCredential:
		return "", fmt.Errorf("longer than %d bytes", maxCredential)
	case value == "":
		return "", errors.New("empty")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("must be one line of ASCII characters without spaces")
	}
	return value, nil
}
