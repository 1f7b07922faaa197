package policy

import (
	"net/netip"
	"slices"
	"strings"
)

// exempt reads addresses and prefixes and returns them masked, unmapped and sorted.
func (p *parser) exempt(path string, raw []*string) []netip.Prefix {
	if len(raw) > MaxExempt {
		p.problem(path, "has %d entries, must be at most %d", len(raw), MaxExempt)
		return nil
	}
	var prefixes []netip.Prefix
	for i, text := range raw {
		if text == nil {
			continue
		}
		if prefix, ok := p.prefix(joinIndex(path, i), *text); ok {
			prefixes = append(prefixes, prefix)
		}
	}
	slices.SortFunc(prefixes, ComparePrefix)
	return slices.Compact(prefixes)
}

// prefix reads one prefix, or an address as the prefix of its full length.
func (p *parser) prefix(path, text string) (netip.Prefix, bool) {
	if !strings.Contains(text, "/") {
		addr, ok := p.address(path, text)
		return netip.PrefixFrom(addr, addr.BitLen()), ok
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		p.problem(path, "%s is not a prefix, must be like 192.0.2.0/24 or 2001:db8::/32", quote(text))
		return netip.Prefix{}, false
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	if masked := prefix.Masked(); masked != prefix {
		p.problem(path, "%s has bits set beyond its length, must be %s for the network or %s for the address",
			quote(text), masked, prefix.Addr())
		return netip.Prefix{}, false
	}
	return prefix, true
}

// addresses reads local addresses and returns them unmapped and sorted. It returns false if any
// was wrong, so that what is left is not taken for the whole.
func (p *parser) addresses(path string, raw []*string) ([]netip.Addr, bool) {
	if raw == nil {
		return nil, !p.at.has(path)
	}
	if len(raw) > MaxAddresses {
		p.problem(path, "has %d addresses, must be at most %d", len(raw), MaxAddresses)
		return nil, false
	}
	var addresses []netip.Addr
	good := true
	for i, text := range raw {
		if text == nil {
			good = false
			continue
		}
		addr, ok := p.address(joinIndex(path, i), *text)
		if ok && slices.Contains(addresses, addr) {
			p.problem(joinIndex(path, i), "%s is listed twice, keep one", addr)
			ok = false
		}
		if ok {
			addresses = append(addresses, addr)
		}
		good = good && ok
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return addresses, good
}

// address reads one unicast address and unmaps it.
func (p *parser) address(path, text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		p.problem(path, "%s is not an address, must be like 192.0.2.1 or 2001:db8::1", quote(text))
		return netip.Addr{}, false
	}
	if addr.Zone() != "" {
		p.problem(path, "%s has a zone, must be %s", quote(text), addr.WithZone(""))
		return netip.Addr{}, false
	}
	addr = addr.Unmap()
	if addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		p.problem(path, "%s is not a unicast address, must be the address of one host", quote(text))
		return netip.Addr{}, false
	}
	return addr, true
}
