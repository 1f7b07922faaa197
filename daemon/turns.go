package daemon

import (
	"time"

	"ebbgate/control"
)

// turnLengths are the lengths turns are sorted by: from one in peace to one that the watchdog soon ends.
var turnLengths = [...]time.Duration{time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second}

// turns is how long the turns of the loop took.
type turns struct {
	count              uint64
	last, longest, sum time.Duration
	within             [len(turnLengths)]uint64
}

func (t *turns) add(took time.Duration) {
	t.count++
	t.last, t.longest, t.sum = took, max(t.longest, took), t.sum+took
	for i, length := range turnLengths {
		if took <= length {
			t.within[i]++
		}
	}
}

// shown returns the wire form.
func (t *turns) shown() control.Turns {
	out := control.Turns{Count: t.count, Last: control.Duration(t.last), Longest: control.Duration(t.longest),
		Sum: control.Duration(t.sum), Within: make([]control.Within, len(turnLengths))}
	for i, length := range turnLengths {
		out.Within[i] = control.Within{Length: control.Duration(length), Count: t.within[i]}
	}
	return out
}
