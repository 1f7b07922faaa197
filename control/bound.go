package control

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"ebbgate/policy"
)

const (
	// MaxLimits bounds the limits a Status carries for one service.
	MaxLimits = 100
	// MaxBlocks bounds the blocks a Status carries for one service.
	MaxBlocks = 100
)

// HeaviestLimits returns a new list of the MaxLimits limits whose sources hold most, heaviest
// first and equal ones by address, so that equal input gives equal output.
func HeaviestLimits(limits []Limit) []Limit {
	sorted := append(make([]Limit, 0, len(limits)), limits...)
	slices.SortFunc(sorted, func(a, b Limit) int {
		return cmp.Or(cmp.Compare(b.Held, a.Held), policy.ComparePrefix(a.Source, b.Source))
	})
	return slices.Clip(sorted[:min(len(sorted), MaxLimits)])
}

// NewestBlocks returns a new list of the MaxBlocks blocks that began last, the newest first and
// equal ones by address.
func NewestBlocks(blocks []Block) []Block {
	sorted := append(make([]Block, 0, len(blocks)), blocks...)
	slices.SortFunc(sorted, func(a, b Block) int {
		return cmp.Or(b.Since.Compare(a.Since.Time), policy.ComparePrefix(a.Source, b.Source))
	})
	return slices.Clip(sorted[:min(len(sorted), MaxBlocks)])
}

// PortsText writes ports as the policy file does, without spaces: "80,443,8000-8010".
func PortsText(ports []policy.PortRange) string {
	var b strings.Builder
	for i, r := range ports {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(r.First)))
		if r.Last != r.First {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(r.Last)))
		}
	}
	return b.String()
}

// bounded returns a copy of s that keeps the promises of the wire: lists bounded and sorted, none
// null. It shares what it need not change.
func (s *Status) bounded() *Status {
	c := *s
	c.Services = make([]Service, len(s.Services))
	for i, v := range s.Services {
		v.LimitsTotal = max(v.LimitsTotal, len(v.Limits))
		v.Limits = HeaviestLimits(v.Limits)
		v.BlocksTotal = max(v.BlocksTotal, len(v.Blocks))
		v.Blocks = NewestBlocks(v.Blocks)
		v.Attacks = boundedAttacks(v.Attacks)
		v.Listeners = notNil(v.Listeners)
		v.Addresses = notNil(v.Addresses)
		v.Begun = notNil(v.Begun)
		c.Services[i] = v
	}
	c.Exempt = notNil(s.Exempt[:min(len(s.Exempt), MaxExempt)])
	c.Admins.Ports = notNil(s.Admins.Ports)
	c.Admins.Addresses = notNil(s.Admins.Addresses)
	c.Table.Features = notNil(s.Table.Features)
	c.Table.Fallbacks = notNil(s.Table.Fallbacks)
	c.Table.Sets = notNil(s.Table.Sets)
	c.Faults = notNil(s.Faults)
	c.Modes = notNil(s.Modes)
	c.Turns.Within = notNil(s.Turns.Within)
	if s.Reload != nil {
		c.Reload = s.Reload.bounded()
	}
	return &c
}

// bounded returns a copy of r of which no list is null.
func (r *Reload) bounded() *Reload {
	c := *r
	c.Warnings, c.Problems = notNil(r.Warnings), notNil(r.Problems)
	return &c
}

// boundedAttacks returns a copy of which no list is null.
func boundedAttacks(attacks []Attack) []Attack {
	c := append(make([]Attack, 0, len(attacks)), attacks...)
	for i := range c {
		c[i].Top = notNil(c[i].Top)
		c[i].Changes = notNil(c[i].Changes)
	}
	return c
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// bounded returns a copy of a of which no list is null.
func (a *Attacks) bounded() *Attacks {
	return &Attacks{At: a.At, Attacks: boundedAttacks(a.Attacks), More: a.More}
}

// bounded returns a copy of e of which no list is null.
func (e *Explanation) bounded() *Explanation {
	c := *e
	c.Exempt = notNil(e.Exempt)
	c.Services = append(make([]ServiceExplanation, 0, len(e.Services)), e.Services...)
	for i := range c.Services {
		s := &c.Services[i]
		s.Exempt, s.Next = notNil(s.Exempt), notNil(s.Next)
		s.Prefixes, s.Limits, s.Blocks = notNil(s.Prefixes), notNil(s.Limits), notNil(s.Blocks)
	}
	return &c
}
