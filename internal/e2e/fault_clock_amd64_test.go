package e2e

import (
	"fmt"
	"testing"
	"time"

	"ebbgate/control"
)

// TestWallClockIsStepped puts the program's wall clock ahead by a day and behind by a year while a flood is
// held: limits and blocks go by another clock, and go on.
func TestWallClockIsStepped(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", true)
	hand := "198.51.100.7"
	f.order("block", hand, "--for", "1h")
	const day = 24 * time.Hour
	for _, ahead := range []time.Duration{26 * time.Hour, -400 * day, 0} {
		before := f.daemon.status()
		f.StepClock(ahead)
		f.awaitStatusLong(fmt.Sprintf("the clock is %v ahead", ahead), func(s *control.Status) error {
			if off := time.Until(s.At.Time) - ahead; off < -time.Minute || off > time.Minute {
				return fmt.Errorf("it is %v off", off)
			}
			return nil
		})
		// Several leases' worth of renewals, and more than a turn.
		f.awaitStatusLong("twenty turns more", func(s *control.Status) error {
			if n := s.Turns.Count - before.Turns.Count; n < 20 {
				return fmt.Errorf("%d", n)
			}
			return limiting(floodSources)(s)
		})
		f.awaitWell()
		shop := f.daemon.status().Services[0]
		if len(shop.Blocks) != 1 || shop.Blocks[0].Source.Addr().String() != hand {
			t.Fatalf("blocks %+v", shop.Blocks)
		}
		if left := time.Duration(shop.Blocks[0].Left); left > time.Hour || left < 55*time.Minute {
			t.Errorf("with the clock %v ahead an hour's block has %v left", ahead, left)
		}
	}
	f.checkInnocent()
}
