package e2e

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"ebbgate/internal/lab"
)

// stopper is an attack under way.
type stopper interface{ Stop() error }

// soakAttack begins one attack, from sources it picks.
type soakAttack func(k *soak, random *rand.Rand) ([]stopper, error)

// soakAttacks are the six kinds.
func soakAttacks() []soakAttack {
	return []soakAttack{soakConnections, soakDistributed, soakChurn, soakSYNs(5), soakSYNs(60_000), soakHang}
}

// attack lets the kinds follow each other in changing order until over: in one round one at a time, in the
// next two together, with peace in between.
func (k *soak) attack(random *rand.Rand, over <-chan struct{}) {
	length := min(max(k.length/240, 2*time.Second), 10*time.Second)
	for round := 0; ; round++ {
		together := 1
		if k.length > soakShort {
			together += round % 2
		}
		order := random.Perm(len(soakAttacks()))
		for ; len(order) > 0; order = order[together:] {
			var running []stopper
			for _, i := range order[:together] {
				begun, err := soakAttacks()[i](k, random)
				if err != nil {
					k.note("attack %d: %v", i, err)
				}
				running = append(running, begun...)
				k.mu.Lock()
				k.acts++
				k.mu.Unlock()
			}
			ended := pause(length, over)
			for _, r := range running {
				if err := r.Stop(); err != nil {
					k.note("stop an attack: %v", err)
				}
			}
			if ended || pause(length/2, over) {
				return
			}
		}
	}
}

// pause waits, and tells whether it is over.
func pause(d time.Duration, over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	case <-time.After(d):
		return false
	}
}

// window picks n neighbours of the first 60,000 addresses, other ones each time.
func window(random *rand.Rand, all []netip.Addr, n int) []netip.Addr {
	from := random.IntN(len(all) - n)
	return all[from : from+n]
}

func soakConnections(k *soak, random *rand.Rand) ([]stopper, error) {
	four, err4 := lab.StartHoard(k.t.Context(), k.Attackers, lab.HoardConfig{Target: v4(), Total: 1500, Rate: 12000,
		Sources: window(random, lab.AttackRange().IPv4(60_000), 8), Payload: lab.PartialRequest()})
	six, err6 := lab.StartHoard(k.t.Context(), k.Attackers, lab.HoardConfig{Target: v6(), Total: 500, Rate: 6000,
		Sources: lab.AttackRange().OneSubnet(500)})
	return bothParts(err4, err6, four, six)
}

func soakDistributed(k *soak, _ *rand.Rand) ([]stopper, error) {
	four, err4 := lab.StartHoard(k.t.Context(), k.Attackers, lab.HoardConfig{Target: v4(), PerSource: 5, Rate: 6000,
		Sources: lab.AttackRange().SpreadIPv4(20, 15), Payload: lab.PartialRequest()})
	six, err6 := lab.StartHoard(k.t.Context(), k.Attackers, lab.HoardConfig{Target: v6(), PerSource: 5, Rate: 2000,
		Sources: lab.AttackRange().SpreadIPv6(5, 20)})
	return bothParts(err4, err6, four, six)
}

// bothParts returns both parts of an attack, or the errors.
func bothParts(err4, err6 error, four, six *lab.Hoard) ([]stopper, error) {
	if err := errors.Join(err4, err6); err != nil {
		return nil, err
	}
	return []stopper{four, six}, nil
}

func soakChurn(k *soak, random *rand.Rand) ([]stopper, error) {
	c, err := lab.StartChurn(k.t.Context(), k.Attackers, lab.ChurnConfig{Target: v4(), Rate: 3000, AtOnce: 1000,
		Sources: window(random, lab.AttackRange().IPv4(60_000), 8)})
	if err != nil {
		return nil, err
	}
	return []stopper{c}, nil
}

// soakSYNs floods with forged SYNs of so many sources: few are a SYN flood, many a spoofed one.
func soakSYNs(sources int) soakAttack {
	return func(k *soak, random *rand.Rand) ([]stopper, error) {
		s, err := lab.StartSpoof(k.t.Context(), k.Attackers, lab.SpoofConfig{Target: v4(), Rate: 15_000,
			Sources: window(random, lab.SpoofRange().IPv4(65_000), sources)})
		if err != nil {
			return nil, err
		}
		return []stopper{s}, nil
	}
}

// hung is a server that accepts nothing until Stop.
type hung struct{ server *lab.Server }

func (h hung) Stop() error {
	h.server.Resume()
	return nil
}

func soakHang(k *soak, _ *rand.Rand) ([]stopper, error) {
	k.server.Stall()
	return []stopper{hung{k.server}}, nil
}
