package enforcer

import (
	"cmp"
	"slices"
	"time"

	"ebbgate/policy"
)

// TableName is the one table we ever touch, in family inet (P3).
const TableName = "ebbgate"

// Ruleset is the whole content of our table as a value. The zero value means that there is no
// table. Slices are sorted by name, so that equal rulesets are equal data.
type Ruleset struct {
	Counters []string
	Sets     []Set
	Chains   []Chain
}

// Empty reports whether r asks for no table at all.
func (r *Ruleset) Empty() bool { return len(r.Counters)+len(r.Sets)+len(r.Chains) == 0 }

// Hook is where a base chain hangs in the packet's path.
type Hook string

// The hooks we use, by the names nft gives them; "" marks a chain that is only jumped to.
const (
	Prerouting Hook = "prerouting"
	Input      Hook = "input"
	Output     Hook = "output"
)

// Chain is a list of rules.
type Chain struct {
	Name     string
	Hook     Hook
	Priority int // of a base chain; see nft(8), PRIORITY
	Rules    []Rule
}

// KeyType is the type of a set's keys, by the name nft gives it.
type KeyType string

// The key types we use.
const (
	IPv4Addr    KeyType = "ipv4_addr"
	IPv6Addr    KeyType = "ipv6_addr"
	InetService KeyType = "inet_service"
	NFProto     KeyType = "nf_proto"
	IPv4End     KeyType = "ipv4_addr . inet_service"
	IPv6End     KeyType = "ipv6_addr . inet_service"
)

// Set is a named set, or a verdict map if Map is set.
type Set struct {
	Name     string
	Key      KeyType
	Map      bool   // elements lead to a chain
	Interval bool   // elements are ranges and last for ever
	Timeout  bool   // every element has a timeout
	Limit    int    // of a set filled by the kernel with connlimit expressions: their count; else 0
	Scope    string // of a set filled by the kernel: what it counts; it must not outlive a change of that
	Bits     int    // of a set filled by the kernel: prefix length of its keys

	Life     time.Duration // of a set filled by the kernel: how long an element stays unless seen again; 0: for ever
	Size     uint32        // most elements it holds; 0 for constant sets
	Elements []Element
}

// Element is one key of a set.
type Element struct {
	Key   Key
	End   Key            // last key of a range in an interval set
	Until policy.Instant // when the kernel drops it by itself; 0: never
	Chain string         // in a verdict map: where to jump
}

// same reports whether two definitions are equal.
func (s *Set) same(o *Set) bool {
	return s.Name == o.Name && s.Key == o.Key && s.Map == o.Map && s.Interval == o.Interval &&
		s.Timeout == o.Timeout && s.Limit == o.Limit && s.Scope == o.Scope && s.Bits == o.Bits &&
		s.Life == o.Life && s.Size == o.Size
}

// sort puts everything into the one order in which equal rulesets are equal data.
func (r *Ruleset) sort() {
	slices.Sort(r.Counters)
	slices.SortFunc(r.Sets, func(a, b Set) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Chains, func(a, b Chain) int { return cmp.Compare(a.Name, b.Name) })
	for i := range r.Sets {
		order := func(a, b Element) int { return compareKeys(a.Key, b.Key) }
		if e := r.Sets[i].Elements; !slices.IsSortedFunc(e, order) {
			slices.SortFunc(e, order)
		}
	}
}

// clone returns a copy that shares no slice with r but the expressions of its rules.
func (r *Ruleset) clone() Ruleset {
	c := Ruleset{Counters: slices.Clone(r.Counters), Sets: slices.Clone(r.Sets), Chains: slices.Clone(r.Chains)}
	for i := range c.Sets {
		c.Sets[i].Elements = slices.Clone(c.Sets[i].Elements)
	}
	for i := range c.Chains {
		c.Chains[i].Rules = slices.Clone(c.Chains[i].Rules)
	}
	return c
}

// Tracks reports whether the ruleset switches conntrack on.
func (r *Ruleset) Tracks() bool { return findChain(r, "hold") != nil }
