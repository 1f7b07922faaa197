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
// feeds a small one of those over it. Only the small one is ever read. Nothing is turned away but
// what drops says.
func (c *compiler) meter(pt *part) {
	syns, over, listed, unmetered := pt.name("syns"), pt.name("over"), pt.name("overlisted"), pt.name("unmetered")
	// The kernel reports counters in the order of their names, as they are made: what is listed is
	// read after what is over, so that it never seems to lack what came in between.
	c.out.Counters = append(c.out.Counters, syns, over, listed, unmetered)
	c.out.Sets = append(c.out.Sets, leases(pt, "meter", pt.meter.Until))
	chain := c.chain(pt, "meter")
	chain.Rules = append(chain.Rules, rule(counted(syns)))
	for _, f := range families {
		bits := c.bits(f)
		rates, list := pt.name("rate"+f.suffix), pt.name("over"+f.suffix)
		scope := fmt.Sprint(pt.meter.Max)
		c.out.Sets = append(c.out.Sets,
			Set{Name: rates, Key: f.key, Life: meterLife, Scope: scope, Bits: bits, Size: meterSources},
			Set{Name: list, Key: f.key, Life: overLife, Scope: scope, Bits: bits, Size: policy.MaxSYNSources / uint32(len(families))})
		faster := []clause{f.faster(rates, bits, pt.meter.Max), counted(over)}
		if len(pt.drops) > 0 {
			faster = append(faster, jump(pt.name("excess")))
		} else {
			faster = append(faster, f.listed(list, bits), counted(listed))
		}
		// A source that is not in the set although it was just put there found it full.
		chain.Rules = append(chain.Rules, rule(faster...), rule(f.missing(rates, bits), counted(unmetered)))
	}
	c.out.Chains = append(c.out.Chains, chain)
	if len(pt.drops) > 0 {
		c.excess(pt)
	}
}

// excess adds the chain of SYNs beyond the rate, while any source's are to be dropped: all are listed
// as without it, those of these sources then go no further. Being dropped depends on no list that may
// be full.
func (c *compiler) excess(pt *part) {
	listed, dropped := pt.name("overlisted"), pt.name("dropped")
	c.out.Counters = append(c.out.Counters, dropped)
	chain := Chain{Name: pt.name("excess")}
	for _, f := range families {
		bits, list := c.bits(f), pt.name("over"+f.suffix)
		s := Set{Name: pt.name("drop" + f.suffix), Key: f.key, Timeout: true, Size: setSpare * policy.MaxSYNSources}
		for i := range pt.drops {
			if d := &pt.drops[i]; f.of(d.Source.Addr()) && d.Source.Bits() == bits {
				s.source(pt, d.Source, d.Until)
			}
		}
		c.out.Sets = append(c.out.Sets, s)
		chain.Rules = append(chain.Rules, rule(f.listed(list, bits), counted(listed)),
			rule(f.from(s.Name, bits), counted(dropped), silently(pt)))
	}
	c.out.Chains = append(c.out.Chains, chain)
}
