package control

import (
	"time"

	"ebbgate/policy"
)

// Calendar turns instants since boot into the times people read: Now and Wall are the same moment.
type Calendar struct {
	Now  policy.Instant
	Wall time.Time
}

// Time returns the time of an instant; the zero instant is never.
func (c Calendar) Time(t policy.Instant) Time {
	if t == 0 {
		return Time{}
	}
	return TimeOf(c.Wall.Add(t.Sub(c.Now)))
}

// Left returns how long it is until an instant, and 0 once it has passed.
func (c Calendar) Left(t policy.Instant) Duration { return Duration(max(t.Sub(c.Now), 0)) }
