package enforcer

import (
	"fmt"

	"github.com/google/nftables"
)

// Change is what others did to the kernel's rules since the last Look.
type Change struct {
	Lost  bool // our table is gone: flushed or deleted by somebody else
	Track bool // whether another table uses conntrack has changed
}

// Look notices what others did. It costs one short question while nothing changed. The table's
// loss is no error: the next Diff builds it anew.
func (t *Table) Look() (Change, error) {
	var c Change
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
		if t.tracked, err = t.track.rules(); err != nil {
			return c, err
		}
		t.gen = gen
	}
	legacy, err := t.track.legacy()
	if err != nil {
		return c, err
	}
	now := t.tracked || legacy
	c.Track = now != t.env.OthersTrack
	t.env.OthersTrack = now
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
