package csf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ebbgate/policy"
)

// number reads a number of csf, which has no sign and no unit.
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	return int(n), err == nil
}

// portSet has one bit for each port.
type portSet [1 << 16 / 64]uint64

func (s *portSet) add(r policy.PortRange) {
	for p := int(r.First); p <= int(r.Last); {
		if p%64 == 0 && p+63 <= int(r.Last) {
			s[p/64] = 1<<64 - 1
			p += 64
			continue
		}
		s[p/64] |= 1 << (p % 64)
		p++
	}
}

func (s *portSet) remove(p uint16) { s[p/64] &^= 1 << (p % 64) }

func (s *portSet) has(p uint16) bool { return s[p/64]&(1<<(p%64)) != 0 }

// ranges returns the ports in order, neighbours joined.
func (s *portSet) ranges() []policy.PortRange {
	var out []policy.PortRange
	for p := 1; p < 1<<16; p++ {
		if !s.has(uint16(p)) {
			continue
		}
		last := p
		for last+1 < 1<<16 && s.has(uint16(last+1)) {
			last++
		}
		out = append(out, policy.PortRange{First: uint16(p), Last: uint16(last)})
		p = last
	}
	return out
}

// maxItems bounds the entries of a list of ports.
const maxItems = 4096

// ports reads a list of ports of csf, "22,80,2077:2080", and what in it is none or beyond maxItems.
func ports(text string) (s portSet, bad []string) {
	n := 0
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if n++; n > maxItems {
			return s, append(bad, fmt.Sprintf("what follows entry %d, which", maxItems))
		}
		if item == "" {
			continue
		}
		from, to, ranged := strings.Cut(item, ":")
		if !ranged {
			to = from
		}
		first, ok1 := port(from)
		last, ok2 := port(to)
		if !ok1 || !ok2 || first > last {
			if len(bad) < mostProblems {
				bad = append(bad, show(item))
			}
			continue
		}
		s.add(policy.PortRange{First: first, Last: last})
	}
	return s, slices.Compact(bad)
}

func port(text string) (uint16, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	return uint16(n), err == nil && n > 0
}

// portsTOML writes ports as the policy file takes them, several lines long if need be.
func portsTOML(list []policy.PortRange) string {
	words := make([]string, 0, len(list))
	for _, r := range list {
		if r.First == r.Last {
			words = append(words, strconv.Itoa(int(r.First)))
		} else {
			words = append(words, fmt.Sprintf(`"%d-%d"`, r.First, r.Last))
		}
	}
	var b strings.Builder
	b.WriteString("[")
	column := len("ports = [")
	for i, w := range words {
		switch {
		case i == 0:
		case column+len(w)+3 > 100:
			b.WriteString(",\n  ")
			column = 2
		default:
			b.WriteString(", ")
			column += 2
		}
		b.WriteString(w)
		column += len(w)
	}
	return b.String() + "]"
}
