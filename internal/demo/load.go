package demo

// load is what the timeline shows of an attack beside the clients' requests: a gauge, or a counter
// of which it shows the rate.
type load struct {
	title  string
	digits int // its figure has at most
	full   int // of a full bar; near it, it is red
	now    func(*play) int
	total  func(*play) uint64
}

// held is how many connections the server holds.
func held() load {
	return load{title: "connections held", digits: 4, full: capacity, now: func(p *play) int { return p.server.Counts().Held }}
}

// read returns the gauge, or the rate since the last time it was read.
func (l load) read(p *play, last *uint64) int {
	if l.now != nil {
		return l.now(p)
	}
	total := l.total(p)
	// A flood that ends takes its counter with it.
	grown := max(total, *last) - *last
	*last = total
	return int(float64(grown) / sampleEvery.Seconds())
}
