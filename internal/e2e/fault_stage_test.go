package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/fault"
	"ebbgate/internal/lab"
)

const (
	// roomy is a server that a flood of floodSize does not fill: whatever a fault lets through, the clients are
	// served, unless it is the program that turns them away.
	roomy     = 4000
	floodSize = 800
	// floodSources are limited as long as nothing is wrong.
	floodSources = 4
	// long is the patience with a machine on which every system call is slowed, and busy.
	long = 60 * time.Second
)

// faulty is a stage with an attack that is held to the limits, by a program whose system calls may be made
// to fail.
type faulty struct {
	*stage
	*fault.Injector
	server  *lab.Server
	clients *lab.Clients
	daemon  *daemon
	sources int // that are limited while nothing is wrong
}

// newFaulty makes one. The policy has metrics; more is added to its services.
func newFaulty(t *testing.T, p policyFile, more string, clock bool) *faulty {
	t.Helper()
	return newFaultyBy(t, p, more, clock, func(*exec.Cmd) {})
}

// newFaultyBy is newFaulty with a change to how the program is started.
func newFaultyBy(t *testing.T, p policyFile, more string, clock bool, change func(*exec.Cmd)) *faulty {
	t.Helper()
	f := &faulty{stage: newStage(t)}
	f.forgetful()
	f.server = f.stage.server(everywhere(), roomy)
	f.begin(p, more, clock, change)
	return f
}

// begin starts the clients, the program and the flood.
func (f *faulty) begin(p policyFile, more string, clock bool, change func(*exec.Cmd)) {
	f.t.Helper()
	f.clients = f.stage.clients(v4())
	f.write(strings.Replace(p.text(f.socket()), "[[service]]\n", "[metrics]\nlisten = \""+metricsAt+"\"\n\n"+more+"[[service]]\n", 1))
	cmd := command("run", "--config", f.config())
	change(cmd)
	f.inject(cmd, clock)
	f.daemon = f.start(cmd)
	f.floodFrom(lab.AttackRange().IPv4(floodSources))
	f.awaitWell()
}

// inject has a command started by the launcher.
func (f *faulty) inject(cmd *exec.Cmd, clock bool) {
	f.t.Helper()
	var err error
	if f.Injector, err = fault.Command(cmd, clock); err != nil {
		f.t.Fatal(err)
	}
	i := f.Injector
	f.t.Cleanup(func() { // after the daemon's end
		if err := i.Close(); err != nil {
			f.t.Error(err)
		}
	})
}

// floodFrom lets more sources attack, at a rate that leaves the machine to others.
func (f *faulty) floodFrom(sources []netip.Addr) {
	f.t.Helper()
	f.sources += len(sources)
	f.hoard(f.Attackers, lab.HoardConfig{Target: v4(), Sources: sources, Total: floodSize, Rate: 500, Payload: lab.PartialRequest()})
}

// awaitStatusLong is daemon.awaitStatus with more patience.
func (f *faulty) awaitStatusLong(what string, ok func(*control.Status) error) (status *control.Status) {
	f.t.Helper()
	await(f.t, long, what, func() (err error) {
		if status, err = f.daemon.ask(); err != nil {
			return err
		}
		return ok(status)
	})
	return status
}

// awaitWell waits until nothing is at fault and all sources are held to their limit, by the daemon's word and
// by the server's, and checks that the metrics tell of no fault.
func (f *faulty) awaitWell() {
	f.t.Helper()
	f.awaitStatusLong("nothing is at fault, and all sources are limited", limiting(f.sources))
	await(f.t, long, "every source is held to its limit", atMost(perSource, f.server))
	await(f.t, long, "metrics of no fault", func() error {
		if parts, err := f.faultMetrics(); err != nil || len(parts) > 0 {
			return fmt.Errorf("parts at fault %q: %w", parts, err)
		}
		return nil
	})
}

// faultMetrics returns the parts that are at fault by the metrics.
func (f *faulty) faultMetrics() (parts []string, err error) {
	text, err := scrape(f.stage, metricsAt)
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, `ebbgate_fault{part="`); ok && strings.HasSuffix(line, "} 1\n") {
			part, _, _ := strings.Cut(rest, `"`)
			parts = append(parts, part)
		}
	}
	return parts, err
}

// awaitFault waits until a part is at fault, with a word in its text, by status and metrics. A fault may come
// and go with each turn.
func (f *faulty) awaitFault(part, word string) {
	f.t.Helper()
	seen := map[string]string{}
	f.awaitStatusLong(fmt.Sprintf("%q is at fault with %q", part, word), func(s *control.Status) error {
		for _, x := range s.Faults {
			seen[x.Part] = x.Text
			if x.Part == part && strings.Contains(x.Text, word) {
				return nil
			}
		}
		return fmt.Errorf("seen so far: %q", seen)
	})
	await(f.t, long, fmt.Sprintf("%q is at fault by the metrics", part), func() error {
		parts, err := f.faultMetrics()
		if err == nil && !slices.Contains(parts, part) {
			err = fmt.Errorf("parts %q", parts)
		}
		return err
	})
}

// checkInnocent checks that no client was ever limited or turned away by the program: none was refused.
func (f *faulty) checkInnocent() {
	f.t.Helper()
	total := f.clients.Totals()
	f.t.Logf("of %d requests %d failed; the last failure: %v", total.Attempted, total.Failed, f.clients.LastError())
	if total.Failed*50 > total.Succeeded {
		f.t.Errorf("requests %+v; the last failure: %v", total, f.clients.LastError())
	}
	all, err := f.daemon.client.Events(f.t.Context(), 0, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range all.Events {
		if e.Source.IsValid() && lab.ClientRange().V4.Overlaps(e.Source) {
			f.t.Errorf("something happened to a client: %+v", e)
		}
	}
}

// trial is a fault, or several at once, and where it is to be seen.
type trial struct {
	name  string
	rules []fault.Rule
	part  string // among the faults; "": the fault is mended before anybody could see it
	word  string // of the fault's text
}

// try lets each fault last until it is told of, while clients are served, and waits for recovery.
func (f *faulty) try(trials []trial) {
	f.t.Helper()
	for _, tt := range trials {
		began := time.Now()
		var faults []*fault.Fault
		for _, r := range tt.rules {
			faults = append(faults, f.Inject(r))
		}
		if tt.part != "" {
			f.awaitFault(tt.part, tt.word)
		} else {
			await(f.t, long, tt.name+" happens", func() error {
				for _, x := range faults {
					if x.Hits() < 3 {
						return errors.New("not often enough so far")
					}
				}
				return nil
			})
		}
		f.served(f.clients, 5)
		hits := 0
		for _, x := range faults {
			x.End()
			hits += x.Hits()
		}
		told := time.Since(began)
		f.awaitWell()
		f.t.Logf("%s: %d calls went wrong in %v, well again %v after", tt.name, hits, told.Round(time.Millisecond),
			time.Since(began.Add(told)).Round(time.Millisecond))
		if hits == 0 {
			f.t.Errorf("%s: nothing went wrong", tt.name)
		}
	}
	f.checkInnocent()
}
