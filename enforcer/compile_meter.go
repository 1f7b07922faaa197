package enforcer

import (
	"fmt"
	"time"

	"ebbgate/policy"
)

const (
	// meterLife is how long the kernel remembers a source that sends no SYN any more, and overLife
	// how long it lists one that keeps to its rate again.
	meterLife = 10 * time.Second
	overLife  = 3 * time.Second
	// meterSources bounds the sources a meter tells apart, of each family. Real clients of one
	// service in ten seconds are fewer; the forged ones of a flood are not, and fill it, which tells
	// as much as their list would. An element takes about 200 bytes of the kernel's memory.
	meterSources = 1 << 16
)

// meter adds what meters a service's SYNs: one set of all sources with a rate limit each, which
// feeds a small one of those over it. Only the small one is ever read. Nothing is turned away.
func (c *compiler) meter(pt *part) {
	syns, over, listed, unmetered := pt.name("syns"), pt.name("over"), pt.name("overlisted"), pt.name("unmetered")
	// The kernel reports counters in the order of their names, as they are made: what is listed is
	// read after what is over, so that it never seems to lack what came in between.
	c.out.Counters = append(c.out.Counters, syns, over, listed, unmetered)
	c.out.Sets = append(c.out.Sets, leases(pt, "meter", pt.meter.Until))
	chain := Chain{Name: pt.name("meter"), Rules: []Rule{rule(counted(syns))}}
	for _, f := range families {
		bits := c.bits(f)
		rates, list := pt.name("rate"+f.suffix), pt.name("over"+f.suffix)
		scope := fmt.Sprint(pt.meter.Max)
		c.out.Sets = append(c.out.Sets,
			Set{Name: rates, Key: f.key, Life: meterLife, Scope: scope, Bits: bits, Size: meterSources},
			Set{Name: list, Key: f.key, Life: overLife, Scope: scope, Bits: bits, Size: policy.MaxSYNSources / uint32(len(families))})
		chain.Rules = append(chain.Rules,
			rule(f.faster(rates, bits, pt.meter.Max), counted(over), f.listed(list, bits), counted(listed)),
			// A source that is not in the set although it was just put there found it full.
			rule(f.missing(rates, bits), counted(unmetered)))
	}
	c.out.Chains = append(c.out.Chains, chain)
}
