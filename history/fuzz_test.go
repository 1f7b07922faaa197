package history

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"ebbgate/policy"
)

// FuzzStored reads arbitrary bytes as what may be stored: none of it may hurt, and what passes for a block is
// written as it was read. Restored, it is a state that Step can go on from.
func FuzzStored(f *testing.F) {
	b := blocks(1)[0]
	b.Note = "for the night"
	f.Add(blockKey(&b), blockValue(&b), int64(1<<40), int64(0))
	s := attack(1, noon).Series
	f.Add(attackKey(1), s.encode(), int64(0), noon.UnixNano())
	f.Add([]byte("web\x00\x00\x00\x00\x00\x00"), []byte{1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, int64(-1), int64(-1))
	p, err := policy.Parse("test", []byte("mode = \"enforce\"\n[[service]]\nname = \"web\"\nports = [80]\nconnections.per_source = 10\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key, value []byte, at, wall int64) {
		if s, err := readSeries(value); err == nil {
			if again, err := readSeries(s.encode()); err != nil || len(again.samples) != len(s.samples) {
				t.Errorf("a series of %d samples is read again as %d, %v", len(s.samples), len(again.samples), err)
			}
		}
		_, _ = readAttack(key, value)
		b, err := readBlock(key, value)
		if err != nil {
			return
		}
		if again, err := readBlock(blockKey(&b), blockValue(&b)); err != nil || !reflect.DeepEqual(again, b) {
			t.Errorf("%+v is read again as %+v, %v", b, again, err)
		}
		now := policy.Moment{Boot: "b", At: policy.Instant(time.Hour), Wall: noon.UnixNano()}
		state, _ := policy.Restore(p, policy.Kept{Saved: policy.Moment{Boot: "a", At: policy.Instant(at), Wall: wall}, Blocks: []policy.BlockState{b, b}}, now)
		for turn := range 3 {
			o := policy.Observation{At: now.At + policy.Instant(turn)*policy.Instant(time.Second), Wall: now.Wall}
			var d policy.Decision
			state, d = policy.Step(p, state, o)
			for _, one := range d.Blocks {
				if left := one.Until.Sub(o.At); left <= 0 || left > policy.MaxBlockFor*5/4 {
					t.Errorf("a block lasts for another %v", left)
				}
			}
		}
	})
}

func TestBlockOfAnyFamily(t *testing.T) {
	for _, source := range []string{"0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "2001:db8::1/128", "::/0"} {
		b := blocks(1)[0]
		b.Source = mustPrefix(t, source)
		got, err := readBlock(blockKey(&b), blockValue(&b))
		if err != nil || got != b {
			t.Errorf("%s is read as %+v, %v", source, got, err)
		}
	}
	b := blocks(1)[0]
	key, value := blockKey(&b), blockValue(&b)
	for i := range value {
		if _, err := readBlock(key, value[:i]); err == nil {
			t.Errorf("a block of %d of its %d bytes is taken for one", i, len(value))
		}
	}
	if _, err := readBlock(key, append(bytes.Clone(value), 0)); err == nil {
		t.Error("a block with more behind it is taken for one")
	}
	for i := range key {
		if _, err := readBlock(key[:i], value); err == nil {
			t.Errorf("a key of %d of its %d bytes is taken for one", i, len(key))
		}
	}
}
