package lab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// publish installs table inet container, which is in the syntax of nft:
//
//	chain publish { type nat hook prerouting priority dstnat
//		meta nfproto ipv4 fib daddr type local tcp dport PORT dnat ip to CONTAINER:TO }
//	chain own { type nat hook output priority dstnat
//		... the same }
//	chain hide { type nat hook postrouting priority srcnat
//		meta nfproto ipv4 ip saddr SUBNET oifname != "container" masquerade }
//
// and the same for IPv6.
func (n *Namespace) publish(published []Publication) error {
	const in, own, out = "publish", "own", "hide"
	t := newTransaction("container")
	t.natChain(in, unix.NF_INET_PRE_ROUTING, destinationNAT)
	t.natChain(own, unix.NF_INET_LOCAL_OUT, destinationNAT)
	t.natChain(out, unix.NF_INET_POST_ROUTING, sourceNAT)
	for _, a := range []netip.Addr{ContainerV4(), ContainerV6()} {
		for _, p := range published {
			rule := translate(a, p)
			t.rule(in, rule)
			t.rule(own, rule)
		}
		t.rule(out, hide(a))
	}
	if err := t.commit(n); err != nil {
		return fmt.Errorf("install the container's rules in %q (needs CONFIG_NFT_NAT, CONFIG_NFT_MASQ, CONFIG_NFT_FIB_INET): %w", n.name, err)
	}
	return nil
}

// Priorities of NAT, dstnat and srcnat to nft (enum nf_ip_hook_priorities of
// linux/netfilter_ipv4.h).
const (
	destinationNAT = -100 // NF_IP_PRI_NAT_DST
	sourceNAT      = 100  // NF_IP_PRI_NAT_SRC
)

// translate sends what comes to a published port of the victim on to the container.
func translate(container netip.Addr, p Publication) []expr.Any {
	return append(ofFamily(container),
		&expr.Fib{Register: 1, FlagDADDR: true, ResultADDRTYPE: true},
		equal(binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		equal([]byte{unix.IPPROTO_TCP}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		equal(binary.BigEndian.AppendUint16(nil, p.Port)),
		&expr.Immediate{Register: 1, Data: container.AsSlice()},
		&expr.Immediate{Register: 2, Data: binary.BigEndian.AppendUint16(nil, p.To)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: uint32(protocol(container)), RegAddrMin: 1, RegProtoMin: 2},
	)
}

// hide gives what the container opens to elsewhere the victim's address.
func hide(container netip.Addr) []expr.Any {
	length, source, bits := uint32(4), uint32(12), 24
	if container.Is6() {
		length, source, bits = 16, 8, 64
	}
	subnet := netip.PrefixFrom(container, bits).Masked()
	return append(ofFamily(container),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: source, Len: length},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length,
			Mask: net.CIDRMask(bits, int(length)*8), Xor: make([]byte, length)},
		equal(subnet.Addr().AsSlice()),
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: append([]byte("container"), make([]byte, unix.IFNAMSIZ-len("container"))...)},
		&expr.Masq{},
	)
}

// ofFamily matches packets of an address's family.
func ofFamily(a netip.Addr) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equal([]byte{protocol(a)})}
}

// protocol is what netfilter calls an address's family.
func protocol(a netip.Addr) byte {
	if a.Is6() {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

func equal(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data} }
