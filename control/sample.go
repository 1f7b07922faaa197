package control

// Sample is what was measured while an attack was open, the worst of one step of time.
type Sample struct {
	At      Time `json:"at"`
	Held    int  `json:"held"`                  // connections of the service, of all sources
	Within  int  `json:"held_within"`           // of these, by sources that no limit is on: the least
	Limited int  `json:"limited"`               // sources under a limit
	Blocks  int  `json:"blocks"`                // in force at the service
	Opened  int  `json:"opened_per_s"`          // connections the host accepted a second, at all listeners
	SYNs    int  `json:"syns_per_s"`            // to the service, while they are metered
	Refused int  `json:"refused_packets_per_s"` // by limits, blocks and SYN meters; in shadow mode: would have been
	Queue   int  `json:"accept_queue"`          // most connections that wait at one of its listeners
}

// Merge takes another sample of the same step into s, of which each figure is the worst then.
func (s *Sample) Merge(x *Sample) {
	s.Held, s.Limited, s.Blocks = max(s.Held, x.Held), max(s.Limited, x.Limited), max(s.Blocks, x.Blocks)
	s.Within = min(s.Within, x.Within)
	s.Opened, s.SYNs, s.Refused, s.Queue = max(s.Opened, x.Opened), max(s.SYNs, x.SYNs), max(s.Refused, x.Refused), max(s.Queue, x.Queue)
}

// Samples are how one attack went.
type Samples struct {
	ID      string   `json:"id"`
	Step    Duration `json:"step"`    // from one sample to the next, at least
	Samples []Sample `json:"samples"` // the oldest first; at most 600
}
