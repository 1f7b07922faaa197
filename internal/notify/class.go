package notify

import (
	"fmt"
	"strings"

	"ebbgate/control"
	"ebbgate/policy"
)

// Class says what an event is about, for those who choose.
type Class string

// The classes, as they are chosen by name.
const (
	Attacks Class = "attacks" // one begins or ends
	Changes Class = "changes" // the response to one changes, or meets a bound
	Health  Class = "daemon"  // what does not work, or works again, here or in the host's settings
	Orders  Class = "orders"  // somebody gave one by hand
	Runs    Class = "runs"    // the daemon starts or stops
	Sources Class = "sources" // single ones: limits and blocks, of which there may be many
)

// Classes lists all of them.
func Classes() []Class { return []Class{Attacks, Changes, Health, Orders, Runs, Sources} }

// Importance says what goes first when there is too much.
type Importance int

// The importances, the least first.
const (
	Low Importance = iota
	Normal
	High
	Urgent
)

var importances = [...]string{"low", "normal", "high", "urgent"}

// String returns its name.
func (i Importance) String() string {
	if i < Low || i > Urgent {
		return fmt.Sprintf("importance %d", int(i))
	}
	return importances[i]
}

// MarshalText writes the name. It never fails.
func (i Importance) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads a name; any other text is an error.
func (i *Importance) UnmarshalText(b []byte) error {
	for n, name := range importances {
		if string(b) == name {
			*i = Importance(n)
			return nil
		}
	}
	return fmt.Errorf("importance %q: must be one of %s", b, strings.Join(importances[:], ", "))
}

// rank is what is known of a kind of event.
type rank struct {
	class      Class
	importance Importance
}

// ranks has every kind by name, as a daemon may be newer than this program.
var ranks = map[policy.EventKind]rank{
	policy.AttackBegan: {Attacks, Urgent},
	policy.AttackEnded: {Attacks, High},

	policy.ShareChanged:     {Changes, Normal},
	policy.PressureChanged:  {Changes, Normal},
	policy.ProxyChanged:     {Changes, Normal},
	policy.TrackingChanged:  {Changes, Normal},
	policy.BlocksMerged:     {Changes, Normal},
	policy.StrikesForgotten: {Changes, Low},
	policy.ModeChanged:      {Changes, High},
	policy.ExemptOffender:   {Changes, High},
	policy.LimitsFull:       {Changes, High},
	policy.BlocksFull:       {Changes, High},

	control.Degraded:      {Health, Urgent},
	control.Recovered:     {Health, High},
	control.PolicyRefused: {Health, High},
	control.TrialEnded:    {Health, High},
	policy.CookiesOff:     {Health, High},
	policy.TableLost:      {Health, High},
	Unreachable:           {Health, Urgent},
	Reachable:             {Health, High},
	Missed:                {Health, High},
	Test:                  {Health, Urgent},
	Digest:                {Health, Normal},

	policy.ExemptAdded:   {Orders, Normal},
	policy.ExemptEnded:   {Orders, Normal},
	control.PolicyLoaded: {Orders, Normal},
	control.TrialKept:    {Orders, Normal},

	control.Started:  {Runs, Normal},
	control.Ready:    {Runs, Low},
	control.Stopping: {Runs, Normal},

	control.ExcessClosed: {Sources, Low},
	policy.LimitRaised:   {Sources, Low},
	policy.LimitDropped:  {Sources, Low},
	policy.SourceBlocked: {Sources, Low},
	policy.SourceFreed:   {Sources, Low},
}

// rankOf places an event. One of a kind not known here is a change where it has to do with a service, else
// about the daemon, so that nobody misses it.
func rankOf(e *control.Event) rank {
	if r, known := ranks[e.Event]; known {
		return r
	}
	if e.Service != "" {
		return rank{Changes, Normal}
	}
	return rank{Health, High}
}
