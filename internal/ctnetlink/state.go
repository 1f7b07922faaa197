package ctnetlink

import "strconv"

// State is where conntrack takes a TCP connection to be (linux/netfilter/nf_conntrack_tcp.h). It
// is not the state of either end's socket.
type State uint8

// States of enum tcp_conntrack.
const (
	// None: the kernel does not tell, as for entries of other protocols and offloaded ones.
	None State = iota
	SynSent
	SynRecv
	Established
	FinWait
	CloseWait
	LastAck
	TimeWait
	Closed
	SynSent2 // both sides sent a SYN
)

var stateNames = [...]string{"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT",
	"LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"}

// String returns the name that conntrack(8) prints.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "STATE_" + strconv.Itoa(int(s))
}

// Status is a set of IPS_ bits (enum ip_conntrack_status of
// linux/netfilter/nf_conntrack_common.h).
type Status uint32

// The bits of Status that are of use here.
const (
	SeenReply Status = 1 << 1 // a packet came back
	// Assured: the originator answered what came back. The kernel sets it on the first packet in
	// the state ESTABLISHED that follows one of the other side; it never falls again.
	Assured        Status = 1 << 2
	SourceNAT      Status = 1 << 4
	DestinationNAT Status = 1 << 5
	// Offload: packets go by a flow table and are not seen by conntrack. Only connections in
	// ESTABLISHED are offloaded. The kernel tells neither their state nor their time-out.
	Offload Status = 1 << 14
)

// Has reports whether all bits of mask are set.
func (s Status) Has(mask Status) bool { return s&mask == mask }
