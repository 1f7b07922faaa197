package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// NetfilterHeader is sizeof(struct nfgenmsg) of linux/netfilter/nfnetlink.h, with which the body of
// every message of netfilter begins: those of nf_tables and of conntrack.
const NetfilterHeader = 4

// AppendNetfilter appends a struct nfgenmsg of a family (NFPROTO_..., AF_...). The resource is that of
// the beginning and end of a batch, the subsystem (NFNL_SUBSYS_...); elsewhere it is 0.
func AppendNetfilter(b []byte, family uint8, resource uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, family, unix.NFNETLINK_V0), resource)
}
