package inetdiag

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"ebbgate/policy"
)

// MaxPortRanges is how many ranges PortFilter takes, counted after touching ones are merged.
const MaxPortRanges = 512

// Operations of the filter language (enum in linux/inet_diag.h). Each is a struct
// inet_diag_bc_op of four bytes; the comparisons are followed by a second one whose "no" field
// carries the port.
const (
	bcJmp = 1  // INET_DIAG_BC_JMP: always takes the "no" jump
	bcSGE = 2  // INET_DIAG_BC_S_GE: local port >= argument
	bcSLE = 3  // INET_DIAG_BC_S_LE
	bcSEQ = 11 // INET_DIAG_BC_S_EQ

	bcLen     = 4
	bcCompare = 2 * bcLen
)

// PortFilter returns a program for Request.Filter that selects the sockets whose local port lies
// in any of ranges, in any order, overlapping or not. It is an error to give none, an inverted
// one, or more than MaxPortRanges that do not touch.
//
// The program is a binary search, so that each socket costs the kernel a handful of operations
// even at the bound. "yes" jumps are 8 bits wide and may only lead to the next operation here;
// "no" jumps are 16 bits wide. A program accepts by jumping to its end exactly and rejects by
// jumping four bytes beyond (inet_diag_bc_run in net/ipv4/inet_diag.c).
func PortFilter(ranges []policy.PortRange) ([]byte, error) {
	merged, err := mergeRanges(ranges)
	if err != nil {
		return nil, fmt.Errorf("build port filter: %w", err)
	}
	b := appendSearch(nil, merged, false)
	for at := 0; at < len(b); at += int(b[at+1]) {
		if b[at] == bcJmp {
			setJump(b, at, len(b)-at)
		} else if binary.NativeEndian.Uint16(b[at+2:]) == 0 {
			setJump(b, at, len(b)-at+bcLen)
		}
	}
	return b, nil
}

// mergeRanges sorts ranges and joins those that overlap or touch.
func mergeRanges(ranges []policy.PortRange) ([]policy.PortRange, error) {
	if len(ranges) == 0 {
		return nil, errors.New("no port given")
	}
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b policy.PortRange) int { return cmp.Compare(a.First, b.First) })
	merged := sorted[:0]
	for _, r := range sorted {
		if r.First > r.Last {
			return nil, fmt.Errorf("port range %d-%d is inverted", r.First, r.Last)
		}
		if n := len(merged); n > 0 && int(r.First) <= int(merged[n-1].Last)+1 {
			merged[n-1].Last = max(merged[n-1].Last, r.Last)
			continue
		}
		merged = append(merged, r)
	}
	if len(merged) > MaxPortRanges {
		return nil, fmt.Errorf("%d separate port ranges: at most %d are allowed", len(merged), MaxPortRanges)
	}
	return merged, nil
}

// appendSearch appends the search among ranges. Its parts follow each other by "yes" jumps from
// first to last, which is the path along which the kernel audits a program. Jumps that reject
// are left 0, those of bcJmp all accept; PortFilter fills in both. above says that the port is
// known to be at least the first of ranges.
func appendSearch(b []byte, ranges []policy.PortRange, above bool) []byte {
	if len(ranges) > 1 {
		mid := len(ranges) / 2
		at := len(b)
		b = appendCompare(b, bcSGE, ranges[mid].First)
		b = appendSearch(b, ranges[mid:], true)
		setJump(b, at, len(b)-at)
		return appendSearch(b, ranges[:mid], above)
	}
	r := ranges[0]
	switch {
	case r.First == r.Last:
		b = appendCompare(b, bcSEQ, r.First)
	case above:
		b = appendCompare(b, bcSLE, r.Last)
	default:
		b = appendCompare(b, bcSGE, r.First)
		b = appendCompare(b, bcSLE, r.Last)
	}
	return append(b, bcJmp, bcLen, 0, 0)
}

func appendCompare(b []byte, code uint8, port uint16) []byte {
	b = append(b, code, bcCompare, 0, 0, 0, 0)
	return binary.NativeEndian.AppendUint16(b, port)
}

// setJump sets the "no" jump of the operation at offset at.
func setJump(b []byte, at, distance int) {
	binary.NativeEndian.PutUint16(b[at+2:], uint16(distance))
}
