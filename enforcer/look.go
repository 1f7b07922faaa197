package enforcer

import (
	"fmt"
	"time"

	"github.com/google/nftables"

	"ebbgate/internal/boottime"
)

// Change is what others did to the kernel's rules since the last Look.
type Change struct {
	Lost  bool // our table is gone: flushed or deleted by somebody else
	Track bool // whether another table uses conntrack has changed
}

// scanEvery is the least time between two listings of everybody's rules. Their owner may change
// them many times a second, and a big host has 100,000 of them.
const scanEvery = 500 * time.Millisecond

// Look notices what others did. It costs one short question while nothing changed, and none where
// the table is neither there nor about to be (needed). The table's loss is no error: the next
// Diff builds it anew.
func (t *Table) Look(needed bool) (Change, error) {
	var c Change
	if !needed && !t.have.Present {
		return c, nil
	}
	gen, err := t.generation()
	if err != nil {
		return c, err
	}
	if gen != t.gen {
		found, err := t.find()
		if err != nil {
			return c, err
		}
		if found == nil && t.have.Present {
			c.Lost = true
			t.have = Have{Known: true}
		}
		t.gen, t.stale = gen, true
	}
	if now := boottime.Now(); t.stale && (t.scanned == 0 || now.Sub(t.scanned) >= scanEvery) {
		if t.tracked, err = t.track.rules(); err != nil {
			t.known = false
			return c, err
		}
		t.stale, t.scanned = false, now
	}
	legacy, err := t.track.legacy()
	if err != nil {
		return c, err
	}
	now := t.tracked || legacy
	c.Track = now != t.env.OthersTrack
	t.env.OthersTrack, t.known = now, true
	return c, nil
}

// generation returns the number of the ruleset's present generation. It counts every committed
// transaction of the namespace.
func (t *Table) generation() (uint32, error) {
	gen, err := t.conn.GetGen()
	if err != nil {
		return 0, fmt.Errorf("read ruleset generation: %w", err)
	}
	return gen.ID, nil
}

// find returns our table as the kernel has it, or nil.
func (t *Table) find() (*nftables.Table, error) {
	tables, err := t.conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	for _, tb := range tables {
		if tb.Name == TableName {
			return tb, nil
		}
	}
	return nil, nil
}
