package enforcer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Attributes of a table (linux/netfilter/nf_tables.h) that x/sys/unix lacks.
const (
	tableHandle = 4 // NFTA_TABLE_HANDLE
	tableOwner  = 7 // NFTA_TABLE_OWNER, new in Linux 5.12: the netlink port of the socket that owns it
)

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
	owner  uint32 // port of the socket it belongs to; 0: to nobody
	handle uint64 // another one has another
}

// find returns our table, or nil if there is none.
func (t *Table) find() (*present, error) {
	var found *present
	err := t.lists.one(unix.NFT_MSG_GETTABLE, unix.NFT_MSG_NEWTABLE, nlwire.AppendString(nil, unix.NFTA_TABLE_NAME, TableName),
		func(f *fields) { found = &present{f.u32(tableOwner), f.u64(tableHandle)} })
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for table inet %s: %w", TableName, err)
	}
	return found, nil
}

// altered reports whether somebody changed our table, which the kernel lets him where it has no owner: made
// it anew, or took chains or rules away. Elements are not looked at, of which there may be a million.
func (t *Table) altered(found *present) (bool, error) {
	if t.Owned() || !t.have.Known {
		return false, nil
	}
	if found.handle != t.handle {
		return true, nil
	}
	var there Ruleset
	if err := errors.Join(t.lists.chains(&there), t.lists.count(&there)); err != nil {
		return false, err
	}
	r := &t.have.Ruleset
	for i := range r.Chains {
		c := findChain(&there, r.Chains[i].Name)
		if c == nil || len(c.Rules) != len(r.Chains[i].Rules) {
			return true, nil
		}
	}
	return false, nil
}

// one asks for one thing and calls f with what it is made of.
func (l *lister) one(get, answer uint16, attributes []byte, f func(*fields)) error {
	body := nlwire.AppendNetfilter(nil, unix.NFPROTO_INET, 0)
	req := nlwire.Request{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | get, Answer: unix.NFNL_SUBSYS_NFTABLES<<8 | answer,
		Body: append(body, attributes...)}
	return l.conn.Do(&req, func(b []byte) bool {
		if len(b) < nlwire.NetfilterHeader {
			return false
		}
		object, whole := fieldsOf(b[nlwire.NetfilterHeader:])
		if whole {
			f(&object)
		}
		return whole
	})
}
