package enforcer

import (
	"errors"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nlwire"
)

// Change is what others did to the kernel's rules since the last Look.
type Change struct {
	Lost  bool // our table is gone, or is not as we made it: flushed, deleted or changed by somebody else
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
		switch {
		case !t.have.Present:
		case found == nil:
			c.Lost = true
			t.have = Have{Known: true}
		default:
			c.Lost, err = t.altered(found)
			if errors.Is(err, nlwire.ErrInterrupted) {
				return c, nil // by whoever changes rules at this moment; the next look asks again
			}
			if err != nil {
				return c, err
			}
			if c.Lost {
				t.have = Have{Present: true}
			}
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
