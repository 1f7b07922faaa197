package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"ebbgate/policy"
)

const (
	// writeEvery is the least time between two writings of the state.
	writeEvery = time.Second
	// refreshEvery is how often it is noted that time has passed, where nothing else is written.
	refreshEvery = time.Minute
	// pruneEvery is how often old attacks are removed.
	pruneEvery = time.Minute
	// maxWaiting bounds the ended attacks that wait to be written: a disk that fails long enough loses the
	// oldest of them.
	maxWaiting = 256
	// maxBatch bounds the blocks, and maxRecords the attacks, of one transaction.
	maxBatch   = 5000
	maxRecords = 16
)

// Save hands the state over, and the attacks that are open with how they went so far; nil: as before. Of
// several states that come while one is written the last is kept. Neither may be changed afterwards.
func (s *Store) Save(k policy.Kept, open []Record) {
	s.mu.Lock()
	s.next.kept, s.next.given = k, true
	if open != nil {
		s.next.open = open
	}
	s.mu.Unlock()
	s.awake()
}

// Ended hands attacks over that ended. Beyond 256 that wait the oldest are lost, and Err says how many.
func (s *Store) Ended(records []Record) {
	if len(records) == 0 {
		return
	}
	s.mu.Lock()
	s.ended = append(s.ended, records...)
	if over := len(s.ended) - maxWaiting; over > 0 {
		s.ended = append([]Record(nil), s.ended[over:]...)
		s.dropped += over
	}
	s.mu.Unlock()
	s.awake()
}

func (s *Store) awake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Err returns what keeps the history from being complete, or nil.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lost error
	if s.dropped > 0 {
		lost = fmt.Errorf("attacks that ended and were not kept since the daemon started, because they could not be written: %d", s.dropped)
	}
	return errors.Join(s.notice, s.failing, lost)
}

// closeWait bounds how long the end of the daemon waits for the disk.
const closeWait = 3 * time.Second

// Close writes what is pending and closes the file. It waits for the disk no longer than three seconds.
// It can be called once.
func (s *Store) Close() error {
	close(s.end)
	select {
	case <-s.closed:
		return nil
	case <-time.After(closeWait):
		return fmt.Errorf("close history %q: the disk did not answer for %v: what changed last is not kept", s.config.Path, closeWait)
	}
}

// run writes until the end comes, and then once more.
func (s *Store) run() {
	defer close(s.closed)
	if s.db == nil {
		return
	}
	defer func() {
		if !s.broken { // else the end of the process closes it
			_ = guarded(s.db.Close) // all is written by then
		}
	}()
	for over := false; !over; {
		select {
		case <-s.end:
			over = true
		case <-s.wake:
		}
		s.round()
		select {
		case <-s.end:
		case <-time.After(writeEvery):
		}
	}
}

// round writes what is pending, removes what is old when that is due, and notes how both went.
func (s *Store) round() {
	if s.fixed {
		return
	}
	err := s.write()
	if now := time.Now(); now.Sub(s.pruned) >= pruneEvery {
		s.pruned, s.unpruned = now, s.prune()
	}
	s.note(errors.Join(err, s.unpruned, s.missing()))
}

// missing says that the file is not the one at its path any more: what is written to it nobody will find.
func (s *Store) missing() error {
	if now, err := os.Stat(s.config.Path); err == nil && os.SameFile(s.file, now) {
		return nil
	}
	return fmt.Errorf("history %q was removed or replaced while it was open: what is written is lost when the daemon ends; "+
		"put it back, or restart the daemon to begin a new one", s.config.Path)
}

// write writes what is pending. What could not be written is tried again with the next state.
func (s *Store) write() error {
	s.mu.Lock()
	next, ended := s.next, s.ended[:min(len(s.ended), maxWaiting)]
	s.next.open = nil
	s.mu.Unlock()
	var err error
	if next.given {
		err = s.writeState(&next.kept)
	}
	if err == nil {
		err = s.writeRecords(next.open)
	}
	for err == nil && len(ended) > 0 {
		n := min(len(ended), maxRecords)
		if err = s.writeRecords(ended[:n]); err == nil {
			s.done(ended[:n])
			ended = ended[n:]
		}
	}
	return err
}

// done takes attacks that were written from those that wait: they are the first, unless some were lost
// meanwhile.
func (s *Store) done(written []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(written) > 0 && len(s.ended) > 0 {
		if s.ended[0].Attack.ID == written[0].Attack.ID {
			s.ended = s.ended[1:]
		}
		written = written[1:]
	}
}

// note remembers whether the last round went well. A file that turns out to be damaged is
// set aside and written no more: the next start makes another.
func (s *Store) note(err error) {
	var moved error
	if errors.Is(err, errDamaged) { // before the lock: the daemon's loop takes it, and must not wait for the disk
		s.fixed, s.broken = true, true
		notice, failed := setAside(s.config.Path, err)
		moved, err = errors.Join(notice, failed, errors.New("nothing more is kept until the daemon is restarted")), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err
	if moved != nil {
		s.notice = errors.Join(s.notice, moved)
	}
}

// update runs one transaction, which is on the disk when it returns.
func (s *Store) update(f func(*bolt.Tx) error) error {
	err := guarded(func() error { return s.db.Update(f) })
	if err != nil {
		return fmt.Errorf("write history %q: %w; it is tried again", s.config.Path, err)
	}
	return nil
}

// writeState writes what differs from what the file holds: blocks first, then by what clock they are to be
// read. State of another boot is written whole beside what is there, which counts until all of it is written.
func (s *Store) writeState(k *policy.Kept) (err error) {
	defer func() {
		if err != nil {
			s.saved.rest = nil
			if !errors.Is(err, errDamaged) { // whoever meets one with the library must not ask it again
				s.reread()
			}
		}
	}()
	bucket := s.saved.bucket
	if bucket == nil {
		bucket = other(s.saved.current)
		if err := s.drop(bucket); err != nil {
			return err
		}
		s.saved.blocks = nil
	}
	changes := differences(s.saved.blocks, k.Blocks)
	now := s.config.Wall()
	bare, rest := restOf(k)
	if len(changes) == 0 && s.saved.bucket != nil && !s.saved.stale(bare, now) {
		s.saved.blocks = k.Blocks
		return nil
	}
	for last := false; !last; {
		n := min(len(changes), maxBatch)
		last = n == len(changes)
		if err = s.update(func(tx *bolt.Tx) error { return putState(tx, bucket, changes[:n], rest, last) }); err != nil {
			return err
		}
		changes = changes[n:]
	}
	old := s.saved.current
	s.saved.bucket, s.saved.current, s.saved.blocks = bucket, bucket, k.Blocks
	s.saved.rest, s.saved.at = bare, now
	if old != nil && !bytes.Equal(old, bucket) {
		return s.drop(old)
	}
	return nil
}

// reread finds out which blocks the file holds after a write of which a part may have succeeded. Where that
// cannot be read, or not all of it is blocks, everything is written anew.
func (s *Store) reread() {
	if s.saved.bucket == nil {
		return
	}
	unread := true
	err := guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			if b := tx.Bucket(s.saved.bucket); b != nil {
				s.saved.blocks, unread = readBlocks(b)
			}
			return nil
		})
	})
	if err != nil || unread {
		s.saved.bucket = nil
	}
}

// other is the bucket that is not in use.
func other(current []byte) []byte {
	if string(current) == "blocks 1" {
		return []byte("blocks 2")
	}
	return []byte("blocks 1")
}

func (s *Store) drop(bucket []byte) error {
	return s.update(func(tx *bolt.Tx) error {
		if tx.Bucket(bucket) == nil {
			return nil
		}
		return tx.DeleteBucket(bucket)
	})
}

// restOf returns the value of keyRest, bare of when it was saved and with it.
func restOf(k *policy.Kept) (bare, dated []byte) {
	x := rest{Attacks: k.Attacks, Seed: k.Seed, Exempt: k.Exempt, Modes: k.Modes, Policy: k.Policy, Ended: k.Ended}
	bare, _ = json.Marshal(x) // it has plain values only
	x.Saved = k.Saved
	dated, _ = json.Marshal(x)
	return bare, dated
}

// stale reports whether keyRest is to be written: it says something else, or was written too long ago. A clock
// that was set back makes it stale too.
func (s *saved) stale(bare []byte, now time.Time) bool {
	passed := now.Sub(s.at)
	return !bytes.Equal(bare, s.rest) || passed >= refreshEvery || passed < 0
}

// putState is one transaction. The last one says what counts.
func putState(tx *bolt.Tx, bucket []byte, changes []change, rest []byte, last bool) error {
	b, err := tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if key := blockKey(c.block); c.gone {
			err = b.Delete(key)
		} else {
			err = b.Put(key, blockValue(c.block))
		}
		if err != nil {
			return err
		}
	}
	if !last {
		return nil
	}
	meta := tx.Bucket(bucketMeta)
	return errors.Join(meta.Put(keyBlocks, bucket), meta.Put(keyRest, rest))
}

// writeRecords writes attacks, in place of what was there of them.
func (s *Store) writeRecords(records []Record) error {
	if len(records) == 0 {
		return nil
	}
	return s.update(func(tx *bolt.Tx) error {
		for i := range records {
			r := &records[i]
			id, err := strconv.ParseUint(r.Attack.ID, 10, 64)
			if err != nil {
				return fmt.Errorf("attack %q has no number", r.Attack.ID)
			}
			v, err := json.Marshal(&r.Attack)
			if err != nil {
				return err
			}
			err = tx.Bucket(bucketAttacks).Put(attackKey(id), v)
			if err == nil && len(r.Series.samples) > 0 {
				err = tx.Bucket(bucketSeries).Put(attackKey(id), r.Series.encode())
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
