package demo

import "time"

// remains is what has been announced of the end of the attack. Table and attack end each at a time
// of their own: the table may go while ebbgate waits whether the attack comes back, and may stay
// when it is over, to count SYNs. Either may come again.
type remains struct {
	gone   bool      // the table's end was announced
	over   bool      // that the daemon tells of no attack was announced
	overAt time.Time // since when it tells of none; zero while it does
}

// announceEnds says what has ended since the flood did.
func (p *play) announceEnds() {
	now := time.Now()
	over := len(p.told.Attacks) == 0
	switch {
	case !over:
		p.left.overAt = time.Time{}
	case p.left.overAt.IsZero():
		p.left.overAt = now
	}
	if p.result.floodEnd.IsZero() {
		return
	}
	if over != p.left.over {
		p.left.over = over
		p.line.say(p.overText())
	}
	if _, gone := p.tableGone(); gone != p.left.gone {
		p.left.gone = gone
		if gone {
			p.line.say("the table is gone: nothing is limited any more")
		} else {
			p.line.say("the table is there again")
		}
	}
}

func (p *play) overText() string {
	switch {
	case !p.left.over:
		return "ebbgate sees an attack again"
	case p.kind.metered && p.table.Present():
		return "ebbgate sees no attack any more; it goes on counting SYNs for up to a minute"
	}
	return "ebbgate sees no attack any more"
}

// tableGone returns when our table went the last time. False: it is there, or never was.
func (p *play) tableGone() (time.Time, bool) {
	spans := p.table.Presences()
	if len(spans) == 0 {
		return time.Time{}, false
	}
	gone := spans[len(spans)-1].Gone
	return gone, !gone.IsZero()
}

// clean reports whether nothing is left: the table has come and gone, or needed not come, and the
// daemon sees no attack any more.
func (p *play) clean() bool {
	_, gone := p.tableGone()
	return (gone || !p.kind.ruled && !p.table.Present()) && len(p.told.Attacks) == 0
}

// measureEnds fills in how long after the attack table and attack were over.
func (p *play) measureEnds() {
	r := &p.result
	if at, ok := p.tableGone(); ok {
		r.TableGone = max(0, at.Sub(r.floodEnd))
	}
	if !p.left.overAt.IsZero() {
		r.AttackOver = max(0, p.left.overAt.Sub(r.floodEnd))
	}
	if r.Peace = !p.table.Present() && len(p.told.Attacks) == 0; r.Peace {
		r.Clean = max(r.TableGone, r.AttackOver)
	}
}
