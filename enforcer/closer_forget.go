package enforcer

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/policy"
)

// Forget has conntrack forget the connections to the services' ports, and returns how many it forgot. It
// is for hosts where nobody but us had them tracked, once we do not any more: the kernel would keep those
// whose end it no longer sees for as long as its time-outs say, five days for established ones. The
// connections themselves go on. It takes two seconds at most, and leaves the rest to time.
func (c *Closer) Forget(p *policy.Policy) (int, error) {
	if c.tracks == nil {
		return 0, nil
	}
	var entries []ctnetlink.Entry
	err := c.tracks.Dump(ctnetlink.Request{}, func(e *ctnetlink.Entry) {
		ours := func(s policy.Service) bool { return s.Serves(e.Original.To()) }
		if e.Protocol == unix.IPPROTO_TCP && e.Zone == 0 && e.ID != 0 && len(entries) < maxCandidates && slices.ContainsFunc(p.Services, ours) {
			entries = append(entries, *e)
		}
	})
	if err != nil && !errors.Is(err, ctnetlink.ErrNoConntrack) {
		return 0, fmt.Errorf("list tracked connections: %w", err)
	}
	forgotten := 0
	limit := c.now().Add(closeBudget)
	for batch := range slices.Chunk(entries, c.batch) {
		if c.now().After(limit) {
			break
		}
		forgotten += len(batch)
		err := c.tracks.Delete(batch, func(int, error) { forgotten-- })
		if err != nil {
			return forgotten - len(batch), fmt.Errorf("forget tracked connections: %w", err)
		}
	}
	return forgotten, nil
}
