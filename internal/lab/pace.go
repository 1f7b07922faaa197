package lab

import "time"

// pace says how many things are due at a steady rate. After a pause it makes up for at most burst.
type pace struct {
	cost   time.Duration // one thing
	most   time.Duration // credit that is kept
	credit time.Duration
	last   time.Time
}

// newPace returns a pace of rate per second, 1 to 1,000,000, whose credit begins now.
func newPace(rate int, burst int, now time.Time) *pace {
	cost := time.Second / time.Duration(rate)
	return &pace{cost: cost, most: cost * time.Duration(max(burst, 1)), last: now}
}

// due returns how many may be done now, at most the given number, and counts them as done.
func (p *pace) due(now time.Time, most int) int {
	p.credit = min(p.credit+now.Sub(p.last), p.most)
	p.last = now
	n := min(int(p.credit/p.cost), most)
	p.credit -= p.cost * time.Duration(n)
	return n
}
