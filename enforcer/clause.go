package enforcer

import (
	"fmt"
	"slices"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const (
	nfprotoIPv4 = unix.NFPROTO_IPV4
	nfprotoIPv6 = unix.NFPROTO_IPV6

	reg = unix.NFT_REG_1

	// Flags of the TCP header, byte 13 (RFC 9293, section 3.1).
	tcpFIN, tcpSYN, tcpRST, tcpACK = 0x01, 0x02, 0x04, 0x10

	// loopbackIndex is the interface index of lo, which the kernel creates first in every
	// network namespace (net/core/dev.h, LOOPBACK_IFINDEX).
	loopbackIndex = 1
)

// compare compares the register with a value.
func compare(op expr.CmpOp, data []byte) expr.Any {
	return &expr.Cmp{Op: op, Register: reg, Data: data}
}

// isFamily matches packets of one family; reading an address of the other would read rubbish.
func isFamily(f family) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg}, compare(expr.CmpOpEq, []byte{f.proto})}
}

// isTCP matches TCP; a port lookup implies it, as in nft.
func isTCP() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg}, compare(expr.CmpOpEq, []byte{unix.IPPROTO_TCP})}
}

func network(offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}
}

func transport(offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: length}
}

func and(m []byte) expr.Any {
	return &expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: uint32(len(m)), Mask: m, Xor: make([]byte, len(m))}
}

func member(set string) expr.Any { return &expr.Lookup{SourceRegister: reg, SetName: set} }

// address loads a prefix of the source or destination address.
func (f family) address(offset uint32, bits int) []expr.Any {
	e := append(isFamily(f), network(offset, f.length))
	if bits < f.bits() {
		e = append(e, and(mask(int(f.length), bits)))
	}
	return e
}

// from matches packets whose source, cut to bits, is in the set.
func (f family) from(set string, bits int) clause {
	return clause{f.masked("saddr", bits) + " @" + set, append(f.address(f.source, bits), member(set))}
}

// to matches packets whose destination, cut to bits, is in the set.
func (f family) to(set string, bits int) clause {
	return clause{f.masked("daddr", bits) + " @" + set, append(f.address(f.dest, bits), member(set))}
}

// fromEnd matches TCP packets whose source, address and port, is in the set.
func (f family) fromEnd(set string) clause { return f.end(set, "saddr . tcp sport", f.source, 0) }

// toEnd matches TCP packets whose destination, address and port, is in the set.
func (f family) toEnd(set string) clause { return f.end(set, "daddr . tcp dport", f.dest, 2) }

func (f family) end(set, words string, address, port uint32) clause {
	// The parts of a key stand one behind the other, each in registers of four bytes of its own.
	behind := uint32(unix.NFT_REG32_01)
	if f.proto == nfprotoIPv6 {
		behind = unix.NFT_REG_2
	}
	load := &expr.Payload{DestRegister: behind, Base: expr.PayloadBaseTransportHeader, Offset: port, Len: 2}
	return clause{f.word + " " + words + " @" + set,
		slices.Concat(isFamily(f), isTCP(), []expr.Any{network(address, f.length), load, member(set)})}
}

// dport and sport match TCP packets by a set of ports.
func dport(set string) clause {
	return clause{"tcp dport @" + set, append(isTCP(), transport(2, 2), member(set))}
}

func sport(set string) clause {
	return clause{"tcp sport @" + set, append(isTCP(), transport(0, 2), member(set))}
}

// opening matches the first packet of a handshake; established traffic passes untouched.
func opening() clause { return flags("==", expr.CmpOpEq) }

// underway matches every other packet of a connection.
func underway() clause { return flags("!=", expr.CmpOpNeq) }

func flags(op string, how expr.CmpOp) clause {
	e := append(isTCP(), transport(13, 1), and([]byte{tcpFIN | tcpSYN | tcpRST | tcpACK}), compare(how, []byte{tcpSYN}))
	return clause{"tcp flags & (fin | syn | rst | ack) " + op + " syn", e}
}

// toHost matches packets for the host itself. A router's services must not be taken for those of
// the machines behind it.
func toHost() clause {
	return clause{"fib daddr type local", []expr.Any{
		&expr.Fib{Register: reg, FlagDADDR: true, ResultADDRTYPE: true},
		compare(expr.CmpOpEq, binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)),
	}}
}

// fromHost matches what the host sends in its own name.
func fromHost() clause {
	return clause{"fib saddr type local", []expr.Any{
		&expr.Fib{Register: reg, FlagSADDR: true, ResultADDRTYPE: true},
		compare(expr.CmpOpEq, binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)),
	}}
}

// viaLo matches traffic of the host with itself. An interface cannot be forged as an address can.
func viaLo(output bool) clause {
	word, key := "iif", expr.MetaKeyIIF
	if output {
		word, key = "oif", expr.MetaKeyOIF
	}
	return clause{word + ` "lo"`, []expr.Any{&expr.Meta{Key: key, Register: reg},
		compare(expr.CmpOpEq, binaryutil.NativeEndian.PutUint32(loopbackIndex))}}
}

// ctNew matches packets that conntrack takes for the first of their connection.
func ctNew() clause {
	return clause{"ct state new", []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		and(binaryutil.NativeEndian.PutUint32(expr.CtStateBitNEW)),
		compare(expr.CmpOpNeq, make([]byte, 4)),
	}}
}

// ctKnown matches packets of connections that conntrack knows, and those it was told to leave alone.
func ctKnown() clause {
	return clause{"ct state established,related,untracked", []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		and(binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED | expr.CtStateBitUNTRACKED)),
		compare(expr.CmpOpNeq, make([]byte, 4)),
	}}
}

// leased goes to the chain that a timed element of the map names for the packet's family.
func leased(leases string) clause {
	return clause{"meta nfproto vmap @" + leases, []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg},
		&expr.Lookup{SourceRegister: reg, SetName: leases, IsDestRegSet: true},
	}}
}

// over counts the packet's connection for its source and matches when it is one too many.
func (f family) over(set string, bits, limit int) clause {
	text := fmt.Sprintf("add @%s { %s ct count over %d }", set, f.masked("saddr", bits), limit)
	return clause{text, append(f.address(f.source, bits), &expr.Dynset{SrcRegKey: reg, SetName: set,
		Operation: unix.NFT_DYNSET_OP_ADD,
		Exprs:     []expr.Any{&expr.Connlimit{Count: uint32(limit), Flags: expr.NFT_CONNLIMIT_F_INV}}})}
}

// faster counts the packet for its source and matches when it comes beyond so many a second. One
// second's worth may come at once.
func (f family) faster(set string, bits, rate int) clause {
	text := fmt.Sprintf("update @%s { %s limit rate over %d/second burst %d packets }", set, f.masked("saddr", bits), rate, rate)
	return clause{text, append(f.address(f.source, bits), &expr.Dynset{SrcRegKey: reg, SetName: set,
		Operation: unix.NFT_DYNSET_OP_UPDATE,
		Exprs: []expr.Any{&expr.Limit{Type: expr.LimitTypePkts, Rate: uint64(rate), Unit: expr.LimitTimeSecond,
			Burst: uint32(rate), Over: true}}})}
}

// listed puts the packet's source on a list and counts the packet there.
func (f family) listed(set string, bits int) clause {
	text := fmt.Sprintf("update @%s { %s counter }", set, f.masked("saddr", bits))
	return clause{text, append(f.address(f.source, bits), &expr.Dynset{SrcRegKey: reg, SetName: set,
		Operation: unix.NFT_DYNSET_OP_UPDATE, Exprs: []expr.Any{&expr.Counter{}}})}
}

// missing matches packets whose source, cut to bits, is not in the set.
func (f family) missing(set string, bits int) clause {
	return clause{f.masked("saddr", bits) + " != @" + set,
		append(f.address(f.source, bits), &expr.Lookup{SourceRegister: reg, SetName: set, Invert: true})}
}

// counted adds the packet to a named counter.
func counted(name string) clause {
	return clause{fmt.Sprintf("counter name %q", name), []expr.Any{&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: name}}}
}

func resetTCP() clause {
	return clause{"reject with tcp reset", []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}}
}

// resets matches packets up to so many a second, over all sources.
func resets() clause {
	const rate = 1000
	return clause{fmt.Sprintf("limit rate %d/second burst %d packets", rate, rate), []expr.Any{
		&expr.Limit{Type: expr.LimitTypePkts, Rate: rate, Unit: expr.LimitTimeSecond, Burst: rate}}}
}

func drop() clause {
	return clause{"drop", []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}}
}

func accept() clause {
	return clause{"accept", []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}}
}

// back returns from a chain to where it was called.
func back() clause {
	return clause{"return", []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}}
}

// jump calls another chain.
func jump(chain string) clause {
	return clause{"jump " + chain, []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}}}
}

// synproxy completes the handshake in the kernel: it answers a SYN with a cookie, and opens the connection to
// the listener once the cookie comes back. Without the timestamp option, so that connections live on when
// the rule is gone, it grants neither window scaling nor selective acknowledgements: the cookie alone has
// no room for them (nft_synproxy_tcp_options of the kernel), and asking for them would be a lie.
func synproxy(mss int) clause {
	return clause{fmt.Sprintf("synproxy mss %d wscale 0", mss), []expr.Any{&expr.SynProxy{Mss: uint16(mss), WscaleValueSet: true}}}
}

func notrack() clause { return clause{"notrack", []expr.Any{&expr.Notrack{}}} }
