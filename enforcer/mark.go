package enforcer

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nftwire"
)

// ErrNotAnswered is returned by Table.Mark where no rule of ours would answer packets of cut connections.
var ErrNotAnswered = errors.New("no rule answers packets of cut connections")

// Mark has the rules of cut answer, for five minutes, packets between these ends of clients and whatever
// they are connected to, as soon as conntrack knows nothing of the connection any more. It is one
// transaction: all of it holds afterwards or nothing. Unlike all else in Table it may be called by another
// goroutine beside the one that applies plans; what it adds is, like whatever rules put into sets, no part
// of a Ruleset. The next Look takes it for somebody else's change and has a closer look, once for however
// many marks: whether they count the generation up depends on what is marked already. Without the rules the
// error is ErrNotAnswered; beyond 131,072 ends of a family, within the five minutes, it wraps unix.ENFILE.
func (t *Table) Mark(ends []netip.AddrPort) error {
	t.sending.Lock()
	defer t.sending.Unlock()
	defer t.marks.Reset()
	for _, f := range families {
		t.mark(f, ends)
	}
	err := t.send(&t.marks)
	if errors.Is(err, unix.ENOENT) {
		return ErrNotAnswered
	}
	if err != nil {
		return fmt.Errorf("mark %d connections in table inet %s: %w", len(ends), TableName, err)
	}
	return nil
}

// mark writes the ends of one family. An end that is marked already stays so; kernels before Linux 6.12 do
// not begin its time anew.
func (t *Table) mark(f family, ends []netip.AddrPort) {
	w := t.marks.AddElements(TableName, "gone"+f.suffix)
	for _, end := range ends {
		if f.of(end.Addr()) {
			w.Put(&nftwire.Element{Key: endKey(end)})
		}
	}
	w.End()
}

// endKey is an address and a port as a rule puts them into registers: each part fills up four bytes.
func endKey(end netip.AddrPort) []byte {
	port := end.Port()
	return append(end.Addr().AsSlice(), byte(port>>8), byte(port), 0, 0)
}
