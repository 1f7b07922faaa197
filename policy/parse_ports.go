package policy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// placedRange is a port range and its index in the file's array.
type placedRange struct {
	PortRange
	index int
}

// String returns the range as the file has it: "80" or "8000-8010".
func (r placedRange) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// ports reads the ports of a service and returns the good ones, sorted.
func (p *parser) ports(path string, raw []any) []placedRange {
	switch {
	case raw == nil && p.at.has(path):
		return nil
	case len(raw) == 0:
		p.problem(path, "names no port, must be like [80, 443, \"8000-8010\"]")
		return nil
	case len(raw) > MaxPortRanges:
		p.problem(path, "has %d entries, must be at most %d; join neighbours to ranges", len(raw), MaxPortRanges)
		return nil
	}
	var ranges []placedRange
	for i, value := range raw {
		if r, ok := p.portRange(joinIndex(path, i), value); ok {
			ranges = append(ranges, placedRange{r, i})
		}
	}
	slices.SortStableFunc(ranges, func(a, b placedRange) int { return cmp.Compare(a.First, b.First) })
	p.overlapInside(path, ranges)
	return ranges
}

// overlapInside adds a problem for each of the sorted ranges that meets an earlier one.
func (p *parser) overlapInside(path string, ranges []placedRange) {
	for i := 1; i < len(ranges); i++ {
		reach := slices.MaxFunc(ranges[:i], func(a, b placedRange) int { return cmp.Compare(a.Last, b.Last) })
		r := ranges[i]
		if r.First > reach.Last {
			continue
		}
		if r.index < reach.index {
			r, reach = reach, r
		}
		p.problem(joinIndex(path, r.index), "%v overlaps %v of the same service, each port must be listed once", r, reach)
	}
}

// portRange reads an integer, or a string of two ports with a hyphen.
func (p *parser) portRange(path string, value any) (PortRange, bool) {
	switch v := value.(type) {
	case int64:
		if v >= 1 && v <= math.MaxUint16 {
			return PortRange{uint16(v), uint16(v)}, true
		}
		p.problem(path, "%d is not a port, must be 1 to 65535", v)
	case string:
		return p.portString(path, v)
	default:
		p.problem(path, "is %s, must be a port such as 443 or a range in quotes such as \"8000-8010\"", describe(value))
	}
	return PortRange{}, false
}

func (p *parser) portString(path, text string) (PortRange, bool) {
	from, to, ranged := strings.Cut(text, "-")
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	switch {
	case !ranged && err1 == nil:
		p.problem(path, "%s is a port in quotes, must be %d without quotes", quote(text), first)
	case err1 != nil || err2 != nil || first == 0 || last == 0:
		p.problem(path, "%s is not a port range, must be two ports from 1 to 65535 with a hyphen, such as \"8000-8010\"", quote(text))
	case first > last:
		p.problem(path, "%s is reversed, must be \"%d-%d\"", quote(text), last, first)
	default:
		return PortRange{uint16(first), uint16(last)}, true
	}
	return PortRange{}, false
}
