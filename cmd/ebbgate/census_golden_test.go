package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ebbgate/control"
	"ebbgate/internal/process"
	"ebbgate/internal/survey"
	"ebbgate/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what was printed with testdata/golden/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/golden/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// shows is what both commands print.
type shows interface{ write(*printer) }

// goldens compares text and JSON, and the text with the width it must keep.
func goldens(t *testing.T, name string, v shows) {
	t.Helper()
	var text, object bytes.Buffer
	p := printer{w: &text, width: 100}
	v.write(&p)
	if p.err != nil {
		t.Fatal(p.err)
	}
	for line := range strings.Lines(text.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 || strings.HasSuffix(line, " \n") {
			t.Errorf("%s: %d columns: %q", name, n, line)
		}
	}
	golden(t, name+".txt", text.String())
	if err := writeJSON(&object, v); err != nil {
		t.Fatal(err)
	}
	golden(t, name+".json", object.String())
	if !json.Valid(object.Bytes()) || strings.Contains(object.String(), ": null") && name != "leaks" {
		t.Errorf("%s: JSON with a null:\n%s", name, object.String())
	}
}

// Processes of the examples.
var (
	nginx    = process.Holder{PID: 1200, Name: "nginx", Exe: "/usr/sbin/nginx", Unit: "nginx.service", FileLimit: 1024, Files: 812}
	worker   = process.Holder{PID: 1201, Name: "nginx", Exe: "/usr/sbin/nginx", Unit: "nginx.service", FileLimit: 1024, Files: 90}
	postgres = process.Holder{PID: 900, Name: "postgres", Exe: "/usr/lib/postgresql/15/bin/postgres", Unit: "postgresql@15-main.service", FileLimit: process.Unlimited, Files: 61}
	gunicorn = process.Holder{PID: 3300, Name: "gunicorn", Exe: "/usr/bin/python3.11", Unit: "app.service", FileLimit: 1024, Files: 1021}
	foreign  = process.Holder{PID: 77, Name: "java", Files: -1}
)

func at(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func web(name string, ports ...uint16) *policy.Service {
	s := &policy.Service{Name: name}
	for _, p := range ports {
		s.Ports = append(s.Ports, policy.PortRange{First: p, Last: p})
	}
	return s
}

// overview is a host with three ports, one of them quiet.
func overview() *survey.Overview {
	return &survey.Overview{
		States: []survey.StateCount{{State: 1, Sockets: 446}, {State: 8, Sockets: 28}, {State: 10, Sockets: 3}},
		Services: []survey.ServiceCount{
			{Service: web("port 22", 22), Sockets: 3, Held: 2, HalfOpen: 1, Sources: 2, Top: []survey.SourceCount{
				{Source: netip.MustParsePrefix("2001:db8:1:2::/64"), Sockets: 3, Held: 2, HalfOpen: 1}}},
			{Service: web("port 80", 80), Sockets: 434, Held: 434, Sources: 28, Top: []survey.SourceCount{
				{Source: netip.MustParsePrefix("203.0.113.9/32"), Sockets: 29, Held: 29},
				{Source: netip.MustParsePrefix("198.51.100.0/24"), Sockets: 28, Held: 28}}},
			{Service: web("port 443", 443)},
		},
	}
}

// started is an empty census of a fixed time.
func started() *counted {
	return &counted{Time: control.TimeOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), Complete: true, CPU: control.Duration(1500 * time.Microsecond)}
}

func TestGoldenOverview(t *testing.T) {
	c := started()
	c.addOverview(overview(), nil, &look{})
	c.addLeaks(nil, 10)
	goldens(t, "overview", c)

	listeners := &survey.Listeners{ByService: [][]survey.Backlog{
		{{Local: at("[::]:22"), Backlog: 128, Inode: 5}},
		{{Local: at("0.0.0.0:80"), Queue: 7, Backlog: 511, Inode: 6, Holders: []process.Holder{nginx, worker}}},
		{{Local: at("0.0.0.0:443"), Backlog: 511, Inode: 7, Holders: []process.Holder{foreign}}},
	}}
	c = started()
	c.Hidden = 12
	c.addOverview(overview(), listeners, &look{})
	c.addLeaks(&survey.Leaks{CloseWait: 28}, 10)
	goldens(t, "overview_processes", c)
}

func TestGoldenStates(t *testing.T) {
	c := started()
	c.byState, c.Complete = true, false
	c.addOverview(overview(), nil, &look{byState: true, policy: &policy.Policy{}})
	c.addLeaks(nil, 10)
	goldens(t, "states", c)
}

func TestGoldenForwarded(t *testing.T) {
	c := started()
	c.addOverview(overview(), nil, &look{policy: &policy.Policy{}})
	c.addLeaks(nil, 10)
	c.Services = append(c.Services, newForwarded(web("shop", 8443), &policy.ServiceCensus{Service: "shop", Held: 12, HalfOpen: 3,
		Sources: []policy.SourceCensus{
			{Source: netip.MustParsePrefix("192.0.2.1/32"), Held: 2, HalfOpen: 3}, {Source: netip.MustParsePrefix("192.0.2.2/32"), Held: 7},
			{Source: netip.MustParsePrefix("192.0.2.3/32"), Held: 1}},
		Rest: policy.Rest{Sources: 2, Held: 2}}, 2))
	c.Notes = []string{errOnwardWhole.Error()}
	goldens(t, "forwarded", c)
}

func TestGoldenLeaks(t *testing.T) {
	l := &survey.Leaks{CloseWait: 40100, Leaked: 40000, Beyond: 7232, Groups: []survey.Leak{
		{Process: gunicorn, Processes: 12, UID: 33, Inbound: true, Port: 8080, Sockets: 32000, Unread: 5, Oldest: 50 * time.Hour},
		{Process: postgres, Processes: 1, UID: 110, Remote: at("[2001:db8::5]:5432"), Sockets: 700, Unread: 700, Oldest: 90 * time.Minute},
		{UID: 1000, Inbound: true, Port: 9000, Sockets: 60, NotAccepted: 60, Oldest: 61 * time.Second},
		{Process: foreign, Processes: 1, UID: 1001, Inbound: true, Port: 9001, Sockets: 8, Oldest: 61 * time.Second},
	}}
	c := started()
	c.Hidden = 1
	c.addOverview(overview(), nil, &look{})
	c.addLeaks(l, 3)
	goldens(t, "leaks", c)
}

// connections are one of each kind.
func connections() []survey.Connection {
	return []survey.Connection{
		{State: 1, Local: at("192.0.2.1:443"), Remote: at("203.0.113.9:50000"), Inbound: true, Receive: 131072, Inode: 1, UID: 33, Idle: 40 * time.Minute,
			Keepalive: survey.KeepaliveOff, Holders: []process.Holder{nginx, worker}},
		{State: 1, Local: at("192.0.2.1:5432"), Remote: at("203.0.113.10:50001"), Inbound: true, Inode: 2, Idle: 35*time.Minute + 5*time.Second,
			Keepalive: survey.KeepaliveOn, Unheard: 3, Holders: []process.Holder{postgres}},
		{State: 1, Local: at("192.0.2.1:40000"), Remote: at("[2001:db8::5]:5432"), Send: 9000, Inode: 3, UID: 1000, Idle: 31 * time.Minute,
			Keepalive: survey.KeepaliveUnknown, Unheard: 6, Waits: "retransmit"},
		{State: 8, Local: at("192.0.2.1:8080"), Remote: at("203.0.113.11:50002"), Inbound: true, Receive: 1, Idle: 30 * time.Minute, Keepalive: survey.KeepaliveOff},
		{State: 4, Local: at("192.0.2.1:443"), Remote: at("203.0.113.12:50003"), Inbound: true, Send: 1000, Idle: 30 * time.Minute,
			Keepalive: survey.KeepaliveUnknown, Waits: "zero-window"},
	}
}

func TestGoldenQueuesAndIdle(t *testing.T) {
	c := started()
	c.Hidden = 2
	c.addQueues(&survey.Queues{
		Listeners: []survey.Backlog{
			{Local: at("0.0.0.0:443"), Queue: 512, Backlog: 511, Inode: 8, Holders: []process.Holder{nginx, worker}}, {Local: at("[::]:8080"), Queue: 3, Backlog: 5, UID: 1000, Inode: 9}},
		Total: 1204, Receive: 140073, Send: 10000, Connections: connections()})
	c.addIdle(&survey.Idle{Established: 5000, Total: 200, NoKeepalive: 120, Connections: connections()[:3]}, 30*time.Minute)
	goldens(t, "lists", c)

	c = started()
	c.addQueues(&survey.Queues{})
	c.addIdle(&survey.Idle{Established: 1}, 90*time.Second)
	goldens(t, "lists_empty", c)
}
