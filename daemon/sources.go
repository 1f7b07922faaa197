package daemon

import (
	"ebbgate/control"
	"ebbgate/policy"
)

// sources returns what lists all sources by what was decided and counted up to this turn. None of that is
// ever changed, so that whoever asks may do it.
func (d *Daemon) sources() func() *control.SourceList {
	p, state, decision, sight, calendar := d.acting, d.state, d.decision, d.sight, d.calendar()
	return func() *control.SourceList {
		list := &control.SourceList{Calendar: calendar, Complete: sight.Census.Taken && sight.Census.Complete,
			Services: policy.Standings(p, &state, &decision, &sight)}
		if sight.Census.Taken {
			list.Counted = calendar.Time(sight.Census.From)
		}
		return list
	}
}
