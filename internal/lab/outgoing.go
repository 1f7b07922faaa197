package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	// sinkPort is where the clients' side of an Outgoing listens.
	sinkPort = 9000
	// outgoingPatience bounds the opening of an Outgoing's connections.
	outgoingPatience = 20 * time.Second
)

// Outgoing is the victim as a client: connections which it opened itself, all to one address, as a
// busy proxy holds them to its backend. They must never be counted against that address.
type Outgoing struct {
	sink *Server
	held *Hoard
}

// StartOutgoing opens count connections from the victim to port 9000 of ClientV4, and returns when
// all of them are established, or fails after 20 seconds. A connection takes two descriptors, as both ends are in this
// process. At most one Outgoing can run at a time.
func StartOutgoing(ctx context.Context, l *Lab, count int) (*Outgoing, error) {
	at := netip.AddrPortFrom(ClientV4(), sinkPort)
	sink, err := StartServer(ctx, l.Clients, ServerConfig{
		Listen: []netip.AddrPort{at}, Capacity: count, IdleTimeout: 24 * time.Hour,
	})
	if err != nil {
		return nil, fmt.Errorf("start the far end of outgoing connections: %w", err)
	}
	held, err := StartHoard(ctx, l.Victim, HoardConfig{
		Target: at, Sources: []netip.Addr{VictimV4()}, Total: count,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open outgoing connections: %w", err), sink.Stop())
	}
	o := &Outgoing{sink: sink, held: held}
	if err := o.await(ctx, count); err != nil {
		return nil, errors.Join(err, o.Stop())
	}
	return o, nil
}

// await returns when both ends know of all connections.
func (o *Outgoing) await(ctx context.Context, count int) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	ctx, cancel := context.WithTimeout(ctx, outgoingPatience)
	defer cancel()
	for o.held.Counts().Held < count || o.sink.Counts().Held < count {
		select {
		case <-ctx.Done():
			return fmt.Errorf("await %d outgoing connections, have %d: %w", count, o.held.Counts().Held, context.Cause(ctx))
		case <-o.held.task.done:
			return fmt.Errorf("await %d outgoing connections: %w", count, errors.Join(o.held.task.err, ErrClosed))
		case <-ticker.C:
		}
	}
	return nil
}

// Counts returns the gauges and counters of the victim's side; Closed is what somebody cut.
func (o *Outgoing) Counts() HoardCounts { return o.held.Counts() }

// Stop closes all connections and the far end.
func (o *Outgoing) Stop() error { return errors.Join(o.held.Stop(), o.sink.Stop()) }
