package enforcer

import (
	"fmt"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Counts are the packets the kernel turned away for one service since its counters were made, or
// would have turned away in shadow mode. Each counter begins at 0 when the answer it belongs to
// appears, whatever becomes of the others.
type Counts struct {
	Refused uint64 // by the refuse set
	Held    uint64 // by connlimit
	Blocked uint64 // of blocked sources, whatever the packets were
	Dropped uint64 // SYNs beyond the rate of their source
}

// Counts reads the counters of all services from the kernel, by service. Without a table the
// answer is empty.
func (t *Table) Counts() (map[string]Counts, error) {
	if !t.have.Present {
		return nil, nil
	}
	all, err := t.counters()
	if err != nil {
		return nil, err
	}
	counts := make(map[string]Counts)
	for name, packets := range all {
		i := strings.LastIndexByte(name, '_')
		if i < 0 {
			continue
		}
		c := counts[name[:i]]
		switch name[i+1:] {
		case "refused":
			c.Refused = packets
		case "held":
			c.Held = packets
		case "blocked":
			c.Blocked = packets
		case "dropped":
			c.Dropped = packets
		default:
			continue
		}
		counts[name[:i]] = c
	}
	return counts, nil
}

// counters reads the packets of every named counter of the table.
func (t *Table) counters() (map[string]uint64, error) {
	objects, err := t.conn.GetNamedObjects(t.table)
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	packets := make(map[string]uint64, len(objects))
	for _, o := range objects {
		if named, ok := o.(*nftables.NamedObj); ok {
			if counter, ok := named.Obj.(*expr.Counter); ok {
				packets[named.Name] = counter.Packets
			}
		}
	}
	return packets, nil
}
