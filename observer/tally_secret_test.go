package observer

import "testing"

// TestNobodyCanChooseWhoCollides takes addresses that all fall into one place of the table, as an attacker would choose
// who knew its key, and counts again: now they are spread as any others.
func TestNobodyCanChooseWhoCollides(t *testing.T) {
	const mask, wanted = tallyStart - 1, 500
	var table tally
	place := func(a address) uint64 { return table.hash(0, a, 32) & mask }
	table.reset(1, tallyStart)
	var chosen []address
	for ip := uint64(10 << 24); len(chosen) < wanted; ip++ {
		if a := (address{lo: any4.lo | ip}); place(a) == 0 {
			chosen = append(chosen, a)
		}
	}
	table.reset(1, tallyStart)
	places := make(map[uint64]int)
	for _, a := range chosen {
		places[place(a)]++
	}
	most := 0
	for _, n := range places {
		most = max(most, n)
	}
	// At random 395 of the 1,024 places are taken, by six at most as a rule.
	if len(places) < 300 || most > 20 {
		t.Errorf("%d addresses fall into %d places, %d of them into one", wanted, len(places), most)
	}
}
