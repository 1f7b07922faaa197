package history

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"ebbgate/control"
	"ebbgate/policy"
)

// Record is an attack and how it went.
type Record struct {
	Attack control.Attack
	Series Series
}

// Config is where a Store keeps what, and for how long.
type Config struct {
	Path string
	Keep time.Duration // how long an attack that ended is kept
	Boot string        // what tells this boot from others
	Wall func() time.Time
}

// Store is the database. Save, Ended and Err never wait for the disk; all but Close may be called from any goroutine.
type Store struct {
	config Config

	mu      sync.Mutex    // held for as long as it takes to copy a few words
	wake    chan struct{} // capacity 1: there is something to be written
	end     chan struct{} // closed by Close
	closed  chan struct{} // closed when the last has been written
	next    pending
	ended   []Record // that wait, the oldest first; at most maxWaiting
	dropped int
	failing error // why nothing could be written, the last time
	notice  error // what happened when it was opened, or later to the file

	db     *bolt.DB // nil: there is none
	fixed  bool     // it can only be read
	broken bool     // it was found to be damaged, and the library may hold its locks for ever
	saved  saved    // belongs to the writer, as do these
	file   os.FileInfo

	pruned   time.Time // when old attacks were removed last
	unpruned error     // what kept them from being removed then
}

// pending is what the writer is to write next; newer state takes the place of older.
type pending struct {
	kept  policy.Kept
	given bool // there is a state at all
	open  []Record
}

// saved is what the file holds.
type saved struct {
	current []byte              // the bucket of blocks that counts
	bucket  []byte              // the same, if it is of this boot and holds blocks and nothing else
	blocks  []policy.BlockState // in it
	rest    []byte              // the value of keyRest, but for when it was saved
	at      time.Time           // when that was written
}

// Restored is what an earlier run left.
type Restored struct {
	Kept  policy.Kept
	Ended []control.Attack // the newest, by number, the newest first; at most control.MaxEnded
	More  bool             // there are older ones
}

// openWait bounds how long the start of the daemon waits for the disk.
const openWait = 5 * time.Second

// Open opens the database, makes it where there is none, and reads what an earlier run left. It always
// returns a Store, and waits for the disk no longer than five seconds: what went wrong is told by Err, and a
// Store without a file keeps nothing.
func Open(c Config) (*Store, Restored) {
	type opening struct {
		store    *Store
		restored Restored
	}
	done := make(chan opening, 1) // capacity 1: one that comes too late waits for nobody
	go func() {
		s, r := open(c)
		done <- opening{s, r}
	}()
	select {
	case o := <-done:
		go o.store.run()
		return o.store, o.restored
	case <-time.After(openWait):
		s := newStore(c)
		s.notice = fmt.Errorf("open history %q: the disk did not answer for %v; nothing is kept until the daemon is restarted", c.Path, openWait)
		go s.run()
		return s, Restored{}
	}
}

func newStore(c Config) *Store {
	return &Store{config: c, wake: make(chan struct{}, 1), end: make(chan struct{}), closed: make(chan struct{})}
}

func open(c Config) (*Store, Restored) {
	s := newStore(c)
	var l loaded
	db, notice, err := openFile(c.Path)
	if err == nil {
		if l, err = load(db); errors.Is(err, errDamaged) {
			_ = guarded(db.Close) // nothing of it was changed
			if notice, err = setAside(c.Path, err); err == nil {
				var more error
				db, more, err = openFile(c.Path)
				notice, l = errors.Join(notice, more), loaded{}
			}
		}
	}
	s.notice = errors.Join(notice, err)
	if err == nil {
		s.db, s.fixed = db, db.IsReadOnly()
		s.file, _ = os.Stat(c.Path) // nil: it is gone already, which missing tells
		s.adopt(&l)
	}
	return s, Restored{Kept: l.kept, Ended: l.ended, More: l.more}
}

// adopt takes note of what the file holds. What is of another boot, or in part unreadable, is written anew.
func (s *Store) adopt(l *loaded) {
	s.saved.current = l.bucket
	if !l.unread && l.kept.Saved.Boot == s.config.Boot {
		s.saved.bucket, s.saved.blocks = l.bucket, l.kept.Blocks
	}
	for i := range l.closed {
		s.ended = append(s.ended, Record{Attack: l.closed[i]})
	}
}
