package e2e

import (
	"net/netip"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// TestDeadDaemon kills or freezes the daemon in the middle of an attack, where the kernel guards its table and
// where it does not: traffic is as before within one lease, an hour's blocks included, and a spoofed
// flood finds nothing that would harm the host.
func TestDeadDaemon(t *testing.T) {
	for _, tt := range []struct {
		name  string
		owned bool
		by    syscall.Signal
	}{
		{"killed", true, syscall.SIGKILL},
		{"hung", true, syscall.SIGSTOP},
		{"killed on an old kernel", false, syscall.SIGKILL},
		{"hung on an old kernel", false, syscall.SIGSTOP},
	} {
		t.Run(tt.name, func(t *testing.T) {
			owned := tt.owned && !ownerless(t)
			a := newAmbush(t, owned)
			a.begin()
			a.awaitAnswers()

			died := time.Now()
			a.daemon.signal(tt.by)
			a.awaitPassing()
			t.Logf("the attackers passed %v after it (goal: within one lease, 3s)", time.Since(died).Round(time.Millisecond))
			a.end()
			a.checkInert(owned && tt.by == syscall.SIGKILL)
			a.checkUntouchedBySpoofs()

			if tt.by == syscall.SIGSTOP {
				a.daemon.signal(syscall.SIGCONT)
			} else {
				a.daemon.wait()
				a.run()
			}
			a.begin()
			a.awaitAnswers()
			if fault := tableFault.FindString(a.daemon.log.String()); fault != "" {
				t.Errorf("the kernel refused what the daemon wanted on its return: %s", fault)
			}
		})
	}
}

var (
	// A slow machine may well have faults of watching.
	tableFault = regexp.MustCompile(`msg=fault part=(?:table|rules|"[^"]* of the table).*`)
	leasedJump = regexp.MustCompile(`expires \S+ : jump`)
	// An hour's block lasts a tenth less or more, by chance.
	hourlong = regexp.MustCompile(`10\.66\.0\.1 timeout (?:1h|5\dm)\S* expires`)
)

// checkInert checks that nothing is left that turns anybody away: no table, or one whose every way in has
// ended while the blocks themselves go on.
func (a *ambush) checkInert(gone bool) {
	a.t.Helper()
	rules := a.rules()
	switch {
	case gone && rules != "":
		a.t.Errorf("rules are left:\n%s", rules)
	case !gone && leasedJump.MatchString(rules):
		a.t.Errorf("a lease goes on:\n%s", rules)
	case !gone && !hourlong.MatchString(rules):
		a.t.Errorf("the hour's block should stand, out of reach:\n%s", rules)
	}
}

var turnedAway = regexp.MustCompile(`counter \w+_(?:refused|held|blocked|dropped) \{\s+packets \d+`)

// checkUntouchedBySpoofs floods with forged SYNs: nothing turns any of them away or tracks them, and everybody
// is served, those who were turned away before included.
func (a *ambush) checkUntouchedBySpoofs() {
	a.t.Helper()
	clients := a.clients(v4())
	before, counters := a.conntrack(), turnedAway.FindAllString(a.rules(), -1)
	onset := time.Now()
	a.spoofs(100_000)
	a.checkUnharmed(clients, onset)
	for from, to := range map[netip.Addr]netip.AddrPort{blockedSources()[0]: v4(), refusedSources()[0]: deskV6()} {
		for range 10 {
			if !a.answers(from, to) {
				a.t.Fatalf("%s is not served at %s", from, to)
			}
		}
	}
	if after := a.conntrack(); after > before+10 {
		a.t.Errorf("forged SYNs got into the conntrack table: %d entries, then %d", before, after)
	}
	if entries := a.tracked(); len(entries.of(lab.SpoofRange())) > 0 {
		a.t.Errorf("conntrack entries of forged sources: %v", entries.of(lab.SpoofRange()))
	}
	if now := turnedAway.FindAllString(a.rules(), -1); strings.Join(now, " ") != strings.Join(counters, " ") {
		a.t.Errorf("packets were turned away: %q, then %q", counters, now)
	}
	a.stop(clients)
}
