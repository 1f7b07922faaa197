package systemd

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// LogHandler returns where the daemon's log goes, and what to call before the process ends. If the process's
// stderr is the journal, records go there by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): the
// message with its attributes in words, and each attribute as a field EBBGATE_NAME. Otherwise they are text
// lines on stderr, which should be os.Stderr. Records below level are dropped.
//
// Nobody who logs ever waits for the journal. Up to 1,024 records and 4 MiB wait for it, the last
// quarter of either for warnings and errors; beyond that a record is left out, and once the journal has taken
// what waited, a warning says how many were, with the times of the first and the last. The journal stamps a
// record when it takes it. When it was logged is in the field EBBGATE_LOGGED_AT, and in the
// line too if it had to wait for a second or more.
//
// Either way at most 200 lines are logged at once and ten a second for long, and as many warnings and errors
// beside them. A line every ten seconds says how many were left out beyond that.
//
// A record with an attribute "event" has a MESSAGE_ID, see MessageID. An attribute "id" is in the fields only:
// it is nothing for people.
//
// A record that the journal's socket refuses is written to stderr with its priority in front
// (sd-daemon(3)); one that stderr does not take either counts as left out. The function returned waits until
// everything logged so far is written, one second at most.
func LogHandler(stderr io.Writer, level slog.Leveler) (handler slog.Handler, flush func()) {
	// An error means that JOURNAL_STREAM is not what systemd sets, so there is no journal.
	if native, err := journal.StderrIsJournalStream(); err != nil || !native {
		return withinRate(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	}
	socket := &journalSocket{path: journalPath}
	out := &journalOut{send: socket.send, stderr: stderr}
	queue := &recordQueue{write: out.write}
	handler, report := withinRate(&journalHandler{level: level, queue: queue})
	return handler, func() {
		report()
		queue.flush()
	}
}

// journalHandler is a slog.Handler. Its methods may be called from any goroutine.
type journalHandler struct {
	level  slog.Leveler
	queue  *recordQueue // shared with all that are derived from it
	fields []field      // of WithAttrs; never changed in place
	prefix string       // of WithGroup, with a dot at its end
}

// Enabled reports whether a record of that level is wanted.
func (h *journalHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle queues one record. It never waits, and returns nil.
func (h *journalHandler) Handle(_ context.Context, r slog.Record) error {
	fields := slices.Clone(h.fields)
	r.Attrs(func(a slog.Attr) bool {
		fields = appendAttr(fields, h.prefix, a)
		return len(fields) < maxFields
	})
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	h.queue.add(newRecord(priority(r.Level), r.Message, fields, at))
	return nil
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
