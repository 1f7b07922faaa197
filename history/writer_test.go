package history

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"ebbgate/policy"
)

// idle returns a store whose writer does not run: the test takes its rounds.
func idle(t *testing.T, c Config) *Store {
	t.Helper()
	s, _ := open(c)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	return s
}

// savedAt returns the moment that the file says was the last one.
func savedAt(t *testing.T, s *Store) policy.Moment {
	t.Helper()
	var x rest
	if err := s.db.View(func(tx *bolt.Tx) error {
		return json.Unmarshal(bytes.Clone(tx.Bucket(bucketMeta).Get(keyRest)), &x)
	}); err != nil {
		t.Fatal(err)
	}
	return x.Saved
}

// Where nothing changes, time passes nonetheless: the file says so once a minute, and not in each round.
func TestQuietTimeIsNoted(t *testing.T) {
	clock := &wall{noon}
	c := config(t)
	c.Wall = clock.now
	s := idle(t, c)
	k := keptOf(blocks(3))
	written := 0
	for before := int64(0); clock.at.Before(noon.Add(5 * time.Minute)); clock.at = clock.at.Add(time.Second) {
		k.Saved.Wall = clock.at.UnixNano()
		s.Save(k, nil)
		s.round()
		now := savedAt(t, s).Wall
		if now != before {
			written++
		}
		if late := clock.at.Sub(time.Unix(0, now)); late >= refreshEvery {
			t.Fatalf("%v after the start the moment in the file is %v old", clock.at.Sub(noon), late)
		}
		before = now
	}
	if written != 5 {
		t.Errorf("the moment was written %d times in five minutes, want 5", written)
	}
}

// A clock that was set back is noted at once: what counts is the time since.
func TestClockThatIsSetBackIsNoted(t *testing.T) {
	clock := &wall{noon}
	c := config(t)
	c.Wall = clock.now
	s := idle(t, c)
	k := keptOf(nil)
	for _, at := range []time.Time{noon, noon.Add(-time.Hour), noon.Add(-time.Hour + time.Minute)} {
		clock.at, k.Saved.Wall = at, at.UnixNano()
		s.Save(k, nil)
		s.round()
		if got := savedAt(t, s).Wall; got != at.UnixNano() {
			t.Errorf("at %v the file says %v", at, time.Unix(0, got).UTC())
		}
	}
}

// What a round could not write is told although there was nothing to remove, until a round succeeds.
func TestFailingDiskIsToldAcrossARemoval(t *testing.T) {
	c := config(t)
	s := idle(t, c)
	good := s.db
	if err := good.Close(); err != nil {
		t.Fatal(err)
	}
	readable, err := mapFile(c.Path, true)
	if err != nil {
		t.Fatal(err)
	}
	s.db = readable // it can be read, and every writing fails
	s.Save(keptOf(blocks(2)), nil)
	for i := range 3 {
		s.pruned = time.Time{} // a removal is due in each round
		s.round()
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), "write history") {
			t.Errorf("after round %d: %v", i+1, err)
		}
	}
	if err := readable.Close(); err != nil {
		t.Fatal(err)
	}
	if s.db, err = mapFile(c.Path, false); err != nil {
		t.Fatal(err)
	}
	if s.round(); s.Err() != nil {
		t.Errorf("the disk works, and yet: %v", s.Err())
	}
}

// What could not be removed is told until it is tried again, also where writing goes well meanwhile.
func TestFailingRemovalIsTold(t *testing.T) {
	clock := &wall{noon}
	c := config(t)
	c.Wall = clock.now
	s := idle(t, c)
	s.pruned, s.unpruned = time.Now(), os.ErrDeadlineExceeded
	for range 2 {
		s.Save(keptOf(nil), nil)
		if s.round(); s.Err() == nil {
			t.Error("forgotten before it was tried again")
		}
	}
	s.pruned = time.Time{}
	if s.round(); s.Err() != nil {
		t.Errorf("it was tried again, and yet: %v", s.Err())
	}
}

// A damaged file is set aside once, and Err tells it for good.
func TestDamageWhileItRuns(t *testing.T) {
	c := config(t)
	s := idle(t, c)
	s.note(damaged("a page is not what it should be"))
	for range 2 {
		s.Save(keptOf(blocks(1)), nil)
		s.round()
		err := s.Err()
		if err == nil || !strings.Contains(err.Error(), "history.db.bad-1") || !strings.Contains(err.Error(), "nothing more is kept") {
			t.Errorf("it is told: %v", err)
		}
	}
	if exists(c.Path) || !exists(c.Path+".bad-1") || exists(c.Path+".bad-2") {
		t.Error("it was not set aside, or twice")
	}
}
