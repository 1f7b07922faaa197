package policy

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/BurntSushi/toml"
)

// Parse reads a policy file that was read into src; name stands for the file in messages. It is
// strict: what it does not know, or what lies outside its range, makes the whole file invalid.
// The error is then of type Problems and holds everything that is wrong (P10), except that a file
// which is not TOML is reported up to its first syntax error. Parse keeps no part of src.
func Parse(name string, src []byte) (*Policy, error) {
	p := &parser{problems: problemList{file: name}, keys: rawKeys(reflect.TypeFor[rawPolicy](), "")}
	raw, ok := p.decode(src)
	if !ok {
		return nil, p.problems.err()
	}
	policy := p.policy(raw)
	if err := p.problems.err(); err != nil {
		return nil, err
	}
	return policy, nil
}

// parser turns one file into a Policy and collects what is wrong with it. Its methods return the
// default where a value is absent or wrong, so that one mistake is reported once.
type parser struct {
	problems problemList
	at       positions
	keys     []string // every key there is, by its full name
}

// problem adds a problem of the key at path, on the line of that key or of what would hold it.
func (p *parser) problem(path, format string, args ...any) {
	p.problems.add(p.at.line(path), path, fmt.Sprintf(format, args...))
}

// decode reads src as TOML into the raw types. It returns false if the file cannot be read at all.
func (p *parser) decode(src []byte) (*rawPolicy, bool) {
	if len(src) > MaxFileSize {
		p.problems.add(0, "", fmt.Sprintf("is %d bytes long, must be at most %d", len(src), MaxFileSize))
		return nil, false
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		p.problems.add(1+bytes.Count(src[:i], []byte{'\n'}), "", "holds a NUL byte, must be UTF-8 text")
		return nil, false
	}
	src = bytes.Clone(bytes.TrimPrefix(src, []byte("\ufeff")))
	var ok bool
	if p.at, ok = indexPositions(src, &p.problems); !ok {
		return nil, false
	}
	var tree map[string]any
	if _, err := toml.Decode(string(src), &tree); err != nil {
		p.notTOML(err)
		return nil, false
	}
	raw := &rawPolicy{}
	p.fillTable("", tree, reflect.ValueOf(raw).Elem())
	return raw, true
}

// notTOML adds the problem the decoder found in a file whose syntax tree could be built: a table
// defined twice, a date or a number that is none.
func (p *parser) notTOML(err error) {
	line, text := 1, err.Error()
	var at toml.ParseError
	if errors.As(err, &at) {
		line, text = at.Position.Line, at.Message
	}
	p.problems.add(line, "", "is not valid TOML: "+text)
}

func (p *parser) policy(raw *rawPolicy) *Policy {
	mode := p.mode("mode", raw.Mode, Shadow)
	observe := p.observe(&raw.Observe)
	return &Policy{
		Exempt: Exempt{
			Prefixes:  p.exempt("exempt.prefixes", raw.Exempt.Prefixes),
			SSHGroups: p.sshGroups("exempt.ssh_groups", raw.Exempt.SSHGroups),
		},
		Observe:  observe,
		Limits:   p.limits(&raw.Limits),
		Services: p.services(raw.Service, mode, &observe),
		Control:  p.control(&raw.Control),
		Metrics:  p.metrics(&raw.Metrics),
		History:  p.history(&raw.History),
	}
}

func (p *parser) limits(raw *rawLimits) Limits {
	l := Limits{MaxBlocks: p.integer("limits.max_blocks", raw.MaxBlocks, DefaultMaxBlocks, MinMaxBlocks, MaxMaxBlocks)}
	p.word("limits.conntrack", raw.Conntrack, &l.Conntrack)
	return l
}

func (p *parser) observe(raw *rawObserve) Observe {
	o := Observe{
		Tick:       p.duration("observe.tick", raw.Tick, DefaultTick, MinTick, MaxTick),
		CPUBudget:  p.share("observe.cpu_budget", raw.CPUBudget),
		MaxSources: p.integer("observe.max_sources", raw.MaxSources, DefaultMaxSources, MinMaxSources, MaxMaxSources),
		IPv6Source: p.integer("observe.ipv6_source", raw.IPv6Source, DefaultIPv6Source, MinIPv6Source, MaxIPv6Source),

		SYNPressure: p.rate("observe.syn_pressure", raw.SYNPressure, DefaultSYNPressure, MinSYNPressure, MaxSYNPressure),
	}
	p.word("observe.meters", raw.Meters, &o.Meters)
	return o
}
