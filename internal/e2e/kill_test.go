package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// killsEnv is how often TestKilledAnywhere kills the daemon.
	killsEnv = "EBBGATE_KILLS"
	// killsShort is how often it does that as a part of every test run, a dozen.
	killsShort = 12
	// killLease is the least a policy may have, see killing.policy.
	killLease = 2 * time.Second
)

// killForm is how the daemon runs that is killed, and so what remains of its table.
type killForm string

const (
	alone   killForm = "alone"         // the table goes with the daemon
	stored  killForm = "with a store"  // a service manager holds the socket that owns the table
	unowned killForm = "on old kernel" // nobody owns the table: only the leases end
)

// TestKilledAnywhere kills the daemon at random moments, again and again: while it starts, watches, answers an
// attack, loads a policy and stops. Each time the machine is as without it within one lease, and the next
// one starts with nobody's help.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	kills, forms := killsShort, []killForm{alone, stored, unowned}
	if ownerless(t) {
		forms = forms[2:]
	}
	if text := os.Getenv(killsEnv); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < len(forms) {
			t.Fatalf("%s is %q, must be a number of at least %d", killsEnv, text, len(forms))
		}
	}
	if kills > 10*killsShort {
		forms = append(forms, forms...)
	}
	seed, f := seedOf(t), newKillFigures(kills)
	over := make(chan struct{})
	go f.progress(t, over)
	t.Run("laboratory", func(t *testing.T) {
		for i, form := range forms {
			t.Run(fmt.Sprintf("%s %d", form, i), func(t *testing.T) {
				k := newKilling(t, form, rand.New(rand.NewPCG(seed, uint64(i))), f)
				for n := i; n < kills; n += len(forms) {
					k.round()
				}
				k.finish()
			})
		}
	})
	close(over)
	<-f.ended
	t.Log(f.line())
	if !t.Failed() && f.done() != kills {
		t.Errorf("%d kills, want %d", f.done(), kills)
	}
}

// TestKillFigures checks the line of figures.
func TestKillFigures(t *testing.T) {
	f := newKillFigures(3)
	f.add(alone, atStart, 10*time.Millisecond)
	f.add(stored, atStart, 30*time.Millisecond)
	f.add(stored, atStop, 20*time.Millisecond)
	f.started(400 * time.Millisecond)
	f.early()
	const want = "3 of 3 kills: 1 alone, 2 with a store; 2 at start, 1 at stop (1 of them had ended by itself); " +
		"as without it after 20ms at the median and 30ms at most, lease 2s; 1 starts after a kill answered within 400ms at the median and 400ms at most"
	if got := f.line(); got != want {
		t.Errorf("figures\n%s\nwant\n%s", got, want)
	}
	if got := newKillFigures(5).line(); !strings.HasPrefix(got, "0 of 5 kills: ") {
		t.Errorf("without any: %s", got)
	}
}

// TestCheckLeases checks the judge of what a dead daemon has left.
func TestCheckLeases(t *testing.T) {
	const rules = "map shop_lease {\n elements = { ipv4 timeout 2s expires %s : jump shop, ipv6 timeout 2s expires 200ms : jump shop }\n}\n" +
		"set shop_block4 {\n elements = { 10.66.0.1 timeout 1h expires 59m }\n}\n"
	for left, good := range map[string]bool{"1s996ms": true, "2s": true, "2s4ms": false, "1m": false, "soon": false} {
		if err := checkLeases(fmt.Sprintf(rules, left)); (err == nil) != good {
			t.Errorf("%s: %v", left, err)
		}
	}
}
