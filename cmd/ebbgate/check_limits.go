package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"ebbgate/control"
	"ebbgate/policy"
)

// checkColumns is the widest line of the summary.
const checkColumns = 100

// checkedService is what check says of one service. Of a limit, 0 says that there is none.
type checkedService struct {
	Name         string             `json:"name"`
	Mode         policy.Mode        `json:"mode"`
	Ports        string             `json:"ports"`
	PerSource    int                `json:"per_source"`
	PerPrefix    []checkedPrefix    `json:"per_prefix"`
	NewPerSource int                `json:"new_per_source"` // a second
	SYNPerSource int                `json:"syn_per_source"` // a second
	Capacity     int                `json:"capacity"`
	Overrides    int                `json:"overrides"`   // prefixes
	BlockAfter   control.Duration   `json:"block_after"` // 0: never
	BlockFor     []control.Duration `json:"block_for"`
	NotSet       []string           `json:"not_set"` // keys of limits that are absent, so not enforced
}

type checkedPrefix struct {
	IPv4  int `json:"ipv4,omitempty"`
	IPv6  int `json:"ipv6,omitempty"`
	Limit int `json:"limit"`
}

func checkService(s *policy.Service) checkedService {
	c := checkedService{Name: s.Name, Mode: s.Mode, Ports: control.PortsText(s.Ports),
		PerSource: s.Connections.PerSource, PerPrefix: []checkedPrefix{},
		NewPerSource: s.Rate.NewPerSource, SYNPerSource: s.Rate.SYNPerSource, Capacity: s.Capacity,
		Overrides: len(s.Overrides), BlockAfter: control.Duration(s.Response.BlockAfter), BlockFor: []control.Duration{},
		NotSet: notSet(s)}
	for _, l := range s.Connections.PerPrefix {
		prefix := checkedPrefix{IPv4: l.Bits, Limit: l.Max}
		if l.IPv6 {
			prefix.IPv4, prefix.IPv6 = 0, l.Bits
		}
		c.PerPrefix = append(c.PerPrefix, prefix)
	}
	for _, d := range s.Response.BlockFor {
		c.BlockFor = append(c.BlockFor, control.Duration(d))
	}
	return c
}

// notSet returns the keys of the limits that a service does not have.
func notSet(s *policy.Service) []string {
	keys := []string{}
	for _, limit := range []struct {
		key string
		set bool
	}{
		{"per_source", s.Connections.PerSource > 0},
		{"per_prefix", len(s.Connections.PerPrefix) > 0},
		{"new_per_source", s.Rate.NewPerSource > 0},
		{"syn_per_source", s.Rate.SYNPerSource > 0},
		{"capacity", s.Capacity > 0},
	} {
		if !limit.set {
			keys = append(keys, limit.key)
		}
	}
	return keys
}

// writeService writes a service, its limits and what follows on them, a line or more for each.
func writeService(w io.Writer, s *policy.Service) {
	writeWrapped(w, fmt.Sprintf("  %-16s %-8s ports ", s.Name, s.Mode), strings.ReplaceAll(control.PortsText(s.Ports), ",", ", "))
	for _, row := range []struct{ label, text string }{
		{"each source", eachSource(s)},
		{"each prefix", eachPrefix(s)},
		{"overrides", overridesText(len(s.Overrides))},
		{"in all", inAll(s)},
		{"blocks", blocksText(s)},
		{"not set", strings.Join(notSet(s), ", ")},
	} {
		if row.text != "" {
			writeWrapped(w, fmt.Sprintf("    %-14s ", row.label), row.text)
		}
	}
}

func eachSource(s *policy.Service) string {
	var limits []string
	for _, limit := range []struct {
		most int
		what string
	}{
		{s.Connections.PerSource, "connections"},
		{s.Rate.NewPerSource, "new connections a second"},
		{s.Rate.SYNPerSource, "SYNs a second under SYN pressure"},
	} {
		if limit.most > 0 {
			limits = append(limits, fmt.Sprintf("%d %s", limit.most, limit.what))
		}
	}
	return atMost(limits)
}

func eachPrefix(s *policy.Service) string {
	var limits []string
	for _, l := range s.Connections.PerPrefix {
		family := "IPv4"
		if l.IPv6 {
			family = "IPv6"
		}
		limits = append(limits, fmt.Sprintf("%d connections in an %s /%d", l.Max, family, l.Bits))
	}
	return atMost(limits)
}

func atMost(limits []string) string {
	if len(limits) == 0 {
		return ""
	}
	return "at most " + strings.Join(limits, ", ")
}

func overridesText(n int) string {
	if n == 0 {
		return ""
	}
	return number(n, "prefix with limits of its own", "prefixes with limits of their own")
}

func inAll(s *policy.Service) string {
	if s.Capacity == 0 {
		return ""
	}
	return fmt.Sprintf("a capacity of %s, shared fairly when it runs out", number(s.Capacity, "connection", "connections"))
}

// blocksText says when and for how long a source is blocked, where there is a limit it can be over.
func blocksText(s *policy.Service) string {
	r := &s.Response
	switch {
	case s.Connections.PerSource == 0 && len(s.Connections.PerPrefix) == 0 && s.Rate.NewPerSource == 0 && len(s.Overrides) == 0:
		return ""
	case r.BlockAfter == 0:
		return "never"
	}
	steps := make([]string, len(r.BlockFor))
	for i, d := range r.BlockFor {
		steps[i] = policy.Brief(d)
	}
	return fmt.Sprintf("after %s over a limit: for %s", policy.Brief(r.BlockAfter), strings.Join(steps, ", then "))
}

// writeWrapped writes a label and a text behind it, broken between words at checkColumns.
func writeWrapped(w io.Writer, label, text string) {
	line := label
	for i, word := range strings.Fields(text) {
		space := " "
		if i == 0 {
			space = ""
		} else if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > checkColumns {
			fmt.Fprintln(w, line)
			line, space = strings.Repeat(" ", utf8.RuneCountInString(label)), ""
		}
		line += space + word
	}
	fmt.Fprintln(w, line)
}
