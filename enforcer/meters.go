package enforcer

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"ebbgate/internal/setdump"
	"ebbgate/policy"
)

// Meters reads what the SYN meters in the kernel show, by service. It reads the counters and the
// small lists of sources over their rate, never the sets of all sources, so that its cost is
// bounded whatever comes in: a list that is full is marked so. Proven is left false: the table does
// not know. Without a meter, or if somebody removed the table, the answer is empty.
func (t *Table) Meters() ([]policy.SYNMeter, error) {
	var meters []policy.SYNMeter
	var counts map[string]uint64
	for _, name := range t.metered() {
		var err error
		if counts == nil {
			if counts, err = t.counters(); err != nil {
				return nil, err
			}
		}
		m := policy.SYNMeter{Service: name, SYNs: counts[name+"_syns"], Over: counts[name+"_over"], Unmetered: counts[name+"_unmetered"]}
		for _, f := range families {
			err = errors.Join(err, t.list(&m, findSet(&t.have.Ruleset, name+"_over"+f.suffix)))
		}
		if err != nil {
			return nil, fmt.Errorf("read SYN meter of service %q: %w", name, err)
		}
		slices.SortFunc(m.Sources, func(a, b policy.SYNSource) int { return policy.ComparePrefix(a.Source, b.Source) })
		m.Sources = slices.CompactFunc(m.Sources, func(a, b policy.SYNSource) bool { return a.Source == b.Source })
		meters = append(meters, m)
	}
	return meters, nil
}

// metered returns the names of the services that have a meter in the kernel, in their order.
func (t *Table) metered() []string {
	var names []string
	for i := range t.have.Ruleset.Chains {
		if name, ok := strings.CutSuffix(t.have.Ruleset.Chains[i].Name, "_meter"); ok {
			names = append(names, name)
		}
	}
	return names
}

// list adds the sources of one family that are over their rate. A dump that was disturbed shows
// fewer, until the next.
func (t *Table) list(m *policy.SYNMeter, s *Set) error {
	n := 0
	err := t.sets.Dump(setdump.Request{Table: TableName, Set: s.Name}, func(e *setdump.Element) {
		if addr, ok := netip.AddrFromSlice(e.Key); ok && n < int(s.Size) {
			n++
			m.Sources = append(m.Sources, policy.SYNSource{Source: netip.PrefixFrom(addr, s.Bits), Over: e.Packets})
		}
	})
	m.Full = m.Full || n >= int(s.Size)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, setdump.ErrInterrupted) {
		return nil
	}
	return err
}
