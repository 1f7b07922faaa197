package enforcer

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

const (
	// patience is how long a connection may take that should open or be refused: a measure of patience.
	patience = 5 * time.Second
	// unanswered is how long one is waited for that should get no answer. A SYN is repeated after a
	// second, so that each is sent once.
	unanswered = 30 * time.Millisecond
)

// TestEveryAnswerReachesWhomItShould opens real connections from all sources on all paths under every
// answer, and asks the clients, our counters and the nft tool what became of them.
func TestEveryAnswerReachesWhomItShould(t *testing.T) {
	for _, g := range grounds {
		t.Run(g.name, func(t *testing.T) {
			f := emptyField(t)
			g.lay(t, f)
			f.serve(t, f.lab.Attackers, "[::]:9090")
			for i := range answers {
				for j := range g.paths {
					if answers[i].with == policy.Drop && !g.paths[j].drops {
						continue
					}
					t.Run(answers[i].name+" "+g.paths[j].name, func(t *testing.T) { f.play(t, &answers[i], &g.paths[j], g.env) })
				}
			}
		})
	}
}

// TestOurOwnAddressIsForged: from outside it is no more exempt than any other.
func TestOurOwnAddressIsForged(t *testing.T) {
	f := emptyField(t)
	p, d := matrixPolicy(), matrixDecision()
	namesBlocked(d)
	f.apply(t, p, d)
	for _, own := range []netip.Addr{lab.VictimV4(), lab.VictimV6()} {
		before := f.packets(t)["web_blocked"]
		flood := f.spoof(t, own, []netip.Addr{own}, 1000)
		nstest.Await(t, "SYNs from "+own.String()+" to be turned away", func() bool { return f.packets(t)["web_blocked"] >= before+100 })
		stopSpoof(t, flood)
	}
}

// play puts one answer on one path, and has everybody come by.
func (f *field) play(t *testing.T, a *answer, p *path, env Environment) {
	pol, d := matrixPolicy(), matrixDecision()
	svc := &pol.Services[0]
	svc.Mode, svc.Response.RefuseWith, svc.Addresses, svc.Traffic = a.mode, a.with, p.at, p.traffic
	svc.Ports = nil
	for _, port := range p.ports {
		svc.Ports = append(svc.Ports, policy.PortRange{First: port, Last: port})
	}
	a.names(d)
	if err := f.table.Apply(Diff(f.table.Have(), Ruleset{}, boottime.Now())); err != nil {
		t.Fatal(err)
	}
	older := make(map[string]net.Conn)
	for i := range sources {
		if s := &sources[i]; p.to(s.addr()).IsValid() {
			older[s.name] = f.must(t, s.home(f), s.addr(), p.to(s.addr()))
		}
	}
	outgoing := f.outgoing(t)
	entries := f.conntrack(t)
	if err := f.table.Apply(Diff(f.table.Have(), Compile(pol, d, env), boottime.Now())); err != nil {
		t.Fatal(err)
	}
	f.checkListing(t)
	for i := range sources {
		if s := &sources[i]; p.to(s.addr()).IsValid() {
			f.visit(t, a, p, s)
		}
	}
	// Only now: what is cut is sent again and again, and counted each time.
	f.checkOlder(t, a, p, older)
	for to, c := range outgoing {
		if err := request(t, c, patience); err != nil {
			t.Errorf("the host's own connection to %s: %v", to, err)
		}
	}
	f.outgoing(t)
	f.checkCounters(t)
	if now := f.conntrack(t); !env.OthersTrack && !a.tracks && now > entries {
		t.Errorf("%d conntrack entries, and before %d: the answer needs none", now, entries)
	}
}

// checkOlder has everybody say something on the connection he had before. Those that the answer cuts meet
// with silence, and not even with a reset, for which anybody could ask in the source's name.
func (f *field) checkOlder(t *testing.T, a *answer, p *path, older map[string]net.Conn) {
	t.Helper()
	before := f.packets(t)["web_"+a.counted]
	cut := make(map[string]net.Conn)
	for i := range sources {
		s := &sources[i]
		c := older[s.name]
		switch {
		case c == nil:
		case a.cuts && a.mode == policy.Enforce && a.reachesOn(p, s):
			say(t, c)
			cut[s.name] = c
		default:
			if err := request(t, c, patience); err != nil {
				t.Errorf("%s: an older connection: %v", s.name, err)
			}
		}
	}
	if len(cut) == 0 {
		return
	}
	nstest.Await(t, "what was said to be turned away", func() bool {
		return f.packets(t)["web_"+a.counted] >= before+uint64(len(cut))
	})
	until := time.Now().Add(10 * unanswered)
	for name, c := range cut {
		if err := c.SetReadDeadline(until); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: an older connection met with %v, want silence", name, err)
		}
	}
}

// reachesOn reports whether an answer is for a source on a path.
func (a *answer) reachesOn(p *path, s *source) bool {
	return a.reaches(s) && !p.missed && !(s.admin && p.v4.Port() == sshPort)
}

// visit has one source open its connections.
func (f *field) visit(t *testing.T, a *answer, p *path, s *source) {
	t.Helper()
	reached := a.reachesOn(p, s)
	least, most := a.tries, a.tries
	if reached {
		least, most = a.least, a.most
		if (s.shares || s.inside) && a.least < a.tries && a.least > 0 {
			least, most = 0, a.most-a.least // the other one has taken what there is, but for what came anew
		}
	}
	before := f.packets(t)
	opened := 0
	for i := range a.tries {
		within := patience
		switch {
		case reached && a.silent && i >= most:
			within = unanswered // it is counted as turned away, which an answer that is late is not
		case reached && a.silent && i >= least:
			within = 10 * unanswered
		}
		_, err := f.try(t, s.home(f), s.addr(), p.to(s.addr()), within)
		switch {
		case err == nil:
			opened++
			if a.cuts && reached { // the last packet of the handshake counts as well
				nstest.Await(t, "the handshake to be counted", func() bool { return f.packets(t)["web_"+a.counted] >= before["web_"+a.counted]+2*uint64(opened) })
			}
		case errors.Is(err, unix.ECONNREFUSED) && !a.silent, errors.Is(err, context.DeadlineExceeded) && a.silent:
		default:
			t.Errorf("%s: %v; is the answer to be silent: %t", s.name, err, a.silent)
		}
	}
	if opened < least || opened > most {
		t.Errorf("%s: %d of %d connections opened, want %d to %d", s.name, opened, a.tries, least, most)
	}
	f.checkCounted(t, a, s, reached, a.tries-opened, before)
}

// checkCounted checks that what was turned away was counted, as what it is and as nothing else.
func (f *field) checkCounted(t *testing.T, a *answer, s *source, reached bool, turned int, before map[string]uint64) {
	t.Helper()
	if reached && turned > 0 {
		nstest.Await(t, "what was turned away to be counted", func() bool {
			return f.packets(t)["web_"+a.counted] >= before["web_"+a.counted]+uint64(turned)
		})
	}
	for name, now := range f.packets(t) {
		more := int(now - before[name])
		switch kind := name[len("web_"):]; {
		case kind != a.counted && metering[kind]:
		case kind != a.counted || !reached:
			if more != 0 {
				t.Errorf("%s: %d packets more counted as %s, want none", s.name, more, kind)
			}
		case more == 0 || turned > 0 && more != turned:
			t.Errorf("%s: %d packets more counted as %s; %d were turned away", s.name, more, kind, turned)
		}
	}
}

// metering are the counters of a meter that other answers move too.
var metering = map[string]bool{"syns": true, "over": true, "overlisted": true, "unmetered": true}

func (s *source) addr() netip.Addr { return netip.MustParseAddr(s.from) }

// home is the namespace a source lives in.
func (s *source) home(f *field) *lab.Namespace {
	if s.self {
		return f.lab.Victim
	}
	return f.lab.Attackers
}

// get is what request sends.
const get = "GET / HTTP/1.1\r\nHost: lab\r\n\r\n"

var counterLine = regexp.MustCompile(`counter (\w+) \{\s+packets (\d+)`)

// checkCounters checks that nft reads the same from the counters as we do. What was cut may be sent once
// more between the two readings.
func (f *field) checkCounters(t *testing.T) {
	t.Helper()
	nstest.Await(t, "nft to read the same as we do", func() bool {
		theirs := make(map[string]uint64)
		for _, m := range counterLine.FindAllStringSubmatch(f.nft(t, "list", "counters", "table", "inet", TableName), -1) {
			n, err := strconv.ParseUint(m[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			theirs[m[1]] = n
		}
		return maps.Equal(f.packets(t), theirs)
	})
}
