package enforcer

import (
	"cmp"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
	"ebbgate/internal/setdump"
	"ebbgate/policy"
)

// typeVerdict is NFT_DATA_VERDICT of linux/netfilter/nf_tables.h.
const typeVerdict = 0xffffff00

// sets reads the definitions of the table's sets, and notes those that rules may put elements into.
func (l *lister) sets(r *Ruleset, filled map[string]bool) error {
	return l.each(kindSet, func(f *fields) error {
		const known = unix.NFT_SET_INTERVAL | unix.NFT_SET_MAP | unix.NFT_SET_TIMEOUT | unix.NFT_SET_EVAL
		flags := f.u32(unix.NFTA_SET_FLAGS)
		size := f.nested(unix.NFTA_SET_DESC)
		dynamic, timed := flags&unix.NFT_SET_EVAL != 0, flags&unix.NFT_SET_TIMEOUT != 0
		s := Set{Name: f.text(unix.NFTA_SET_NAME), Key: keyOf(f.u32(unix.NFTA_SET_KEY_TYPE)), Map: flags&unix.NFT_SET_MAP != 0,
			Interval: flags&unix.NFT_SET_INTERVAL != 0, Timeout: timed && !dynamic, Size: size.u32(unix.NFTA_SET_DESC_SIZE)}
		if dynamic && timed {
			s.Life = time.Duration(f.u64(unix.NFTA_SET_TIMEOUT)) * time.Millisecond
		}
		if s.Key == "" || flags&^known != 0 || s.Map && f.u32(unix.NFTA_SET_DATA_TYPE) != typeVerdict ||
			!dynamic && f.u64(unix.NFTA_SET_TIMEOUT) != 0 || dynamic && timed && s.Life <= 0 {
			return errNotOurs
		}
		r.Sets = append(r.Sets, s)
		if dynamic {
			filled[s.Name] = true
		}
		return nil
	})
}

// keyOf is the type of a number, or "" if no set of ours has such keys.
func keyOf(number uint32) KeyType {
	for kind, format := range keyTypes {
		if format.GetNFTMagic() == number {
			return kind
		}
	}
	return ""
}

// members reads the elements of a set that we fill.
func (t *Table) members(s *Set, now policy.Instant, stop func() bool) error {
	var ends []Key // the first keys beyond a range
	ours, length := true, int(keyTypes[s.Key].Bytes)
	err := t.sets.Dump(setdump.Request{Table: TableName, Set: s.Name, Stop: stop}, func(e *setdump.Element) {
		key, ok := keyFrom(e.Key, length)
		ours = ours && ok && (e.Expires > 0) == s.Timeout && (len(e.Jump) > 0) == s.Map
		switch {
		case e.IntervalEnd:
			ends = append(ends, key)
		case s.Timeout:
			s.Elements = append(s.Elements, Element{Key: key, Until: now.Add(e.Expires), Chain: string(e.Jump)})
		default:
			s.Elements = append(s.Elements, Element{Key: key, Chain: string(e.Jump)})
		}
	})
	if err != nil {
		return err
	}
	if !ours || len(ends) > 0 && !s.Interval {
		return errNotOurs
	}
	slices.SortFunc(s.Elements, func(a, b Element) int { return compareKeys(a.Key, b.Key) })
	// Between two reads of a large set the kernel may report an element once more.
	s.Elements = slices.CompactFunc(s.Elements, func(a, b Element) bool { return a.Key == b.Key })
	if s.Interval {
		s.close(ends)
		return nil
	}
	return t.missed(s)
}

// missed is an error where the kernel has passed over elements of a large set: it finds its place
// between two reads by counting, and loses it when elements time out meanwhile. Where the kernel does
// not tell how many there are, that stays unknown; what was passed over is then added once more,
// which changes nothing, or left to its time-out.
func (t *Table) missed(s *Set) error {
	n, told, err := t.sets.Count(TableName, s.Name)
	if err == nil && told && n > len(s.Elements) && len(s.Elements) > oneRead {
		return nlwire.ErrInterrupted
	}
	return err
}

// oneRead is a number of elements that the kernel reports at one go.
const oneRead = 200

// close gives each range its last key: the one before the next end. A range without an end lasts to
// the last key of all.
func (s *Set) close(ends []Key) {
	slices.SortFunc(ends, compareKeys)
	for i := range s.Elements {
		e := &s.Elements[i]
		at, _ := slices.BinarySearchFunc(ends, e.Key, func(end, key Key) int {
			return cmp.Or(compareKeys(end, key), -1) // an end is never of the range it precedes
		})
		if at < len(ends) {
			e.End = ends[at].before()
		} else {
			e.End = lastKey(e.Key)
		}
	}
}

// keyFrom returns a key as the kernel reports it, and false if its length is another.
func keyFrom(b []byte, length int) (Key, bool) {
	if len(b) != length {
		return Key{}, false
	}
	k := Key{length: uint8(length)}
	copy(k.bytes[:], b)
	return k, true
}

// before returns the key before k, which is not the first of all.
func (k Key) before() Key {
	for i := int(k.length) - 1; i >= 0; i-- {
		k.bytes[i]--
		if k.bytes[i] != 0xff {
			break
		}
	}
	return k
}

// lastKey returns the highest key of the same length as k.
func lastKey(k Key) Key {
	for i := range k.raw() {
		k.bytes[i] = 0xff
	}
	return k
}
