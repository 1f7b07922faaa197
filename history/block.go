package history

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// blockForm is the version of the form of a block's value.
const blockForm = 1

var errBlock = errors.New("not a block")

// blockKey is where a block is stored: by service and source.
func blockKey(b *policy.BlockState) []byte {
	key := append([]byte(b.Service), 0)
	key = append(key, b.Source.Addr().AsSlice()...)
	return append(key, byte(b.Source.Bits()))
}

// blockValue writes what is kept of a block beside its key. What a census found of it is not.
func blockValue(b *policy.BlockState) []byte {
	v := append(make([]byte, 0, 96), blockForm, byte(b.Mode), flag(b.Left))
	for _, n := range []int64{int64(b.Strikes), int64(b.Peak), int64(b.Since), int64(b.Until), int64(b.Decay),
		int64(b.Reason.At), int64(b.Reason.Measured), int64(b.Reason.Threshold)} {
		v = binary.AppendVarint(v, n)
	}
	for _, s := range []string{string(b.Cause), b.Reason.Rule, b.Note} {
		v = append(binary.AppendUvarint(v, uint64(len(s))), s...)
	}
	return v
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// readBlock reads a key and a value. It keeps no part of either, and says nothing about whether such a
// block can be.
func readBlock(key, value []byte) (b policy.BlockState, err error) {
	nul := slices.Index(key, 0)
	if nul < 0 {
		return b, errBlock
	}
	source := key[nul+1:]
	if len(source) != 5 && len(source) != 17 {
		return b, errBlock
	}
	addr, _ := netip.AddrFromSlice(source[:len(source)-1])
	b.Service, b.Source = string(key[:nul]), netip.PrefixFrom(addr, int(source[len(source)-1]))
	if len(value) < 3 || value[0] != blockForm || value[1] > byte(policy.Enforce) || value[2] > 1 || !b.Source.IsValid() {
		return b, errBlock
	}
	b.Mode, b.Left = policy.Mode(value[1]), value[2] == 1
	r := reader{rest: value[3:]}
	b.Strikes, b.Peak = int(r.int()), int(r.int())
	b.Since, b.Until, b.Decay = policy.Instant(r.int()), policy.Instant(r.int()), policy.Instant(r.int())
	b.Reason.At, b.Reason.Measured, b.Reason.Threshold = policy.Instant(r.int()), int(r.int()), int(r.int())
	b.Cause, b.Reason.Rule, b.Note = policy.Kind(r.text()), r.text(), r.text()
	if r.short || len(r.rest) > 0 {
		return b, errBlock
	}
	return b, nil
}

// reader takes values off the front of rest.
type reader struct {
	rest  []byte
	short bool // something was missing or no number: what was read since means nothing
}

func (r *reader) int() int64 {
	n, used := binary.Varint(r.rest)
	if used <= 0 {
		r.short, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[used:]
	return n
}

func (r *reader) text() string {
	n, used := binary.Uvarint(r.rest)
	if used <= 0 || n > uint64(len(r.rest)-used) {
		r.short, r.rest = true, nil
		return ""
	}
	s := string(r.rest[used : used+int(n)])
	r.rest = r.rest[used+int(n):]
	return s
}
