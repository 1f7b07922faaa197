package observer

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
)

// TestBatchAgreesWithTally counts the same connections in batches and one by one, with a table
// that grows, and one that drops sources, in the middle of a batch.
func TestBatchAgreesWithTally(t *testing.T) {
	exempt := netip.MustParsePrefix("2001:db8::1/128")
	g := newGrouping((&target{ipv6Source: 64}).exempting([]netip.Prefix{exempt}), nil)
	for _, bound := range []int{300, 1 << 20} {
		for _, n := range []int{0, 1, batchSize - 1, batchSize, batchSize + 1, 30_000} {
			rnd := rand.New(rand.NewPCG(3, uint64(n)))
			var one, many tally
			var b batch
			one.reset(2, bound)
			many.reset(2, bound)
			many.key = one.key
			for range n {
				a := addressOf(randomAddr(rnd))
				if rnd.IntN(2) == 0 {
					a = addressOf(netip.AddrFrom4([4]byte{10, 0, byte(rnd.IntN(40)), byte(rnd.IntN(256))}))
				}
				service, held := rnd.IntN(2), rnd.IntN(3) > 0
				one.add(g, service, a, held)
				b.add(&many, g, service, a, held)
			}
			b.settle(&many, g)
			lists, rests := one.sources(2, 1<<20)
			gotLists, gotRests := many.sources(2, 1<<20)
			if !reflect.DeepEqual(gotLists, lists) || !reflect.DeepEqual(gotRests, rests) {
				t.Errorf("%d connections, bound %d: %v in the rest, want %v; or the sources differ", n, bound, gotRests, rests)
			}
			if n > 20_000 && bound == 300 && !many.pruned || bound > 300 && many.pruned {
				t.Errorf("%d connections, bound %d: pruned is %v", n, bound, many.pruned)
			}
			b.settle(&many, g)
			if again, _ := many.sources(2, 1<<20); !reflect.DeepEqual(again, lists) {
				t.Errorf("%d connections: settled twice, counted twice", n)
			}
		}
	}
}
