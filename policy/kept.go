package policy

import "time"

// Moment is one moment on both clocks, of one boot.
type Moment struct {
	Boot string  // what tells this boot from others; empty: not known
	At   Instant // since that boot
	Wall int64   // Unix nanoseconds
}

// Kept is what of a State outlasts the daemon and the boot: what was done to sources, what the operator
// ordered, and what numbers attacks. It is read from a file, and nothing in it may be relied on before
// Restore has looked at it.
type Kept struct {
	Saved   Moment // when it was true
	Attacks uint64
	Seed    uint64
	Blocks  []BlockState
	Exempt  []Exemption
	Modes   []HandMode
	Policy  string // hash of the policy file by which was decided; empty: not known
	Ended   bool   // the daemon came to its end in order, and was not killed
}

// Keep returns what is to be kept of a state. It shares the state's lists, which nobody changes.
func (s *State) Keep(now Moment) Kept {
	return Kept{Saved: now, Attacks: s.Attacks, Seed: s.Seed, Blocks: s.Blocks, Exempt: s.Exempt, Modes: s.Modes}
}

// Lasting returns the modes by hand that hold again under the policy file of that hash, and those that are over
// though the operator did not say so. A mode that passes traffic holds again: until its time, and one without a time
// if the daemon did not end in order, for then nobody asked for that end. One that enforces holds until its time and
// only if the policy file is the one it was set under: nobody has watched another one in that mode.
func (k *Kept) Lasting(hash string) (lasting, over []HandMode) {
	for _, m := range k.Modes {
		switch {
		case m.Mode == Shadow && (m.Until != 0 || !k.Ended), m.Mode == Enforce && m.Until != 0 && hash != "" && hash == k.Policy:
			lasting = append(lasting, m)
		case m.Until != 0 || !k.Ended:
			over = append(over, m)
		}
	}
	return lasting, over
}

// longestOff is for how long at most a machine is believed to have been off: as long as the longest block
// lasts, jitter included. What says more is a clock that is wrong by far.
const longestOff = MaxBlockFor + MaxBlockFor/10 + day

// since returns how much time has passed from when k was saved. Within one boot the clock of the boot
// tells. After another boot the wall clocks do, within two bounds. It is at least as long as this boot has
// lasted, even if the wall clock went back: no block gets longer than it was. And it is no more than that
// if the wall clock has leapt by more than longestOff: a clock that is wrong ends no block.
func (k *Kept) since(now Moment) time.Duration {
	if k.sameBoot(now) {
		return now.At.Sub(k.Saved.At)
	}
	up := time.Duration(max(now.At, 0))
	off := time.Duration(now.Wall - k.Saved.Wall)
	leapt := now.Wall < k.Saved.Wall || off < 0 || off > longestOff
	if leapt {
		return up
	}
	return max(off, up)
}

// sameBoot reports whether the instants in k are those of now's clock.
func (k *Kept) sameBoot(now Moment) bool {
	return k.Saved.Boot != "" && k.Saved.Boot == now.Boot && k.Saved.At <= now.At && k.Saved.At >= 0
}

// shift is what turns the instants in k into those of now's clock.
func (k *Kept) shift(now Moment) Instant {
	if k.sameBoot(now) {
		return 0
	}
	return now.At - Instant(k.since(now)) - k.Saved.At
}
