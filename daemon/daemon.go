package daemon

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/history"
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
	// SetExempt tells which prefixes the operator exempted while the daemon ran. It keeps the slice.
	SetExempt([]netip.Prefix)
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
	Features() enforcer.Features
	Fill() ([]enforcer.Fill, error)
}

// Closer closes connections.
type Closer interface {
	Cut(*policy.Policy, *policy.Decision) (enforcer.Closed, error)
	Forget(*policy.Policy) (forgotten int, more bool, err error)
}

// Publisher shows the daemon's state to whoever may ask. It must not block. The functions it is given
// may be called at any time and by any goroutine, also while the loop turns.
type Publisher interface {
	Publish(*control.Status)
	PublishRuleset(func() *control.Ruleset)
	PublishAttacks(func() *control.Attacks)
	PublishExplain(func(netip.Addr) *control.Explanation)
	PublishSources(func() *control.SourceList)
	PublishEvents(*control.Stream)
	// Unreachable returns what keeps those who may ask from finding the daemon.
	Unreachable() error
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

// Metrics serves the daemon's state to monitoring. Its methods must not block.
type Metrics interface {
	Publish(*control.Status)
	// Serve has it served at an address, and nowhere else; one that is not valid: nowhere. It is told in each
	// turn, and returns what keeps it from that.
	Serve(netip.AddrPort) error
}

// Config is what a Daemon is made of. Recorder, Metrics, Keeper and Orders may be nil, and Restored may be empty;
// every other field is needed.
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
	Recorder  Recorder         // nil: nothing is recorded
	Metrics   Metrics          // nil: nothing is served to monitoring
	Keeper    Keeper           // nil: nothing outlasts the daemon
	Restored  history.Restored // what an earlier run left with the Keeper
	Boot      string           // what tells this boot from others
	Now       func() policy.Instant
	Wall      func() time.Time
	Reload    <-chan struct{}       // each value asks for a reload
	Orders    <-chan *control.Order // the operator's; one is carried out in each turn
}

// Daemon is the loop and everything it remembers. It belongs to one goroutine.
type Daemon struct {
	Config
	started time.Time
	control policy.Control // as it was at start: the socket is not moved
	reload  *control.Reload

	reloading bool // the service manager was told that a reload began, and not that it ended
	line      line // the one it shows

	step     func(*policy.Policy, policy.State, policy.Observation) (policy.State, policy.Decision)
	state    policy.State
	seen     policy.Observation // the newest
	sight    policy.Sight       // the newest of each count
	decision policy.Decision
	exempt   []netip.Prefix // as the watcher knows them
	order    *order         // carried out in this turn; nil: none
	asks     []policy.Order // of the next decision, beside those of the operator; at most one a reload
	acting   *policy.Policy // the one with modes by hand in place of its own, which holds
	trial    trial          // of a policy

	jobs     context.Context // ends what runs beside the loop
	census   census
	closings closings
	stale    stale
	table    table

	inheritance inheritance
	fill        fill

	turnAt policy.Instant // the next turn, unless something happens before
	turns  turns

	stream  stream
	faults  faults
	unheard error // what the service manager did not take in this turn
	tally   tally
	rates   rates
	meters  meters
	history told
	keeping keeping
}

// New returns a Daemon that is ready to Run.
func New(c Config) *Daemon {
	c.Watcher.SetPolicy(c.Policy)
	d := &Daemon{
		Config:   c,
		started:  c.Wall(),
		control:  c.Policy.Control,
		step:     policy.Step,
		stream:   newStream(c.Wall()),
		census:   census{results: make(chan censusResult, 1), budget: observer.NewBudget(c.Policy.Observe.CPUBudget)},
		closings: closings{results: make(chan closingResult, 1)},
		tally:    newTally(c.Policy),
		history:  told{first: make(map[uint64]policy.Instant)},
		keeping:  keeping{policy: c.Policy.History},
	}
	d.acting = c.Policy
	d.faults = faults{happened: d.happened, wall: c.Wall}
	d.recordPolicy(c.Source)
	if d.Keeper != nil {
		d.restore(c.Restored)
	}
	return d
}
