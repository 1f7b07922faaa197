package history

import (
	"os"
	"testing"
)

// BenchmarkSave100k writes 100,000 blocks that are new, as after a reboot.
func BenchmarkSave100k(b *testing.B) {
	list := blocks(100000)
	for b.Loop() {
		b.StopTimer()
		s := newStore(config(b))
		db, _, err := openFile(s.config.Path)
		if err != nil {
			b.Fatal(err)
		}
		s.db = db
		k := keptOf(list)
		b.StartTimer()
		if err := s.writeState(&k); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		info, err := os.Stat(s.config.Path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(len(list)), "bytes/block")
		_ = db.Close() // its directory goes with the benchmark
		b.StartTimer()
	}
}

// BenchmarkSaveTenOf100k writes ten changes among 100,000 blocks, as in each second of an attack.
func BenchmarkSaveTenOf100k(b *testing.B) {
	s, _ := opened(b, config(b))
	defer closed(b, s)
	k := keptOf(blocks(100000))
	if err := s.writeState(&k); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		k.Blocks = append(k.Blocks[:0:0], k.Blocks...)
		for i := range 10 {
			k.Blocks[i*9973].Strikes++
		}
		if err := s.writeState(&k); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRestore100k opens a history with 100,000 blocks: check, map, read.
func BenchmarkRestore100k(b *testing.B) {
	c := config(b)
	s, _ := opened(b, c)
	s.Save(keptOf(blocks(100000)), nil)
	closed(b, s)
	for b.Loop() {
		db, _, err := openFile(c.Path)
		if err != nil {
			b.Fatal(err)
		}
		l, err := load(db)
		if err != nil || len(l.kept.Blocks) != 100000 {
			b.Fatalf("%d blocks, %v", len(l.kept.Blocks), err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
