package suggest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ebbgate/policy"
)

func mustAddrPort(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func listener(local string, holders ...Process) Listener {
	return Listener{Local: mustAddrPort(local), Holders: holders}
}

func TestDiscover(t *testing.T) {
	nginx := Process{PID: 7, Name: "nginx", Unit: "nginx.service"}
	init := Process{PID: 1, Name: "systemd", Unit: "init.scope"}
	for _, c := range []struct {
		name string
		all  []Listener
		want string
	}{
		{"ports of one unit", []Listener{listener("0.0.0.0:80", nginx), listener("[::]:80", nginx), listener("[::]:443", nginx), listener("0.0.0.0:81", nginx)}, "nginx 80,81,443 local"},
		{"a unit with its own name", []Listener{listener("[::]:5432", Process{PID: 9, Name: "postgres", Unit: "postgresql@16-Main.service"})}, "postgresql-16-main 5432 local"},
		{"no unit", []Listener{listener("[::]:90", Process{PID: 9, Name: "My Server", Unit: "session-3.scope"})}, "my-server 90 local"},
		{"a control group", []Listener{listener("[::]:90", Process{PID: 9, Name: "app", Unit: "/docker/4ab"})}, "app 90 local"},
		{"nobody", []Listener{listener("[::]:90"), listener("[::]:70")}, "port-70 70 local|port-90 90 local"},
		{"the service manager holds it for somebody", []Listener{listener("[::]:22", init)}, "port-22 22 local"},
		{"loopback only", []Listener{listener("127.0.0.1:6379", nginx), listener("[::1]:6379", nginx)}, ""},
		{"two on one port", []Listener{listener("192.0.2.1:53", nginx), listener("192.0.2.2:53", Process{PID: 8, Name: "unbound"}), listener("[::]:80", nginx)}, "port-53 53 local|nginx 80 local"},
		{"names that say nothing", []Listener{listener("[::]:1", Process{PID: 9, Name: "???"}), listener("[::]:2", Process{PID: 9, Name: "42"})}, "port-1 1 local|port-2 2 local"},
		{"published ports", []Listener{listener("[::]:8080", Process{PID: 9, Name: "docker-proxy", Unit: "docker.service"})}, "docker-proxy 8080 both"},
	} {
		services, left := Discover(c.all)
		var got []string
		for _, s := range services {
			var ports []string
			for _, r := range s.Ports {
				for p := r.First; p <= r.Last; p++ {
					ports = append(ports, fmt.Sprint(p))
				}
			}
			got = append(got, fmt.Sprint(s.Name, " ", strings.Join(ports, ","), " ", s.Traffic))
		}
		if strings.Join(got, "|") != c.want || left != 0 {
			t.Errorf("%s: %q, %d left", c.name, got, left)
		}
		if len(services) > 0 {
			mustParse(t, Snippet(services))
		}
	}
}

func TestDiscoverIsBounded(t *testing.T) {
	var many, wide []Listener
	for i := range 100 {
		many = append(many, listener(fmt.Sprintf("[::]:%d", 100+i)))
		wide = append(wide, listener(fmt.Sprintf("[::]:%d", 100+2*i), Process{PID: 9, Name: "app"}))
	}
	if services, left := Discover(many); len(services) != policy.MaxServices || left != 36 {
		t.Errorf("%d services, %d ports left", len(services), left)
	}
	services, left := Discover(wide)
	if left != 36 || len(mustParse(t, Snippet(services)).Services[0].Ports) != policy.MaxPortRanges {
		t.Errorf("%d ports left", left)
	}
}

// FuzzDiscover lets processes choose their names: what comes out is a policy, and a snippet in which they
// stay in comments.
func FuzzDiscover(f *testing.F) {
	f.Add("nginx", "nginx.service", "redis", uint16(80), uint16(443))
	f.Add("a\nmode = \"enforce\"", "\"]\n[[service]].service", "\x1b[31m\u202e", uint16(1), uint16(65535))
	f.Add("", "", "", uint16(22), uint16(22))
	f.Add(strings.Repeat("long", 60), strings.Repeat("x", 99)+".service", "port-22", uint16(22), uint16(23))
	f.Fuzz(func(t *testing.T, name, unit, other string, first, second uint16) {
		holders := []Process{{PID: 9, Name: name, Unit: unit, FileLimit: 1024, Files: 3}}
		services, left := Discover([]Listener{
			{Local: netip.AddrPortFrom(netip.IPv4Unspecified(), max(first, 1)), Holders: holders},
			{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), max(second, 1)), Holders: []Process{{PID: 8, Name: other, FileLimit: 1024}}},
		})
		p := mustParse(t, Snippet(services))
		if left != 0 || len(p.Services) != len(services) {
			t.Fatalf("%d left, %+v", left, services)
		}
		c := New(Options{Policy: p})
		obs := at(0)
		obs.Faults = []policy.Fault{{Part: other, Text: name}}
		c.Add(&obs)
		holding := make(map[string][]Process)
		for _, s := range services {
			holding[s.Name] = holders
		}
		out := c.Propose(holding)
		out.Note(unit)
		out.Render(time.UTC, true)
		parses(t, out)
		for line := range strings.Lines(out.TOML) {
			if !utf8.ValidString(line) || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r\x00") {
				t.Errorf("line %q", line)
			}
		}
	})
}
