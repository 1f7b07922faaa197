package ctnetlink

// Stage says what an entry counts as, if it counts. Held are only those whose both ends conntrack
// has seen answer each other: it takes a lone ACK for an established connection as well, which
// anybody can forge, but does not call that one assured.
//
// What conntrack calls assured is weaker evidence than a socket. It takes an ACK that is wrong by
// up to 66,000 for the right one, which blind guessing hits once in 65,000, until the server's
// reset tells it better. Where something keeps that reset from coming back, or with
// nf_conntrack_tcp_be_liberal, a forged connection counts.
func (e *Entry) Stage() (held, counts bool) {
	switch e.State {
	case Established, FinWait, CloseWait:
		return e.Status.Has(Assured), true
	case SynSent, SynRecv, SynSent2:
		return false, true
	case None: // of an offloaded connection the kernel does not tell more
		return true, e.Status.Has(Assured | Offload)
	}
	return false, false
}
