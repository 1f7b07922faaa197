package lab

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// transaction is a table of family inet in the making, message by message: all of them hold, or none
// does. The messages and the socket are our own because the connections of
// github.com/google/nftables wait with pselect(2), which takes no descriptor from 1024 on: they panic
// where a laboratory is one of several in a process, or its components hold many connections.
//
// The messages are those of linux/netfilter/nf_tables.h and nfnetlink.h.
type transaction struct {
	table    string
	messages []netlink.Message
	err      error // the first of writing
}

// newTransaction adds the table.
func newTransaction(table string) *transaction {
	t := &transaction{table: table}
	t.enclose(unix.NFNL_MSG_BATCH_BEGIN)
	t.add(unix.NFT_MSG_NEWTABLE, 0, func(e *netlink.AttributeEncoder) {
		e.String(unix.NFTA_TABLE_NAME, table)
	})
	return t
}

// natChain adds a chain of type nat at one of the hooks NF_INET_....
func (t *transaction) natChain(name string, hook uint32, priority int32) {
	t.add(unix.NFT_MSG_NEWCHAIN, 0, func(e *netlink.AttributeEncoder) {
		e.String(unix.NFTA_CHAIN_TABLE, t.table)
		e.String(unix.NFTA_CHAIN_NAME, name)
		e.Nested(unix.NFTA_CHAIN_HOOK, func(e *netlink.AttributeEncoder) error {
			e.Uint32(unix.NFTA_HOOK_HOOKNUM, hook)
			e.Int32(unix.NFTA_HOOK_PRIORITY, priority)
			return nil
		})
		e.String(unix.NFTA_CHAIN_TYPE, "nat")
	})
}

// rule adds a rule to the end of a chain.
func (t *transaction) rule(chain string, exprs []expr.Any) {
	t.add(unix.NFT_MSG_NEWRULE, netlink.Append, func(e *netlink.AttributeEncoder) {
		e.String(unix.NFTA_RULE_TABLE, t.table)
		e.String(unix.NFTA_RULE_CHAIN, chain)
		e.Nested(unix.NFTA_RULE_EXPRESSIONS, func(e *netlink.AttributeEncoder) error {
			for _, x := range exprs {
				e.Do(unix.NLA_F_NESTED|unix.NFTA_LIST_ELEM, func() ([]byte, error) { return expr.Marshal(unix.NFPROTO_INET, x) })
			}
			return nil
		})
	})
}

// add appends a message that creates something.
func (t *transaction) add(kind netlink.HeaderType, flags netlink.HeaderFlags, write func(*netlink.AttributeEncoder)) {
	e := netlink.NewAttributeEncoder()
	e.ByteOrder = binary.BigEndian
	write(e)
	attributes, err := e.Encode()
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("encode message %d: %w", len(t.messages), err)
	}
	t.messages = append(t.messages, netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | kind, Flags: netlink.Request | netlink.Create | flags},
		Data:   append([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, attributes...), // struct nfgenmsg
	})
}

// enclose appends the beginning or the end.
func (t *transaction) enclose(kind netlink.HeaderType) {
	t.messages = append(t.messages, netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request},
		Data:   []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES},
	})
}

// commit sends the transaction from within n and waits for the kernel's answer. It can be called once.
func (t *transaction) commit(n *Namespace) error {
	if t.err != nil {
		return t.err
	}
	// The kernel answers to what it refuses and to what it is asked to acknowledge, in their order: the
	// first answer is the last message's only if nothing before it was refused.
	t.messages[len(t.messages)-1].Header.Flags |= netlink.Acknowledge
	t.enclose(unix.NFNL_MSG_BATCH_END)
	var conn *netlink.Conn
	err := n.Do(func() (err error) {
		conn, err = netlink.Dial(unix.NETLINK_NETFILTER, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("open nf_tables: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(lookTimeout)); err != nil {
		return err
	}
	if _, err := conn.SendMessages(t.messages); err != nil {
		return err
	}
	_, err = conn.Receive()
	return err
}
