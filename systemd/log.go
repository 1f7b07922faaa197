package systemd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// LogHandler returns where the daemon's log goes. If the process's stderr is the journal, records
// go there by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): the message with its
// attributes in words, and each attribute as a field EBBGATE_NAME. Otherwise they are text lines
// on stderr, which should be os.Stderr. Records below level are dropped.
//
// A record that the journal's socket does not take is written to stderr with its priority in
// front (sd-daemon(3)), and nothing is returned as an error.
func LogHandler(stderr io.Writer, level slog.Leveler) slog.Handler {
	// An error means that JOURNAL_STREAM is not what systemd sets, so there is no journal.
	if native, err := journal.StderrIsJournalStream(); err != nil || !native {
		return slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})
	}
	return &journalHandler{level: level, out: &journalOut{send: journal.Send, stderr: stderr}}
}

// journalHandler is a slog.Handler. Its methods may be called from any goroutine.
type journalHandler struct {
	level  slog.Leveler
	out    *journalOut
	fields []field // of WithAttrs; never changed in place
	prefix string  // of WithGroup, with a dot at its end
}

// Enabled reports whether a record of that level is wanted.
func (h *journalHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle sends one record. The journal stamps the time itself.
func (h *journalHandler) Handle(_ context.Context, r slog.Record) error {
	fields := slices.Clone(h.fields)
	r.Attrs(func(a slog.Attr) bool {
		fields = appendAttr(fields, h.prefix, a)
		return len(fields) < maxFields
	})
	return h.out.write(priority(r.Level), lineText(r.Message, fields), fields)
}

// WithAttrs returns a handler that adds attrs to every record.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.fields = slices.Clone(h.fields)
	for _, a := range attrs {
		n.fields = appendAttr(n.fields, h.prefix, a)
	}
	return &n
}

// WithGroup returns a handler that puts all attributes added later into a group.
func (h *journalHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.prefix += name + "."
	return &n
}

// priority maps levels to those of syslog(3).
func priority(l slog.Level) journal.Priority {
	switch {
	case l >= slog.LevelError:
		return journal.PriErr
	case l >= slog.LevelWarn:
		return journal.PriWarning
	case l >= slog.LevelInfo:
		return journal.PriInfo
	default:
		return journal.PriDebug
	}
}

// journalOut is shared by a handler and all that are derived from it.
type journalOut struct {
	send   func(string, journal.Priority, map[string]string) error
	mu     sync.Mutex // of stderr
	stderr io.Writer
}

func (o *journalOut) write(p journal.Priority, line string, fields []field) error {
	vars := map[string]string{"SYSLOG_IDENTIFIER": "ebbgate"}
	for _, f := range fields {
		vars[fieldName(f.key)] = f.value
	}
	if o.send(line, p, vars) == nil {
		return nil
	}
	line = strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(line)
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := fmt.Fprintf(o.stderr, "<%s>%s\n", strconv.Itoa(int(p)), line); err != nil {
		return fmt.Errorf("write log line: %w", err)
	}
	return nil
}
