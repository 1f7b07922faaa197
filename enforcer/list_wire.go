package enforcer

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// lister asks the kernel what our table is made of, a kind of object at a time. It changes nothing.
// It is not safe for concurrent use.
type lister struct{ conn *nlwire.Conn }

// newLister opens its socket in the network namespace of the calling thread.
func newLister() (*lister, error) {
	conn, err := nlwire.Open(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open nf_tables socket: %w", err)
	}
	return &lister{conn}, nil
}

func (l *lister) close() error { return l.conn.Close() }

// fields are the attributes of one object or expression, by kind. Kinds beyond the last are newer
// than what we ask for and left out.
type fields [32][]byte

// fieldsOf takes the attributes out of b and reports whether all of b was attributes.
func fieldsOf(b []byte) (fields, bool) {
	var f fields
	a := nlwire.Attrs{Rest: b}
	for a.Next() {
		if int(a.Kind) < len(f) {
			f[a.Kind] = a.Value
		}
	}
	return f, a.Whole()
}

// u32 is a number in network order, as nf_tables has all of them; 0 where it is missing.
func (f *fields) u32(kind int) uint32 {
	if len(f[kind]) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(f[kind])
}

func (f *fields) u16(kind int) uint16 {
	if len(f[kind]) != 2 {
		return 0
	}
	return binary.BigEndian.Uint16(f[kind])
}

func (f *fields) u8(kind int) uint8 {
	if len(f[kind]) != 1 {
		return 0
	}
	return f[kind][0]
}

func (f *fields) u64(kind int) uint64 {
	if len(f[kind]) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(f[kind])
}

func (f *fields) text(kind int) string { return text(f[kind]) }

// nested returns the attributes within one.
func (f *fields) nested(kind int) fields {
	n, _ := fieldsOf(f[kind])
	return n
}

// kind names one kind of object in requests and answers (linux/netfilter/nf_tables.h).
type kind struct {
	name     string
	get, new uint16 // NFT_MSG_*
	table    uint16 // attribute that names the table, in the request and in the answer
}

var (
	kindChain   = kind{"chains", unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_NEWCHAIN, unix.NFTA_CHAIN_TABLE}
	kindRule    = kind{"rules", unix.NFT_MSG_GETRULE, unix.NFT_MSG_NEWRULE, unix.NFTA_RULE_TABLE}
	kindSet     = kind{"sets", unix.NFT_MSG_GETSET, unix.NFT_MSG_NEWSET, unix.NFTA_SET_TABLE}
	kindCounter = kind{"counters", unix.NFT_MSG_GETOBJ, unix.NFT_MSG_NEWOBJ, unix.NFTA_OBJ_TABLE}
)

// each calls f for every object of a kind in our table. Older kernels answer with those of all
// tables. The bytes are valid during the call only.
func (l *lister) each(k kind, f func(*fields) error) error {
	var failed error
	body := nlwire.AppendNetfilter(nil, unix.NFPROTO_INET, 0)
	req := nlwire.Request{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | k.get, Answer: unix.NFNL_SUBSYS_NFTABLES<<8 | k.new,
		Dump: true, Body: nlwire.AppendString(body, k.table, TableName)}
	err := l.conn.Do(&req, func(b []byte) bool {
		if len(b) < nlwire.NetfilterHeader {
			return false
		}
		object, whole := fieldsOf(b[nlwire.NetfilterHeader:])
		if whole && failed == nil && b[0] == unix.NFPROTO_INET && object.text(int(k.table)) == TableName {
			failed = f(&object)
		}
		return whole
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", k.name, err)
	}
	return nil
}
