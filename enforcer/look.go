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
	if !needed && !t.have.Present {
		return Change{}, nil
	}
	lost, err := t.ours()
	if errors.Is(err, nlwire.ErrInterrupted) {
		return Change{}, nil // by whoever changes rules at this moment; the next look asks again
	}
	if err != nil {
		return Change{}, err
	}
	track, err := t.others()
	return Change{Lost: lost, Track: track}, err
}

// ours reports whether our table is lost. Where anything changed since the last look, whoever did it, the
// rules of others are to be read again.
func (t *Table) ours() (lost bool, err error) {
	gen, err := t.generation()
	if err != nil || gen == t.gen {
		return false, err
	}
	if t.have.Present {
		found, err := t.find()
		if err != nil {
			return false, err
		}
		if found == nil {
			lost, t.have = true, Have{Known: true}
		} else if lost, err = t.altered(found); err != nil {
			return false, err
		} else if lost {
			t.have = Have{Present: true}
		}
	}
	t.gen, t.stale = gen, true
	return lost, nil
}

// others reports whether it has changed that another table uses conntrack. Rules are read again no sooner
// than their last reading allows.
func (t *Table) others() (changed bool, err error) {
	if now := boottime.Now(); t.stale && (t.scanned == 0 || now.Sub(t.scanned) >= t.track.pause) {
		found, sure, err := t.track.users()
		if err != nil {
			t.known = false
			return false, err
		}
		t.scanned = now
		if sure {
			t.tracked, t.stale = found, false
		} else if !t.known {
			return false, nil
		}
	}
	legacy, err := t.track.legacy()
	if err != nil {
		return false, err
	}
	was := t.othersTrack
	t.othersTrack, t.known = t.tracked || legacy != legacyNone, true
	t.assumed = !t.tracked && legacy == legacyUnseen
	return t.othersTrack != was, nil
}
