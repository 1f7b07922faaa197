package report

import (
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// verdict says whether the service was kept, and by what that is judged.
type verdict struct {
	Class, Short string
	Why          []string
}

// basis says what no sample can tell.
const basis = "ebbgate sees connections, not answers: whether a request was answered in time, only the application's own log says."

// served judges by connections whether ordinary clients could be served.
func served(f *Facts) verdict {
	a := f.Attack
	if f.Samples == nil || len(f.Samples.Samples) == 0 {
		v := verdict{"plain", "Not known", []string{"How the service went was not measured: " + closed(text(f.Missing))}}
		if a.Kind == policy.SlowApplication {
			v.Class, v.Short = "care", "It was slow"
		}
		return v
	}
	var queue, within int
	var full time.Duration
	for i := range f.Samples.Samples {
		x := &f.Samples.Samples[i]
		queue, within = max(queue, x.Queue), max(within, x.Within)
		if a.Policy != nil && a.Policy.Capacity > 0 && x.Held >= a.Policy.Capacity {
			full += time.Duration(f.Samples.Step)
		}
	}
	v := room(f, full)
	if a.Kind == policy.SlowApplication {
		v.Class, v.Short = "care", "It was slow"
	}
	waited := "Nobody was seen to wait for the application to accept a connection."
	if queue > 0 {
		waited = "Up to " + control.Counted(queue, "connection", "connections") + " waited for the application to accept them."
		if v.Class == "plain" {
			v.Short = "Clients may have waited"
		}
	}
	others := "Sources under no limit held up to " + control.Counted(within, "connection", "connections") + "."
	if within == 0 {
		others = "Sources under no limit held no connection when they were counted; short requests do not show."
	}
	v.Why = append(v.Why, waited, others, basis)
	return v
}

// room judges by the capacity of the service, and by how long it was seen full.
func room(f *Facts, full time.Duration) verdict {
	a := f.Attack
	v := verdict{Class: "calm", Short: "Kept, as far as connections show"}
	switch {
	case a.Policy == nil || a.Policy.Capacity == 0:
		v = verdict{Class: "plain", Short: "No sign that it was not"}
		unknown := "How many connections the service can hold is not known: the policy did not name its capacity."
		if a.Policy == nil {
			unknown = "How many connections the service can hold is not known: what the policy said then was not kept."
		}
		v.Why = append(v.Why, unknown)
	case full == 0 && a.PeakHeld >= a.Policy.Capacity:
		v = verdict{Class: "care", Short: "Full for a moment"}
		v.Why = append(v.Why, "At its peak it held as many connections as its capacity of "+control.Number(a.Policy.Capacity)+", for so short a time that no sample shows it.")
	case full > 0:
		v = verdict{Class: "care", Short: "Full for about " + control.Length(full)}
		v.Why = append(v.Why, "It held as many connections as its capacity for about "+control.Length(full)+", and had no room for others meanwhile.")
	default:
		v.Why = append(v.Why, "It never held as many connections as its capacity of "+control.Number(a.Policy.Capacity)+".")
	}
	return v
}
