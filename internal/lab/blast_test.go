package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func TestBlastReachesTheVictim(t *testing.T) {
	l := newLab(t)
	must(StartServer(t.Context(), l.Victim, server80(1)))(t)
	b := must(NewBlast(l.Attackers, v4(80), SpoofRange().IPv4(60_000)))(t)
	defer b.Close()
	before := must(l.Victim.Counter("Tcp", "InSegs"))(t)
	sent, took, err := b.Run(t.Context(), 50*time.Millisecond)
	if err != nil || sent < batchSize || took <= 0 || took > time.Minute {
		t.Fatalf("%d sent in %v of CPU time, error %v", sent, took, err)
	}
	// A full backlog on the way drops some.
	await(t, fmt.Sprintf("half of %d frames at the victim", sent), func() bool {
		return must(l.Victim.Counter("Tcp", "InSegs"))(t)-before >= sent/2
	})
}

func TestBlastUsesItsSources(t *testing.T) {
	for _, n := range []int{1, 5, 60_000} {
		b := &Blast{spoof: Spoof{config: SpoofConfig{Target: v4(80), Sources: SpoofRange().IPv4(n)}}}
		b.spoof.frame = newSynFrame(make([]byte, 6), make([]byte, 6), v4(80))
		b.fill(rand.New(rand.NewPCG(3, 4)))
		seen := make(map[netip.Addr]int)
		for _, batch := range b.batches {
			for i := range batchSize {
				frame := batch.frame(i)
				seen[netip.AddrFrom4([4]byte(frame[etherLen+12:]))]++
			}
		}
		most := blastFrames/n + 1
		for a, times := range seen {
			if times > most {
				t.Errorf("%d sources: %v comes %d times of %d", n, a, times, blastFrames)
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d sources come", len(seen), n)
		}
	}
}

func TestBlastRefusesAndEnds(t *testing.T) {
	l := newLab(t)
	if _, err := NewBlast(l.Attackers, v4(80), nil); err == nil {
		t.Error("a blast of nobody is taken")
	}
	if _, err := NewBlast(l.Victim, v4(80), SpoofRange().IPv4(1)); err == nil {
		t.Error("a blast of the victim on itself is taken")
	}
	b := must(NewBlast(l.Attackers, v4(80), SpoofRange().IPv4(1)))(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.Run(ended, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was ended", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := b.Run(t.Context(), time.Minute); err == nil {
		t.Error("a closed blast sends")
	}
}
