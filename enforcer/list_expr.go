package enforcer

import (
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Attributes of linux/netfilter/nf_tables.h that x/sys lacks.
const (
	nftaConnlimitCount = 1
	nftaConnlimitFlags = 2
)

// expressions decodes the expressions of a rule, or of a set's elements. It knows those that our
// own rules are made of; any other is an error: the rule is not ours.
func expressions(b []byte) ([]expr.Any, error) {
	var out []expr.Any
	list := nlwire.Attrs{Rest: b}
	for list.Next() {
		e, err := expression(list.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if !list.Whole() {
		return nil, nlwire.ErrMalformed
	}
	return out, nil
}

// expression decodes one: its name, and attributes whose kinds depend on it.
func expression(b []byte) (expr.Any, error) {
	outer, whole := fieldsOf(b)
	f, inner := fieldsOf(outer[unix.NFTA_EXPR_DATA])
	if !whole || !inner {
		return nil, nlwire.ErrMalformed
	}
	name := outer.text(unix.NFTA_EXPR_NAME)
	if e := matching(name, &f); e != nil {
		return e, nil
	}
	if e := acting(name, &f); e != nil {
		return e, nil
	}
	if name == "dynset" {
		return dynset(&f)
	}
	return nil, fmt.Errorf("an expression %q that is not ours", name)
}

// matching decodes the expressions that look at a packet; nil: it is none of them.
func matching(name string, f *fields) expr.Any {
	switch name {
	case "meta":
		return &expr.Meta{Key: expr.MetaKey(f.u32(unix.NFTA_META_KEY)), Register: f.u32(unix.NFTA_META_DREG)}
	case "payload":
		return &expr.Payload{DestRegister: f.u32(unix.NFTA_PAYLOAD_DREG), Base: expr.PayloadBase(f.u32(unix.NFTA_PAYLOAD_BASE)),
			Offset: f.u32(unix.NFTA_PAYLOAD_OFFSET), Len: f.u32(unix.NFTA_PAYLOAD_LEN)}
	case "bitwise":
		mask, xor := f.nested(unix.NFTA_BITWISE_MASK), f.nested(unix.NFTA_BITWISE_XOR)
		return &expr.Bitwise{SourceRegister: f.u32(unix.NFTA_BITWISE_SREG), DestRegister: f.u32(unix.NFTA_BITWISE_DREG),
			Len: f.u32(unix.NFTA_BITWISE_LEN), Mask: bytesOf(&mask), Xor: bytesOf(&xor)}
	case "cmp":
		data := f.nested(unix.NFTA_CMP_DATA)
		return &expr.Cmp{Op: expr.CmpOp(f.u32(unix.NFTA_CMP_OP)), Register: f.u32(unix.NFTA_CMP_SREG), Data: bytesOf(&data)}
	case "lookup":
		return &expr.Lookup{SourceRegister: f.u32(unix.NFTA_LOOKUP_SREG), DestRegister: f.u32(unix.NFTA_LOOKUP_DREG),
			IsDestRegSet: f[unix.NFTA_LOOKUP_DREG] != nil, SetName: f.text(unix.NFTA_LOOKUP_SET),
			Invert: f.u32(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0}
	case "fib":
		flags, result := f.u32(unix.NFTA_FIB_FLAGS), f.u32(unix.NFTA_FIB_RESULT)
		return &expr.Fib{Register: f.u32(unix.NFTA_FIB_DREG), ResultADDRTYPE: result == unix.NFT_FIB_RESULT_ADDRTYPE,
			ResultOIF: result == unix.NFT_FIB_RESULT_OIF, FlagSADDR: flags&unix.NFTA_FIB_F_SADDR != 0,
			FlagDADDR: flags&unix.NFTA_FIB_F_DADDR != 0, FlagIIF: flags&unix.NFTA_FIB_F_IIF != 0}
	case "ct":
		return &expr.Ct{Key: expr.CtKey(f.u32(unix.NFTA_CT_KEY)), Register: f.u32(unix.NFTA_CT_DREG)}
	case "socket":
		return &expr.Socket{Key: expr.SocketKey(f.u32(expr.NFTA_SOCKET_KEY)), Level: f.u32(expr.NFTA_SOCKET_LEVEL),
			Register: f.u32(expr.NFTA_SOCKET_DREG)}
	}
	return nil
}

// acting decodes the expressions that count, limit or decide; nil: it is none of them.
func acting(name string, f *fields) expr.Any {
	switch name {
	case "immediate":
		verdict := f.nested(unix.NFTA_IMMEDIATE_DATA)
		v := verdict.nested(unix.NFTA_DATA_VERDICT)
		return &expr.Verdict{Kind: expr.VerdictKind(int32(v.u32(unix.NFTA_VERDICT_CODE))), Chain: v.text(unix.NFTA_VERDICT_CHAIN)}
	case "reject":
		return &expr.Reject{Type: f.u32(unix.NFTA_REJECT_TYPE), Code: f.u8(unix.NFTA_REJECT_ICMP_CODE)}
	case "notrack":
		return &expr.Notrack{}
	case "synproxy":
		return offered(f)
	case "objref":
		return &expr.Objref{Type: int(f.u32(unix.NFTA_OBJREF_IMM_TYPE)), Name: f.text(unix.NFTA_OBJREF_IMM_NAME)}
	case "counter":
		return &expr.Counter{}
	case "connlimit":
		return &expr.Connlimit{Count: f.u32(nftaConnlimitCount), Flags: f.u32(nftaConnlimitFlags)}
	case "limit":
		return &expr.Limit{Type: expr.LimitType(f.u32(unix.NFTA_LIMIT_TYPE)), Rate: f.u64(unix.NFTA_LIMIT_RATE),
			Unit: expr.LimitTime(f.u64(unix.NFTA_LIMIT_UNIT)), Burst: f.u32(unix.NFTA_LIMIT_BURST),
			Over: f.u32(unix.NFTA_LIMIT_FLAGS)&unix.NFT_LIMIT_F_INV != 0}
	}
	return nil
}

// dynset decodes what puts a key into a set, with one expression.
func dynset(f *fields) (expr.Any, error) {
	d := &expr.Dynset{SrcRegKey: f.u32(unix.NFTA_DYNSET_SREG_KEY), SrcRegData: f.u32(unix.NFTA_DYNSET_SREG_DATA),
		SetName: f.text(unix.NFTA_DYNSET_SET_NAME), Operation: f.u32(unix.NFTA_DYNSET_OP),
		Invert: f.u32(unix.NFTA_DYNSET_FLAGS)&unix.NFT_DYNSET_F_INV != 0}
	if b := f[unix.NFTA_DYNSET_EXPR]; b != nil {
		e, err := expression(b)
		if err != nil {
			return nil, err
		}
		d.Exprs = []expr.Any{e}
	}
	return d, nil
}

// bytesOf returns a copy of the value of a NFTA_DATA_VALUE.
func bytesOf(data *fields) []byte {
	return append([]byte(nil), data[unix.NFTA_DATA_VALUE]...)
}

// offered decodes the expression that completes handshakes (NFTA_SYNPROXY_*).
func offered(f *fields) expr.Any {
	flags := f.u32(expr.NFTA_SYNPROXY_FLAGS)
	return &expr.SynProxy{Mss: f.u16(expr.NFTA_SYNPROXY_MSS), Wscale: f.u8(expr.NFTA_SYNPROXY_WSCALE),
		WscaleValueSet: flags&expr.NF_SYNPROXY_OPT_WSCALE != 0, SackPerm: flags&expr.NF_SYNPROXY_OPT_SACK_PERM != 0,
		Timestamp: flags&expr.NF_SYNPROXY_OPT_TIMESTAMP != 0, Ecn: flags&expr.NF_SYNPROXY_OPT_ECN != 0}
}
