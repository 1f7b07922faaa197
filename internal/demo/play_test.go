package demo

import (
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// newPlay sets a stage with everything on it but the daemon.
func newPlay(t *testing.T) *play {
	t.Helper()
	return newPlayOf(t, connectionFlood())
}

func newPlayOf(t *testing.T, k kind) *play {
	t.Helper()
	p := &play{Options: Options{Out: io.Discard}, kind: k, lab: nstest.Lab(t), daemon: &daemonProcess{}}
	if err := p.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.line = newTimeline(p.Options, k, time.Now())
	return p
}

// tableOf returns functions that make and remove the table of that name in the victim's namespace.
func tableOf(t *testing.T, p *play, name string) (add, remove func()) {
	t.Helper()
	var conn *nftables.Conn
	if err := p.lab.Victim.Do(func() (err error) {
		conn, err = nftables.New(nftables.AsLasting())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.CloseLasting(); err != nil {
			t.Error(err)
		}
	})
	table := &nftables.Table{Family: nftables.TableFamilyINet, Name: name}
	flush := func() {
		t.Helper()
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	return func() { t.Helper(); conn.AddTable(table); flush() }, func() { t.Helper(); conn.DelTable(table); flush() }
}

func TestMostHeldCountsASubnetAsOneSource(t *testing.T) {
	p := newPlay(t)
	for _, c := range []lab.HoardConfig{
		{Target: netip.AddrPortFrom(lab.VictimV4(), servicePort), Sources: lab.AttackRange().IPv4(4), Total: 28},
		{Target: netip.AddrPortFrom(lab.VictimV6(), servicePort), Sources: lab.AttackRange().OneSubnet(20), Total: 20},
	} {
		if _, err := lab.StartHoard(t.Context(), p.lab.Attackers, c); err != nil {
			t.Fatal(err)
		}
	}
	nstest.Await(t, "20 connections of one /64, more than the 7 of an IPv4 address", func() bool { return p.mostHeld() == 20 })
}

func TestAnnouncements(t *testing.T) {
	p := newPlay(t)
	add, remove := tableOf(t, p, "ebbgate")
	heard := func(what string) func() bool {
		return func() bool {
			p.announce()
			return slices.ContainsFunc(p.line.notes, func(n string) bool { return strings.HasPrefix(n, what) })
		}
	}
	add()
	nstest.Await(t, "the table to be seen", p.table.Present)
	if heard("first rule")() {
		t.Error("a rule before the flood was announced as the answer to it")
	}
	p.result.onset = time.Now()
	nstest.Await(t, "the first rule to be announced", heard("first rule in the kernel "))
	remove()
	nstest.Await(t, "the table to be seen gone", p.clean)
	if heard("the table is gone")() {
		t.Error("a gap in the middle of the flood was announced as its end")
	}
	add()
	nstest.Await(t, "the table to be seen again", p.table.Present)
	p.told.Attacks, p.result.floodEnd = []control.Attack{{Kind: policy.ConnectionFlood}}, time.Now()
	if heard("the table is gone")() {
		t.Error("a table that is there was announced as gone")
	}
	remove()
	nstest.Await(t, "the table's end to be announced, whatever becomes of the attack", heard("the table is gone: "))
	if heard("ebbgate sees no attack")() || p.clean() {
		t.Error("an attack that is open was announced as over, or taken for clean")
	}
	p.told.Attacks = nil
	if !heard("ebbgate sees no attack any more")() || !p.clean() {
		t.Error("the attack's end was not announced, or not taken for clean")
	}
	for range 3 {
		p.announce()
	}
	if n := len(p.line.notes); n != 3 {
		t.Errorf("announced %q, want each once", p.line.notes)
	}

	p.result.Recognised = time.Second
	// On a busy machine a request may fail, and then a second must pass before they count as served.
	nstest.Await(t, "everything to be known that is measured", func() bool { return p.measure(t.Context()) == nil })
	if r := p.result; !r.Peace || r.TableGone <= 0 || r.AttackOver < r.TableGone || r.Clean != r.AttackOver {
		t.Errorf("result %+v, want the table gone after the flood, then the attack over, and peace since", r)
	}
}

func TestPlayInWhichNothingHappensIsAnError(t *testing.T) {
	p := newPlay(t)
	if err := p.measure(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "no rule was seen in the kernel; ") {
		t.Errorf("error %v", err)
	}
}

func TestSampleShowsWhatIsServedAndHeld(t *testing.T) {
	p := newPlay(t)
	var out strings.Builder
	p.line = newTimeline(Options{Out: &out}, p.kind, time.Now())
	h, err := lab.StartHoard(t.Context(), p.lab.Attackers, lab.HoardConfig{
		Target: netip.AddrPortFrom(lab.VictimV4(), servicePort), Sources: lab.AttackRange().IPv4(1), Total: 300})
	if err != nil {
		t.Fatal(err)
	}
	p.floods = append(p.floods, hoardFlood{h})
	nstest.Await(t, "300 connections held and a request served", func() bool {
		return p.server.Counts().Held >= 300 && p.clients.Totals().Succeeded > 0
	})
	takeSample(t, p)
	if p.served == 0 {
		t.Error("the sample forgot what was served")
	}
	if err := p.count(); err != nil {
		t.Fatal(err)
	}
	if p.result.Attempts < 300 {
		t.Errorf("%d attempts counted, want 300 or more", p.result.Attempts)
	}
	p.end()
	if len(p.floods) != 0 {
		t.Error("a flood goes on")
	}
	takeSample(t, p)
	if text := out.String(); strings.Count(text, "###") == 0 || !strings.Contains(text, "-- the flood ends\n") {
		t.Errorf("shown:\n%s", text)
	}
}

// takeSample adds a line to the timeline.
func takeSample(t *testing.T, p *play) {
	t.Helper()
	if err := p.sample(); err != nil {
		t.Fatal(err)
	}
}
