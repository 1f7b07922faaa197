package history

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"ebbgate/control"
	"ebbgate/policy"
)

// wall is a clock that a test sets.
type wall struct{ at time.Time }

func (w *wall) now() time.Time { return w.at }

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func config(t testing.TB) Config {
	t.Helper()
	return Config{Path: filepath.Join(t.TempDir(), "state", "history.db"), Keep: 90 * 24 * time.Hour, Boot: "boot one", Wall: (&wall{noon}).now}
}

// blocks returns so many blocks as a State has them.
func blocks(n int) []policy.BlockState {
	list := make([]policy.BlockState, n)
	for i := range list {
		addr := netip.AddrFrom4([4]byte{198, 18 + byte(i>>16), byte(i >> 8), byte(i)})
		list[i] = policy.BlockState{Service: "web", Source: netip.PrefixFrom(addr, 32), Cause: policy.ConnectionFlood, Mode: policy.Enforce,
			Peak: 250, Strikes: 2, Since: policy.Instant(i), Until: 1 << 50, Decay: 1 << 51,
			Reason: policy.Reason{Rule: "connections.per_source", Measured: 250, Threshold: 100, At: 7}}
	}
	return list
}

func keptOf(list []policy.BlockState) policy.Kept {
	return policy.Kept{Saved: policy.Moment{Boot: "boot one", At: 1 << 40, Wall: noon.UnixNano()}, Attacks: 7, Seed: 9, Blocks: list,
		Exempt: []policy.Exemption{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Until: 1 << 50, Reason: "office"}},
		Modes:  []policy.HandMode{{Service: "web", Mode: policy.Shadow, Until: 1 << 45}}, Policy: "5ad0", Ended: true}
}

func attack(id uint64, ended time.Time) Record {
	r := Record{Attack: control.Attack{ID: strconv.FormatUint(id, 10), Service: "web", Kind: policy.ConnectionFlood, Mode: policy.Enforce,
		Since: control.TimeOf(noon.Add(-time.Hour)), Ended: control.TimeOf(ended),
		Top: []control.PrefixCount{{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Sources: 3, Held: 900}}}}
	for i := range 5 {
		r.Series.Add(control.Sample{At: control.TimeOf(noon.Add(time.Duration(i) * time.Second)), Held: 100 * i, Queue: i})
	}
	return r
}

// opened opens a store that must have nothing to complain of.
func opened(t testing.TB, c Config) (*Store, Restored) {
	t.Helper()
	s, r := Open(c)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func closed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsSavedIsRestored(t *testing.T) {
	c := config(t)
	s, r := opened(t, c)
	if !reflect.DeepEqual(r, Restored{}) {
		t.Errorf("a new history restores %+v", r)
	}
	want := keptOf(blocks(3 * maxBatch / 2))
	want.Blocks[0].Note, want.Blocks[0].Left, want.Blocks[0].Close, want.Blocks[0].Counted = "\x1b[31m", true, true, 5
	six := want.Blocks[1]
	six.Source, six.Service = netip.MustParsePrefix("2001:db8::/64"), "web2"
	want.Blocks = append(want.Blocks, six)
	s.Save(want, []Record{attack(6, time.Time{})})
	s.Ended([]Record{attack(5, noon)})
	closed(t, s)

	info, err := os.Stat(c.Path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	s, r = opened(t, c)
	want.Blocks[0].Close, want.Blocks[0].Counted = false, 0
	if !reflect.DeepEqual(r.Kept, want) {
		t.Errorf("restored %+v", r.Kept)
	}
	if len(r.Ended) != 2 || r.More || r.Ended[0].ID != "6" || r.Ended[1].ID != "5" {
		t.Fatalf("restored attacks %+v", r.Ended)
	}
	if a := r.Ended[0]; !a.Ended.Equal(noon) || a.EndedWhy != "ebbgate ended while it was open" {
		t.Errorf("an attack that was open ended %v, because %q", a.Ended, a.EndedWhy)
	}
	if a := r.Ended[1]; !a.Ended.Equal(noon) || a.EndedWhy != "" || !reflect.DeepEqual(a.Top, attack(5, noon).Attack.Top) {
		t.Errorf("restored %+v", a)
	}
	samples, err := s.Samples(5)
	if err != nil || samples == nil || len(samples.Samples) != 5 || samples.Samples[4].Held != 400 || samples.Step != control.Duration(time.Second) {
		t.Errorf("samples %+v, %v", samples, err)
	}
	closed(t, s)
}

// What is another boot's is written whole, once, and the blocks of before go.
func TestAnotherBootReplacesTheBlocks(t *testing.T) {
	c := config(t)
	for i, boot := range []string{"one", "two", "three", "three"} {
		c.Boot = boot
		s, r := opened(t, c)
		if want := i * 10; len(r.Kept.Blocks) != want {
			t.Errorf("boot %s: %d blocks, want %d", boot, len(r.Kept.Blocks), want)
		}
		k := keptOf(blocks((i + 1) * 10))
		k.Saved.Boot = boot
		s.Save(k, nil)
		closed(t, s)
		if got := buckets(t, c.Path); got != 4 {
			t.Errorf("boot %s: %d buckets, want meta, attacks, series and one of blocks", boot, got)
		}
	}
}

func buckets(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := mapFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func([]byte, *bolt.Bucket) error { n++; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitWritten waits until the writer has nothing to do.
func awaitWritten(t *testing.T, s *Store, done func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("it is not written: %v", s.Err())
		}
	}
}

// A block that changes costs its own writing, not that of all.
func TestOnlyChangesAreWritten(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	s.Save(keptOf(blocks(20000)), nil)
	awaitWritten(t, s, func() bool { return countBlocks(s) == 20000 })
	list := blocks(20000)
	for i := range list {
		list[i].Counted = 99 // as each census finds
	}
	list[77].Strikes++
	list = append(list[:500], list[501:]...)
	s.Save(keptOf(list), nil)
	awaitWritten(t, s, func() bool { return countBlocks(s) == 19999 })
	if changes := differences(blocks(20000), list); len(changes) != 2 || changes[0].gone || !changes[1].gone {
		t.Errorf("two changes are %+v", changes)
	}
	closed(t, s)
	s, r := opened(t, c)
	if r.Kept.Blocks[77].Strikes != 3 || r.Kept.Blocks[500].Source != blocks(502)[501].Source {
		t.Error("the changes are not restored")
	}
	closed(t, s)
}

func countBlocks(s *Store) (n int) {
	_ = s.view(func(tx *bolt.Tx) {
		if b := tx.Bucket(tx.Bucket(bucketMeta).Get(keyBlocks)); b != nil {
			n = b.Stats().KeyN
		}
	})
	return n
}

func TestNumbersAreNeverGivenTwice(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	s.Ended([]Record{attack(41, noon)}) // and no state was saved after it
	closed(t, s)
	s, r := opened(t, c)
	if r.Kept.Attacks != 41 {
		t.Errorf("the next attack is numbered after %d", r.Kept.Attacks)
	}
	closed(t, s)
}

func TestAttacksOfTheArchive(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	for i := range uint64(250) {
		s.Ended([]Record{attack(i+1, noon)})
	}
	closed(t, s)
	s, r := opened(t, c)
	defer closed(t, s)
	if len(r.Ended) != control.MaxEnded || !r.More || r.Ended[0].ID != "250" || r.Ended[99].ID != "151" {
		t.Errorf("%d attacks from %s", len(r.Ended), r.Ended[0].ID)
	}
	all := func(*control.Attack) bool { return true }
	for _, c := range []struct {
		before      uint64
		most        int
		wanted      func(*control.Attack) bool
		first, last string
		n           int
		more        bool
	}{
		{1 << 63, 1000, all, "250", "1", 250, false},
		{251, 250, all, "250", "1", 250, false},
		{250, 10, all, "249", "240", 10, true},
		{11, 10, all, "10", "1", 10, false},
		{1 << 63, 2, func(a *control.Attack) bool { return len(a.ID) == 1 }, "9", "8", 2, true},
	} {
		list, more, err := s.Attacks(c.before, c.most, c.wanted)
		if err != nil || len(list) != c.n || more != c.more || list[0].ID != c.first || list[len(list)-1].ID != c.last {
			t.Errorf("before %d: %d attacks, %v, %v", c.before, len(list), more, err)
		}
	}
	if list, more, err := s.Attacks(1, 10, all); err != nil || len(list) != 0 || more {
		t.Errorf("before the first: %d, %v, %v", len(list), more, err)
	}
	if a, err := s.Attack(17); err != nil || a == nil || a.ID != "17" {
		t.Errorf("attack 17 is %+v, %v", a, err)
	}
	if a, err := s.Attack(251); err != nil || a != nil {
		t.Errorf("attack 251 is %+v, %v", a, err)
	}
}

func TestTooManyThatWaitAreCounted(t *testing.T) {
	s := newStore(config(t)) // whose writer never runs
	var all []Record
	for i := range maxWaiting + 3 {
		all = append(all, attack(uint64(i+1), noon))
	}
	s.Ended(all)
	if err := s.Err(); err == nil || len(s.ended) != maxWaiting || s.ended[0].Attack.ID != "4" ||
		err.Error() != "attacks that ended and were not kept since the daemon started, because they could not be written: 3" {
		t.Errorf("%d wait, %v", len(s.ended), err)
	}
}

func TestOldAttacksGo(t *testing.T) {
	c := config(t)
	clock := &wall{noon}
	c.Wall, c.Keep = clock.now, 24*time.Hour
	s, _ := opened(t, c)
	var all []Record
	for i := range uint64(150) {
		all = append(all, attack(i+1, noon.Add(-25*time.Hour)))
	}
	all = append(all, attack(151, noon.Add(-23*time.Hour)), attack(152, time.Time{}))
	for i := range all {
		s.Ended(all[i : i+1])
	}
	s.Save(keptOf(nil), nil)
	closed(t, s) // which prunes once
	s, _ = opened(t, c)
	defer closed(t, s)
	for range 2 { // each removes 100
		if err := s.prune(); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := s.Attacks(1<<62, 1000, func(*control.Attack) bool { return true })
	if err != nil || len(list) != 2 || list[1].ID != "151" {
		t.Errorf("%d attacks are left, %v", len(list), err)
	}
	if x, err := s.Samples(3); x != nil || err != nil {
		t.Errorf("how attack 3 went is left: %v, %v", x, err)
	}
}

func ExampleSeries() {
	var s Series
	for i := range 1300 {
		s.Add(control.Sample{At: control.TimeOf(noon.Add(time.Duration(i) * time.Second)), Held: i % 100, Within: i % 100})
	}
	fmt.Println(s.step, len(s.samples), s.samples[0].Held, s.samples[0].Within, s.samples[1].At.Sub(s.samples[0].At.Time))
	// Output: 4s 325 3 0 4s
}

func mustPrefix(t *testing.T, s string) netip.Prefix {
	t.Helper()
	p, err := netip.ParsePrefix(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
