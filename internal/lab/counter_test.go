package lab

import (
	"strings"
	"testing"
)

func TestFindCounter(t *testing.T) {
	const text = "Ip: Forwarding TTL\nIp: 2 64\nTcp: ActiveOpens MaxConn Short\nTcp: 7 -1\n\nTcpExt: SyncookiesSent\nTcpExt: 18446744073709551615\nUdp: Lone\n"
	for _, c := range []struct {
		group, name string
		want        uint64
		problem     string
	}{
		{"Ip", "TTL", 64, ""},
		{"Tcp", "ActiveOpens", 7, ""},
		{"TcpExt", "SyncookiesSent", 1<<64 - 1, ""},
		{"Tcp", "MaxConn", 0, "invalid syntax"},
		{"Tcp", "Short", 0, "2 values only"},
		{"Tcp", "Nothing", 0, "does not count it"},
		{"Nothing", "TTL", 0, "no such group"},
		{"Udp", "Lone", 0, "no such group"},
	} {
		got, err := findCounter(text, c.group, c.name)
		if got != c.want || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s.%s: %d, %v; want %d, %q", c.group, c.name, got, err, c.want, c.problem)
		}
	}
}

// TestCounterIsTheNamespacesOwn connects in one namespace and sees the other's counter rest.
func TestCounterIsTheNamespacesOwn(t *testing.T) {
	l := newLab(t)
	must(StartServer(t.Context(), l.Victim, server80(5)))(t)
	for range 3 {
		must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t).Close()
	}
	if opened, attackers := counter(t, l.Clients, "Tcp", "ActiveOpens"), counter(t, l.Attackers, "Tcp", "ActiveOpens"); opened != 3 || attackers != 0 {
		t.Errorf("the clients opened %d connections, want 3, the attackers %d, want none", opened, attackers)
	}
	if _, err := l.Victim.Counter("Tcp", "Nonsense"); err == nil || !strings.Contains(err.Error(), `Tcp.Nonsense of "victim": `) {
		t.Errorf("a counter that does not exist: %v", err)
	}
}
