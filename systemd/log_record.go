package systemd

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

const (
	// loggedAt is the field with the time at which a record was logged.
	loggedAt = "logged_at"
	// eventKey is the attribute that names an event, and idKey the one that tells it from all others.
	eventKey = "event"
	idKey    = "id"
	// lateAfter is the wait from which on the line says when it was logged, beside the journal's own time.
	lateAfter = time.Second
)

// record is one entry of the journal.
type record struct {
	priority journal.Priority
	line     string  // for people
	fields   []field // by the journal's names
	at       time.Time
}

// newRecord makes the entry of a message with its attributes.
func newRecord(p journal.Priority, message string, attrs []field, at time.Time) *record {
	r := &record{priority: p, line: lineText(message, attrs), fields: make([]field, 0, len(attrs)+2), at: at}
	r.fields = append(r.fields, field{"SYSLOG_IDENTIFIER", "ebbgate"})
	for _, f := range attrs {
		if f.key == eventKey {
			r.fields = append(r.fields, field{"MESSAGE_ID", MessageID(f.value)})
		}
		r.fields = append(r.fields, field{fieldName(f.key), f.value})
	}
	r.fields = append(r.fields, field{fieldName(loggedAt), stamp(at)})
	return r
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (r *record) size() int {
	size := len(r.line)
	for _, f := range r.fields {
		size += len(f.key) + len(f.value)
	}
	return size
}

// record is the entry that tells of what was left out.
func (l *leftOut) record() *record {
	return newRecord(journal.PriWarning, "log records were left out: the journal did not take them", []field{
		{eventKey, "records-left-out"}, {"count", strconv.Itoa(l.count)}, {"first", stamp(l.first)}, {"last", stamp(l.last)},
	}, time.Now())
}

// journalOut writes records. It may take as long as the journal does.
type journalOut struct {
	send   func(*record) error
	stderr io.Writer
}

func (o *journalOut) write(r *record) error {
	if time.Since(r.at) >= lateAfter {
		r.line += " " + loggedAt + "=" + stamp(r.at)
	}
	if o.send(r) == nil {
		return nil
	}
	line := strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(r.line)
	if _, err := fmt.Fprintf(o.stderr, "<%d>%s\n", r.priority, line); err != nil {
		return fmt.Errorf("write log line: %w", err)
	}
	return nil
}
