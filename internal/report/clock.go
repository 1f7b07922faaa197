package report

import "time"

// clock writes times in one zone. Those of another offset than the beginning, or of another day, say so.
type clock struct {
	in    *time.Location
	began time.Time
}

func newClock(f *Facts) clock {
	in := f.Zone
	if in == nil {
		in = time.UTC
	}
	return clock{in, f.Attack.Since.In(in)}
}

// full writes a time with its day and offset.
func (c clock) full(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.In(c.in).Format("2 January 2006, 15:04:05") + " (" + offset(t.In(c.in)) + ")"
}

// stamp writes a time as short as it can be told from the beginning.
func (c clock) stamp(t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	t = t.In(c.in)
	out := t.Format("15:04:05")
	if t.Format(time.DateOnly) != c.began.Format(time.DateOnly) {
		out = t.Format("2 Jan 2006 15:04:05")
	}
	if offset(t) != offset(c.began) {
		out += " " + offset(t)
	}
	return out
}

func (c clock) zone() string { return offset(c.began) }

func offset(t time.Time) string { return t.Format("UTC-07:00") }
