package inetdiag

import "testing"

func TestHolds(t *testing.T) {
	for state := State(0); state <= 12; state++ {
		for _, inode := range []uint32{0, 77} {
			for _, timer := range []uint8{0, 1, TimerTimeWait} {
				want := state == Established || state == CloseWait || (state == FinWait1 || state == FinWait2) && inode != 0
				want = want && timer != TimerTimeWait
				s := &Socket{State: state, Inode: inode, Timer: timer}
				if got := s.Holds(); got != want {
					t.Errorf("%v, inode %d, timer %d: Holds = %t, want %t", state, inode, timer, got, want)
				}
				if s.Holds() && !Holding.Has(state) {
					t.Errorf("%v holds a slot, but is not among the states asked for", state)
				}
			}
		}
	}
}
