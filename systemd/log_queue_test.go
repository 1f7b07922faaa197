package systemd

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// stalled is a journal that takes nothing until it is told to go on.
type stalled struct {
	on      chan struct{}
	mu      sync.Mutex
	err     error
	records []*record
}

func newStalled() *stalled { return &stalled{on: make(chan struct{})} }

func (s *stalled) send(r *record) error {
	<-s.on
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.records = append(s.records, r)
	}
	return s.err
}

func (s *stalled) lines() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		line, _, _ := strings.Cut(r.line, " logged_at=")
		lines = append(lines, line)
	}
	return lines
}

func (s *stalled) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// deaf is a stderr that takes nothing.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func (s *stalled) queue() *recordQueue {
	return &recordQueue{write: (&journalOut{send: s.send, stderr: deaf{}}).write}
}

func logTo(q *recordQueue) *slog.Logger {
	return slog.New(&journalHandler{level: slog.LevelInfo, queue: q})
}

const leftOutLine = "log records were left out: the journal did not take them event=records-left-out count="

// leftOutOf reads how many records the warning says were left out, and when.
func leftOutOf(t *testing.T, r *record) (count int, first, last time.Time) {
	t.Helper()
	var errs [3]error
	for _, f := range r.fields {
		switch f.key {
		case "EBBGATE_COUNT":
			count, errs[0] = strconv.Atoi(f.value)
		case "EBBGATE_FIRST":
			first, errs[1] = time.Parse(time.RFC3339Nano, f.value)
		case "EBBGATE_LAST":
			last, errs[2] = time.Parse(time.RFC3339Nano, f.value)
		}
	}
	if err := errors.Join(errs[:]...); err != nil || r.priority != journal.PriWarning || !strings.HasPrefix(r.line, leftOutLine) {
		t.Errorf("got %d %q: %v", r.priority, r.line, err)
	}
	return count, first, last
}

// TestStalledJournalHoldsNobodyUp logs one record a second into a journal that takes none.
func TestStalledJournalHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStalled()
		q := s.queue()
		log, start := logTo(q), time.Now()
		const logged = 3000
		for i := range logged {
			log.Info("info", "n", i)
			time.Sleep(time.Second)
		}
		if took := time.Since(start); took != logged*time.Second {
			t.Errorf("logging took %v", took-logged*time.Second)
		}
		log.Error("error") // a quarter is kept for it
		close(s.on)
		synctest.Wait()

		const kept = mostRecords/4*3 + 1 // one is under way
		lines := s.lines()
		if len(lines) != kept+2 {
			t.Fatalf("%d records arrived, want %d", len(lines), kept+2)
		}
		for i, line := range lines[:kept] {
			if want := fmt.Sprint("info n=", i); line != want {
				t.Fatalf("record %d is %q, want %q", i, line, want)
			}
		}
		if lines[kept] != "error" {
			t.Errorf("got %q, want the error", lines[kept])
		}
		count, first, last := leftOutOf(t, s.records[kept+1])
		if count != logged-kept || !first.Equal(start.Add(kept*time.Second)) || !last.Equal(start.Add((logged-1)*time.Second)) {
			t.Errorf("%d left out from %v to %v, want %d", count, first, last, logged-kept)
		}
		log.Info("afterwards")
		synctest.Wait()
		if got := s.lines(); len(got) != kept+3 || got[kept+2] != "afterwards" {
			t.Errorf("afterwards: %q", got[kept+2:])
		}
	})
}

func TestErrorsHaveTheLastQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStalled()
		q := s.queue()
		log := logTo(q)
		log.Info("info")
		synctest.Wait() // it is under way
		for range 2 * mostRecords {
			log.Info("info")
		}
		for range mostRecords {
			log.Warn("warning")
			log.Error("error")
		}
		synctest.Wait()
		if len(q.waiting) != mostRecords {
			t.Errorf("%d wait, want %d", len(q.waiting), mostRecords)
		}
		close(s.on)
		synctest.Wait()
		var high int
		for _, line := range s.lines() {
			if line == "warning" || line == "error" {
				high++
			}
		}
		if high != mostRecords/4 {
			t.Errorf("%d warnings and errors arrived, want %d", high, mostRecords/4)
		}
	})
}

func TestQueuedBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStalled()
		q := s.queue()
		log := logTo(q)
		for range mostRecords {
			log.Error("error", "text", strings.Repeat("x", maxValue))
		}
		synctest.Wait()
		held := 0
		for _, r := range q.waiting {
			held += r.size()
		}
		if held != q.bytes || held > mostRecordBytes || held < mostRecordBytes-4*maxValue || len(q.waiting) >= mostRecords {
			t.Errorf("%d records of %d bytes wait, counted %d", len(q.waiting), held, q.bytes)
		}
		close(s.on)
		synctest.Wait()
		if q.bytes != 0 || q.waiting != nil {
			t.Errorf("%d bytes are still counted", q.bytes)
		}
	})
}

// TestDeadJournal is one that refuses everything, with a stderr that does too.
func TestDeadJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStalled()
		close(s.on)
		s.fail(errors.New("connection refused"))
		log := logTo(s.queue())
		start := time.Now()
		for i := range 10 {
			log.Info("lost", "n", i)
			time.Sleep(time.Second)
		}
		s.fail(nil)
		log.Info("found")
		synctest.Wait()
		if got := s.lines(); len(got) != 2 || got[0] != "found" {
			t.Fatalf("got %q", got)
		}
		count, first, last := leftOutOf(t, s.records[1])
		if count != 10 || !first.Equal(start) || !last.Equal(start.Add(9*time.Second)) {
			t.Errorf("%d left out from %v to %v", count, first, last)
		}
	})
}

// TestWarningThatIsLostItself has the journal die again before it takes the warning.
func TestWarningThatIsLostItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []*record
		refused := map[int]bool{0: true, 2: true} // the second is taken, but not the warning after it
		calls := 0
		log := logTo(&recordQueue{write: func(r *record) error {
			defer func() { calls++ }()
			if refused[calls] {
				return errors.New("broken pipe")
			}
			got = append(got, r)
			return nil
		}})
		for range 3 {
			log.Info("x")
			synctest.Wait()
		}
		if len(got) != 3 || got[0].line != "x" || got[1].line != "x" {
			t.Fatalf("%d records", len(got))
		}
		if count, _, _ := leftOutOf(t, got[2]); count != 1 {
			t.Errorf("%d left out, want 1", count)
		}
	})
}

func TestRecordsThatWaitedSayWhenTheyWereLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStalled()
		var stderr bytes.Buffer
		q := &recordQueue{write: (&journalOut{send: s.send, stderr: &stderr}).write}
		log, start := logTo(q), time.Now()
		log.Info("under way")
		log.Info("late", "n", 1)
		time.Sleep(lateAfter)
		log.Info("in time")
		close(s.on)
		synctest.Wait()
		at := stamp(start)
		var got []string
		for _, r := range s.records {
			got = append(got, r.line)
		}
		if want := []string{"under way", "late n=1 logged_at=" + at, "in time"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if f := s.records[0].fields; !slices.Contains(f, field{"EBBGATE_LOGGED_AT", at}) {
			t.Errorf("fields %q", f)
		}
	})
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStalled()
		q := s.queue()
		q.flush() // nothing to wait for
		log, start := logTo(q), time.Now()
		for range 10 {
			log.Info("x")
		}
		q.flush()
		if took := time.Since(start); took != flushPatience {
			t.Errorf("with a stalled journal it takes %v, want %v", took, flushPatience)
		}
		time.AfterFunc(flushPatience/2, func() { close(s.on) })
		q.flush()
		if took := time.Since(start); took != flushPatience*3/2 || len(s.lines()) != 10 {
			t.Errorf("after %v there were %d records", took, len(s.lines()))
		}
		log.Info("after the end of the loop")
		q.flush()
		if got := s.lines(); len(got) != 11 {
			t.Errorf("%d records after another flush", len(got))
		}
	})
}

// TestManyLoggers has many goroutines log at once, with a journal that is slower than they are.
func TestManyLoggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const loggers, each = 8, 400
		taken, lost := make(map[string]int), 0
		log := logTo(&recordQueue{write: func(r *record) error {
			time.Sleep(time.Millisecond)
			if strings.HasPrefix(r.line, leftOutLine) {
				count, _, _ := leftOutOf(t, r)
				lost += count
				return nil
			}
			who, n, _ := strings.Cut(strings.TrimPrefix(r.line, "x "), " n=")
			i, err := strconv.Atoi(n)
			if err != nil || i < taken[who] {
				t.Errorf("%q out of order: %v", r.line, err)
			}
			taken[who] = i + 1
			taken["all"]++
			return nil
		}})
		for who := range loggers {
			go func() {
				for n := range each {
					log.Info("x", "who", who, "n", n)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if lost == 0 || taken["all"]+lost != loggers*each {
			t.Errorf("%d arrived and %d were left out of %d", taken["all"], lost, loggers*each)
		}
	})
}
