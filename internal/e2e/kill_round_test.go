package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// killMoment is what the daemon does when it is killed.
type killMoment string

const (
	atStart  killMoment = "at start"
	inPeace  killMoment = "in peace"
	inAttack killMoment = "in an attack"
	atReload killMoment = "at a reload"
	atStop   killMoment = "at stop"
)

// killPatience is how late a busy machine may look. That a lease ends in time is read from the kernel, see
// checkLeases.
const killPatience = time.Minute

// killMoments has those more often that have more to break.
func killMoments() []killMoment {
	return []killMoment{atStart, atStart, inPeace, inAttack, inAttack, inAttack, atReload, atReload, atStop, atStop}
}

// killing is a laboratory in which one daemon after the other is killed, over the same files.
type killing struct {
	*stage
	form    killForm
	random  *rand.Rand
	figures *killFigures
	m       *serviceManager // nil: there is none
	clients *lab.Clients
	startup time.Duration // how long the last start took, until the daemon answered
	rounds  int
}

func newKilling(t *testing.T, form killForm, random *rand.Rand, f *killFigures) *killing {
	k := &killing{stage: newStage(t), form: form, random: random, figures: f, startup: 200 * time.Millisecond}
	if form == stored {
		k.m = newServiceManager(t)
	}
	k.forgetful()
	k.server(everywhere(), 1000)
	k.clients = k.stage.clients(v4())
	return k
}

// policy has the shortest lease there may be, and blocks that outlast every daemon.
func (k *killing) policy(limit int) string {
	return fmt.Sprintf(`mode = "enforce"
[control]
socket = %q
view_group = ""
[history]
path = %q
[observe]
syn_pressure = "1000/s"
[[service]]
name = "shop"
ports = [%d]
capacity = 1000
  [service.connections]
  per_source = %d
  [service.rate]
  new_per_source = "30/s"
  syn_per_source = "50/s"
  [service.response]
  lease = %q
  quiet = "1s"
  block_after = "1s"
  block_for = ["1h"]
`, k.socket(), k.history(), port, limit, killLease)
}

func (k *killing) history() string { return filepath.Join(k.dir, "state", "history.db") }

// round starts a daemon, lets it come to the moment, kills it, and looks at what is left.
func (k *killing) round() {
	k.t.Helper()
	moment := killMoments()[k.random.IntN(len(killMoments()))]
	from := window(k.random, lab.AttackRange().IPv4(60_000), 8)
	k.write(k.policy(50))
	var flood stopper
	if before := k.random.IntN(2) == 0; before && moment != inPeace {
		flood = k.begin(from)
	}
	d := k.launch()
	if moment == atStart {
		time.Sleep(k.upTo(k.startup * 5 / 4))
	} else {
		k.awaitUp(d)
		if flood == nil && moment != inPeace {
			flood = k.begin(from)
		}
		k.bring(d, moment)
	}
	killed := time.Now()
	if err := d.cmd.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
		k.figures.early()
	}
	k.awaitDead(d, moment)
	if moment != atStop && d.cmd.ProcessState.ExitCode() >= 0 {
		k.t.Fatalf("%s: the daemon ended by itself with %v:\n%s", moment, d.cmd.ProcessState, d.log.String())
	}
	k.awaitAsWithout(moment)
	k.figures.add(k.form, moment, time.Since(killed))
	if flood != nil {
		k.stop(flood)
	}
	k.checkPassing(moment, from[0])
	k.rounds++
}

// upTo returns a time below a bound, at random.
func (k *killing) upTo(bound time.Duration) time.Duration {
	return time.Duration(k.random.Int64N(int64(bound)))
}

// bring lets a daemon that answers come to the moment.
func (k *killing) bring(d *daemon, moment killMoment) {
	k.t.Helper()
	switch moment {
	case inPeace:
		time.Sleep(k.upTo(500 * time.Millisecond))
	case inAttack:
		time.Sleep(k.upTo(3 * time.Second))
	case atReload:
		time.Sleep(k.upTo(2 * time.Second))
		k.write(k.policy(20 + k.random.IntN(100)))
		d.signal(syscall.SIGHUP)
		time.Sleep(k.upTo(50 * time.Millisecond))
	case atStop:
		time.Sleep(k.upTo(2 * time.Second))
		d.signal(syscall.SIGTERM)
		time.Sleep(k.upTo(1 + k.upTo(20*time.Millisecond))) // an orderly stop takes hardly more
	}
}

// begin lets an attack loose, one of three.
func (k *killing) begin(from []netip.Addr) stopper {
	k.t.Helper()
	var s stopper
	var err error
	switch k.random.IntN(3) {
	case 0:
		s, err = lab.StartHoard(k.t.Context(), k.Attackers, lab.HoardConfig{Target: v4(), Sources: from, Total: 800, Rate: 10_000, Payload: lab.PartialRequest()})
	case 1:
		s, err = lab.StartChurn(k.t.Context(), k.Attackers, lab.ChurnConfig{Target: v4(), Sources: from, Rate: 800, AtOnce: 200})
	case 2:
		s, err = lab.StartSpoof(k.t.Context(), k.Attackers, lab.SpoofConfig{Target: v4(), Sources: lab.SpoofRange().IPv4(5), Rate: 3000})
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// launch starts a daemon over whatever the one before has left, and does not wait for it.
func (k *killing) launch() *daemon {
	k.t.Helper()
	cmd, started := command("run", "--config", k.config()), func() {}
	if k.m != nil {
		cmd, started = k.m.command("run", "--config", k.config())
	}
	if k.form == unowned {
		cmd.Path = oldProgram(k.t)
	}
	d := &daemon{t: k.t, cmd: cmd, client: control.Dial(k.socket()), done: make(chan struct{}), started: time.Now()}
	cmd.Stderr = &d.log
	if err := k.Victim.Start(cmd); err != nil {
		k.t.Fatal(err)
	}
	started()
	go func() {
		_ = cmd.Wait() // ProcessState tells the outcome
		close(d.done)
	}()
	return d
}

// awaitUp waits until a daemon answers and nothing is wrong with it: what its predecessor left is no matter.
func (k *killing) awaitUp(d *daemon) {
	k.t.Helper()
	await(k.t, killPatience, "the next daemon answers, and is well", func() error {
		select {
		case <-d.done:
			k.t.Fatalf("the next daemon ended at once: %v\n%s", d.cmd.ProcessState, d.log.String())
		default:
		}
		status, err := d.ask()
		if err != nil {
			return err
		}
		return healthy(status)
	})
	k.startup = time.Since(d.started)
	if k.rounds > 0 {
		k.figures.started(k.startup)
	}
	if log := d.log.String(); strings.Contains(log, "cannot be used") || strings.Contains(log, "panic:") || strings.Contains(log, "DATA RACE") {
		k.t.Errorf("the next daemon does not find things in order:\n%s", log)
	}
	d.client.Close()
}

// awaitDead waits until a daemon that was killed has ended.
func (k *killing) awaitDead(d *daemon, moment killMoment) {
	k.t.Helper()
	await(k.t, killPatience, fmt.Sprintf("the daemon has ended (killed %s)", moment), func() error {
		select {
		case <-d.done:
			return nil
		default:
		}
		// Whether the kernel holds it up, or nobody has had the time to look.
		stack, err := os.ReadFile(fmt.Sprintf("/proc/%d/stack", d.cmd.Process.Pid))
		return fmt.Errorf("it is at (%v)\n%s", err, stack)
	})
}

// awaitAsWithout waits until nothing of a dead daemon does anything to anybody, which the kernel sees to within
// one lease.
func (k *killing) awaitAsWithout(moment killMoment) {
	k.t.Helper()
	if k.form == alone {
		await(k.t, killPatience, fmt.Sprintf("no rule is left (killed %s)", moment), k.noRules)
		return
	}
	if err := checkLeases(k.rules()); err != nil {
		k.t.Errorf("killed %s: %v", moment, err)
	}
	await(k.t, killPatience, fmt.Sprintf("no lease is left (killed %s)", moment), func() error {
		if rules := k.rules(); leasedJump.MatchString(rules) {
			return fmt.Errorf("rules are\n%s", rules)
		}
		return nil
	})
	if k.form == stored && k.random.IntN(2) == 0 {
		k.m.stop()
		await(k.t, killPatience, fmt.Sprintf("no rule is left once nobody holds the socket (killed %s)", moment), k.noRules)
	}
}

// leaseLeft finds when each way into the rules ends.
var leaseLeft = regexp.MustCompile(`expires (\S+) : jump`)

// checkLeases checks that every way into the rules ends within the lease, however late a busy machine looks
// whether it has.
func checkLeases(rules string) error {
	for _, m := range leaseLeft.FindAllStringSubmatch(rules, -1) {
		if left, err := time.ParseDuration(m[1]); err != nil || left > killLease {
			return fmt.Errorf("a lease ends in %q, must be at most %v (%v)", m[1], killLease, err)
		}
	}
	return nil
}

func (k *killing) noRules() error {
	if rules := k.rules(); rules != "" {
		return fmt.Errorf("rules are\n%s", rules)
	}
	return nil
}

// checkPassing checks that everybody is served, attackers too, and where no rules are left that nothing is
// tracked.
func (k *killing) checkPassing(moment killMoment, attacker netip.Addr) {
	k.t.Helper()
	await(k.t, killPatience, fmt.Sprintf("an attacker gets in (killed %s)", moment), func() error {
		conn, err := k.dial(k.Attackers, attacker, v4())
		if err != nil {
			return err
		}
		return conn.Close()
	})
	untracked := k.noRules() == nil
	before := k.conntrack()
	k.served(k.clients, 10)
	if after := k.conntrack(); untracked && after > before {
		k.t.Errorf("killed %s: the conntrack table grows without any rules: %d entries, then %d", moment, before, after)
	}
}

// finish has a last daemon start and stop as usual, after which nothing may be left but the history.
func (k *killing) finish() {
	k.t.Helper()
	k.write(k.policy(50))
	d := k.launch()
	k.awaitUp(d)
	d.signal(syscall.SIGTERM)
	if state := d.wait(); state.ExitCode() != 0 {
		k.t.Errorf("the last daemon ended with %v:\n%s", state, d.log.String())
	}
	if k.m != nil {
		k.m.stop()
	}
	await(k.t, killPatience, "no rule is left", k.noRules)
	for dir, want := range map[string][]string{k.dir: {"config.toml", "state"}, filepath.Dir(k.history()): {"history.db"}} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			k.t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if !slices.Equal(got, want) {
			k.t.Errorf("%s has %q, want %q", dir, got, want)
		}
	}
}
