package enforcer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables/expr"
)

// Rule is one rule: its text in nft syntax, which identifies it, and the expressions which the
// kernel evaluates. Both are made together by the clauses it is built from.
type Rule struct {
	Text  string
	exprs []expr.Any
}

// clause is a part of a rule in both forms.
type clause struct {
	text  string
	exprs []expr.Any
}

// rule joins clauses, left to right.
func rule(clauses ...clause) Rule {
	var r Rule
	texts := make([]string, 0, len(clauses))
	for _, c := range clauses {
		texts = append(texts, c.text)
		r.exprs = append(r.exprs, c.exprs...)
	}
	r.Text = strings.Join(texts, " ")
	return r
}

// family distinguishes what is said once for IPv4 and once for IPv6.
type family struct {
	suffix   string  // of names of sets
	word     string  // in nft syntax
	proto    byte    // NFPROTO_* of linux/netfilter.h
	key      KeyType // of addresses
	endpoint KeyType // of addresses with ports
	source   uint32  // offset of the source address in the network header
	dest     uint32  // offset of the destination address
	length   uint32  // of an address, in bytes
}

var families = [...]family{
	{suffix: "4", word: "ip", proto: nfprotoIPv4, key: IPv4Addr, endpoint: IPv4End, source: 12, dest: 16, length: 4},
	{suffix: "6", word: "ip6", proto: nfprotoIPv6, key: IPv6Addr, endpoint: IPv6End, source: 8, dest: 24, length: 16},
}

// of reports whether addr is of this family.
func (f family) of(addr netip.Addr) bool { return addr.Is4() == (f.proto == nfprotoIPv4) }

// bits is the length of a whole address.
func (f family) bits() int { return int(f.length) * 8 }

// masked returns how a key of that many bits of an address is written: "saddr" alone when the
// whole address is the key.
func (f family) masked(field string, bits int) string {
	if bits >= f.bits() {
		return f.word + " " + field
	}
	m, _ := netip.AddrFromSlice(mask(int(f.length), bits))
	return fmt.Sprintf("%s %s & %s", f.word, field, m)
}

// mask returns length bytes with the first bits set.
func mask(length, bits int) []byte {
	m := make([]byte, length)
	for i := range m {
		m[i] = ^byte(0xff >> min(8, max(0, bits-8*i)))
	}
	return m
}

// refersToAny reports whether the rule needs any of the sets and chains named.
func (r *Rule) refersToAny(names map[string]bool) bool {
	return slices.ContainsFunc(r.refersTo(), func(n string) bool { return names[n] })
}

// refersTo returns the names of the sets, counters and chains the rule needs.
func (r *Rule) refersTo() []string {
	var names []string
	for _, e := range r.exprs {
		switch e := e.(type) {
		case *expr.Lookup:
			names = append(names, e.SetName)
		case *expr.Dynset:
			names = append(names, e.SetName)
		case *expr.Objref:
			names = append(names, e.Name)
		case *expr.Verdict:
			if e.Chain != "" {
				names = append(names, e.Chain)
			}
		}
	}
	return names
}
