package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// linesPerSecond and linesAtOnce bound the log of a level and those below it: warnings and errors have
	// one such bound, all else another. journald's own limit is 10,000 lines in 30 seconds of a service.
	linesPerSecond = 10
	linesAtOnce    = 200
	// reportEvery is how often one line says how many were left out, while any are.
	reportEvery = 10 * time.Second
)

// allowance is how many lines may be logged: a bucket that fills with time.
type allowance struct {
	lines float64
	at    time.Time // when it held them; zero: it is full
}

// take reports whether one more line may be logged now.
func (a *allowance) take(now time.Time) bool {
	if a.at.IsZero() {
		a.lines, a.at = linesAtOnce, now
	}
	// A clock that is set back adds nothing: Go's monotonic reading is what is subtracted.
	a.lines, a.at = min(linesAtOnce, a.lines+now.Sub(a.at).Seconds()*linesPerSecond), now
	if a.lines < 1 {
		return false
	}
	a.lines--
	return true
}

// logRate keeps who makes things happen from filling the log. It is shared by all handlers that derive from one.
type logRate struct {
	to slog.Handler // for the line that tells how many were left out

	mu     sync.Mutex
	urgent allowance // of warnings and errors
	rest   allowance
	left   leftOut
	grave  int         // of left: warnings and errors
	report *time.Timer // nil: nothing was left out since the last report
}

// allow reports whether a record may be logged. One that may not is counted.
func (l *logRate) allow(r *slog.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, bucket := time.Now(), &l.rest
	if r.Level >= slog.LevelWarn {
		bucket = &l.urgent
	}
	if bucket.take(now) {
		return true
	}
	l.left.add(leftOut{1, now, now})
	if r.Level >= slog.LevelWarn {
		l.grave++
	}
	if l.report == nil {
		l.report = time.AfterFunc(reportEvery, l.tell)
	}
	return false
}

// tell logs how many lines were left out, if any were. Its own line is outside the bound.
func (l *logRate) tell() {
	l.mu.Lock()
	left, grave := l.left, l.grave
	l.left, l.grave = leftOut{}, 0
	if l.report != nil {
		l.report.Stop()
		l.report = nil
	}
	l.mu.Unlock()
	if left.count == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, fmt.Sprintf("log lines were left out: more than %d a second", linesPerSecond), 0)
	r.Add(eventKey, "lines-left-out", "count", left.count, "warnings", grave, "first", stamp(left.first), "last", stamp(left.last))
	_ = l.to.Handle(context.Background(), r)
}

// rated is a slog.Handler within a rate.
type rated struct {
	slog.Handler
	rate *logRate
}

// Handle logs a record, or counts it as left out. Its error is that of the handler beneath.
func (h *rated) Handle(ctx context.Context, r slog.Record) error {
	if !h.rate.allow(&r) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that adds attrs, within the same rate.
func (h *rated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &rated{h.Handler.WithAttrs(attrs), h.rate}
}

// WithGroup returns a handler that puts all attributes added later into a group, within the same rate.
func (h *rated) WithGroup(name string) slog.Handler {
	return &rated{h.Handler.WithGroup(name), h.rate}
}

// withinRate bounds what a handler is given. The function returned logs how many lines were left out.
func withinRate(to slog.Handler) (handler slog.Handler, report func()) {
	rate := &logRate{to: to}
	return &rated{to, rate}, rate.tell
}
