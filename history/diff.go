package history

import "ebbgate/policy"

// change is one block that is to be written, or removed.
type change struct {
	block *policy.BlockState
	gone  bool
}

// differences returns what turns one list of blocks into another, both sorted by service and source. They
// refer to the lists.
func differences(was, now []policy.BlockState) []change {
	if len(was) == len(now) && (len(now) == 0 || &was[0] == &now[0]) {
		return nil
	}
	var out []change
	for len(was) > 0 || len(now) > 0 {
		switch order := compareHeads(was, now); {
		case order < 0:
			out, was = append(out, change{&was[0], true}), was[1:]
		case order > 0:
			out, now = append(out, change{&now[0], false}), now[1:]
		default:
			if kept(&was[0]) != kept(&now[0]) {
				out = append(out, change{&now[0], false})
			}
			was, now = was[1:], now[1:]
		}
	}
	return out
}

// compareHeads says which of two lists has the next block; one that has ended comes last.
func compareHeads(a, b []policy.BlockState) int {
	switch {
	case len(b) == 0:
		return -1
	case len(a) == 0:
		return 1
	}
	return policy.CompareBlocks(a[0], b[0])
}

// kept returns a block without what is not kept of it: with each census that changes.
func kept(b *policy.BlockState) policy.BlockState {
	k := *b
	k.Close, k.Counted = false, 0
	return k
}
