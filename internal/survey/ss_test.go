package survey

import (
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/inetdiag"
)

// ssSocket is a socket as ss(8), an independent reader, sees it.
type ssSocket struct {
	state         string
	recvQ, sendQ  int
	local, remote string
	keepalive     bool
	idle          time.Duration
}

var (
	ssLast  = regexp.MustCompile(`last(?:snd|rcv):(\d+)`)
	ssNames = map[inetdiag.State]string{
		inetdiag.Established: "ESTAB", inetdiag.SynRecv: "SYN-RECV", inetdiag.SynSent: "SYN-SENT", inetdiag.FinWait1: "FIN-WAIT-1",
		inetdiag.FinWait2: "FIN-WAIT-2", inetdiag.TimeWait: "TIME-WAIT", inetdiag.CloseWait: "CLOSE-WAIT", inetdiag.LastAck: "LAST-ACK",
		inetdiag.Listen: "LISTEN", inetdiag.Closing: "CLOSING",
	}
)

// ss lists the sockets of the test's namespace.
func ss(t *testing.T, filter ...string) []ssSocket {
	t.Helper()
	out, err := exec.Command("ss", append([]string{"-HOantoi"}, filter...)...).Output()
	if err != nil {
		t.Fatalf("ss: %v", err)
	}
	var all []ssSocket
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			t.Fatalf("ss wrote %q", line)
		}
		s := ssSocket{state: f[0], local: f[3], remote: f[4], keepalive: strings.Contains(line, "timer:(keepalive")}
		s.recvQ, _ = strconv.Atoi(f[1])
		s.sendQ, _ = strconv.Atoi(f[2])
		// What is 0 is left out.
		if last := ssLast.FindAllStringSubmatch(line, -1); len(last) == 2 {
			a, _ := strconv.Atoi(last[0][1])
			b, _ := strconv.Atoi(last[1][1])
			s.idle = time.Duration(min(a, b)) * time.Millisecond
		}
		all = append(all, s)
	}
	return all
}

// ssStates counts them by state.
func ssStates(t *testing.T, filter ...string) map[string]int {
	t.Helper()
	states := make(map[string]int)
	for _, s := range ss(t, filter...) {
		states[s.state]++
	}
	return states
}

// plain writes a mapped IPv4 address without its brackets and prefix.
func plain(address string) string {
	if rest, mapped := strings.CutPrefix(address, "[::ffff:"); mapped {
		return strings.Replace(rest, "]", "", 1)
	}
	return address
}

// find returns the socket with the peer of c.
func find(t *testing.T, all []ssSocket, c *Connection) ssSocket {
	t.Helper()
	i := slices.IndexFunc(all, func(s ssSocket) bool { return plain(s.remote) == c.Remote.String() })
	if i < 0 {
		t.Fatalf("ss does not know %s", c.Remote)
	}
	return all[i]
}
