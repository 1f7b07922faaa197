package ctnetlink

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
)

// decoded returns the entry of a message.
func decoded(t testing.TB, b []byte) Entry {
	t.Helper()
	var e Entry
	if !e.decode(b) {
		t.Fatalf("not decoded: %x", b)
	}
	return e
}

func TestDeleteNamesTheEntry(t *testing.T) {
	for _, tt := range []struct{ name, from, to, replyFrom, zone string }{
		{"IPv4", "10.66.0.1:40000", "10.77.0.1:80", "10.77.0.1:80", ""},
		{"IPv4, DNAT, zone", "10.66.0.1:40000", "10.77.0.1:8080", "10.55.0.2:80", "\x00\x05"},
		{"IPv6", "[2001:db8::1]:1", "[fd77::1]:65535", "[fd55::2]:80", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := flow(tt.from, tt.to, tt.replyFrom, tt.from)
			want := parts{p[0], {ctaID, []byte{1, 2, 3, 4}}}
			if tt.zone != "" {
				p, want = p.with(ctaZone, []byte(tt.zone)...), append(want, part{ctaZone, []byte(tt.zone)})
			}
			nl := &fake{t: t, answers: []answer{{}}}
			if err := (&Conn{nl: nl}).Delete([]Entry{decoded(t, message(p))}, nil); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(nl.asked[0], message(want)) {
				t.Errorf("asked %x, want %x", nl.asked[0], message(want))
			}
		})
	}
}

func TestDeleteRefusals(t *testing.T) {
	list := []Entry{decoded(t, dnat), decoded(t, direct), decoded(t, dnat)}
	c := &Conn{nl: &fake{t: t, answers: []answer{{bodies: [][]byte{{0, byte(unix.ENOENT)}, {2, byte(unix.EPERM)}}}, {err: nlwire.ErrOverrun}}}}
	var got []string
	if err := c.Delete(list, func(i int, err error) { got = append(got, fmt.Sprint(i, " ", err)) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0 " + ErrGone.Error(), "2 CAP_NET_ADMIN is needed: operation not permitted"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := c.Delete(list, nil); !errors.Is(err, nlwire.ErrOverrun) {
		t.Errorf("got %v, want that answers were lost", err)
	}
	for _, tt := range []struct {
		list []Entry
		want string
	}{
		{make([]Entry, MaxBatch+1), "at most 256"},
		{[]Entry{list[0], {Family: unix.AF_UNIX, Protocol: unix.IPPROTO_TCP, ID: 1}}, "family 1 "},
		{[]Entry{{Family: unix.AF_INET, Protocol: unix.IPPROTO_UDP, ID: 1}}, "protocol 17"},
		{[]Entry{decoded(t, message(flow("10.0.0.1:1", "10.0.0.2:2", "10.0.0.2:2", "10.0.0.1:1").without(ctaID)))}, "10.0.0.1:1 to 10.0.0.2:2 has no ID"},
	} {
		if err := new(Conn).Delete(tt.list, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error about %q", err, tt.want)
		}
	}
}

// TestKernelDelete makes entries of every kind and deletes one after the other, beside one that is
// gone already and one of whose addresses and ports another connection has by now.
func TestKernelDelete(t *testing.T) {
	nstest.Enter(t)
	flows := []nstest.Flow{
		{From: ap("10.0.0.1:1"), To: ap("10.0.0.9:80")},
		{From: ap("10.0.0.1:2"), To: ap("10.0.0.9:8080"), ReplyFrom: ap("10.55.0.2:80"), ReplyTo: ap("10.0.0.1:2")},
		{From: ap("[fd00::1]:1"), To: ap("[fd00::9]:80")},
		{From: ap("[fd00::1]:2"), To: ap("[fd00::9]:8080"), ReplyFrom: ap("[fd55::2]:80"), ReplyTo: ap("[fd00::1]:2")},
		{From: ap("10.0.0.1:3"), To: ap("10.0.0.9:80"), Zone: 3},
		{From: ap("10.0.0.1:4"), To: ap("10.0.0.9:80")}, // to be gone
		{From: ap("10.0.0.1:5"), To: ap("10.0.0.9:80")}, // to be replaced
		{From: ap("10.0.0.1:6"), To: ap("10.0.0.9:80")}, // not deleted
	}
	for i := range flows {
		flows[i].Status, flows[i].State = uint32(SeenReply|Assured), uint8(Established)
	}
	nstest.Track(t, flows...)
	c := open(t)
	list := make([]Entry, len(flows))
	for _, e := range find(t, c, Request{}) {
		list[slices.IndexFunc(flows, func(f nstest.Flow) bool { return f.From == e.Original.From() })] = e
	}
	old := list[6:7]
	if err := errors.Join(c.Delete(list[5:6], nil), c.Delete(old, nil)); err != nil {
		t.Fatal(err)
	}
	// Others first: an entry at the same place in memory would have the same ID.
	busy(t, 50)
	nstest.Track(t, flows[6])
	got := map[int]error{}
	if err := c.Delete(list[:7], func(i int, err error) { got[i] = err }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !errors.Is(got[5], ErrGone) || !errors.Is(got[6], ErrGone) {
		t.Errorf("not deleted: %v; want 5, which is gone, and 6, which is another one by now", got)
	}
	left := slices.DeleteFunc(find(t, c, Request{}), func(e Entry) bool { return e.Original.To().Addr() != flows[0].To.Addr() })
	slices.SortFunc(left, func(a, b Entry) int { return int(a.Original.SourcePort) - int(b.Original.SourcePort) })
	if len(left) != 2 || left[0].Original.From() != flows[6].From || left[0].ID == old[0].ID || left[1].ID != list[7].ID {
		t.Errorf("left: %+v", left)
	}
}

// TestKernelDeleteMany deletes more than one batch.
func TestKernelDeleteMany(t *testing.T) {
	nstest.Enter(t)
	busy(t, 500)
	c := open(t)
	var list []Entry
	for _, e := range find(t, c, Request{}) {
		if e.Original.DestinationPort == 8080 {
			list = append(list, e)
		}
	}
	if len(list) != 500 {
		t.Fatalf("%d entries", len(list))
	}
	for some := range slices.Chunk(list, MaxBatch) {
		if err := c.Delete(some, func(i int, err error) { t.Errorf("entry %d: %v", i, err) }); err != nil {
			t.Fatal(err)
		}
	}
	if left := find(t, c, Request{}); len(left) != 500 || slices.ContainsFunc(left, func(e Entry) bool { return e.Original.DestinationPort == 8080 }) {
		t.Errorf("%d entries left, want the 500 of others", len(left))
	}
}

// FuzzName checks that a name is what the kernel would read it as: the original direction and the ID
// of the entry, in well-formed attributes.
func FuzzName(f *testing.F) {
	f.Add([]byte{10: 0xff, 11: 0xff, 12: 10, 15: 1}, []byte{10: 0xff, 11: 0xff, 12: 10, 15: 2}, uint16(1), uint16(80), uint16(0), uint32(7), false)
	f.Add([]byte{0: 0xfd, 15: 1}, []byte{0: 0xfd, 15: 2}, uint16(65535), uint16(443), uint16(9), uint32(1<<31), true)
	f.Fuzz(func(t *testing.T, source, destination []byte, from, to, zone uint16, id uint32, six bool) {
		e := Entry{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Zone: zone, ID: id}
		if six {
			e.Family = unix.AF_INET6
		} else {
			e.Original.Source, e.Original.Destination = [16]byte{10: 0xff, 11: 0xff}, [16]byte{10: 0xff, 11: 0xff}
		}
		at := map[bool]int{false: 12, true: 0}[six]
		copy(e.Original.Source[at:], source)
		copy(e.Original.Destination[at:], destination)
		e.Original.SourcePort, e.Original.DestinationPort = from, to
		b := e.appendName(nil)
		// What it lacks to be a whole entry.
		b, reply := nlwire.Nest(b, ctaTupleReply)
		b = e.Original.appendTo(b, e.Family, e.Protocol)
		nlwire.Seal(b, reply)
		b = nlwire.AppendUint32(b, ctaStatus, 0)
		e.Reply = e.Original
		if got := decoded(t, b); got != e {
			t.Errorf("got %+v, want %+v", got, e)
		}
	})
}
