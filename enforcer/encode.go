package enforcer

import (
	"fmt"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"

	"ebbgate/policy"
)

// encoder queues a plan's operations on a connection. Nothing reaches the kernel before its
// Flush.
type encoder struct {
	conn  *nftables.Conn
	table *nftables.Table
	now   policy.Instant // when the transaction is sent: timeouts count from here
}

// op queues one operation.
func (e *encoder) op(o *Op) error {
	switch o.Object {
	case ObjectTable:
		if o.Verb == Add {
			e.conn.AddTable(e.table)
		} else {
			e.conn.DelTable(e.table)
		}
	case ObjectCounter:
		c := &nftables.NamedObj{Table: e.table, Name: o.Counter, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}}
		if o.Verb == Add {
			e.conn.AddObj(c)
		} else {
			e.conn.DeleteObject(c)
		}
	case ObjectChain:
		e.chain(o)
	case ObjectRule:
		e.conn.AddRule(&nftables.Rule{Table: e.table, Chain: &nftables.Chain{Table: e.table, Name: o.Chain.Name}, Exprs: o.Rule.exprs})
	case ObjectSet:
		if o.Verb == Add {
			return e.conn.AddSet(e.set(&o.Set), nil)
		}
		e.conn.DelSet(e.set(&o.Set))
	case ObjectElements:
		elements, err := e.elements(o)
		if err != nil {
			return err
		}
		if o.Verb == Add {
			return e.conn.SetAddElements(e.set(&o.Set), elements)
		}
		return e.conn.SetDeleteElements(e.set(&o.Set), elements)
	}
	return nil
}

func (e *encoder) chain(o *Op) {
	c := &nftables.Chain{Table: e.table, Name: o.Chain.Name}
	switch o.Verb {
	case Flush:
		e.conn.FlushChain(c)
	case Delete:
		e.conn.DelChain(c)
	case Add:
		if o.Chain.Hook != "" {
			c.Type = nftables.ChainTypeFilter
			c.Hooknum = hooks[o.Chain.Hook]
			c.Priority = nftables.ChainPriorityRef(nftables.ChainPriority(o.Chain.Priority))
		}
		e.conn.AddChain(c)
	}
}

var hooks = map[Hook]*nftables.ChainHook{
	Prerouting: nftables.ChainHookPrerouting,
	Input:      nftables.ChainHookInput,
	Output:     nftables.ChainHookOutput,
}

var keyTypes = map[KeyType]nftables.SetDatatype{
	IPv4Addr:    nftables.TypeIPAddr,
	IPv6Addr:    nftables.TypeIP6Addr,
	InetService: nftables.TypeInetService,
	NFProto:     nftables.TypeNFProto,
}

// set returns the library's form of a set. Sets are found by name, so the transaction's own
// numbering does not matter beyond it.
func (e *encoder) set(s *Set) *nftables.Set {
	n := &nftables.Set{Table: e.table, Name: s.Name, KeyType: keyTypes[s.Key], KeyByteOrder: binaryutil.BigEndian,
		Interval: s.Interval, HasTimeout: s.Timeout || s.Life > 0, Timeout: s.Life, Dynamic: s.Limit > 0 || s.Life > 0, Size: s.Size}
	if s.Map {
		n.IsMap, n.DataType = true, nftables.TypeVerdict
	}
	return n
}

// elements returns the library's form of elements. The kernel keeps a range as two elements: its
// first key, and the first key after it marked as an end.
func (e *encoder) elements(o *Op) ([]nftables.SetElement, error) {
	out := make([]nftables.SetElement, 0, len(o.Elements))
	for _, el := range o.Elements {
		n := nftables.SetElement{Key: el.Key.raw()}
		if el.Until != 0 && o.Verb == Add {
			// A timeout of 0 ms would mean "for ever"; a plan that took too long to be sent must
			// not turn a lease into that.
			if n.Timeout = el.Until.Sub(e.now); n.Timeout < time.Millisecond {
				return nil, fmt.Errorf("add element %s to set %q: its lease ended before it was sent", o.Set.Key.text(el.Key), o.Set.Name)
			}
		}
		if el.Chain != "" && o.Verb == Add {
			n.VerdictData = &expr.Verdict{Kind: expr.VerdictJump, Chain: el.Chain}
		}
		out = append(out, n)
		if o.Set.Interval {
			if end, ok := el.End.next(); ok {
				out = append(out, nftables.SetElement{Key: end.raw(), IntervalEnd: true})
			}
		}
	}
	return out, nil
}
