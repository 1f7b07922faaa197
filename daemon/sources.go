package daemon

import (
	"ebbgate/control"
	"ebbgate/policy"
)

// sources lists all sources by what was decided and counted up to this turn.
func (p *picture) sources() *control.SourceList {
	census := &p.sight.Census
	list := &control.SourceList{Calendar: p.calendar, Complete: census.Taken && census.Complete,
		Services: policy.Standings(p.policy, &p.state, &p.decision, p.sight)}
	if census.Taken {
		list.Counted = p.calendar.Time(census.From)
	}
	return list
}
