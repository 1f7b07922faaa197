package enforcer

import (
	"fmt"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Counts are the packets the kernel turned away for one service since its counters were made, or
// would have turned away in shadow mode.
type Counts struct {
	Refused uint64 // by the refuse set
	Held    uint64 // by connlimit
}

// Counts reads the counters of all services from the kernel, by service. Without a table the
// answer is empty.
func (t *Table) Counts() (map[string]Counts, error) {
	if !t.have.Present {
		return nil, nil
	}
	objects, err := t.conn.GetNamedObjects(t.table)
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	counts := make(map[string]Counts)
	for _, o := range objects {
		named, ok := o.(*nftables.NamedObj)
		if !ok {
			continue
		}
		counter, ok := named.Obj.(*expr.Counter)
		i := strings.LastIndexByte(named.Name, '_')
		if !ok || i < 0 {
			continue
		}
		c := counts[named.Name[:i]]
		switch named.Name[i+1:] {
		case "refused":
			c.Refused = counter.Packets
		case "held":
			c.Held = counter.Packets
		}
		counts[named.Name[:i]] = c
	}
	return counts, nil
}
