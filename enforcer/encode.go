package enforcer

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nftwire"
	"ebbgate/policy"
)

// encoder writes a plan's operations into a batch. Nothing reaches the kernel before it is
// committed.
type encoder struct {
	batch *nftwire.Batch
	owner bool           // the table belongs to the socket
	older bool           // the kernel does not know how to destroy elements (Linux 6.3): they stay
	now   policy.Instant // when the transaction is sent: timeouts count from here
	sets  uint32         // how many were added
	ends  []int          // of each operation: how many messages there are up to its end
}

// plan writes all operations of a plan.
func (e *encoder) plan(p *Plan) error {
	e.batch.Grow(p.size())
	for i := range p.Ops {
		if err := e.op(&p.Ops[i]); err != nil {
			return fmt.Errorf("encode %s: %w", p.Ops[i].summary(), err)
		}
		e.ends = append(e.ends, e.batch.Len())
	}
	return nil
}

// blame names the operation of a plan that a refusal is about, and the element where the kernel says
// which one; "" where it is the transaction as a whole.
func (e *encoder) blame(p *Plan, r *nftwire.Refusal) string {
	i, _ := slices.BinarySearch(e.ends, r.Message+1)
	if r.Message < 0 || i >= len(p.Ops) {
		return ""
	}
	o := &p.Ops[i]
	key := e.batch.KeyAt(r.Message, r.Offset)
	if o.Object != ObjectElements || len(key) == 0 || len(key) > len(Key{}.bytes) {
		return o.summary()
	}
	at := Key{length: uint8(len(key))}
	copy(at.bytes[:], key)
	return fmt.Sprintf("%s, at %s", o.summary(), o.Set.Key.text(at))
}

// size is about how many bytes the plan's elements take, without what is around them.
func (p *Plan) size() int {
	total := 0
	for i := range p.Ops {
		if o := &p.Ops[i]; o.Object == ObjectElements && len(o.Elements) > 0 {
			el := &o.Elements[0]
			total += len(o.Elements) * nftwire.ElementSize(int(el.Key.length), o.Verb == Add && el.Until != 0, el.Chain)
		}
	}
	// A message for 64 KiB of them has 100 bytes of its own.
	return total + total>>8
}

// op writes one operation.
func (e *encoder) op(o *Op) error {
	switch o.Object {
	case ObjectTable:
		e.table(o.Verb)
	case ObjectCounter:
		e.counter(o)
	case ObjectChain:
		e.chain(o)
	case ObjectRule:
		return e.rule(o)
	case ObjectSet:
		e.set(o)
	case ObjectElements:
		e.elements(o)
	}
	return nil
}

// begin begins a message that adds something, or that deletes it.
func (e *encoder) begin(v Verb, add, del uint16) {
	if v == Add {
		e.batch.Begin(add, unix.NLM_F_CREATE)
	} else {
		e.batch.Begin(del, 0)
	}
}

func (e *encoder) table(v Verb) {
	e.begin(v, unix.NFT_MSG_NEWTABLE, unix.NFT_MSG_DELTABLE)
	e.batch.Text(unix.NFTA_TABLE_NAME, TableName)
	if v == Add {
		flags := uint32(0)
		if e.owner {
			flags = uint32(nftables.TableFlagOwner)
		}
		e.batch.Uint32(unix.NFTA_TABLE_FLAGS, flags)
	}
}

func (e *encoder) counter(o *Op) {
	e.begin(o.Verb, unix.NFT_MSG_NEWOBJ, unix.NFT_MSG_DELOBJ)
	e.batch.Text(unix.NFTA_OBJ_TABLE, TableName)
	e.batch.Text(unix.NFTA_OBJ_NAME, o.Counter)
	e.batch.Uint32(unix.NFTA_OBJ_TYPE, unix.NFT_OBJECT_COUNTER)
	if o.Verb == Add {
		data := e.batch.Nest(unix.NFTA_OBJ_DATA)
		e.batch.Uint64(unix.NFTA_COUNTER_BYTES, 0)
		e.batch.Uint64(unix.NFTA_COUNTER_PACKETS, 0)
		e.batch.Unnest(data)
	}
}

func (e *encoder) chain(o *Op) {
	if o.Verb == Flush { // all rules of the chain
		e.batch.Begin(unix.NFT_MSG_DELRULE, 0)
		e.batch.Text(unix.NFTA_RULE_TABLE, TableName)
		e.batch.Text(unix.NFTA_RULE_CHAIN, o.Chain.Name)
		return
	}
	e.begin(o.Verb, unix.NFT_MSG_NEWCHAIN, unix.NFT_MSG_DELCHAIN)
	e.batch.Text(unix.NFTA_CHAIN_TABLE, TableName)
	e.batch.Text(unix.NFTA_CHAIN_NAME, o.Chain.Name)
	if o.Verb == Add && o.Chain.Hook != "" {
		hook := e.batch.Nest(unix.NFTA_CHAIN_HOOK)
		e.batch.Uint32(unix.NFTA_HOOK_HOOKNUM, hooks[o.Chain.Hook])
		e.batch.Uint32(unix.NFTA_HOOK_PRIORITY, uint32(int32(o.Chain.Priority)))
		e.batch.Unnest(hook)
		e.batch.Text(unix.NFTA_CHAIN_TYPE, "filter")
	}
}

// hooks are the numbers of the hooks (NF_INET_* of linux/netfilter.h).
var hooks = map[Hook]uint32{
	Prerouting: unix.NF_INET_PRE_ROUTING,
	Input:      unix.NF_INET_LOCAL_IN,
	Output:     unix.NF_INET_LOCAL_OUT,
}

func (e *encoder) rule(o *Op) error {
	e.batch.Begin(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND)
	e.batch.Text(unix.NFTA_RULE_TABLE, TableName)
	e.batch.Text(unix.NFTA_RULE_CHAIN, o.Chain.Name)
	list := e.batch.Nest(unix.NFTA_RULE_EXPRESSIONS)
	for _, x := range o.Rule.exprs {
		b, err := expr.Marshal(unix.NFPROTO_INET, x)
		if err != nil {
			return err
		}
		e.batch.Bytes(unix.NFTA_LIST_ELEM|unix.NLA_F_NESTED, b)
	}
	e.batch.Unnest(list)
	return nil
}
