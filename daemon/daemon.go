package daemon

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/observer"
	"ebbgate/policy"
)

// Watcher observes the kernel. Tick and Census may run at the same time.
type Watcher interface {
	SetPolicy(*policy.Policy)
	Tick() policy.Observation
	Census(context.Context) (policy.Census, error)
	// Arm starts or ends the counting of what ends.
	Arm(endings bool)
	// Proven reports whether a source completed a handshake in the last ten minutes.
	Proven(netip.Prefix) bool
	// ProvenFull reports whether Proven is true of everybody, for want of room.
	ProvenFull() bool
}

// Rules is our table in the kernel.
type Rules interface {
	Have() enforcer.Have
	Environment() enforcer.Environment
	Owned() bool
	Look(needed bool) (enforcer.Change, error)
	Apply(enforcer.Plan) error
	Counts() (map[string]enforcer.Counts, error)
	Meters() ([]policy.SYNMeter, error)
}

// Closer closes connections.
type Closer interface {
	Excess(*policy.Policy, []policy.Limit) (enforcer.Closed, error)
}

// Publisher shows the daemon's state to whoever may ask. It must not block.
type Publisher interface {
	Publish(*control.Status)
	PublishRuleset(func() *control.Ruleset)
}

// Manager is told how the service fares: the notification protocol of sd_notify(3). Its methods
// must not block for long.
type Manager interface {
	Ready() error
	Reloading() error
	Stopping() error
	Status(string) error
	Watchdog() error
}

// Recorder keeps what was observed and decided, to be replayed.
type Recorder interface {
	Policy(hash string) error
	Write(before *policy.State, o *policy.Observation, d *policy.Decision) error
}

// Config is what a Daemon is made of. All fields but Recorder are needed.
type Config struct {
	PolicyPath string         // read again on reload
	Policy     *policy.Policy // as it was read at start
	Source     []byte         // its text
	Version    string
	Log        *slog.Logger

	Watcher   Watcher
	Rules     Rules
	Closer    Closer
	Publisher Publisher
	Manager   Manager
	Recorder  Recorder // nil: nothing is recorded
	Now       func() policy.Instant
	Wall      func() time.Time
	Reload    <-chan struct{} // each value asks for a reload
}

// Daemon is the loop and everything it remembers. It belongs to one goroutine.
type Daemon struct {
	Config
	started  time.Time
	control  policy.Control // as it was at start: the socket is not moved
	state    policy.State
	seen     policy.Observation // the newest
	decision policy.Decision
	wanted   enforcer.Ruleset
	budget   *observer.Budget
	faults   faults

	jobs context.Context // ends what runs beside the loop

	taken     policy.Census      // arrived since the last turn
	censuses  chan censusResult  // capacity 1: one census at a time
	counting  bool               // one is under way
	countFrom policy.Instant     // no census starts before
	suspected bool               // there was reason for a census since the last one started
	latest    policy.Census      // for display
	closings  chan closingResult // capacity 1: one run at a time
	closing   bool
	closedAt  policy.Instant // evidence up to here has been acted upon

	retryAt policy.Instant // a refused transaction is not repeated before
	backoff time.Duration
	made    bool // a transaction went through: what is in the kernel is ours

	unheard error // what the service manager did not take in this turn

	tally    tally
	turnAt   policy.Instant // the next turn, unless something happens before
	turnTook time.Duration  // the last one

	rates  rates
	meters meters
	rules  map[uint64]policy.Instant // attack to the time of its first rule
	reload *control.Reload
}

// New returns a Daemon that is ready to Run.
func New(c Config) *Daemon {
	c.Watcher.SetPolicy(c.Policy)
	d := &Daemon{
		Config:   c,
		started:  c.Wall(),
		control:  c.Policy.Control,
		budget:   observer.NewBudget(c.Policy.Observe.CPUBudget),
		faults:   faults{log: c.Log, wall: c.Wall},
		censuses: make(chan censusResult, 1),
		closings: make(chan closingResult, 1),
		tally:    newTally(),
		rules:    make(map[uint64]policy.Instant),
	}
	d.recordPolicy(c.Source)
	return d
}
