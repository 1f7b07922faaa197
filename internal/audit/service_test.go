package audit

import (
	"net/netip"
	"strings"
	"testing"

	"ebbgate/internal/process"
	"ebbgate/policy"
)

func TestListens(t *testing.T) {
	everywhere := policy.Service{Ports: []policy.PortRange{{First: 80, Last: 81}}}
	one := everywhere
	one.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	tests := []struct {
		local           string
		everywhere, one bool
	}{
		{"0.0.0.0:80", true, true},
		{"[::]:81", true, true},
		{"192.0.2.1:80", true, true},
		{"192.0.2.2:80", true, false},
		{"127.0.0.1:80", true, false},
		{"0.0.0.0:82", false, false},
	}
	for _, tt := range tests {
		local := netip.MustParseAddrPort(tt.local)
		if got := listensFor(&everywhere, local); got != tt.everywhere {
			t.Errorf("%s serves all addresses: %t", tt.local, got)
		}
		if got := listensFor(&one, local); got != tt.one {
			t.Errorf("%s serves one address: %t", tt.local, got)
		}
	}
}

func TestExposed(t *testing.T) {
	x := &exam{services: []policy.Service{{Ports: []policy.PortRange{{First: 80, Last: 80}}}}}
	for local, want := range map[string]bool{
		"0.0.0.0:5": true, "[::]:5": true, "192.0.2.1:5": true, "[2001:db8::1]:5": true,
		"127.0.0.1:5": false, "127.0.0.53:5": false, "[::1]:5": false,
		"127.0.0.1:80": true, "[::1]:80": true, // of the policy
	} {
		if got := x.exposed(&Listener{Local: netip.MustParseAddrPort(local)}); got != want {
			t.Errorf("%s: %t, want %t", local, got, want)
		}
	}
}

func TestLabel(t *testing.T) {
	systemd, sshd := process.Holder{PID: 1, Name: "systemd"}, process.Holder{PID: 9, Name: "sshd"}
	tests := []struct {
		holders []process.Holder
		want    string
		unit    bool
	}{
		{nil, "0.0.0.0:22", false},
		{[]process.Holder{sshd}, "0.0.0.0:22 (sshd)", false},
		{[]process.Holder{systemd}, "0.0.0.0:22 (systemd)", true},
		{[]process.Holder{systemd, sshd}, "0.0.0.0:22 (sshd)", true},
	}
	for _, tt := range tests {
		l := Listener{Local: netip.MustParseAddrPort("0.0.0.0:22"), Holders: tt.holders}
		if got := l.label(); got != tt.want || l.socketUnit() != tt.unit {
			t.Errorf("%s, of a socket unit: %t; want %s", got, l.socketUnit(), tt.want)
		}
	}
}

// TestKinds has nginx with a master and two workers on two ports, and systemd holding one of them.
func TestKinds(t *testing.T) {
	master := process.Holder{PID: 10, Name: "nginx", Unit: "nginx.service", FileLimit: 1024, Files: 9}
	worker1 := process.Holder{PID: 11, Name: "nginx", Unit: "nginx.service", FileLimit: 65536, Files: 500}
	worker2 := process.Holder{PID: 12, Name: "nginx", Unit: "nginx.service", FileLimit: 65536, Files: 700}
	hidden := process.Holder{PID: 13, Name: "nginx", Unit: "nginx.service", Files: -1}
	x := &exam{Facts: &Facts{Listeners: []Listener{
		{Local: netip.MustParseAddrPort("0.0.0.0:80"), Holders: []process.Holder{{PID: 1, Name: "systemd", FileLimit: 1 << 30}, master, worker1, worker2, hidden}},
		{Local: netip.MustParseAddrPort("0.0.0.0:443"), Holders: []process.Holder{master, worker1, worker2}},
	}}}
	got := x.kinds()
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	if m := got[0]; m.limit != 1024 || m.count != 1 || m.fullest.PID != 10 || len(m.listeners) != 2 {
		t.Errorf("master: %+v", m)
	}
	if w := got[1]; w.limit != 65536 || w.count != 2 || w.fullest.PID != 12 || len(w.listeners) != 2 {
		t.Errorf("workers: %+v", w)
	}
}

// TestCapacityIsSharedByWorkers has a service of 100,000 connections on four workers.
func TestCapacityIsSharedByWorkers(t *testing.T) {
	f := healthy()
	h := f.Listeners[1].Holders[0]
	f.Listeners[1].Holders = nil
	for pid := range 4 {
		h.PID = 100 + pid
		f.Listeners[1].Holders = append(f.Listeners[1].Holders, h)
	}
	limits := func(capacity int) (out []string) {
		for _, x := range Examine(f, web(capacity)) {
			if x.ID == idFileLimit && x.Severity == Warning {
				out = append(out, x.Why)
			}
		}
		return out
	}
	if got := limits(100000); len(got) != 0 {
		t.Errorf("4 x 65536 hold 100,000: %v", got)
	}
	if got := limits(400000); len(got) != 1 || !strings.Contains(got[0], "with 4 of these processes, 100256 descriptors each") {
		t.Errorf("4 x 65536 do not hold 400,000: %v", got)
	}
}

func TestPorts(t *testing.T) {
	tests := []struct {
		first, last uint64
		reserved    []policy.PortRange
		want        int
		ok          bool
	}{
		{32768, 60999, nil, 28232, true},
		{40000, 40000, nil, 1, true},
		{40000, 40099, []policy.PortRange{{First: 39990, Last: 40009}, {First: 40050, Last: 40050}, {First: 40090, Last: 50000}, {First: 1, Last: 2}}, 79, true},
		{40000, 40099, []policy.PortRange{{First: 1, Last: 65535}}, 1, true}, // none left: nothing is divided by 0
		{50000, 40000, nil, 0, false},
		{1, 70000, nil, 0, false},
	}
	for _, tt := range tests {
		x := &exam{Facts: &Facts{Sysctls: map[string][]uint64{localPortRange: {tt.first, tt.last}}, Reserved: tt.reserved}}
		if got, ok := x.ports(); got != tt.want || ok != tt.ok {
			t.Errorf("%d-%d less %v: %d, %t; want %d", tt.first, tt.last, tt.reserved, got, ok, tt.want)
		}
	}
}
