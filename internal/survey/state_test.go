package survey

import (
	"strings"
	"testing"

	"ebbgate/internal/inetdiag"
)

func TestParseStates(t *testing.T) {
	one := func(s ...inetdiag.State) inetdiag.States { return inetdiag.StatesOf(s...) }
	tests := []struct {
		text string
		want inetdiag.States
	}{
		{"established", one(inetdiag.Established)}, {"ESTAB", one(inetdiag.Established)}, {"Estab", one(inetdiag.Established)},
		{"syn-sent", one(inetdiag.SynSent)}, {"SYN_SENT", one(inetdiag.SynSent)},
		{"syn-recv", one(inetdiag.SynRecv)}, {"SYN_RECV", one(inetdiag.SynRecv)}, {"SYN_RCVD", one(inetdiag.SynRecv)},
		{"fin-wait-1", one(inetdiag.FinWait1)}, {"FIN_WAIT1", one(inetdiag.FinWait1)}, {"FIN-WAIT-2", one(inetdiag.FinWait2)}, {"finwait2", one(inetdiag.FinWait2)},
		{"time-wait", one(inetdiag.TimeWait)}, {"TIME_WAIT", one(inetdiag.TimeWait)},
		{"close-wait", one(inetdiag.CloseWait)}, {"CLOSE_WAIT", one(inetdiag.CloseWait)},
		{"last-ack", one(inetdiag.LastAck)}, {"closing", one(inetdiag.Closing)},
		{"listen", one(inetdiag.Listen)}, {"listening", one(inetdiag.Listen)}, {"LISTEN", one(inetdiag.Listen)},
		{"close", one(inetdiag.Close)}, {"closed", one(inetdiag.Close)}, {"unconn", one(inetdiag.Close)},
		{"established, close-wait", one(inetdiag.Established, inetdiag.CloseWait)},
		{"bucket", one(inetdiag.SynRecv, inetdiag.TimeWait)},
		{"all", AllStates},
		{"connected,listen,close", AllStates},
		{"synchronized,syn-sent,listen,close", AllStates},
		{"big,bucket", AllStates},
	}
	for _, tt := range tests {
		if got, err := ParseStates(tt.text); err != nil || got != tt.want {
			t.Errorf("%q: got %b, %v, want %b", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "open", "established,", "established close-wait", "1"} {
		_, err := ParseStates(text)
		if err == nil || !strings.Contains(err.Error(), "fin-wait-1") || !strings.Contains(err.Error(), "close-wait") {
			t.Errorf("%q: error %v, want one that lists what is allowed", text, err)
		}
	}
}

func TestEveryStateHasItsOwnNameAsAWord(t *testing.T) {
	for s := inetdiag.Established; s <= inetdiag.Closing; s++ {
		if got, err := ParseStates(s.String()); err != nil || got != inetdiag.StatesOf(s) {
			t.Errorf("%s: got %b, %v", s, got, err)
		}
	}
}

func TestRemnantsAreInTimeWait(t *testing.T) {
	remnant := &inetdiag.Socket{State: inetdiag.FinWait2, Timer: inetdiag.TimerTimeWait}
	if got := StateOf(remnant); got != inetdiag.TimeWait {
		t.Errorf("got %s", got)
	}
	if !asked(inetdiag.StatesOf(inetdiag.TimeWait)).Has(inetdiag.FinWait2) {
		t.Error("the kernel is not asked for remnants")
	}
	if got := asked(inetdiag.StatesOf(inetdiag.Established)); got != inetdiag.StatesOf(inetdiag.Established) {
		t.Errorf("the kernel is asked for %b", got)
	}
}
