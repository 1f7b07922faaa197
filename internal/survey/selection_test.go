package survey

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ebbgate/internal/inetdiag"
)

func TestParsePorts(t *testing.T) {
	for text, want := range map[string]string{
		"80": "[{80 80}]", "80,443": "[{80 80} {443 443}]", " :22 , 8000-8010": "[{22 22} {8000 8010}]", "1-65535": "[{1 65535}]",
	} {
		if got, err := ParsePorts(text); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "like 443", "http": "like 443", "0": "1 to 65535", "65536": "1 to 65535", "80,": "like 443", "-1": "like 443",
		"8010-8000": "must be 8000-8010", "0-5": "1 to 65535", "1-2-3": "like 443",
		strings.Repeat("1,", inetdiag.MaxPortRanges) + "1": "at most",
	} {
		if _, err := ParsePorts(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestParseSource(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "192.0.2.0/24": "192.0.2.0/24", "2001:db8::1": "2001:db8::1/128", "2001:db8::/32": "2001:db8::/32",
		"::ffff:192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.0/120": "192.0.2.0/24", "0.0.0.0/0": "0.0.0.0/0", "fe80::1%eth0": "fe80::1/128",
	} {
		if got, err := ParseSource(text); err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "no address", "host": "no address", "192.0.2.1/33": "no prefix", "192.0.2": "no address", "192.0.2.1/": "no prefix",
		"192.0.2.1/24": "write 192.0.2.0/24 for the network or 192.0.2.1 for the address",
	} {
		if _, err := ParseSource(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestParseGroup(t *testing.T) {
	otherwise := Group{32, 64}
	for text, want := range map[string]Group{
		"24,48": {24, 48}, "24": {24, 64}, ",48": {32, 48}, "24,": {24, 64}, "/16, /56": {16, 56}, "1,1": {1, 1}, "32,128": {32, 128}, "": otherwise,
	} {
		if got, err := ParseGroup(text, otherwise); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"64": "IPv4 prefix length must be 1 to 32", "0": "IPv4", "24,0": "IPv6 prefix length must be 1 to 128", "24,129": "IPv6", "a,b": "IPv6", "24,48,1": "IPv6",
	} {
		if _, err := ParseGroup(text, otherwise); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestComesFrom(t *testing.T) {
	from := func(remote string) *inetdiag.Socket {
		return &inetdiag.Socket{State: inetdiag.Established, RemoteAddr: netip.MustParseAddr(remote).As16()}
	}
	all, some := Selection{}, Selection{Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}
	for remote, want := range map[string]bool{"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.3.1": false, "2001:db8::1": true, "2001:db9::1": false} {
		if got := some.comesFrom(from(remote)); got != want {
			t.Errorf("%s: got %v", remote, got)
		}
		if !all.comesFrom(from(remote)) {
			t.Errorf("%s is not in everything", remote)
		}
	}
	if some.comesFrom(&inetdiag.Socket{State: inetdiag.Listen}) {
		t.Error("a listener has no peer")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("80,443", "192.0.2.0/24", "24,64", "established,CLOSE_WAIT")
	f.Add("8000-8010", "::ffff:192.0.2.1", ",48", "fin-wait-2")
	f.Fuzz(func(t *testing.T, ports, source, group, states string) {
		if ranges, err := ParsePorts(ports); err == nil {
			if _, err := inetdiag.PortFilter(ranges); err != nil {
				t.Errorf("ports %q: %v", ports, err)
			}
		}
		if p, err := ParseSource(source); err == nil && (!p.IsValid() || p != p.Masked() || p.Addr().Is4In6() && p.Bits() >= 96 || p.Addr().Zone() != "") {
			t.Errorf("source %q: %v", source, p)
		}
		if g, err := ParseGroup(group, Group{32, 64}); err == nil && (g.IPv4 < 1 || g.IPv4 > 32 || g.IPv6 < 1 || g.IPv6 > 128) {
			t.Errorf("group %q: %v", group, g)
		}
		if s, err := ParseStates(states); err == nil && (s == 0 || s&^AllStates != 0) {
			t.Errorf("states %q: %b", states, s)
		}
	})
}
