package login

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxRecords bounds the session records read, and maxRecord the bytes of one.
	maxRecords = 2048
	maxRecord  = 64 << 10
)

// logind reads the records of systemd-logind. Its error matches fs.ErrNotExist if there is no such
// directory, and so no logind.
func (r *Reader) logind() ([]login, error) {
	dir := r.path("run", "systemd", "sessions")
	f, _, err := r.open(dir, unix.S_IFDIR)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Beside each record lies a FIFO.
	names, err := f.Readdirnames(2*maxRecords + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	many := len(names) > 2*maxRecords
	names = slices.DeleteFunc(names, func(n string) bool { return !isSession(n) })
	slices.Sort(names)
	var wrong error
	if many || len(names) > maxRecords {
		wrong = fmt.Errorf("%s has more than %d records: the others are not read", dir, maxRecords)
		names = names[:min(len(names), maxRecords)]
	}
	var all []login
	for _, name := range names {
		b, err := r.read(filepath.Join(dir, name), maxRecord)
		switch {
		case errors.Is(err, fs.ErrNotExist): // has ended meanwhile
		case err != nil:
			wrong = err // one is enough to tell
		default:
			if l, ok := parseRecord(b); ok {
				all = append(all, l)
			}
		}
	}
	return all, wrong
}

// isSession reports whether a file name is the id of a session (session_id_valid of systemd: letters
// and digits).
func isSession(name string) bool {
	return name != "" && strings.Trim(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
