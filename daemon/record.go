package daemon

import (
	"ebbgate/policy"
	"ebbgate/recording"
)

// recordPolicy notes under which policy is decided from now on, and tells the recorder.
func (d *Daemon) recordPolicy(src []byte) {
	d.keeping.hash = recording.HashPolicy(src)
	if d.Recorder != nil {
		d.faults.set("recorder", d.Recorder.Policy(d.keeping.hash))
	}
}

// record keeps this turn. A recorder that fails is a fault and nothing else: it tries again with
// the next turn.
func (d *Daemon) record(before *policy.State) {
	if d.Recorder != nil {
		d.faults.set("recorder", d.Recorder.Write(before, &d.seen, &d.decision))
	}
}

var _ Recorder = (*recording.Writer)(nil)
