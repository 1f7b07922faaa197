package setdump

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Conn is a connection to nf_tables. It is not safe for concurrent use, and its methods must not
// be called from within the callback of Dump. One Conn serves any number of dumps, one after the
// other; it keeps 32 KiB and one netlink socket until Close.
type Conn struct {
	nl   *nlwire.Conn
	body []byte  // scratch for the request
	elem Element // scratch handed to callbacks
}

// Request says what to dump.
type Request struct {
	Table string // a table of the inet family
	Set   string // a set or map in it
	// Stop, if not nil, is asked before each read of up to 32 KiB; true ends the dump with
	// nlwire.ErrStopped.
	Stop func() bool
}

// Messages, of the subsystem NFNL_SUBSYS_NFTABLES in the upper byte.
const (
	getSet     = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETSET
	newSet     = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWSET
	getElement = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETSETELEM
	newElement = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWSETELEM
)

// maxName is the longest name of a table or set: NFT_NAME_MAXLEN counts the NUL.
const maxName = 255

// Open opens a Conn in the network namespace of the calling thread. It stays there, whatever
// thread uses it later.
func Open() (*Conn, error) {
	nl, err := nlwire.Open(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open nf_tables: %w", err)
	}
	return &Conn{nl: nl}, nil
}

// Close gives the netlink socket back. The Conn cannot be used afterwards.
func (c *Conn) Close() error { return c.nl.Close() }

// Dump calls each for every element of a set, in no order, always with the same *Element. It
// returns nil if the kernel has reported all of them. Elements that have timed out are not
// reported, even where the kernel has yet to remove them.
//
// The kernel finds its place again between two reads by counting elements. Where rules add
// elements during the dump, or elements time out, it may therefore pass over others, or report
// them twice, and does not say so. A set that fits into one read of 32 KiB, some 200 to 400
// elements, is read at one go; only the first read of a new Conn is smaller.
//
// unix.ENOENT says that there is no such table or set; if it was removed during the dump, some
// elements were reported. With an error that is nlwire.Incomplete some may be missing. One of them is
// nlwire.ErrInterrupted: somebody changed the ruleset, this table or another, under the dump, and some
// may have come twice; elements which rules add or which time out are no change in this sense. After
// any error the Conn can be used again. Needs CAP_NET_ADMIN (unix.EPERM).
func (c *Conn) Dump(req Request, each func(*Element)) error {
	if err := c.dump(&req, each); err != nil {
		return fmt.Errorf("dump set %q of table inet %q: %w", req.Set, req.Table, err)
	}
	return nil
}

func (c *Conn) dump(req *Request, each func(*Element)) error {
	if err := checkNames(req.Table, req.Set); err != nil {
		return err
	}
	c.body = appendRequest(c.body[:0], unix.NFTA_SET_ELEM_LIST_TABLE, req.Table, unix.NFTA_SET_ELEM_LIST_SET, req.Set)
	var gen generations
	err := c.nl.Do(&nlwire.Request{Type: getElement, Dump: true, Body: c.body, Answer: newElement, Stop: req.Stop},
		func(body []byte) bool {
			gen.see(body)
			return decodeElements(body, &c.elem, each)
		})
	if err == nil && gen.changed {
		return nlwire.ErrInterrupted
	}
	return err
}

// Count returns how many elements a set has, without reading them. ok is false where the kernel
// does not tell (before Linux 6.16, which brought NFTA_SET_COUNT). Elements that have timed out
// count until the kernel removes them, some time later. unix.ENOENT says that there is no such
// table or set. Needs CAP_NET_ADMIN (unix.EPERM).
func (c *Conn) Count(table, set string) (n int, ok bool, err error) {
	if err = checkNames(table, set); err == nil {
		c.body = appendRequest(c.body[:0], unix.NFTA_SET_TABLE, table, unix.NFTA_SET_NAME, set)
		err = c.nl.Do(&nlwire.Request{Type: getSet, Body: c.body, Answer: newSet}, func(body []byte) bool {
			var whole bool
			n, ok, whole = decodeCount(body)
			return whole
		})
	}
	if err != nil {
		return 0, false, fmt.Errorf("count elements of set %q of table inet %q: %w", set, table, err)
	}
	return n, ok, nil
}

// checkNames refuses what the kernel would misread.
func checkNames(names ...string) error {
	for _, name := range names {
		if name == "" || len(name) > maxName {
			return fmt.Errorf("a name of %d bytes: 1 to %d are allowed", len(name), maxName)
		}
		for i := range len(name) {
			if name[i] == 0 {
				return fmt.Errorf("the name %q has a NUL in it", name)
			}
		}
	}
	return nil
}

// appendRequest appends a struct nfgenmsg, the table's name and the set's, each under its kind.
func appendRequest(b []byte, tableKind uint16, table string, setKind uint16, set string) []byte {
	b = nlwire.AppendNetfilter(b, unix.NFPROTO_INET, 0)
	b = nlwire.AppendString(b, tableKind, table)
	return nlwire.AppendString(b, setKind, set)
}
