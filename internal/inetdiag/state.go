package inetdiag

import "fmt"

// State is the state of a TCP socket, as numbered in net/tcp_states.h.
type State uint8

// The states the kernel reports. A TIME_WAIT mini-socket that stands for FIN_WAIT2 is reported as
// FinWait2 with Timer equal to TimerTimeWait.
const (
	Established State = 1
	SynSent     State = 2
	SynRecv     State = 3
	FinWait1    State = 4
	FinWait2    State = 5
	TimeWait    State = 6
	Close       State = 7
	CloseWait   State = 8
	LastAck     State = 9
	Listen      State = 10
	Closing     State = 11
)

// TimerTimeWait is the idiag_timer of a mini-socket which holds no process's socket any more
// (inet_twsk_diag_fill in net/ipv4/inet_diag.c).
const TimerTimeWait = 3

var stateNames = [...]string{
	Established: "ESTABLISHED", SynSent: "SYN_SENT", SynRecv: "SYN_RECV", FinWait1: "FIN_WAIT1",
	FinWait2: "FIN_WAIT2", TimeWait: "TIME_WAIT", Close: "CLOSE", CloseWait: "CLOSE_WAIT",
	LastAck: "LAST_ACK", Listen: "LISTEN", Closing: "CLOSING",
}

// String returns the name proc_net(5) and netstat(8) use.
func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return fmt.Sprintf("STATE_%d", uint8(s))
}

// States is a set of states (idiag_states): bit n stands for the state numbered n.
type States uint32

// StatesOf returns the set of the given states.
func StatesOf(states ...State) States {
	var set States
	for _, s := range states {
		set |= 1 << s
	}
	return set
}

// Has reports whether s is in the set.
func (set States) Has(s State) bool { return set&(1<<s) != 0 }
