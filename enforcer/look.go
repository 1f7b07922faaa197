package enforcer

import "ebbgate/internal/boottime"

// Change is what others did to the kernel's rules since the last Look.
type Change struct {
	Lost  bool // our table is gone: flushed or deleted by somebody else
	Track bool // whether another table uses conntrack has changed
}

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
	if now := boottime.Now(); t.stale && (t.scanned == 0 || now.Sub(t.scanned) >= t.track.pause) {
		found, sure, err := t.track.users()
		if err != nil {
			t.known = false
			return c, err
		}
		t.scanned = now
		if sure {
			t.tracked, t.stale = found, false
		} else if !t.known {
			return c, nil
		}
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
