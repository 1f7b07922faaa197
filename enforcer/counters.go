package enforcer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Counts are the packets the kernel turned away for one service since its counters were made, or
// would have turned away in shadow mode. Each counter begins at 0 when the answer it belongs to
// appears, whatever becomes of the others.
type Counts struct {
	Refused uint64 // by the refuse set
	Held    uint64 // by connlimit
	Blocked uint64 // of blocked sources, whatever the packets were
	Dropped uint64 // SYNs beyond the rate of their source
	Proxied uint64 // SYNs that SYNPROXY answered
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
		service, suffix := owner(name)
		c := counts[service]
		switch suffix {
		case "refused":
			c.Refused = packets
		case "held":
			c.Held = packets
		case "blocked":
			c.Blocked = packets
		case "dropped":
			c.Dropped = packets
		case "proxied":
			c.Proxied = packets
		default:
			continue
		}
		counts[service] = c
	}
	return counts, nil
}

// counters reads the packets of every named counter of the table.
func (t *Table) counters() (map[string]uint64, error) {
	packets := make(map[string]uint64)
	err := insist(func() error {
		return t.lists.each(kindCounter, func(f *fields) error {
			if f.u32(unix.NFTA_OBJ_TYPE) == unix.NFT_OBJECT_COUNTER {
				data := f.nested(unix.NFTA_OBJ_DATA)
				packets[f.text(unix.NFTA_OBJ_NAME)] = data.u64(unix.NFTA_COUNTER_PACKETS)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	return packets, nil
}

// insist takes a reading anew that others' changes interrupt, listTries times in all.
func insist(read func() error) error {
	var err error
	for range listTries {
		if err = read(); !errors.Is(err, nlwire.ErrInterrupted) {
			break
		}
	}
	return err
}
