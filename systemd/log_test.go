package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-systemd/v22/journal"
)

// entry is what the journal was given.
type entry struct {
	message  string
	priority journal.Priority
	vars     map[string]string
}

// sink collects entries, or fails.
type sink struct {
	entries []entry
	err     error
}

func (s *sink) send(r *record) error {
	if s.err == nil {
		vars := make(map[string]string)
		for _, f := range r.fields {
			vars[f.key] = f.value
		}
		s.entries = append(s.entries, entry{r.line, r.priority, vars})
	}
	return s.err
}

// newLog returns a logger, what it writes to stderr, and what waits for both.
func newLog(s *sink) (*slog.Logger, *bytes.Buffer, func()) {
	var stderr bytes.Buffer
	queue := &recordQueue{write: (&journalOut{send: s.send, stderr: &stderr}).write}
	return slog.New(&journalHandler{level: slog.LevelDebug, queue: queue}), &stderr, queue.flush
}

// secret resolves to another value when it is logged.
type secret string

func (secret) LogValue() slog.Value { return slog.StringValue("hidden") }

func TestJournalEntries(t *testing.T) {
	when := time.Date(2026, 3, 14, 3, 2, 10, 5e8, time.FixedZone("east", 7200))
	for _, tt := range []struct {
		name string
		log  func(*slog.Logger)
		want entry
	}{
		{"plain", func(l *slog.Logger) { l.Info("started") }, entry{"started", journal.PriInfo, nil}},
		{"attributes", func(l *slog.Logger) {
			l.Warn("raise limit", "service", "web", "source", netip.MustParsePrefix("192.0.2.0/24"), "held", 312)
		}, entry{"raise limit service=web source=192.0.2.0/24 held=312", journal.PriWarning,
			map[string]string{"EBBGATE_SERVICE": "web", "EBBGATE_SOURCE": "192.0.2.0/24", "EBBGATE_HELD": "312"}}},
		{"error", func(l *slog.Logger) { l.Error("apply", "cause", fmt.Errorf("a: %w", errors.New("b"))) },
			entry{`apply cause="a: b"`, journal.PriErr, map[string]string{"EBBGATE_CAUSE": "a: b"}}},
		{"debug, time and length", func(l *slog.Logger) { l.Debug("x", "at", when, "for", 1500*time.Millisecond) },
			entry{"x at=2026-03-14T01:02:10.5Z for=1.5s", journal.PriDebug,
				map[string]string{"EBBGATE_AT": "2026-03-14T01:02:10.5Z", "EBBGATE_FOR": "1.5s"}}},
		{"groups", func(l *slog.Logger) {
			l.With("a", 1).WithGroup("g").With("b", 2).Info("x", slog.Group("h", "c", 3), slog.Group("", "d", 4), slog.Group("none"))
		}, entry{"x a=1 g.b=2 g.h.c=3 g.d=4", journal.PriInfo,
			map[string]string{"EBBGATE_A": "1", "EBBGATE_G_B": "2", "EBBGATE_G_H_C": "3", "EBBGATE_G_D": "4"}}},
		{"empty things", func(l *slog.Logger) { l.WithGroup("").Info("x", slog.Attr{}, "empty", "") },
			entry{`x empty=""`, journal.PriInfo, map[string]string{"EBBGATE_EMPTY": ""}}},
		{"line break and escape", func(l *slog.Logger) { l.Info("x", "text", "a\nMESSAGE=b\x1b") },
			entry{`x text="a\nMESSAGE=b\x1b"`, journal.PriInfo, map[string]string{"EBBGATE_TEXT": "a\nMESSAGE=b\x1b"}}},
		{"odd keys", func(l *slog.Logger) { l.Info("x", "per-source.ümlaut\n", 1) },
			entry{`x "per-source.ümlaut\n"=1`, journal.PriInfo, map[string]string{"EBBGATE_PER_SOURCE___MLAUT_": "1"}}},
		{"resolved", func(l *slog.Logger) { l.Info("x", "password", secret("p")) },
			entry{"x password=hidden", journal.PriInfo, map[string]string{"EBBGATE_PASSWORD": "hidden"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s sink
			l, stderr, flush := newLog(&s)
			began := time.Now().Round(0)
			tt.log(l)
			flush()
			if len(s.entries) != 1 || stderr.Len() != 0 {
				t.Fatalf("got %v and on stderr %q", s.entries, stderr)
			}
			got := s.entries[0]
			if got.vars["SYSLOG_IDENTIFIER"] != "ebbgate" {
				t.Error("no SYSLOG_IDENTIFIER")
			}
			if at, err := time.Parse(time.RFC3339Nano, got.vars["EBBGATE_LOGGED_AT"]); err != nil || at.Before(began) || at.After(time.Now()) {
				t.Errorf("logged at %v, %v", at, err)
			}
			delete(got.vars, "SYSLOG_IDENTIFIER")
			delete(got.vars, "EBBGATE_LOGGED_AT")
			if got.message != tt.want.message || got.priority != tt.want.priority || !maps.Equal(got.vars, tt.want.vars) {
				t.Errorf("got %q %d %q\nwant %q %d %q", got.message, got.priority, got.vars,
					tt.want.message, tt.want.priority, tt.want.vars)
			}
		})
	}
}

func TestDerivedLoggersDoNotShare(t *testing.T) {
	var s sink
	l, _, flush := newLog(&s)
	base := l.With("a", 1, "b", 2, "c", 3)
	one, two := base.With("d", "one"), base.With("d", "two")
	one.Info("x", "e", 1)
	two.Info("x", "e", 2)
	flush()
	if got := s.entries[0].message + "|" + s.entries[1].message; got != "x a=1 b=2 c=3 d=one e=1|x a=1 b=2 c=3 d=two e=2" {
		t.Error(got)
	}
}

func TestJournalGoneFallsBackToStderr(t *testing.T) {
	s := sink{err: syscall.ENOENT}
	l, stderr, flush := newLog(&s)
	l.Error("two\nlines", "n", 1)
	l.Info("fine")
	flush()
	if got := stderr.String(); got != "<3>two\\nlines n=1\n<6>fine\n" {
		t.Errorf("got %q", got)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	var s sink
	l, _, flush := newLog(&s)
	var many []any
	for i := range 500 {
		many = append(many, fmt.Sprint("k", i), i)
	}
	l.With(many[:200]...).Info("x", many[200:]...)
	flush()
	if got := len(s.entries[0].vars); got != maxFields+2 {
		t.Errorf("%d fields, want %d, the identifier and the time", got, maxFields)
	}
	l.Info("x", "long", strings.Repeat("ü", maxValue), strings.Repeat("k", 200), 1)
	flush()
	for name, v := range s.entries[1].vars {
		if len(v) > maxValue || !utf8.ValidString(v) || len(name) > maxName {
			t.Errorf("field of %d bytes with %d bytes", len(name), len(v))
		}
	}
	if got := valueText(slog.StringValue(strings.Repeat("\x80", maxValue+1))); len(got) == 0 {
		t.Error("a value that is not UTF-8 vanished")
	}
}

func TestLevel(t *testing.T) {
	level := new(slog.LevelVar)
	h := &journalHandler{level: level}
	for l, want := range map[slog.Level]bool{slog.LevelDebug: false, slog.LevelInfo: true, slog.LevelError: true} {
		if got := h.Enabled(context.Background(), l); got != want {
			t.Errorf("%v: %v, want %v", l, got, want)
		}
	}
}

func TestLogHandlerChoosesByStderr(t *testing.T) {
	var st syscall.Stat_t
	if err := syscall.Fstat(2, &st); err != nil {
		t.Fatal(err)
	}
	for stream, native := range map[string]bool{
		"":                                     false,
		fmt.Sprintf("%d:%d", st.Dev, st.Ino):   true,
		fmt.Sprintf("%d:%d", st.Dev, st.Ino+1): false,
		"nonsense":                             false,
	} {
		t.Setenv("JOURNAL_STREAM", stream)
		h, _ := LogHandler(os.Stderr, slog.LevelInfo)
		if _, got := h.(*rated).Handler.(*journalHandler); got != native {
			t.Errorf("JOURNAL_STREAM=%q: native %v, want %v", stream, got, native)
		}
	}
	t.Setenv("JOURNAL_STREAM", "")
	var b bytes.Buffer
	h, flush := LogHandler(&b, slog.LevelInfo)
	slog.New(h).Info("started", "pid", 7)
	flush()
	if !strings.Contains(b.String(), "level=INFO msg=started pid=7") {
		t.Errorf("got %q", &b)
	}
}
