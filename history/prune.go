package history

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// maxAttacks bounds the attacks that are kept, by number: those numbered less than the newest by more
	// go.
	maxAttacks = 10000
	// maxUsed is from how many bytes in use on the oldest attacks go whatever their age.
	maxUsed = 256 << 20
	// maxPrune bounds the attacks that are removed at once. A clock that is wrong by years for a minute costs
	// no more than that.
	maxPrune = 100
)

// prune removes the oldest attacks that are beyond a bound.
func (s *Store) prune() error {
	var old [][]byte
	err := guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			used := tx.Size() - int64(s.db.Stats().FreePageN)*int64(s.db.Info().PageSize)
			old = outdated(tx, s.config.Wall().Add(-s.config.Keep), used > maxUsed)
			return nil
		})
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return s.update(func(tx *bolt.Tx) error {
		for _, key := range old {
			if err := tx.Bucket(bucketAttacks).Delete(key); err != nil {
				return err
			}
			if err := tx.Bucket(bucketSeries).Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// outdated returns the keys of the oldest attacks that go: what ended before a time, is beyond maxAttacks,
// or, where the file is full, is oldest. What is none of ours goes too.
func outdated(tx *bolt.Tx, before time.Time, full bool) (keys [][]byte) {
	c := tx.Bucket(bucketAttacks).Cursor()
	last, _ := c.Last()
	for key, v := c.First(); key != nil && len(keys) < maxPrune; key, v = c.Next() {
		a, ok := readAttack(key, v)
		beyond := len(key) == 8 && len(last) == 8 && binary.BigEndian.Uint64(last)-binary.BigEndian.Uint64(key) >= maxAttacks
		if ok && !beyond && !full && (a.Ended.IsZero() || !a.Ended.Before(before)) {
			break
		}
		keys = append(keys, append([]byte(nil), key...))
	}
	return keys
}
