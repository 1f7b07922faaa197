package enforcer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// trackTimeout bounds one listing of all rules. A host with 100,000 rules lists them in well
// under a second.
const trackTimeout = 5 * time.Second

// trackScan finds out whether anybody but us uses conntrack in this namespace. The kernel does
// not say so; its users are read from their rules.
type trackScan struct {
	conn  *netlink.Conn
	names []*os.File // /proc/net/ip_tables_names and its IPv6 twin
}

// newTrackScan opens what the scan reads in the calling thread's network namespace.
func newTrackScan() (*trackScan, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{MessageBufferSize: 64 << 10})
	if err != nil {
		return nil, fmt.Errorf("open nf_tables socket: %w", err)
	}
	s := &trackScan{conn: conn}
	for _, name := range []string{"ip_tables_names", "ip6_tables_names"} {
		f, err := os.Open("/proc/thread-self/net/" + name)
		if err == nil {
			s.names = append(s.names, f)
		}
		// Without the file there are no such tables: the kernel lacks them or may not show them.
	}
	return s, nil
}

func (s *trackScan) close() error {
	errs := []error{s.conn.Close()}
	for _, f := range s.names {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// legacy reports whether any table of the older iptables is loaded. What its rules do is not
// looked into: its users nearly all match connection state, and a wrong guess must not break it.
func (s *trackScan) legacy() (bool, error) {
	var b [16]byte
	for _, f := range s.names {
		n, err := unix.Pread(int(f.Fd()), b[:], 0)
		if err != nil {
			return false, fmt.Errorf("read %s: %w", f.Name(), err)
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, nil
}

// rules reports whether a rule outside our table uses conntrack.
func (s *trackScan) rules() (bool, error) {
	if err := s.conn.SetDeadline(time.Now().Add(trackTimeout)); err != nil {
		return false, fmt.Errorf("list rules: %w", err)
	}
	_, err := s.conn.Send(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE, Flags: netlink.Request | netlink.Dump},
		Data:   []byte{unix.NFPROTO_UNSPEC, unix.NFNETLINK_V0, 0, 0},
	})
	if err != nil {
		return false, fmt.Errorf("list rules: %w", err)
	}
	found := false
	for m, err := range s.conn.ReceiveIter() {
		if err != nil {
			return false, fmt.Errorf("list rules: %w", err)
		}
		found = found || usesTrack(m.Data)
	}
	return found, nil
}

// usesTrack reports whether a rule, as the kernel describes it (struct nfgenmsg and attributes
// NFTA_RULE_* of linux/netfilter/nf_tables.h), makes conntrack run.
func usesTrack(msg []byte) bool {
	if len(msg) < 4 {
		return false
	}
	ours, uses := false, false
	family := msg[0]
	attributes(msg[4:], func(kind uint16, v []byte) {
		switch kind {
		case unix.NFTA_RULE_TABLE:
			ours = family == unix.NFPROTO_INET && text(v) == TableName
		case unix.NFTA_RULE_EXPRESSIONS:
			attributes(v, func(_ uint16, e []byte) { uses = uses || exprTracks(e) })
		}
	})
	return uses && !ours
}

// tracking are the expressions that need conntrack.
var tracking = map[string]bool{
	"ct": true, "nat": true, "masq": true, "redir": true, "connlimit": true, "synproxy": true, "flow_offload": true,
}

// xtTracking are the matches and targets of iptables-nft that need it, by the names of
// iptables-extensions(8).
var xtTracking = map[string]bool{
	"conntrack": true, "state": true, "connmark": true, "connbytes": true, "connlimit": true, "connlabel": true,
	"helper": true, "cluster": true,
	"MASQUERADE": true, "SNAT": true, "DNAT": true, "REDIRECT": true, "NETMAP": true, "CT": true, "CONNMARK": true,
	"CONNSECMARK": true, "SYNPROXY": true,
}

// exprTracks looks at one expression (NFTA_EXPR_NAME and NFTA_EXPR_DATA).
func exprTracks(e []byte) bool {
	var name string
	found := false
	attributes(e, func(kind uint16, v []byte) {
		switch {
		case kind == unix.NFTA_EXPR_NAME:
			name = text(v)
			found = found || tracking[name]
		case kind == unix.NFTA_EXPR_DATA && (name == "match" || name == "target"):
			// NFTA_MATCH_NAME and NFTA_TARGET_NAME are both 1.
			attributes(v, func(k uint16, n []byte) { found = found || k == unix.NFTA_MATCH_NAME && xtTracking[text(n)] })
		case kind == unix.NFTA_EXPR_DATA && name == "objref":
			attributes(v, func(k uint16, n []byte) { found = found || k == unix.NFTA_OBJREF_IMM_TYPE && objectTracks(n) })
		case kind == unix.NFTA_EXPR_DATA && name == "dynset":
			attributes(v, func(k uint16, n []byte) { found = found || dynsetTracks(k, n) })
		}
	})
	return found
}

// objectTracks looks at the type of a named object that a rule uses.
func objectTracks(kind []byte) bool {
	if len(kind) != 4 {
		return false
	}
	switch binary.BigEndian.Uint32(kind) {
	case unix.NFT_OBJECT_CT_HELPER, unix.NFT_OBJECT_CT_TIMEOUT, unix.NFT_OBJECT_CT_EXPECT, unix.NFT_OBJECT_SYNPROXY:
		return true
	}
	return false
}

// dynsetTracks looks at the expressions a rule puts into a set's elements.
func dynsetTracks(kind uint16, v []byte) bool {
	const nftaDynsetExpressions = 10 // NFTA_DYNSET_EXPRESSIONS, missing in x/sys
	switch kind {
	case unix.NFTA_DYNSET_EXPR:
		return exprTracks(v)
	case nftaDynsetExpressions:
		found := false
		attributes(v, func(_ uint16, e []byte) { found = found || exprTracks(e) })
		return found
	}
	return false
}

// text is a string attribute without its terminating zero.
func text(v []byte) string { return string(bytes.TrimRight(v, "\x00")) }

// attributes walks netlink attributes (struct nlattr of linux/netlink.h) and stops at the first
// malformed one.
func attributes(b []byte, each func(kind uint16, value []byte)) {
	const header, typeMask = 4, 0x3fff // NLA_HDRLEN; without NLA_F_NESTED and NLA_F_NET_BYTEORDER
	for len(b) >= header {
		n := int(binary.NativeEndian.Uint16(b))
		if n < header || n > len(b) {
			return
		}
		each(binary.NativeEndian.Uint16(b[2:])&typeMask, b[header:n])
		b = b[min(len(b), (n+3)&^3):]
	}
}
