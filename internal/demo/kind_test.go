package demo

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func TestKindsAreThoseOfThePolicy(t *testing.T) {
	got := Kinds()
	if got[0] != DefaultKind {
		t.Errorf("the first kind is %q, want the default", got[0])
	}
	var want []string
	for _, k := range policy.Kinds() {
		want = append(want, string(k))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("kinds %q, want %q", got, want)
	}
}

func TestFindKind(t *testing.T) {
	for _, name := range append(Kinds(), "") {
		want := name
		if name == "" {
			want = DefaultKind
		}
		if k, err := findKind(name); k.name != want || err != nil {
			t.Errorf("%q: found %q, %v", name, k.name, err)
		}
	}
	_, err := findKind("teardrop")
	if err == nil || !strings.HasPrefix(err.Error(), `no attack is called "teardrop", must be one of connection-flood, `) {
		t.Errorf("error %v", err)
	}
	if _, err := Run(t.Context(), Options{Attack: "teardrop"}); err == nil || !strings.Contains(err.Error(), "teardrop") {
		t.Errorf("error %v", err)
	}
}

func TestKindsTextFitsATerminal(t *testing.T) {
	text := KindsText()
	if n := strings.Count(text, "\n") + 1; n != len(Kinds()) {
		t.Errorf("%d lines for %d kinds", n, len(Kinds()))
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

// TestKindsAreShown shows each kind's header and a summary.
func TestKindsAreShown(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			var out strings.Builder
			started := time.Date(2026, 3, 14, 3, 2, 10, 0, time.UTC)
			line := newTimeline(Options{Out: &out}, k, started)
			line.header()
			line.say(k.begins)
			line.add(sample{at: started.Add(500 * time.Millisecond), served: 50, load: k.load.full})
			r := stopped()
			r.kind, r.onset, r.floodEnd = k, started, started.Add(20*time.Second)
			r.Completed, r.SYNs, r.CookiesSent, r.SYNsDropped = 4321, 599123, 523456, 431234
			r.HeldAtEnd, r.MostWaiting, r.MostTracked, r.MostLimited, r.Blocks = 1588, 65, 12, 8, 8
			r.ShareLeast, r.ShareMost = 3, 7
			r.Evidence = "accept queue: 65 connections wait, backlog 64"
			r.Why = "10.77.0.1:8080 of no known unit does not accept; look at the application, a longer backlog only delays this"
			switch k.name {
			case "slow-application":
				r.Ruled, r.FirstRule, r.Cut, r.MostLimited, r.Blocks, r.MostTracked = false, 0, 0, 0, 0, 0
				r.ServedAgain = 20400 * time.Millisecond
			case "spoofed-syn-flood":
				r.MostLimited, r.Blocks, r.Interrupted, r.MostTracked = 0, 0, false, 0
			case "distributed-flood":
				r.Others = []string{"connection-flood"}
			}
			if err := r.Print(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, "kind-"+k.name+".txt", out.String())
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(line) - 1; n > 100 {
					t.Errorf("%d columns: %q", n, line)
				}
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one", []string{"one"}},
		{"one two  three\nfour", []string{"one two", "three four"}},
		{"a longer-than-that word", []string{"a", "longer-than-that", "word"}},
	} {
		if got := wrap(c.text, 10); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestFloodsBeginAndEnd lets each kind loose until it shows, and ends it.
func TestFloodsBeginAndEnd(t *testing.T) {
	shows := map[string]func(*play) bool{
		"connection-flood": func(p *play) bool { return p.tally().attempts > 2000 && p.mostHeld() > perSource },
		"distributed-flood": func(p *play) bool {
			return p.server.Counts().Held == capacity && len(p.server.HeldBy()) > 200
		},
		"churn":             func(p *play) bool { return p.tally().completed > 500 && p.server.Waiting() > 500 },
		"syn-flood":         func(p *play) bool { return p.tally().syns > 10_000 },
		"spoofed-syn-flood": func(p *play) bool { n, err := p.cookiesSent(); return err == nil && n > 5000 },
		"slow-application":  func(p *play) bool { return p.server.Waiting() > slowBacklog },
	}
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			p := newPlayOf(t, k)
			if err := p.begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			nstest.Await(t, "the attack to show", func() bool { return shows[k.name](p) })
			if k.name == "distributed-flood" && p.mostHeld() > perSource/10 {
				t.Errorf("one source holds %d", p.mostHeld())
			}
			if err := p.count(); err != nil {
				t.Fatal(err)
			}
			p.end()
			if len(p.floods) != 0 {
				t.Error("a flood goes on")
			}
			ended := time.Now()
			nstest.Await(t, "the clients to be served again", func() bool {
				_, ok := p.clients.Recovered(ended, settle)
				return ok
			})
			if r := p.result; k.name == "slow-application" && r.Cut != 0 {
				t.Errorf("%d connections cut by nobody", r.Cut)
			}
		})
	}
}

func TestFloodThatCannotBeginIsAnError(t *testing.T) {
	p := newPlay(t)
	for _, s := range []start{hoard(lab.HoardConfig{}), churning(lab.ChurnConfig{}), spoof(lab.SpoofConfig{})} {
		p.kind.starts = []start{s}
		if err := p.begin(t.Context()); err == nil || len(p.floods) != 0 {
			t.Errorf("error %v, floods %v", err, p.floods)
		}
	}
}

func TestHear(t *testing.T) {
	onset := time.Date(2026, 3, 14, 3, 2, 10, 0, time.UTC)
	r := Result{kind: churn(), onset: onset}
	steps := []struct {
		after time.Duration
		told  control.Service
	}{
		{100 * time.Millisecond, control.Service{}},
		{200 * time.Millisecond, control.Service{Attacks: []control.Attack{{Kind: policy.SlowApplication}}}},
		{300 * time.Millisecond, control.Service{LimitsTotal: 3, Attacks: []control.Attack{
			{Kind: policy.Churn, Evidence: "fast"}, {Kind: policy.SlowApplication}}}},
		{400 * time.Millisecond, control.Service{LimitsTotal: 5, BlocksTotal: 2, BlocksBegun: 2, DroppedPackets: 9,
			Share: &control.Share{Least: 2, Limit: 6}, Attacks: []control.Attack{{Kind: policy.Churn, Evidence: "faster", Why: "because"}}}},
		{500 * time.Millisecond, control.Service{}}, // a daemon that does not answer
	}
	var news []string
	for _, s := range steps {
		r.hear(s.told, onset.Add(s.after))
		for _, n := range r.news() {
			news = append(news, n.kind+" "+n.at.Sub(onset).String())
		}
	}
	if want := []string{"slow-application 200ms", "churn 300ms"}; !slices.Equal(news, want) {
		t.Errorf("news %q, want %q", news, want)
	}
	if r.Recognised != 300*time.Millisecond || !slices.Equal(r.Others, []string{"slow-application"}) || r.Evidence != "faster" || r.Why != "because" {
		t.Errorf("recognised after %v, others %q, evidence %q, why %q", r.Recognised, r.Others, r.Evidence, r.Why)
	}
	if r.MostLimited != 7 || r.Blocks != 2 || r.SYNsDropped != 9 || r.ShareLeast != 2 || r.ShareMost != 6 {
		t.Errorf("%+v", r)
	}
}

// TestPlayThatIsNotRecognisedIsAnError has a rule, but nobody who says what it is for.
func TestPlayThatIsNotRecognisedIsAnError(t *testing.T) {
	p := newPlay(t)
	add, _ := tableOf(t, p, "ebbgate")
	add()
	nstest.Await(t, "the table to be seen", p.table.Present)
	p.result.Others = []string{"churn"}
	err := p.measure(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "it was not recognised as connection-flood, but as [churn]; ") {
		t.Errorf("error %v", err)
	}
}

// TestWhatNeedsNoRuleIsCleanWithoutOne has no table, and an attack that ends.
func TestWhatNeedsNoRuleIsCleanWithoutOne(t *testing.T) {
	p := newPlayOf(t, slowApplication())
	p.told.Attacks = []control.Attack{{Kind: policy.SlowApplication}}
	if p.clean() {
		t.Error("clean while an attack is open")
	}
	p.told.Attacks = nil
	if !p.clean() {
		t.Error("not clean although nothing is left")
	}
	add, remove := tableOf(t, p, "ebbgate")
	add()
	nstest.Await(t, "the table to be seen", p.table.Present)
	if p.clean() {
		t.Error("clean while there is a table")
	}
	remove()
	nstest.Await(t, "the table to be gone", p.clean)
}

// TestLoadOfACounterIsItsRate reads a counter that grows, ends, and begins again.
func TestLoadOfACounterIsItsRate(t *testing.T) {
	var last, total uint64
	l := load{total: func(*play) uint64 { return total }}
	perSample := func(n int) int { return int(float64(n) / sampleEvery.Seconds()) }
	for _, c := range []struct{ total, want int }{{100, perSample(100)}, {150, perSample(50)}, {150, 0}, {0, 0}, {30, perSample(30)}} {
		total = uint64(c.total)
		if got := l.read(nil, &last); got != c.want {
			t.Errorf("at %d: %d a second, want %d", c.total, got, c.want)
		}
	}
}

// TestTargetsAreServed sees that both addresses the attackers use lead to the server.
func TestTargetsAreServed(t *testing.T) {
	p := newPlay(t)
	for from, to := range map[netip.Addr]netip.AddrPort{
		lab.AttackRange().IPv4(1)[0]: target4(),
		lab.AttackRange().IPv6(1)[0]: target6(),
	} {
		c, err := p.lab.Attackers.Dial(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(c); err != nil && !errors.Is(err, io.EOF) || !strings.Contains(string(b), "200 OK") {
			t.Errorf("%s answers %q, %v", to, b, err)
		}
		c.Close()
	}
}
