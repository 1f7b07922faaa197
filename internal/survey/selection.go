package survey

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// Selection narrows a survey. Its zero value selects every socket.
type Selection struct {
	Ports   []policy.PortRange // local; empty: all
	States  inetdiag.States    // 0: all
	Sources []netip.Prefix     // of the peer, masked and unmapped; empty: all. Listeners have no peer
}

// comesFrom reports whether the peer of a socket is among the sources.
func (sel *Selection) comesFrom(s *inetdiag.Socket) bool {
	if len(sel.Sources) == 0 {
		return true
	}
	if s.State == inetdiag.Listen {
		return false
	}
	return contains(sel.Sources, netip.AddrFrom16(s.RemoteAddr).Unmap())
}

// contains reports whether any of the prefixes contains the address.
func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// ParsePorts reads ports and ranges of ports with commas between them: "80,443,8000-8010".
func ParsePorts(text string) ([]policy.PortRange, error) {
	var ports []policy.PortRange
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimPrefix(strings.TrimSpace(word), ":")
		first, last, ranged := strings.Cut(word, "-")
		if !ranged {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 16)
		b, errB := strconv.ParseUint(last, 10, 16)
		switch {
		case errA != nil || errB != nil || a == 0 || b == 0:
			return nil, fmt.Errorf("%q is no port: must be like 443 or 8000-8010, ports 1 to 65535", word)
		case a > b:
			return nil, fmt.Errorf("%q is reversed: must be %d-%d", word, b, a)
		}
		ports = append(ports, policy.PortRange{First: uint16(a), Last: uint16(b)})
	}
	if len(ports) > inetdiag.MaxPortRanges {
		return nil, fmt.Errorf("%d ports: at most %d are allowed; join neighbours to ranges", len(ports), inetdiag.MaxPortRanges)
	}
	return ports, nil
}

// ParseSource reads an address, as the prefix of its full length, or a prefix.
func ParseSource(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no address: must be like 192.0.2.1, 2001:db8::1 or 192.0.2.0/24", text)
		}
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no prefix: must be like 192.0.2.0/24 or 2001:db8::/32", text)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if masked := p.Masked(); masked != p {
		return netip.Prefix{}, fmt.Errorf("%q has bits set beyond its length: write %s for the network or %s for the address", text, masked, p.Addr())
	}
	return p, nil
}

// Group says which addresses count as one source.
type Group struct{ IPv4, IPv6 int } // prefix lengths

// ParseGroup reads two prefix lengths, for IPv4 and IPv6: "24,64". Either may be left out ("24",
// ",48") and is that of otherwise then.
func ParseGroup(text string, otherwise Group) (Group, error) {
	four, six, _ := strings.Cut(text, ",")
	g := otherwise
	if err := errors.Join(
		parseLength(&g.IPv4, four, 32, "IPv4"),
		parseLength(&g.IPv6, six, 128, "IPv6"),
	); err != nil {
		return Group{}, fmt.Errorf("%q: %w", text, err)
	}
	return g, nil
}

func parseLength(length *int, text string, most int, family string) error {
	text = strings.TrimPrefix(strings.TrimSpace(text), "/")
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return fmt.Errorf("the %s prefix length must be 1 to %d (write 24,64 for both, 24 for IPv4 alone, ,48 for IPv6 alone)", family, most)
	}
	*length = n
	return nil
}
