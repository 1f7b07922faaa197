package ctnetlink

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Stats is how full the conntrack table is.
type Stats struct {
	Entries uint32 // of this network namespace, of all protocols
	// Max is the bound of this namespace (net.netfilter.nf_conntrack_max of the initial one);
	// 0 where the kernel does not tell (before Linux 5.8).
	Max uint32
}

const (
	statsEntries = 1 // CTA_STATS_GLOBAL_ENTRIES
	statsMax     = 2 // CTA_STATS_GLOBAL_MAX_ENTRIES
)

// Stats asks for the fill of the table, which costs a few microseconds whatever it holds. It
// matches ErrNoConntrack where there is no table.
func (c *Conn) Stats() (Stats, error) {
	var out Stats
	c.body = nlwire.AppendNetfilter(c.body[:0], unix.AF_UNSPEC, 0)
	err := c.nl.Do(&nlwire.Request{Type: getStats, Body: c.body, Answer: getStats}, out.decode)
	if err != nil {
		return Stats{}, fmt.Errorf("read the fill of conntrack: %w", explain(err))
	}
	return out, nil
}

// decode fills s from the body of the answer and reports whether it is one.
func (s *Stats) decode(b []byte) bool {
	if len(b) < nlwire.NetfilterHeader {
		return false
	}
	*s = Stats{}
	found, ok := false, true
	a := nlwire.Attrs{Rest: b[nlwire.NetfilterHeader:]}
	for ok && a.Next() {
		switch a.Kind {
		case statsEntries:
			s.Entries, ok = be32(a.Value)
			found = true
		case statsMax:
			s.Max, ok = be32(a.Value)
		}
	}
	return ok && found && a.Whole()
}
