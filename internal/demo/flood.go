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

// ground is where a flood is played.
type ground struct {
	attackers *lab.Namespace
	server    Application
}

// Application is the server that is attacked, in this process (lab.Server) or in another one.
type Application interface {
	Stall()
	Resume()
	Counts() lab.ServerCounts
}

// start begins a flood.
type start func(context.Context, ground) (flood, error)

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
	return func(ctx context.Context, g ground) (flood, error) {
		h, err := lab.StartHoard(ctx, g.attackers, c)
		return hoardFlood{h}, err
	}
}

type churnFlood struct{ *lab.Churn }

func (f churnFlood) tally() tally {
	c := f.Counts()
	return tally{attempts: c.Attempts, refused: c.Refused, completed: c.Completed}
}

func churning(c lab.ChurnConfig) start {
	return func(ctx context.Context, g ground) (flood, error) {
		h, err := lab.StartChurn(ctx, g.attackers, c)
		return churnFlood{h}, err
	}
}

type spoofFlood struct{ *lab.Spoof }

func (f spoofFlood) tally() tally { return tally{syns: f.Counts().Sent} }

func spoof(c lab.SpoofConfig) start {
	return func(ctx context.Context, g ground) (flood, error) {
		s, err := lab.StartSpoof(ctx, g.attackers, c)
		return spoofFlood{s}, err
	}
}

// hanging is a server that accepts nothing until Stop.
type hanging struct {
	server Application
	before uint64 // connections cut before it hung
}

// tally counts connections of legitimate clients that somebody cut: there are no others.
func (h hanging) tally() tally { return tally{cut: h.server.Counts().Aborted - h.before} }

func (h hanging) Stop() error {
	h.server.Resume()
	return nil
}

func hang(_ context.Context, g ground) (flood, error) {
	g.server.Stall()
	return hanging{g.server, g.server.Counts().Aborted}, nil
}
