package observer

import (
	"errors"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// ticker holds what a tick reads from and reuses. It belongs to one goroutine.
type ticker struct {
	counters counterReader
	diag     *inetdiag.Conn
	scratch  []listening // of the last tick
	listed   bool        // scratch is good enough to sort connections by
}

func (t *ticker) open() error {
	if err := t.counters.open(); err != nil {
		return err
	}
	var err error
	t.diag, err = inetdiag.Open()
	return err
}

func (t *ticker) close() error {
	err := t.counters.close()
	if t.diag != nil {
		err = errors.Join(err, t.diag.Close())
	}
	return err
}

func (t *ticker) observe(target *target) policy.Observation {
	obs := policy.Observation{At: boottime.Now(), Wall: time.Now().UnixNano()}
	obs.Counters, obs.Faults = t.counters.read()
	t.scratch, t.listed = t.scratch[:0], true
	if target.empty() {
		return obs
	}
	var err error
	if t.scratch, err = dumpListeners(t.diag, target, t.scratch[:0]); err != nil {
		obs.Faults = append(obs.Faults, policy.Fault{Part: "listeners", Text: err.Error()})
	}
	t.listed = usable(err)
	obs.Listeners = report(t.scratch, target.services)
	return obs
}
