package daemon

import (
	"errors"
	"fmt"

	"ebbgate/control"
	"ebbgate/policy"
)

// The parts of the sets among the faults.
const (
	setsPart    = "sets of the table"
	measurePart = "sizes of the table's sets"
)

// fill is how full the table's sets are, as they were measured last.
type fill struct {
	at   policy.Instant
	sets []control.Set
}

// measure finds out how full the table's sets are, once a second while there is one. A full set lets pass
// whom it has no room for, and that is a fault.
func (d *Daemon) measure(now policy.Instant) {
	switch present := d.Rules.Have().Present; {
	case !present:
		d.fill.sets = nil
		d.faults.clear(setsPart)
		d.faults.clear(measurePart)
		return
	case now.Sub(d.fill.at) < countsEvery:
		return
	}
	d.fill.at = now
	fills, err := d.Rules.Fill()
	d.faults.set(measurePart, err)
	if err != nil {
		return
	}
	sets := make([]control.Set, 0, len(fills)) // what was published is not changed
	var full []error
	for i := range fills {
		f := &fills[i]
		s := control.Set{Name: f.Set, Size: f.Most, Then: f.Then}
		if f.Known {
			s.Elements = &f.Elements
		}
		sets = append(sets, s)
		if f.Full() && f.Fault {
			full = append(full, fmt.Errorf("%q is full with %d: %s", f.Set, f.Most, f.Then))
		}
	}
	d.fill.sets = sets
	d.faults.set(setsPart, errors.Join(full...))
}
