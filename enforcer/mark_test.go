package enforcer

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// marking is a table that may cut.
func marking(t *testing.T) *Table {
	t.Helper()
	tb := open(t)
	now := boottime.Now()
	d := flood("web", now+30*second)
	d.At = now
	r := Compile(passing(policy.Forwarded, onePolicy(web())), d, Environment{OthersTrack: true})
	if err := tb.Apply(Diff(tb.Have(), r, now)); err != nil {
		t.Fatal(err)
	}
	return tb
}

// TestMark: marks of both families are in the kernel as nft writes them, and are not taken for somebody
// else's changes.
func TestMark(t *testing.T) {
	tb := marking(t)
	ends := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("[2001:db8::1]:513")}
	for range 2 { // a mark that is there is no error
		if err := tb.Mark(ends); err != nil {
			t.Fatal(err)
		}
	}
	if err := tb.Mark(nil); err != nil {
		t.Error(err)
	}
	for set, want := range map[string]string{"gone4": "192.0.2.1 . 4000", "gone6": "2001:db8::1 . 513"} {
		list := nft(t, "-n", "list", "set", "inet", TableName, set)
		if !strings.Contains(list, "elements = { "+want+" ") || strings.Count(list, "expires") != 1 {
			t.Errorf("want the one element %s:\n%s", want, list)
		}
	}
	if c, err := tb.Look(true); err != nil || c.Lost {
		t.Errorf("after marks: %+v, %v", c, err)
	}
	listsWhatItHas(t, tb)
}

// TestMarkBesideTheLoop marks while plans are applied and the kernel is looked at. None of it is lost, and
// none is taken for another's.
func TestMarkBesideTheLoop(t *testing.T) {
	tb := marking(t)
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range 200 {
			err = errors.Join(err, tb.Mark([]netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(1000+i))}))
		}
		done <- err
	}()
	for i := range policy.Instant(20) {
		now := boottime.Now()
		d := flood("web", now+(30+20*i)*second)
		d.At = now
		r := Compile(passing(policy.Forwarded, onePolicy(web())), d, Environment{OthersTrack: true})
		if err := tb.Apply(Diff(tb.Have(), r, now)); err != nil {
			t.Fatal(err)
		}
		if c, err := tb.Look(true); err != nil || c.Lost {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(nft(t, "list", "set", "inet", TableName, "gone4"), "expires"); n != 200 {
		t.Errorf("%d marks, want 200", n)
	}
}

// TestMarkWithoutRules: without a table, and with one that cuts nothing, there is nobody to answer.
func TestMarkWithoutRules(t *testing.T) {
	tb := open(t)
	end := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4000")}
	if err := tb.Mark(end); !errors.Is(err, ErrNotAnswered) {
		t.Errorf("without a table: %v", err)
	}
	now := boottime.Now()
	if err := tb.Apply(Diff(tb.Have(), Compile(onePolicy(web()), flood("web", now+30*second), Environment{}), now)); err != nil {
		t.Fatal(err)
	}
	if err := tb.Mark(end); !errors.Is(err, ErrNotAnswered) {
		t.Errorf("without rules that cut: %v", err)
	}
}

// TestMarkIsBounded: what is beyond the bound is refused as a whole, and what is there stays.
func TestMarkIsBounded(t *testing.T) {
	tb := marking(t)
	ends := make([]netip.AddrPort, goneSize)
	for i := range ends {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 10<<24|uint32(i))
		ends[i] = netip.AddrPortFrom(netip.AddrFrom4(a), 4000)
	}
	if err := tb.Mark(ends); err != nil {
		t.Fatal(err)
	}
	if err := tb.Mark([]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:1")}); !errors.Is(err, unix.ENFILE) {
		t.Errorf("beyond the bound: %v", err)
	}
	if f := fills(t, tb)["gone4"]; f.Full() != tb.features.Count || !f.Fault || !strings.Contains(f.Then, "not cut") {
		t.Errorf("%+v, want it told as full where the kernel counts (%t)", f, tb.features.Count)
	}
	if err := tb.Mark([]netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:1")}); err != nil {
		t.Errorf("the other family: %v", err)
	}
}
