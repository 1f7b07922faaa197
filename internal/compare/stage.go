package compare

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
)

const (
	requestRate = 50
	// ofEachFamily: half of the clients are single IPv4 addresses, the others share one IPv6 /64, as
	// those of one home or office do.
	ofEachFamily = 5
	// watchEvery is how often ebbgate's table is looked for.
	watchEvery = 10 * time.Millisecond
)

// stage is everything one cell needs.
type stage struct {
	lab     *lab.Lab
	threads []int // that receive for the victim
	server  *remoteServer
	clients *lab.Clients
	table   *lab.TableWatch
	eye     *eye
	daemon  *demo.Daemon // nil where ebbgate is no part of the defence
}

// newStage builds it all, the defence first and the clients last.
func newStage(ctx context.Context, o *Options, c cell) (s *stage, err error) {
	s = &stage{}
	if s.lab, err = lab.New(); err != nil {
		return nil, err
	}
	if err := s.setUp(ctx, o, c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) setUp(ctx context.Context, o *Options, c cell) (err error) {
	if err := c.scene.Prepare(s.lab.Victim); err != nil {
		return err
	}
	// All have threads that receive, so that the victim does not pay for what the others receive.
	for _, n := range []*lab.Namespace{s.lab.Clients, s.lab.Attackers, s.lab.Victim} {
		if s.threads, err = n.ReceiveThreads(); err != nil {
			return err
		}
		if err := errors.Join(n.NoSegmentation(), n.QueueLinks()); err != nil {
			return err
		}
	}
	if err := c.defence.load(ctx, s.lab.Victim); err != nil {
		return err
	}
	if s.server, err = startServer(s.lab.Victim, o.Serve(), c.scene.Server()); err != nil {
		return err
	}
	if c.defence.ebbgate {
		if s.daemon, err = demo.StartDaemon(ctx, s.lab.Victim, o.Program, policyText); err != nil {
			return err
		}
	}
	if s.eye, err = newEye(s.lab.Victim); err != nil {
		return err
	}
	if s.table, err = lab.WatchTable(ctx, s.lab.Victim, "ebbgate", watchEvery); err != nil {
		return err
	}
	r := lab.ClientRange()
	s.clients, err = lab.StartClients(ctx, s.lab.Clients, lab.ClientsConfig{
		Target:  netip.AddrPortFrom(lab.VictimV4(), demo.ServicePort),
		Target6: netip.AddrPortFrom(lab.VictimV6(), demo.ServicePort),
		Sources: append(r.IPv4(ofEachFamily), r.OneSubnet(ofEachFamily)...),
		Rate:    requestRate,
	})
	return err
}

// close ends everything.
func (s *stage) close() error {
	var errs []error
	if s.clients != nil {
		errs = append(errs, s.clients.Stop())
	}
	if s.daemon != nil {
		errs = append(errs, s.daemon.Stop())
	}
	if s.eye != nil {
		errs = append(errs, s.eye.close())
	}
	if s.server != nil {
		errs = append(errs, s.server.stop())
	}
	return errors.Join(append(errs, s.lab.Close())...)
}
