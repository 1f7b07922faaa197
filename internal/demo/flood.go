package demo

import (
	"context"

	"ebbgate/internal/lab"
)

// flood is an attack under way.
type flood interface {
	tally() tally
	Stop() error
}

// start begins a flood.
type start func(context.Context, *play) (flood, error)

// tally sums up what attackers did and got.
type tally struct {
	attempts  uint64 // connections they tried to open
	refused   uint64 // of these, refused at once
	completed uint64 // of these, established; counted of churn only
	cut       uint64 // established connections that were closed by the other side
	syns      uint64 // forged
}

func (t tally) plus(u tally) tally {
	return tally{t.attempts + u.attempts, t.refused + u.refused, t.completed + u.completed, t.cut + u.cut, t.syns + u.syns}
}

type hoardFlood struct{ *lab.Hoard }

func (f hoardFlood) tally() tally {
	c := f.Counts()
	return tally{attempts: c.Attempts, refused: c.Refused, cut: c.Closed}
}

func hoard(c lab.HoardConfig) start {
	return func(ctx context.Context, p *play) (flood, error) {
		h, err := lab.StartHoard(ctx, p.lab.Attackers, c)
		return hoardFlood{h}, err
	}
}

type churnFlood struct{ *lab.Churn }

func (f churnFlood) tally() tally {
	c := f.Counts()
	return tally{attempts: c.Attempts, refused: c.Refused, completed: c.Completed}
}

func churning(c lab.ChurnConfig) start {
	return func(ctx context.Context, p *play) (flood, error) {
		h, err := lab.StartChurn(ctx, p.lab.Attackers, c)
		return churnFlood{h}, err
	}
}

type spoofFlood struct{ *lab.Spoof }

func (f spoofFlood) tally() tally { return tally{syns: f.Counts().Sent} }

func spoof(c lab.SpoofConfig) start {
	return func(ctx context.Context, p *play) (flood, error) {
		s, err := lab.StartSpoof(ctx, p.lab.Attackers, c)
		return spoofFlood{s}, err
	}
}

// hanging is a server that accepts nothing until Stop.
type hanging struct {
	server *lab.Server
	before uint64 // connections cut before it hung
}

// tally counts connections of legitimate clients that somebody cut: there are no others.
func (h hanging) tally() tally { return tally{cut: h.server.Counts().Aborted - h.before} }

func (h hanging) Stop() error {
	h.server.Resume()
	return nil
}

func hang(_ context.Context, p *play) (flood, error) {
	p.server.Stall()
	return hanging{p.server, p.server.Counts().Aborted}, nil
}
