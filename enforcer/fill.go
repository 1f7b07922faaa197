package enforcer

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Fill is how full one set of the table is.
type Fill struct {
	Set      string
	Elements int
	Most     int    // elements it takes
	Known    bool   // false: rules fill it, and this kernel does not tell how far (before Linux 6.16)
	Then     string // what happens at the bound; always something that lets packets pass
	Fault    bool   // to be told as a fault when it is full: an answer is lacking somebody
}

// Full reports whether the set takes no more.
func (f *Fill) Full() bool { return f.Known && f.Elements >= f.Most }

// Fill measures the sets that have a size, in the order of their names. No set is listed: of those we
// fill we know what they hold, give or take what timed out in the last moments, and of those that rules
// fill the kernel tells the number, what has timed out in them included until it is removed. Without a
// table, or where somebody removed it, the answer is empty.
func (t *Table) Fill() ([]Fill, error) {
	var out []Fill
	for i := range t.have.Ruleset.Sets {
		s := &t.have.Ruleset.Sets[i]
		if s.Size == 0 || s.Map {
			continue
		}
		f := Fill{Set: s.Name, Most: int(s.Size)}
		_, suffix := owner(s.Name)
		f.Then, f.Fault = atTheBound(suffix)
		if s.Timeout {
			// Half of it is room for renewals.
			f.Elements, f.Most, f.Known = len(s.Elements), int(s.Size/setSpare), true
		} else if t.features.Count {
			n, told, err := t.sets.Count(TableName, s.Name)
			if errors.Is(err, unix.ENOENT) { // Look notices
				return nil, nil
			}
			if err != nil {
				return nil, fmt.Errorf("measure sets: %w", err)
			}
			f.Elements, f.Known, t.features.Count = n, told, told
		}
		out = append(out, f)
	}
	return out, nil
}

// atTheBound says what becomes of a source for which a set has no room, and whether that is a fault. In
// the sets of a SYN meter it is none: that it is full tells that the sources are forged.
func atTheBound(suffix string) (then string, fault bool) {
	const digits = "0123456789"
	kind := strings.TrimRight(suffix, digits)
	if k, ok := strings.CutSuffix(kind, "p"); ok { // a length, as in block6p48
		if plain := strings.TrimRight(k, digits); plain != k {
			kind = plain
		}
	}
	switch kind {
	case "refuse":
		return "further sources are not refused", true
	case "block", handSet:
		return "further sources are not blocked", true
	case "watch":
		return "further sources are held by the census alone", true
	case "conn":
		return "connections of further sources are not counted by the kernel: the census alone finds them", true
	case "rate":
		return "SYNs of further sources are counted together", false
	case "gone":
		return "further forwarded connections are not cut until others are forgotten", true
	case "over":
		return "further sources over their SYN rate are counted, not listed", false
	case "drop":
		return "SYNs of further sources are not dropped", false
	}
	return "further elements are left out", true
}
