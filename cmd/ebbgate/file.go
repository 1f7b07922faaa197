package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile writes a file as a whole or not at all, and replaces one only by force. Errors say what it is.
func writeFile(what, path, text string, mode fs.FileMode, force bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ebbgate-*")
	if err != nil {
		return fmt.Errorf("write %s %q: %w", what, path, err)
	}
	defer os.Remove(f.Name())
	_, err = io.WriteString(f, text)
	// A temporary file is for its owner alone.
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s %q: %w", what, path, err)
	}
	if force {
		err = os.Rename(f.Name(), path)
	} else {
		err = os.Link(f.Name(), path) // fails where something is, also if it came just now
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %s %q: it exists; name another file, or replace it with --force", what, path)
	}
	if err != nil {
		return fmt.Errorf("write %s %q: %w", what, path, err)
	}
	return nil
}
