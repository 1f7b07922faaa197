package history

import (
	"errors"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"ebbgate/control"
)

var errNone = errors.New("no history is kept: its file could not be opened; ebbgate status tells why")

// view reads the file. What cannot be read is an error that says so.
func (s *Store) view(f func(*bolt.Tx)) error {
	if s.db == nil {
		return errNone
	}
	err := guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			f(tx)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read history %q: %w", s.config.Path, err)
	}
	return nil
}

// Attacks returns up to most attacks that are wanted and have numbers less than before, the newest first,
// and whether there are more. It reads the disk.
func (s *Store) Attacks(before uint64, most int, wanted func(*control.Attack) bool) (list []control.Attack, more bool, err error) {
	err = s.view(func(tx *bolt.Tx) { list, more = listAttacks(tx, before, most, wanted) })
	return list, more, err
}

// Attack returns the attack of a number, or nil if it is not kept. It reads the disk.
func (s *Store) Attack(id uint64) (found *control.Attack, err error) {
	key := attackKey(id)
	err = s.view(func(tx *bolt.Tx) {
		if v := tx.Bucket(bucketAttacks).Get(key); v != nil {
			if a, ok := readAttack(key, v); ok {
				found = &a
			}
		}
	})
	return found, err
}

// Samples returns how the attack of a number went, or nil if that is not kept. Of one that is open it is
// some seconds old. It reads the disk.
func (s *Store) Samples(id uint64) (found *control.Samples, err error) {
	key := attackKey(id)
	err = s.view(func(tx *bolt.Tx) {
		v := tx.Bucket(bucketSeries).Get(key)
		if v == nil {
			return
		}
		if series, err := readSeries(v); err == nil {
			found = &control.Samples{ID: strconv.FormatUint(id, 10), Step: control.Duration(series.step), Samples: series.samples}
		}
	})
	return found, err
}
