package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

const (
	// soakEnv is for how long TestSoak goes on: "1h".
	soakEnv = "EBBGATE_SOAK"
	// soakSamplesEnv is a directory for what was sampled, in JSON.
	soakSamplesEnv = "EBBGATE_SOAK_SAMPLES"
	// seedEnv repeats the random choices of an earlier run.
	seedEnv = "EBBGATE_SEED"

	// soakShort is the form that is part of every test run: long enough for each kind of attack once.
	soakShort = 20 * time.Second
	// soakCapacity is what the server holds. Two laboratories have to do with the descriptors of one process.
	soakCapacity = 1200
)

// TestSoak lets the daemon live through attacks of every kind, reloads, flushes by others, and clients of its
// API, and looks whether it grows. Of two daemons one lives all the time, so that what it grows by shows;
// the other one is stopped, killed and started again, so that what it leaves behind does.
func TestSoak(t *testing.T) {
	length := soakShort
	if text := os.Getenv(soakEnv); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil || length < soakShort {
			t.Fatalf("%s is %q, must be a duration of %v or more", soakEnv, text, soakShort)
		}
	}
	if length == soakShort {
		(&soak{length: length}).run(t, "lives on")
		return
	}
	t.Run("lives on", func(t *testing.T) { (&soak{length: length}).run(t, "lives on") })
	t.Run("restarted", func(t *testing.T) { (&soak{length: length, restarts: true}).run(t, "restarted") })
}

// soak is one laboratory of the long run.
type soak struct {
	length   time.Duration
	restarts bool

	*stage
	m       *serviceManager
	server  *lab.Server
	clients *lab.Clients
	random  *rand.Rand // of the test's own goroutine
	begun   time.Time

	mu     sync.Mutex
	acts   int                // attacks begun
	counts map[string]int     // what was done to the daemon, by name
	blamed map[netip.Addr]int // innocent sources of which the daemon told something
	heard  int                // events
	d      *daemon            // the one that runs now
	notes  []string           // what went wrong on other goroutines than the test's
}

func (k *soak) run(t *testing.T, name string) {
	k.stage, k.m = newStage(t), newServiceManager(t)
	k.counts, k.blamed = make(map[string]int), make(map[netip.Addr]int)
	seed := seedOf(t)
	k.random = rand.New(rand.NewPCG(seed, 1))
	k.forgetful()
	k.server = k.stage.server(everywhere(), soakCapacity)
	k.clients = k.stage.clients(v4())
	k.write(k.policy(perSource))
	k.launch()

	k.begun = time.Now()
	over := make(chan struct{})
	s := &sampler{soak: k, every: max(k.length/720, time.Second)}
	var wg sync.WaitGroup
	wg.Go(func() { s.loop(over) })
	wg.Go(func() { k.attack(rand.New(rand.NewPCG(seed, 2)), over) })
	wg.Go(func() { k.follow(over) })
	for i := range 4 {
		wg.Go(func() { k.ask(time.Duration(20*(i+1))*time.Millisecond, over) })
	}
	k.disturb()
	close(over)
	wg.Wait()
	k.finish(name, s)
}

// policy has every kind of limit, and times so short that limits and blocks come and go by the thousand.
func (k *soak) policy(limit int) string {
	return fmt.Sprintf(`mode = "enforce"
[control]
socket = %q
view_group = ""
[metrics]
listen = %q
[history]
path = %q
keep = "1h"
[observe]
syn_pressure = "5000/s"
[[service]]
name = "shop"
ports = [%d]
capacity = %d
  [service.connections]
  per_source = %d
  [service.rate]
  new_per_source = "30/s"
  syn_per_source = "200/s"
  [service.response]
  lease = "3s"
  quiet = "2s"
  block_after = "4s"
  block_for = ["10s", "20s"]
`, k.socket(), metricsAt, k.history(), port, soakCapacity, limit)
}

func (k *soak) history() string { return filepath.Join(k.dir, "state", "history.db") }
func (k *soak) logged() string  { return filepath.Join(k.dir, "daemon.log") }

// launch starts a daemon as the service manager would, with one log for all.
func (k *soak) launch() {
	k.t.Helper()
	file, err := os.OpenFile(k.logged(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		k.t.Fatal(err)
	}
	cmd, started := k.m.command("run", "--config", k.config())
	defer started()
	d := k.startLogging(cmd, file)
	k.mu.Lock()
	k.d = d
	k.mu.Unlock()
}

// restart ends the daemon one way or the other, and starts the next.
func (k *soak) restart(how syscall.Signal) {
	k.t.Helper()
	k.d.signal(how)
	if state := k.d.wait(); how == syscall.SIGTERM && state.ExitCode() != 0 {
		k.t.Errorf("the daemon ended with %v", state)
	}
	k.launch()
}

// note keeps what went wrong on another goroutine than the test's own, at most a hundred such things.
func (k *soak) note(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.notes) < 100 {
		k.notes = append(k.notes, fmt.Sprintf(format, args...))
	}
}

func (k *soak) count(what string) {
	k.mu.Lock()
	k.counts[what]++
	k.mu.Unlock()
}

// finish waits for peace, and judges.
func (k *soak) finish(name string, s *sampler) {
	k.t.Helper()
	k.server.Resume()
	k.stage.served(k.clients, 50)
	k.awaitOver(k.d)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range k.notes {
		k.t.Error(n)
	}
	totals := k.clients.Totals()
	k.t.Logf("%s: %v, %d attacks, %d events heard; done meanwhile: %v", name, k.length, k.acts, k.heard, k.counts)
	k.t.Logf("%s: %d of %d requests of clients were served, through all attacks and their onsets", name, totals.Succeeded, totals.Succeeded+totals.Failed)
	if len(k.blamed) > 0 {
		k.t.Errorf("of innocent sources the daemon told: %v", k.blamed)
	}
	if k.heard == 0 || k.acts == 0 {
		k.t.Error("nothing happened")
	}
	log, err := os.ReadFile(k.logged())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if strings.Contains(string(log), bad) {
			k.t.Errorf("the log has %q:\n%.5000s", bad, log[strings.Index(string(log), bad):])
		}
	}
	k.t.Logf("%s:\n%s", name, report(s.samples))
	if err := flat(s.samples, k.restarts); err != nil {
		k.t.Error(err)
	}
	if err := s.save(os.Getenv(soakSamplesEnv), name); err != nil {
		k.t.Error(err)
	}
}

// save writes the samples, if a directory is given.
func (s *sampler) save(dir, name string) error {
	if dir == "" {
		return nil
	}
	b, err := json.Marshal(s.samples)
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	path := filepath.Join(dir, "soak-"+strings.ReplaceAll(name, " ", "-")+".json")
	return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, b, 0o644))
}

// seedOf returns the seed of a test's random choices, and prints it.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64() >> 32
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s is %q, must be a number", seedEnv, text)
		}
	}
	t.Logf("%s=%d repeats the choices of this run", seedEnv, seed)
	return seed
}
