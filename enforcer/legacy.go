package enforcer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// legacyTables is one of /proc/net/ip_tables_names and ip6_tables_names, which list the tables of the older
// iptables. The file comes with the kernel's module, perhaps long after us, and only root may open it.
type legacyTables struct {
	path string
	file *os.File // nil: there was none yet, or it is not ours to open
}

// legacyUse is whether any table of the older iptables is loaded.
type legacyUse int

// Whether any is: from no to yes, so that the greater of two answers holds for both.
const (
	legacyNone   legacyUse = iota
	legacyUnseen           // it may not be looked at
	legacyLoaded
)

// use reports whether any table is loaded. What its rules do is not looked into: its users nearly all
// match connection state, and a wrong guess must not break it. For the same reason a file that may not be
// opened is to count as one with tables: it would not be there if nobody had wanted any, but where the
// kernel has the module built in.
func (l *legacyTables) use() (legacyUse, error) {
	if l.file == nil {
		f, err := os.Open(l.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return legacyNone, nil
		case errors.Is(err, fs.ErrPermission):
			return legacyUnseen, nil
		case err != nil:
			return legacyNone, fmt.Errorf("list tables of legacy iptables: %w", err)
		}
		l.file = f
	}
	var b [16]byte
	n, err := l.file.ReadAt(b[:], 0)
	if n > 0 {
		return legacyLoaded, nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return legacyNone, fmt.Errorf("list tables of legacy iptables: %w", err)
	}
	return legacyNone, nil
}

func (l *legacyTables) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
