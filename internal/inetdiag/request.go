package inetdiag

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Request says which sockets a dump reports.
type Request struct {
	// Family is unix.AF_INET, unix.AF_INET6, or unix.AF_UNSPEC for both in one walk of the
	// kernel's table, which saves the second walk (0.2 s where a million sockets live). Sockets
	// of a dual-stack listener are AF_INET6 sockets with mapped addresses.
	Family uint8
	// States to report; others are skipped in the kernel.
	States States
	// Info asks for tcp_info as well, at about a tenth more time and three times the reads.
	Info bool
	// Filter is an INET_DIAG_REQ_BYTECODE program, from PortFilter; empty selects everything.
	Filter []byte
	// Stop, if not nil, is asked before each read of up to 32 KiB; true ends the dump with
	// nlwire.ErrStopped.
	Stop func() bool
}

// Message types and attributes of linux/inet_diag.h and linux/sock_diag.h.
const (
	tcpdiagGetSock   = 18 // TCPDIAG_GETSOCK, the older request, the only one that takes AF_UNSPEC
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	sockDestroy      = 21 // SOCK_DESTROY

	reqBytecode = 1 // INET_DIAG_REQ_BYTECODE

	attrInfo     = 2  // INET_DIAG_INFO
	attrV6Only   = 11 // INET_DIAG_SKV6ONLY
	attrCgroupID = 21 // INET_DIAG_CGROUP_ID, of Linux 5.9 and newer, never asked for
	extInfo      = 1 << (attrInfo - 1)
	sockidLen    = 48

	// maxFilter keeps the attribute's length within its 16 bits.
	maxFilter = nlwire.MostAttr - unix.NLA_HDRLEN - 3
)

// kind is the message type of the request and of every socket in the answer.
func (r *Request) kind() uint16 {
	if r.Family == unix.AF_UNSPEC {
		return tcpdiagGetSock
	}
	return sockDiagByFamily
}

// check refuses what the kernel would misread.
func (r *Request) check() error {
	switch r.Family {
	case unix.AF_INET, unix.AF_INET6, unix.AF_UNSPEC:
	default:
		return fmt.Errorf("family %d is not one of AF_UNSPEC, AF_INET, AF_INET6", r.Family)
	}
	if r.States == 0 {
		return fmt.Errorf("the set of states is empty: name at least one")
	}
	if len(r.Filter) > maxFilter || len(r.Filter)%4 != 0 {
		return fmt.Errorf("a filter of %d bytes: a multiple of 4 up to %d is allowed", len(r.Filter), maxFilter)
	}
	return nil
}

// appendBody appends to b what follows the header of the dump request.
func (r *Request) appendBody(b []byte) []byte {
	var ext uint8
	if r.Info {
		ext = extInfo
	}
	var id ID
	if r.Family == unix.AF_UNSPEC { // struct inet_diag_req
		b = append(b, unix.AF_UNSPEC, 0, 0, ext)
		b = append(b, id[:]...)
		b = binary.NativeEndian.AppendUint32(b, uint32(r.States))
		b = binary.NativeEndian.AppendUint32(b, 0)
	} else { // struct inet_diag_req_v2
		b = appendRequestV2(b, r.Family, ext, r.States, &id)
	}
	if len(r.Filter) > 0 {
		b = nlwire.AppendBytes(b, reqBytecode, r.Filter)
	}
	return b
}

// appendRequestV2 appends a struct inet_diag_req_v2.
func appendRequestV2(b []byte, family, ext uint8, states States, id *ID) []byte {
	b = append(b, family, unix.IPPROTO_TCP, ext, 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(states))
	return append(b, id[:]...)
}
