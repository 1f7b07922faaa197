package enforcer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/ownaddr"
	"ebbgate/policy"
)

// forgetBudget bounds the time of one run of Forget: a block that begins meanwhile waits for it.
const forgetBudget = 200 * time.Millisecond

// Forget has conntrack forget the connections that came to the services' ports of this host, and returns
// how many it forgot, and whether some are left for another run. It is for hosts where nobody but us had
// them tracked, once we do not any more: the kernel would keep those whose end it no longer sees for as
// long as its time-outs say, five days for established ones. The connections themselves go on.
func (c *Closer) Forget(p *policy.Policy) (forgotten int, more bool, err error) {
	if c.tracks == nil {
		return 0, false, nil
	}
	own, err := ownaddr.Read()
	if err != nil {
		return 0, false, err
	}
	var entries []ctnetlink.Entry
	err = c.tracks.Dump(ctnetlink.Request{}, func(e *ctnetlink.Entry) {
		to := e.Original.To()
		serves := func(s policy.Service) bool { return s.Serves(to) }
		switch {
		case e.Protocol != unix.IPPROTO_TCP || e.Zone != 0 || e.ID == 0 || !own[to.Addr()] || !slices.ContainsFunc(p.Services, serves):
		case len(entries) < maxCandidates:
			entries = append(entries, *e)
		default:
			more = true
		}
	})
	if err != nil && !errors.Is(err, ctnetlink.ErrNoConntrack) {
		return 0, false, fmt.Errorf("list tracked connections: %w", err)
	}
	limit := c.now().Add(forgetBudget)
	for batch := range slices.Chunk(entries, c.batch) {
		if c.now().After(limit) {
			return forgotten, true, nil
		}
		gone := len(batch)
		if err := c.tracks.Delete(batch, func(int, error) { gone-- }); err != nil {
			return forgotten, true, fmt.Errorf("forget tracked connections: %w", err)
		}
		forgotten += gone
	}
	return forgotten, more, nil
}
