package observer

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

// ssStates counts the sockets of the test's namespace with ss, an independent reader, by the names
// ss gives the states.
func ssStates(t *testing.T) map[string]int {
	t.Helper()
	out, err := exec.Command("ss", "-Hant").Output()
	if err != nil {
		t.Fatalf("ss: %v", err)
	}
	states := make(map[string]int)
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if fields := strings.Fields(line); len(fields) > 0 {
			states[fields[0]]++
		}
	}
	return states
}

// ssNames are the names of ss(8) for ours.
var ssNames = map[string]string{
	"ESTABLISHED": "ESTAB", "SYN_RECV": "SYN-RECV", "SYN_SENT": "SYN-SENT", "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2",
	"TIME_WAIT": "TIME-WAIT", "CLOSE_WAIT": "CLOSE-WAIT", "LAST_ACK": "LAST-ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING",
}

func TestSurveyAgreesWithSS(t *testing.T) {
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16", "fd66::/48")
	four := nstest.Listen(t, "0.0.0.0:80", 16)
	six := nstest.Listen(t, "[::]:8080", 16)
	dial := func(l *nstest.Sock, from, to string) (client, server *nstest.Sock) {
		client = nstest.Dial(t, from, to)
		return client, l.Accept()
	}
	for i := range 5 {
		dial(four, fmt.Sprintf("10.66.0.%d:0", i+1), "10.66.9.9:80")
		dial(six, fmt.Sprintf("[fd66::%d]:0", i+1), "[fd66::9:9]:8080")
	}
	dial(six, "10.66.0.7:0", "10.66.9.9:8080")                  // mapped
	left, _ := dial(four, "10.66.0.8:0", "10.66.9.9:80")        // the server keeps CLOSE_WAIT
	first, second := dial(four, "10.66.0.9:0", "10.66.9.9:80")  // ends in TIME_WAIT
	nstest.Dial(t, "10.66.0.10:0", "10.66.9.9:80").CloseWrite() // not accepted: in the queue
	left.CloseWrite()
	first.Close()
	second.Close()

	nstest.Await(t, "a socket in TIME_WAIT and two in CLOSE_WAIT", func() bool {
		s := ssStates(t)
		return s["TIME-WAIT"] == 1 && s["CLOSE-WAIT"] == 2 && s["FIN-WAIT-2"] == 2
	})
	got, err := TakeSurvey()
	if err != nil {
		t.Fatal(err)
	}
	want := ssStates(t)
	for _, c := range got.States {
		if name := ssNames[c.State]; want[name] != c.Sockets {
			t.Errorf("%s: %d sockets, ss counts %d", c.State, c.Sockets, want[name])
		} else {
			delete(want, name)
		}
	}
	if len(want) > 0 {
		t.Errorf("ss counts what the survey does not: %v", want)
	}
	if ports := []uint16{80, 8080}; !slices.Equal(got.Ports, ports) {
		t.Errorf("ports %v, want %v", got.Ports, ports)
	}
}
