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
// bounded whatever comes in; a list to which nothing was added since it was found empty is not read
// again. Proven and ProvenFull are left false: the table does not know. Without a meter, or if
// somebody removed the table, the answer is empty.
func (t *Table) Meters() ([]policy.SYNMeter, error) {
	names := t.metered()
	if len(names) == 0 {
		t.idle = nil
		return nil, nil
	}
	counts, err := t.counters()
	if err != nil {
		return nil, err
	}
	meters := make([]policy.SYNMeter, 0, len(names))
	idle := make(map[string]uint64, len(names))
	for _, name := range names {
		over, listed := counts[name+"_over"], counts[name+"_overlisted"]
		m := policy.SYNMeter{Service: name, SYNs: counts[name+"_syns"], Over: over, Unlisted: over - min(over, listed),
			Unmetered: counts[name+"_unmetered"], Completed: counts[name+"_completed"],
			Completing: findChain(&t.have.Ruleset, name+"_complete") != nil}
		if was, known := t.idle[name]; !known || was != over {
			for _, f := range families {
				err = errors.Join(err, t.list(&m, findSet(&t.have.Ruleset, name+"_over"+f.suffix)))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read SYN meter of service %q: %w", name, err)
		}
		if len(m.Sources) == 0 {
			idle[name] = over
		}
		slices.SortFunc(m.Sources, func(a, b policy.SYNSource) int { return policy.ComparePrefix(a.Source, b.Source) })
		m.Sources = slices.CompactFunc(m.Sources, func(a, b policy.SYNSource) bool { return a.Source == b.Source })
		meters = append(meters, m)
	}
	t.idle = idle
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

// list adds the sources of one family that are over their rate.
func (t *Table) list(m *policy.SYNMeter, s *Set) error {
	from := len(m.Sources)
	err := insist(func() error {
		m.Sources = m.Sources[:from]
		return t.sets.Dump(setdump.Request{Table: TableName, Set: s.Name}, func(e *setdump.Element) {
			if addr, ok := netip.AddrFromSlice(e.Key); ok && len(m.Sources)-from < int(s.Size) {
				m.Sources = append(m.Sources, policy.SYNSource{Source: netip.PrefixFrom(addr, s.Bits), Over: e.Packets})
			}
		})
	})
	if errors.Is(err, unix.ENOENT) { // somebody removed the table; Look notices
		return nil
	}
	return err
}
