package survey

import (
	"cmp"
	"context"
	"slices"

	"ebbgate/internal/inetdiag"
)

// Queues lists sockets that wait for somebody: for their application to read or to accept, or for
// their peer to acknowledge.
type Queues struct {
	Listeners   []Backlog    // with connections to accept, longest queue first
	Connections []Connection // with bytes in a queue, largest first
	Total       int          // connections with bytes in a queue
	Receive     uint64       // bytes not read, of all of them
	Send        uint64       // bytes not acknowledged, of all of them
}

// queueStates are those in which bytes can wait.
const queueStates = AllStates &^ (1<<inetdiag.Listen | 1<<inetdiag.TimeWait | 1<<inetdiag.SynRecv)

// Queues finds the sockets whose queues are not empty, listing at most limit listeners and as many
// connections. In CLOSE_WAIT and after it, the receive queue counts the peer's FIN as one byte
// until the application has read the end, as ss(8) shows it too.
func (s *Survey) Queues(ctx context.Context, limit int) (*Queues, error) {
	out := &Queues{}
	limit = min(limit, MaxTop)
	for i := range s.listeners {
		l := &s.listeners[i]
		if l.RQueue > 0 && s.wantsListener(l) {
			out.Listeners = append(out.Listeners, newBacklog(l))
		}
	}
	slices.SortFunc(out.Listeners, func(a, b Backlog) int {
		return cmp.Or(cmp.Compare(b.Queue, a.Queue), a.Local.Compare(b.Local), cmp.Compare(a.Inode, b.Inode))
	})
	out.Listeners = out.Listeners[:min(limit, len(out.Listeners))]

	largest := top[Connection]{keep: limit}
	err := s.walk(ctx, queueStates, true, func(k *inetdiag.Socket) {
		bytes := uint64(k.RQueue) + uint64(k.WQueue)
		if bytes == 0 {
			return
		}
		out.Total++
		out.Receive += uint64(k.RQueue)
		out.Send += uint64(k.WQueue)
		if largest.wants(bytes) {
			largest.add(bytes, newConnection(k, s.inbound(k)))
		}
	})
	out.Connections = largest.list()
	return out, err
}

// wantsListener reports whether a listener is within the selection.
func (s *Survey) wantsListener(l *inetdiag.Socket) bool {
	return (s.sel.States == 0 || s.sel.States.Has(inetdiag.Listen)) && s.sel.comesFrom(l)
}
