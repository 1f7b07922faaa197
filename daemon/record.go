package daemon

import (
	"ebbgate/policy"
	"ebbgate/recording"
)

// recordPolicy tells the recorder under which policy is decided from now on.
func (d *Daemon) recordPolicy(src []byte) {
	if d.Recorder != nil {
		d.faults.set("recorder", d.Recorder.Policy(recording.HashPolicy(src)))
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
