package survey

import (
	"context"
	"time"

	"ebbgate/internal/inetdiag"
)

// Idle lists established connections that carry no data.
type Idle struct {
	Established int // connections looked at
	Total       int // of these, idle
	NoKeepalive int // of the idle, without keepalive: a dead peer is never noticed
	Connections []Connection
}

// Idle finds the ESTABLISHED connections without data either way for at least age, listing at most
// limit, longest idle first.
func (s *Survey) Idle(ctx context.Context, age time.Duration, limit int) (*Idle, error) {
	out := &Idle{}
	oldest := top[Connection]{keep: min(limit, MaxTop)}
	err := s.walk(ctx, 1<<inetdiag.Established, true, func(k *inetdiag.Socket) {
		out.Established++
		quiet := idle(k)
		if !k.HasInfo || quiet < age {
			return
		}
		out.Total++
		if k.Timer == timerNone {
			out.NoKeepalive++
		}
		if oldest.wants(uint64(quiet)) {
			oldest.add(uint64(quiet), newConnection(k, s.inbound(k)))
		}
	})
	out.Connections = oldest.list()
	return out, err
}
