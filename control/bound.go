package control

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"ebbgate/policy"
)

// MaxLimits bounds the limits a Status carries for one service.
const MaxLimits = 100

// HeaviestLimits returns a new list of the MaxLimits limits whose sources hold most, heaviest
// first and equal ones by address, so that equal input gives equal output.
func HeaviestLimits(limits []Limit) []Limit {
	sorted := append(make([]Limit, 0, len(limits)), limits...)
	slices.SortFunc(sorted, func(a, b Limit) int {
		return cmp.Or(cmp.Compare(b.Held, a.Held), policy.ComparePrefix(a.Source, b.Source))
	})
	return slices.Clip(sorted[:min(len(sorted), MaxLimits)])
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

// bounded returns a copy of s that keeps the promises of the wire: limits bounded and sorted, no
// list null. It shares what it need not change.
func (s *Status) bounded() *Status {
	c := *s
	c.Services = make([]Service, len(s.Services))
	for i, v := range s.Services {
		v.LimitsTotal = max(v.LimitsTotal, len(v.Limits))
		v.Limits = HeaviestLimits(v.Limits)
		v.Listeners = notNil(v.Listeners)
		v.Addresses = notNil(v.Addresses)
		c.Services[i] = v
	}
	c.Table.Features = notNil(s.Table.Features)
	c.Table.Fallbacks = notNil(s.Table.Fallbacks)
	c.Faults = notNil(s.Faults)
	return &c
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
