package inetdiag

// Holding are the states in which a connection can hold a slot of its application; Socket.Holds
// says whether it does.
const Holding = States(1<<Established | 1<<CloseWait | 1<<FinWait1 | 1<<FinWait2)

// Holds reports whether the connection holds a slot of its application. What is counted and what
// is closed must be the same, so both ask here: ESTABLISHED and CLOSE_WAIT do, FIN_WAIT only while
// a process still has the socket, and a mini-socket of TIME_WAIT never does. A socket in another
// state has changed it since the kernel selected it.
func (s *Socket) Holds() bool {
	if s.Timer == TimerTimeWait {
		return false
	}
	switch s.State {
	case Established, CloseWait:
		return true
	case FinWait1, FinWait2:
		return s.Inode != 0
	}
	return false
}
