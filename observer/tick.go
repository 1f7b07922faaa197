package observer

import (
	"errors"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/cgroup"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/login"
	"ebbgate/policy"
)

// ticker holds what a tick reads from and reuses. It belongs to one goroutine.
type ticker struct {
	counters counterReader
	diag     *inetdiag.Conn
	scratch  []listening // of the last tick
	listed   bool        // scratch is good enough to sort connections by
	cgroups  *cgroup.Tree
	ids      []uint64 // scratch
	sessions sessions
	firewall firewallReader
	host     hostAddresses
	segments segments
}

func (t *ticker) open(root string) error {
	t.cgroups = cgroup.NewTree(cgroup.Mount(root))
	t.sessions.reader = login.NewReader(root)
	if err := t.counters.open(); err != nil {
		return err
	}
	if err := t.host.open(); err != nil {
		return err
	}
	var err error
	t.diag, err = inetdiag.Open()
	return err
}

func (t *ticker) close() error {
	err := errors.Join(t.counters.close(), t.firewall.loose.close())
	t.host.close()
	if t.diag != nil {
		err = errors.Join(err, t.diag.Close())
	}
	return err
}

func (t *ticker) observe(target *target) policy.Observation {
	obs := policy.Observation{At: boottime.Now(), Wall: time.Now().UnixNano()}
	obs.Counters, obs.Faults = t.counters.read()
	var faults []policy.Fault
	obs.Firewall, faults = t.firewall.read()
	obs.Faults = append(obs.Faults, faults...)
	t.scratch, t.listed = t.scratch[:0], true
	if target.empty() {
		return obs
	}
	var err error
	if t.scratch, err = dumpListeners(t.diag, target, t.scratch[:0]); err != nil {
		obs.Faults = append(obs.Faults, policy.Fault{Part: "listeners", Text: err.Error()})
	}
	t.listed = usable(err)
	t.resolve(obs.At)
	if err := t.segments.refresh(obs.At, t.host.routes); err != nil {
		obs.Faults = append(obs.Faults, policy.Fault{Part: "interfaces", Text: err.Error()})
	}
	obs.Listeners = report(t.scratch, target.services, t.cgroups.Unit, t.segments.of)
	t.sessions.observe(&obs, target)
	return obs
}

// resolve looks for the units of the listeners of a tick.
func (t *ticker) resolve(now policy.Instant) {
	t.ids = t.ids[:0]
	for i := range t.scratch {
		id := t.scratch[i].cgroup
		if id != 0 && (len(t.ids) == 0 || t.ids[len(t.ids)-1] != id) {
			t.ids = append(t.ids, id)
		}
	}
	t.cgroups.Find(now, t.ids)
}
