package daemon

import (
	"slices"
	"strings"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// faults are the things that do not work at the moment, one for each part at most. That one
// appears, and that it goes, is an event.
type faults struct {
	happened func(message string, e control.Event, more ...any)
	wall     func() time.Time
	list     []control.Fault // by part
}

// set records the state of a part; nil is well.
func (f *faults) set(part string, err error) {
	if err == nil {
		f.clear(part)
		return
	}
	f.mark(part, err.Error())
}

func (f *faults) mark(part, text string) {
	for i := range f.list {
		if f.list[i].Part == part {
			// The text may carry a growing number; the fault is the same.
			f.list[i].Text = text
			return
		}
	}
	f.list = append(f.list, control.Fault{Part: part, Text: text, Since: control.TimeOf(f.wall())})
	slices.SortFunc(f.list, func(a, b control.Fault) int { return strings.Compare(a.Part, b.Part) })
	f.happened("fault", control.Event{Event: control.Degraded, Part: part, Why: text})
}

func (f *faults) clear(part string) {
	for i := range f.list {
		if f.list[i].Part == part {
			lasted := f.wall().Sub(f.list[i].Since.Time).Round(time.Second)
			f.happened("fault is over", control.Event{Event: control.Recovered, Part: part, Why: "after " + policy.Brief(lasted)}, "lasted", lasted)
			f.list = slices.Delete(f.list, i, i+1)
			return
		}
	}
}

// watched are the parts of an observation; see policy.Fault.
const watched = "observe "

// observed takes the faults of one observation: those not among them are over.
func (f *faults) observed(now []policy.Fault) {
	current := make(map[string]bool, len(now))
	for _, n := range now {
		current[watched+n.Part] = true
		f.mark(watched+n.Part, n.Text)
	}
	for _, old := range slices.Clone(f.list) {
		if strings.HasPrefix(old.Part, watched) && !current[old.Part] {
			f.clear(old.Part)
		}
	}
}
