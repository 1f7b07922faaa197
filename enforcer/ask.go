package enforcer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// tableOwner is NFTA_TABLE_OWNER of linux/netfilter/nf_tables.h, new in Linux 5.12 and missing from
// x/sys/unix: the netlink port of the socket that owns the table.
const tableOwner = 7

// generation returns the number of the ruleset's present generation. It counts every committed
// transaction of the namespace.
func (t *Table) generation() (uint32, error) {
	var id uint32
	err := t.lists.one(unix.NFT_MSG_GETGEN, unix.NFT_MSG_NEWGEN, nil, func(f *fields) { id = f.u32(unix.NFTA_GEN_ID) })
	if err != nil {
		return 0, fmt.Errorf("read ruleset generation: %w", err)
	}
	return id, nil
}

// present is our table as the kernel has it.
type present struct {
	owner uint32 // port of the socket it belongs to; 0: to nobody
}

// find returns our table, or nil if there is none.
func (t *Table) find() (*present, error) {
	var found *present
	err := t.lists.one(unix.NFT_MSG_GETTABLE, unix.NFT_MSG_NEWTABLE, nlwire.AppendString(nil, unix.NFTA_TABLE_NAME, TableName),
		func(f *fields) { found = &present{f.u32(tableOwner)} })
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for table inet %s: %w", TableName, err)
	}
	return found, nil
}

// one asks for one thing and calls f with what it is made of.
func (l *lister) one(get, answer uint16, attributes []byte, f func(*fields)) error {
	body := []byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}
	req := nlwire.Request{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | get, Answer: unix.NFNL_SUBSYS_NFTABLES<<8 | answer,
		Body: append(body, attributes...)}
	return l.conn.Do(&req, func(b []byte) bool {
		if len(b) < len(body) {
			return false
		}
		object, whole := fieldsOf(b[len(body):])
		if whole {
			f(&object)
		}
		return whole
	})
}
