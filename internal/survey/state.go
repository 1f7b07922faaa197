package survey

import (
	"fmt"
	"strings"

	"ebbgate/internal/inetdiag"
)

// AllStates is every state a TCP socket can be in.
const AllStates = inetdiag.States(1<<12-1) &^ 1

// stateWords are the states and groups of states by the words of ss(8) and netstat(8), without
// hyphens and underscores.
var stateWords = map[string]inetdiag.States{
	"ESTABLISHED": 1 << inetdiag.Established, "ESTAB": 1 << inetdiag.Established,
	"SYNSENT": 1 << inetdiag.SynSent, "SYNRECV": 1 << inetdiag.SynRecv, "SYNRECEIVED": 1 << inetdiag.SynRecv, "SYNRCVD": 1 << inetdiag.SynRecv,
	"FINWAIT1": 1 << inetdiag.FinWait1, "FINWAIT2": 1 << inetdiag.FinWait2,
	"TIMEWAIT": 1 << inetdiag.TimeWait, "CLOSEWAIT": 1 << inetdiag.CloseWait, "LASTACK": 1 << inetdiag.LastAck,
	"LISTEN": 1 << inetdiag.Listen, "LISTENING": 1 << inetdiag.Listen, "CLOSING": 1 << inetdiag.Closing,
	"CLOSE": 1 << inetdiag.Close, "CLOSED": 1 << inetdiag.Close, "UNCONN": 1 << inetdiag.Close,

	"ALL":          AllStates,
	"CONNECTED":    AllStates &^ (1<<inetdiag.Listen | 1<<inetdiag.Close),
	"SYNCHRONIZED": AllStates &^ (1<<inetdiag.Listen | 1<<inetdiag.Close | 1<<inetdiag.SynSent),
	"BUCKET":       1<<inetdiag.SynRecv | 1<<inetdiag.TimeWait,
	"BIG":          AllStates &^ (1<<inetdiag.SynRecv | 1<<inetdiag.TimeWait),
}

// stateHelp is what a message says is allowed.
const stateHelp = "established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, time-wait, close-wait,\n" +
	"last-ack, closing, listen, close, or all, connected, synchronized (as ss or netstat write them)"

// ParseStates reads a list of states with commas between them, in the spelling of ss(8) or
// netstat(8), in any case: "established,close-wait", "ESTAB", "FIN_WAIT2".
func ParseStates(text string) (inetdiag.States, error) {
	var all inetdiag.States
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		states, ok := stateWords[strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(word))]
		if !ok {
			return 0, fmt.Errorf("%q is no state: allowed are %s", word, stateHelp)
		}
		all |= states
	}
	return all, nil
}

// StateOf returns the state a socket is shown in. What the kernel reports as FIN_WAIT2 without a
// socket behind it is a remnant that waits like one in TIME_WAIT.
func StateOf(s *inetdiag.Socket) inetdiag.State {
	if s.Timer == inetdiag.TimerTimeWait {
		return inetdiag.TimeWait
	}
	return s.State
}

// asked returns what to ask the kernel for so as to see all sockets that StateOf puts in states.
func asked(states inetdiag.States) inetdiag.States {
	if states.Has(inetdiag.TimeWait) {
		states |= 1 << inetdiag.FinWait2
	}
	return states
}
