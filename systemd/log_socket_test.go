package systemd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startJournal stands in for journald.
func startJournal(t *testing.T) (*manager, *journalSocket) {
	t.Helper()
	m := startManager(t)
	s := &journalSocket{path: os.Getenv("NOTIFY_SOCKET")}
	t.Cleanup(func() {
		if s.opened {
			_ = unix.Close(s.fd)
		}
	})
	return m, s
}

// entry returns the fields of the next record, and whether it came as a file.
func (m *manager) entry(t *testing.T) (map[string]string, bool) {
	t.Helper()
	data, fd := m.nextFD(t)
	if fd >= 0 {
		f := os.NewFile(uintptr(fd), "record")
		defer f.Close()
		const seals = 0xf // F_SEAL_SEAL, SHRINK, GROW and WRITE of linux/fcntl.h
		if got, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0); err != nil || got&seals != seals {
			t.Errorf("seals %x, %v", got, err)
		}
		b, err := io.ReadAll(io.NewSectionReader(f, 0, 64<<20))
		if err != nil || data != "" {
			t.Fatalf("read file: %v; beside it %q", err, data)
		}
		data = string(b)
	}
	fields, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return fields, fd >= 0
}

// decode reads the journal's native protocol.
func decode(data string) (map[string]string, error) {
	fields := make(map[string]string)
	for data != "" {
		line, rest, ok := strings.Cut(data, "\n")
		if !ok {
			return nil, fmt.Errorf("no end of line in %.40q", data)
		}
		name, value, plain := strings.Cut(line, "=")
		if !plain {
			if len(rest) < 8 {
				return nil, fmt.Errorf("no length in %.40q", rest)
			}
			size := binary.LittleEndian.Uint64([]byte(rest[:8]))
			if rest = rest[8:]; uint64(len(rest)) <= size || rest[size] != '\n' {
				return nil, fmt.Errorf("%d bytes announced in %.40q", size, rest)
			}
			value, rest = rest[:size], rest[size+1:]
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("%s comes twice", name)
		}
		fields[name], data = value, rest
	}
	return fields, nil
}

func TestJournalSocket(t *testing.T) {
	m, s := startJournal(t)
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		name, value string
		file        bool
	}{
		{"plain", "a=b", false},
		{"empty", "", false},
		{"lines", "a\nMESSAGE=b\n", false},
		{"long", long, true},
		{"plain after long", "a", false},
	} {
		r := newRecord(priority(slog.LevelError), "message\nof two lines", []field{{"text", tt.value}}, time.Now())
		if err := s.send(r); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got, file := m.entry(t)
		if got["EBBGATE_TEXT"] != tt.value || got["MESSAGE"] != r.line || got["PRIORITY"] != "3" ||
			got["SYSLOG_IDENTIFIER"] != "ebbgate" || len(got) != 5 || file != tt.file {
			t.Errorf("%s: got %.200q, as a file %v", tt.name, got, file)
		}
	}
}

// TestStalledJournalIsAwaited keeps the queue full with other people's records only: whoever waits must be
// woken all the same once the journal reads again.
func TestStalledJournalIsAwaited(t *testing.T) {
	m, s := startJournal(t)
	r := newRecord(priority(slog.LevelInfo), "first", nil, time.Now())
	if err := s.send(r); err != nil { // opens the socket
		t.Fatal(err)
	}
	m.fill(t)
	// A wait that the kernel ends is one in the kernel.
	const wait = 50 * time.Millisecond
	setSendTimeout(t, s.fd, wait)
	began := time.Now()
	if err := s.send(r); !errors.Is(err, unix.EAGAIN) || time.Since(began) < wait {
		t.Errorf("got %v after %v, want the end of the wait after %v", err, time.Since(began), wait)
	}
	setSendTimeout(t, s.fd, 0)
	if text, _ := m.nextFD(t); !strings.Contains(text, "MESSAGE=first\n") {
		t.Errorf("got %q", text)
	}
	q := &recordQueue{write: (&journalOut{send: s.send, stderr: deaf{}}).write}
	log := logTo(q)
	for i := range 100 {
		log.Info("x", "n", i)
	}
	for next := 0; next < 100; {
		text, _ := m.nextFD(t)
		if text == junk {
			continue
		}
		got, err := decode(text)
		if err != nil || got["EBBGATE_N"] != fmt.Sprint(next) {
			t.Fatalf("got %q, %v; want record %d", got, err, next)
		}
		next++
	}
	q.flush()
}

// setSendTimeout sets SO_SNDTIMEO of socket(7); 0 is none.
func setSendTimeout(t *testing.T, fd int, d time.Duration) {
	t.Helper()
	tv := unix.NsecToTimeval(d.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv); err != nil {
		t.Fatal(err)
	}
}

// TestJournalThatIsBoundAnew goes away and comes back.
func TestJournalThatIsBoundAnew(t *testing.T) {
	m, s := startJournal(t)
	r := newRecord(priority(slog.LevelInfo), "x", nil, time.Now())
	if err := s.send(r); err != nil {
		t.Fatal(err)
	}
	_, _ = m.entry(t)
	if err := m.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.send(r); !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v", err)
	}
	again := startManager(t)
	s.path = os.Getenv("NOTIFY_SOCKET")
	if err := s.send(r); err != nil {
		t.Fatal(err)
	}
	if got, _ := again.entry(t); got["MESSAGE"] != "x" {
		t.Errorf("got %q", got)
	}
	if err := (&journalSocket{path: filepath.Join(t.TempDir(), "nobody")}).send(r); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v", err)
	}
}
