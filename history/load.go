package history

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"ebbgate/control"
	"ebbgate/policy"
)

// loaded is what a file holds.
type loaded struct {
	kept   policy.Kept
	bucket []byte // of the blocks; nil: none
	unread bool   // something in it is no block
	ended  []control.Attack
	more   bool             // attacks, older than those
	closed []control.Attack // of those, the ones that were open when the file was last written
}

// rest is what is kept beside the blocks.
type rest struct {
	Saved   policy.Moment
	Attacks uint64
	Seed    uint64
	Exempt  []policy.Exemption
	Modes   []policy.HandMode
	Policy  string `json:",omitempty"`
	Ended   bool   `json:",omitempty"`
}

// load reads what is kept, and the newest attacks. Those that were open are over: nobody watched them on.
func load(db *bolt.DB) (l loaded, err error) {
	err = guarded(func() error {
		return db.View(func(tx *bolt.Tx) error {
			meta := tx.Bucket(bucketMeta)
			if meta == nil || tx.Bucket(bucketAttacks) == nil || tx.Bucket(bucketSeries) == nil {
				return damaged("it is no history of ebbgate")
			}
			if v := meta.Get(keySchema); !bytes.Equal(v, []byte(schema)) {
				return damaged("it has format %.20q, and this version of ebbgate reads format %s", v, schema)
			}
			if err := l.state(tx, meta); err != nil {
				return err
			}
			l.attacks(tx)
			return nil
		})
	})
	return l, err
}

// state reads what is restored. A block that is none is left out.
func (l *loaded) state(tx *bolt.Tx, meta *bolt.Bucket) error {
	v := meta.Get(keyRest)
	if v == nil {
		return nil
	}
	var x rest
	if err := json.Unmarshal(v, &x); err != nil {
		return damaged("what is kept cannot be read: %v", err)
	}
	l.kept = policy.Kept{Saved: x.Saved, Attacks: x.Attacks, Seed: x.Seed, Exempt: x.Exempt, Modes: x.Modes, Policy: x.Policy, Ended: x.Ended}
	l.bucket = bytes.Clone(meta.Get(keyBlocks))
	blocks := tx.Bucket(l.bucket)
	if blocks == nil {
		l.bucket = nil
		return nil
	}
	l.kept.Blocks, l.unread = readBlocks(blocks)
	return nil
}

// readBlocks reads all blocks of a bucket, in their order. unread reports whether something in it is none.
func readBlocks(bucket *bolt.Bucket) (list []policy.BlockState, unread bool) {
	c := bucket.Cursor()
	for key, v := c.First(); key != nil; key, v = c.Next() {
		b, err := readBlock(key, v)
		if err != nil || len(list) == policy.MaxMaxBlocks {
			unread = true
			continue
		}
		list = append(list, b)
	}
	slices.SortFunc(list, policy.CompareBlocks)
	return list, unread
}

// attacks reads the newest, and sees to it that none is overwritten by another of its number.
func (l *loaded) attacks(tx *bolt.Tx) {
	if last, _ := tx.Bucket(bucketAttacks).Cursor().Last(); len(last) == 8 {
		l.kept.Attacks = max(l.kept.Attacks, binary.BigEndian.Uint64(last))
	}
	l.ended, l.more = listAttacks(tx, math.MaxUint64, control.MaxEnded, func(*control.Attack) bool { return true })
	for i := range l.ended {
		if a := &l.ended[i]; a.Ended.IsZero() {
			closeOff(a, l.kept.Saved.Wall)
			l.closed = append(l.closed, *a)
		}
	}
	slices.Reverse(l.closed)
}

// closeOff ends an attack that was open when the daemon that watched it wrote for the last time.
func closeOff(a *control.Attack, wall int64) {
	a.Ended, a.EndedWhy = control.TimeOf(time.Unix(0, wall)), "ebbgate ended while it was open"
	if a.Ended.Before(a.Since.Time) {
		a.Ended = a.Since
	}
}

// attackKey is where an attack and its series are stored, in the order of the numbers.
func attackKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// listAttacks reads up to most attacks that are wanted and have numbers less than before, the newest first.
// more reports whether there are others.
func listAttacks(tx *bolt.Tx, before uint64, most int, wanted func(*control.Attack) bool) (list []control.Attack, more bool) {
	c := tx.Bucket(bucketAttacks).Cursor()
	step := c.Prev
	if at, _ := c.Seek(attackKey(before)); at == nil {
		step = c.Last
	}
	for key, v := step(); key != nil; key, v = c.Prev() {
		a, ok := readAttack(key, v)
		if !ok || !wanted(&a) {
			continue
		}
		if len(list) == most {
			return list, true
		}
		list = append(list, a)
	}
	return list, false
}

// readAttack reads an attack, and reports whether it is the one of that key.
func readAttack(key, v []byte) (a control.Attack, ok bool) {
	err := json.Unmarshal(v, &a)
	return a, err == nil && len(key) == 8 && a.ID == strconv.FormatUint(binary.BigEndian.Uint64(key), 10)
}
