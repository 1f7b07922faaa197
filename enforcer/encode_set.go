package enforcer

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nftwire"
)

// keyTypes give the number under which the nft tool knows a type (nft datatype.h, enum datatypes; the kernel
// passes it on without a look), and the length of its values in bytes.
var keyTypes = map[KeyType]nftables.SetDatatype{
	IPv4Addr:    nftables.TypeIPAddr,
	IPv6Addr:    nftables.TypeIP6Addr,
	InetService: nftables.TypeInetService,
	NFProto:     nftables.TypeNFProto,
	IPv4End:     nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	IPv6End:     nftables.MustConcatSetType(nftables.TypeIP6Addr, nftables.TypeInetService),
}

// keyByteOrder is what the nft tool wants to know before it lists keys of a set: that they are in
// network order. It is user data to the kernel, of the type NFTNL_UDATA_SET_KEYBYTEORDER of
// libnftnl/udata.h, four bytes in the order that tool writes.
var keyByteOrder = binary.LittleEndian.AppendUint32([]byte{0, 4}, 2)

func (e *encoder) set(o *Op) {
	s := &o.Set
	e.begin(o.Verb, unix.NFT_MSG_NEWSET, unix.NFT_MSG_DELSET)
	e.batch.Text(unix.NFTA_SET_TABLE, TableName)
	e.batch.Text(unix.NFTA_SET_NAME, s.Name)
	if o.Verb != Add {
		return
	}
	key := keyTypes[s.Key]
	e.sets++
	e.batch.Uint32(unix.NFTA_SET_FLAGS, s.flags())
	e.batch.Uint32(unix.NFTA_SET_KEY_TYPE, key.GetNFTMagic())
	e.batch.Uint32(unix.NFTA_SET_KEY_LEN, key.Bytes)
	// The kernel wants a number by which the transaction could refer to the set; names do for us.
	e.batch.Uint32(unix.NFTA_SET_ID, e.sets)
	if s.Map {
		e.batch.Uint32(unix.NFTA_SET_DATA_TYPE, unix.NFT_DATA_VERDICT)
		e.batch.Uint32(unix.NFTA_SET_DATA_LEN, 0)
	}
	if s.Life > 0 {
		e.batch.Uint64(unix.NFTA_SET_TIMEOUT, uint64(s.Life.Milliseconds()))
	}
	if s.Size > 0 {
		desc := e.batch.Nest(unix.NFTA_SET_DESC)
		e.batch.Uint32(unix.NFTA_SET_DESC_SIZE, s.Size)
		e.batch.Unnest(desc)
	}
	e.batch.Bytes(unix.NFTA_SET_USERDATA, keyByteOrder)
}

// flags returns the set's NFT_SET_... flags.
func (s *Set) flags() uint32 {
	var flags uint32
	for _, f := range []struct {
		on   bool
		flag uint32
	}{
		{s.Interval, unix.NFT_SET_INTERVAL}, {s.Map, unix.NFT_SET_MAP}, {s.Timeout || s.Life > 0, unix.NFT_SET_TIMEOUT},
		{s.Limit > 0 || s.Life > 0, unix.NFT_SET_EVAL},
	} {
		if f.on {
			flags |= f.flag
		}
	}
	return flags
}

// timed reports whether elements end by themselves: some may have, on a machine so busy that a plan is sent
// late, and to delete what is gone would fail the whole transaction. Of a table that is not ours alone somebody
// else may have removed it, which that failure tells.
func timed(list []Element) bool {
	return slices.ContainsFunc(list, func(e Element) bool { return e.Until != 0 })
}

// elements writes elements. The kernel keeps a range as two: its first key, and the first key after
// it marked as an end.
func (e *encoder) elements(o *Op) {
	var w nftwire.Elements
	switch {
	case o.Verb == Add:
		w = e.batch.AddElements(TableName, o.Set.Name)
	case o.Verb == Delete && (e.older || !e.owner || !timed(o.Elements)):
		w = e.batch.DeleteElements(TableName, o.Set.Name)
	case e.older:
		return
	default:
		w = e.batch.DestroyElements(TableName, o.Set.Name)
	}
	for i := range o.Elements {
		el := &o.Elements[i]
		n := nftwire.Element{Key: el.Key.bytes[:el.Key.length]}
		if el.Until != 0 && o.Verb == Add {
			// Without a timeout the element would stay for ever; a plan that took too long to be sent
			// must not turn a lease into that. What has ended meanwhile needs not be added.
			if n.Timeout = el.Until.Sub(e.now); n.Timeout < time.Millisecond {
				continue
			}
		}
		if o.Verb == Add {
			n.Jump = el.Chain
		}
		w.Put(&n)
		if o.Set.Interval {
			if end, ok := el.End.next(); ok {
				w.Put(&nftwire.Element{Key: end.bytes[:end.length], IntervalEnd: true})
			}
		}
	}
	w.End()
}
