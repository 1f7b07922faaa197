package survey

import (
	"context"
	"net/netip"
	"time"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/process"
)

// LeakAge is how long a connection in CLOSE_WAIT must have heard nothing to count as leaked. An
// application that still answers, which the peer's FIN leaves it free to do, hears
// acknowledgements.
const LeakAge = time.Minute

// maxLeaks is how many leaked sockets are kept to look for their processes.
const maxLeaks = 32768

// Leaks counts connections in CLOSE_WAIT: the peer has closed, the application has not. They hold
// a slot and a descriptor until it does; no time-out of the kernel ends them.
type Leaks struct {
	CloseWait int    // in CLOSE_WAIT
	Leaked    int    // of these, for the age asked for or longer
	Beyond    int    // of the leaked, those not in Groups because there are too many
	Groups    []Leak // once processes were looked up; most sockets first

	sockets []leaked
}

// Leak is what the processes of one program leak in one place.
type Leak struct {
	Process     process.Holder // of the group, the one with most files; PID 0: not known
	Processes   int            // in the group; 0: not known
	UID         uint32         // owner of the sockets
	Inbound     bool           // they came in to Port; else the host opened them, to Remote
	Port        uint16         // local; 0 unless Inbound
	Remote      netip.AddrPort // invalid if Inbound
	Sockets     int
	Unread      int           // of these, the application has not even read the end of the stream
	NotAccepted int           // of these, still in the accept queue
	Oldest      time.Duration // in CLOSE_WAIT for at least this long
}

// leaked is what is kept of one leaked socket.
type leaked struct {
	place    place
	inode    uint32 // of the listener, if it was not accepted
	uid      uint32
	accepted bool
	unread   bool
	age      time.Duration
}

// place says where a connection goes to: a port of the host, or a peer.
type place struct {
	port   uint16
	remote netip.AddrPort
}

// CloseWait finds the connections that have been in CLOSE_WAIT for at least age. What puts one
// there, the peer's FIN, comes with an acknowledgement: the time since the last acknowledgement is
// the least that it can have been there.
func (s *Survey) CloseWait(ctx context.Context, age time.Duration) (*Leaks, error) {
	out := &Leaks{}
	oldest := top[leaked]{keep: maxLeaks}
	err := s.walk(ctx, 1<<inetdiag.CloseWait, true, func(k *inetdiag.Socket) {
		out.CloseWait++
		if !k.HasInfo || k.Info.LastAckRecv < age {
			return
		}
		out.Leaked++
		if weight := uint64(k.Info.LastAckRecv); oldest.wants(weight) {
			oldest.add(weight, s.newLeaked(k))
		}
	})
	out.sockets = oldest.list()
	out.Beyond = out.Leaked - len(out.sockets)
	return out, err
}

func (s *Survey) newLeaked(k *inetdiag.Socket) leaked {
	l := leaked{inode: k.Inode, uid: k.UID, accepted: k.Inode != 0, unread: k.RQueue > 0, age: k.Info.LastAckRecv}
	if !s.inbound(k) {
		l.place.remote = k.Remote()
		return l
	}
	l.place.port = k.LocalPort
	for i := range s.listeners {
		if !l.accepted && s.listeners[i].LocalPort == k.LocalPort {
			l.inode = s.listeners[i].Inode
			break
		}
	}
	return l
}
