package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// kindPolicy is what a test of one kind of attack says in its policy. Zero values are left out.
type kindPolicy struct {
	capacity    int
	perSource   int
	newRate     int // new_per_source
	synRate     int // syn_per_source
	synPressure int
	blockAfter  string // with block_for of 10 s; empty: never
}

// text writes the policy. Lease and quiet time are short, so that a test sees their end.
func (p kindPolicy) text(socket string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("mode = \"enforce\"\n[control]\nsocket = %q\nview_group = \"\"\n[history]\npath = \"\"", socket)
	if p.synPressure > 0 {
		say("[observe]\nsyn_pressure = \"%d/s\"", p.synPressure)
	}
	say("[[service]]\nname = \"shop\"\nports = [%d]", port)
	if p.capacity > 0 {
		say("capacity = %d", p.capacity)
	}
	say("[service.connections]\nper_source = %d", max(p.perSource, perSource))
	say("[service.rate]")
	if p.newRate > 0 {
		say("new_per_source = \"%d/s\"", p.newRate)
	}
	if p.synRate > 0 {
		say("syn_per_source = \"%d/s\"", p.synRate)
	}
	say("[service.response]\nlease = \"3s\"\nquiet = \"2s\"")
	if p.blockAfter == "" {
		say("block_after = \"0s\"")
	} else {
		say("block_after = %q\nblock_for = [\"10s\"]", p.blockAfter)
	}
	return b.String()
}

// kindDaemon starts the program with the policy of one kind of attack.
func (s *stage) kindDaemon(p kindPolicy) *daemon {
	s.t.Helper()
	path := filepath.Join(s.dir, "kind.toml")
	if err := os.WriteFile(path, []byte(p.text(s.socket())), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return s.daemon(policyFile{}, "--config", path) // the last one counts
}

// awaitKind waits until the daemon tells of an attack of the kind, and returns it.
func (d *daemon) awaitKind(kind policy.Kind) control.Attack {
	d.t.Helper()
	status := d.awaitStatus(fmt.Sprintf("%s is recognised", kind), func(s *control.Status) error {
		if _, ok := attackOf(s, kind); !ok {
			return fmt.Errorf("open are %v", openKinds(s))
		}
		return healthy(s)
	})
	a, _ := attackOf(status, kind)
	return a
}

func attackOf(s *control.Status, kind policy.Kind) (control.Attack, bool) {
	all := s.Services[0].Attacks
	i := slices.IndexFunc(all, func(a control.Attack) bool { return a.Kind == kind })
	if i < 0 {
		return control.Attack{}, false
	}
	return all[i], true
}

func openKinds(s *control.Status) []policy.Kind {
	var kinds []policy.Kind
	for _, a := range s.Services[0].Attacks {
		kinds = append(kinds, a.Kind)
	}
	return kinds
}

// checkOnly checks that of all attacks, open and ended, none was of another kind.
func (d *daemon) checkOnly(kind policy.Kind) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := d.client.Attacks(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(all.Attacks) == 0 {
		d.t.Errorf("no attack is known, want one of %s", kind)
	}
	for _, a := range all.Attacks {
		if a.Kind != kind || a.Service != "shop" {
			d.t.Errorf("%s was recognised on %q, too: %s %s", a.Kind, a.Service, a.Evidence, a.Why)
		}
	}
}

// awaitOver waits until no attack is open, nothing is limited, and no table is there but for a meter
// that only counts: after a sign of a SYN flood it stays for a minute.
func (s *stage) awaitOver(d *daemon) {
	s.t.Helper()
	await(s.t, 40*time.Second, "nothing is left of the attack", func() error {
		status, err := d.ask()
		if err != nil {
			return err
		}
		shop := status.Services[0]
		if len(shop.Attacks) > 0 || shop.LimitsTotal > 0 || shop.BlocksTotal > 0 || status.Table.Present && shop.SYNs == nil {
			return fmt.Errorf("open are %v; %d limits, %d blocks, table %+v", openKinds(status), shop.LimitsTotal, shop.BlocksTotal, status.Table)
		}
		return healthy(status)
	})
	if rules := s.rules(); strings.Contains(rules, "drop") || strings.Contains(rules, "reject") || strings.Contains(rules, "ct ") {
		s.t.Errorf("rules that do something are left:\n%s", rules)
	}
}

// unpunished is a condition of a status: no source of the service is limited or blocked, and nothing was
// done to any.
func unpunished(s *control.Status) error {
	shop := s.Services[0]
	switch {
	case shop.LimitsTotal > 0 || shop.BlocksTotal > 0 || shop.Share != nil || shop.Relief != nil:
		return fmt.Errorf("%d limits, %d blocks, share %+v, relief %+v", shop.LimitsTotal, shop.BlocksTotal, shop.Share, shop.Relief)
	case shop.RefusedPackets+shop.BlockedPackets+shop.ClosedConnections+shop.BlocksBegun > 0:
		return fmt.Errorf("%d packets refused, %d blocked, %d connections closed, %d sources blocked",
			shop.RefusedPackets, shop.BlockedPackets, shop.ClosedConnections, shop.BlocksBegun)
	case s.Table.Conntrack != control.ConntrackOff:
		return fmt.Errorf("conntrack is %q", s.Table.Conntrack)
	}
	return healthy(s)
}

// remainsStatus checks that a condition of the daemon's status lasts for a stretch of time.
func (d *daemon) remainsStatus(stretch time.Duration, what string, ok func(*control.Status) error) {
	d.t.Helper()
	remains(d.t, stretch, what, func() error {
		s, err := d.ask()
		if err != nil {
			return err
		}
		return ok(s)
	})
}

// checkUnharmed checks that the clients noticed nothing: hardly a request in a hundred may have met
// with something else than the attack on a busy machine.
func (s *stage) checkUnharmed(clients *lab.Clients, since time.Time) {
	s.t.Helper()
	span := clients.Span(since, time.Now())
	s.t.Logf("%d of %d requests were served, half of them within %v", span.Succeeded, span.Succeeded+span.Failed, span.P50.Round(time.Microsecond))
	if span.Succeeded == 0 || span.Failed*100 > span.Succeeded {
		s.t.Errorf("requests %+v; the last failure: %v", span, clients.LastError())
	}
}

// sent waits until so many more SYNs were sent.
func (s *stage) sent(f *lab.Spoof, more uint64) {
	s.t.Helper()
	before := f.Counts().Sent
	await(s.t, 60*time.Second, fmt.Sprintf("%d SYNs are sent", more), func() error {
		if n := f.Counts().Sent - before; n < more {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
}

// checkUntracked checks that no rule uses conntrack and that its table is empty.
func (s *stage) checkUntracked() {
	s.t.Helper()
	if rules := s.rulesAlone(); strings.Contains(rules, " ct ") || strings.Contains(rules, "\tct ") {
		s.t.Errorf("a rule switches conntrack on:\n%s", rules)
	}
	if n := s.conntrack(); n != 0 {
		s.t.Errorf("%d conntrack entries", n)
	}
}

// errNotYet is for conditions with nothing more to say.
var errNotYet = errors.New("not yet")
