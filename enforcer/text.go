package enforcer

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ebbgate/policy"
)

// prefix is how nft commands name our table.
const prefix = " inet " + TableName

// text returns one operation in nft syntax.
func (o *Op) text(now policy.Instant) string {
	switch o.Object {
	case ObjectTable:
		return string(o.Verb) + " table" + prefix
	case ObjectCounter:
		return fmt.Sprintf("%s counter%s %s", o.Verb, prefix, o.Counter)
	case ObjectRule:
		return fmt.Sprintf("%s rule%s %s %s", o.Verb, prefix, o.Chain.Name, o.Rule.Text)
	case ObjectElements:
		return fmt.Sprintf("%s element%s %s { %s }", o.Verb, prefix, o.Set.Name,
			elementList(&o.Set, o.Elements, now, o.Verb != Add))
	case ObjectSet:
		if o.Verb == Add {
			return fmt.Sprintf("add %s%s %s { %s }", o.Set.word(), prefix, o.Set.Name, strings.Join(o.Set.spec(), " "))
		}
		return fmt.Sprintf("%s %s%s %s", o.Verb, o.Set.word(), prefix, o.Set.Name)
	case ObjectChain:
		if o.Verb == Add && o.Chain.Hook != "" {
			return fmt.Sprintf("add chain%s %s { %s }", prefix, o.Chain.Name, o.Chain.spec())
		}
		return fmt.Sprintf("%s chain%s %s", o.Verb, prefix, o.Chain.Name)
	}
	return ""
}

// Format returns the ruleset in the syntax in which nft lists one, with the time each lease has
// left at now.
func (r *Ruleset) Format(now policy.Instant) string {
	if r.Empty() {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %s {\n", TableName)
	for _, c := range r.Counters {
		fmt.Fprintf(&b, "\tcounter %s {\n\t}\n", c)
	}
	for i := range r.Sets {
		s := &r.Sets[i]
		fmt.Fprintf(&b, "\t%s %s {\n", s.word(), s.Name)
		for _, line := range s.spec() {
			fmt.Fprintf(&b, "\t\t%s\n", strings.TrimSuffix(line, ";"))
		}
		if len(s.Elements) > 0 {
			fmt.Fprintf(&b, "\t\telements = { %s }\n", elementList(s, s.Elements, now, false))
		}
		b.WriteString("\t}\n")
	}
	for _, c := range r.Chains {
		fmt.Fprintf(&b, "\tchain %s {\n", c.Name)
		if c.Hook != "" {
			fmt.Fprintf(&b, "\t\t%s\n", c.spec())
		}
		for _, rule := range c.Rules {
			fmt.Fprintf(&b, "\t\t%s\n", rule.Text)
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func (s *Set) word() string {
	if s.Map {
		return "map"
	}
	return "set"
}

// spec returns the definition of a set, a statement an entry.
func (s *Set) spec() []string {
	kind := "type " + string(s.Key)
	if s.Map {
		kind += " : verdict"
	}
	spec := []string{kind + ";"}
	if s.Size > 0 {
		spec = append(spec, "size "+strconv.FormatUint(uint64(s.Size), 10)+";")
	}
	switch {
	case s.Interval:
		spec = append(spec, "flags interval;")
	case s.Timeout:
		spec = append(spec, "flags timeout;")
	case s.Limit > 0:
		spec = append(spec, "flags dynamic;")
	case s.Life > 0:
		spec = append(spec, "flags dynamic,timeout;", "timeout "+timeout(s.Life)+";")
	}
	return spec
}

// spec returns what makes a chain a base chain.
func (c *Chain) spec() string {
	return fmt.Sprintf("type filter hook %s priority %d; policy accept;", c.Hook, c.Priority)
}

// elementList returns elements as nft lists them; keys only, as a deletion wants them.
func elementList(s *Set, elements []Element, now policy.Instant, keys bool) string {
	texts := make([]string, len(elements))
	for i, e := range elements {
		t := s.Key.text(e.Key)
		if s.Interval && e.End != e.Key {
			t = s.Key.rangeText(e.Key, e.End)
		}
		if e.Until != 0 && !keys {
			t += " timeout " + timeout(e.Until.Sub(now))
		}
		if e.Chain != "" && !keys {
			t += " : jump " + e.Chain
		}
		texts[i] = t
	}
	return strings.Join(texts, ", ")
}

// timeout writes a duration as nft does, in whole milliseconds.
func timeout(d time.Duration) string {
	d = max(d, 0).Truncate(time.Millisecond)
	if d == 0 {
		return "0s"
	}
	s := ""
	for _, unit := range []struct {
		length time.Duration
		word   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := d / unit.length; n > 0 {
			s += strconv.FormatInt(int64(n), 10) + unit.word
		}
		d %= unit.length
	}
	return s
}

// text returns one key as nft writes it.
func (k KeyType) text(key Key) string {
	switch k {
	case InetService:
		return strconv.Itoa(int(key.port()))
	case NFProto:
		if key == familyKey(nfprotoIPv6) {
			return "ipv6"
		}
		return "ipv4"
	}
	return key.addr().String()
}

// rangeText returns a range as nft writes it: a prefix where it is one.
func (k KeyType) rangeText(first, last Key) string {
	if a := first.addr(); k != InetService {
		for bits := a.BitLen(); bits >= 0; bits-- {
			if p := netip.PrefixFrom(a, bits); p.Masked() == p && addrKey(lastAddr(p)) == last {
				return p.String()
			}
		}
	}
	return k.text(first) + "-" + k.text(last)
}
