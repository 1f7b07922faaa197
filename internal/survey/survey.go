package survey

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nlwire"
	"ebbgate/observer"
	"ebbgate/policy"
)

// maxListeners bounds the listening sockets kept. Beyond it connections count as the host's own,
// and the survey is not complete.
const maxListeners = 8192

// Survey looks at the sockets of one network namespace. The listeners, by which connections that
// came in are told from the host's own, are those there were when it was opened. It is not safe for
// concurrent use.
type Survey struct {
	sel       Selection
	conn      *inetdiag.Conn
	filter    []byte // selects the ports in the kernel
	listeners []inetdiag.Socket
	services  []policy.Service
	doors     *observer.Doors // of the services
	any       *observer.Doors // of every listening port
	complete  bool
}

// Open begins a survey in the network namespace of the calling thread, of the sockets that sel
// selects and the services of p. Without a policy each port that somebody listens on is a service.
// Close gives the netlink socket back.
func Open(ctx context.Context, sel Selection, p *policy.Policy) (*Survey, error) {
	conn, err := inetdiag.Open()
	if err != nil {
		return nil, err
	}
	s := &Survey{sel: sel, conn: conn, complete: true}
	if err := s.prepare(ctx, p); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// Close ends the survey.
func (s *Survey) Close() error { return s.conn.Close() }

// Complete reports whether everything seen so far was whole. If not, counts are lower bounds and
// lists may lack something.
func (s *Survey) Complete() bool { return s.complete }

// Services returns the services connections are sorted by.
func (s *Survey) Services() []policy.Service { return s.services }

func (s *Survey) prepare(ctx context.Context, p *policy.Policy) error {
	if len(s.sel.Ports) > 0 {
		var err error
		if s.filter, err = inetdiag.PortFilter(s.sel.Ports); err != nil {
			return err
		}
	}
	err := s.dump(ctx, 1<<inetdiag.Listen, false, func(l *inetdiag.Socket) {
		if len(s.listeners) == maxListeners {
			s.complete = false
			return
		}
		s.listeners = append(s.listeners, *l)
	})
	if err != nil {
		return err
	}
	every := everyPort(s.listeners)
	if s.any, err = s.open(every); err != nil {
		return err
	}
	s.services, s.doors = every, s.any
	if p != nil {
		s.services = s.selected(p.Services)
		s.doors, err = s.open(s.services)
	}
	return err
}

// open returns the doors of services.
func (s *Survey) open(services []policy.Service) (*observer.Doors, error) {
	d, err := observer.NewDoors(services, s.listeners)
	if errors.Is(err, observer.ErrManyListeners) {
		s.complete = false
		return d, nil
	}
	return d, err
}

// dump walks the sockets in the given states on the selected ports. A dump that is not whole marks
// the survey as incomplete and is no error.
func (s *Survey) dump(ctx context.Context, states inetdiag.States, info bool, each func(*inetdiag.Socket)) error {
	err := s.conn.Dump(inetdiag.Request{
		Family: unix.AF_UNSPEC,
		States: asked(states),
		Info:   info,
		Filter: s.filter,
		Stop:   func() bool { return ctx.Err() != nil },
	}, each)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return fmt.Errorf("look at TCP sockets: %w", ctx.Err())
	case nlwire.Incomplete(err):
		s.complete = false
	default:
		return err
	}
	return nil
}

// walk calls each for the selected sockets in the given states.
func (s *Survey) walk(ctx context.Context, states inetdiag.States, info bool, each func(*inetdiag.Socket)) error {
	if s.sel.States != 0 {
		states &= s.sel.States
	}
	if states == 0 {
		return nil
	}
	return s.dump(ctx, states, info, func(k *inetdiag.Socket) {
		if states.Has(StateOf(k)) && s.sel.comesFrom(k) {
			each(k)
		}
	})
}

// inbound reports whether a connection came in through a listener.
func (s *Survey) inbound(k *inetdiag.Socket) bool { return s.any.Service(k) >= 0 }
