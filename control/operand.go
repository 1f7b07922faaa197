package control

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ParsePrefix reads an address or a prefix, unmapped: "203.0.113.7", "2001:db8::/32".
func ParsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := ParseAddr(text)
		return netip.PrefixFrom(addr, addr.BitLen()), err
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a prefix; it must be like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", clip(text))
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, fmt.Errorf("%s has bits set beyond its length; it must be %s for the network or %s for the address",
			prefix, masked, prefix.Addr())
	}
	return prefix, nil
}

// ParseAddr reads the address of one host, unmapped.
func ParseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	prefix, perr := netip.ParsePrefix(text)
	switch {
	case perr == nil:
		return netip.Addr{}, fmt.Errorf("%q is a prefix; it must be one address, like %s in it", clip(text), within(prefix))
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%q is not an address; it must be like 192.0.2.1 or 2001:db8::1", clip(text))
	case addr.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%q has a zone; it must be %s", clip(text), addr.WithZone(""))
	}
	addr = addr.Unmap()
	if addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}, fmt.Errorf("%s is not the address of one host", addr)
	}
	return addr, nil
}

// within returns an address in a prefix that could be a host's.
func within(p netip.Prefix) netip.Addr {
	if first := p.Masked().Addr(); !p.IsSingleIP() {
		return first.Next()
	}
	return p.Addr()
}

// clip keeps what a message quotes short.
func clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

// CheckWidth refuses prefixes that hold so many addresses that an exemption of them would be no
// protection at all.
func CheckWidth(p netip.Prefix) error {
	if least, wide := tooWide(p); wide {
		return fmt.Errorf("%s is wider than /%d; exempt what you mean by its own prefixes, or put it into exempt.prefixes of the policy file", p, least)
	}
	return nil
}

// tooWide reports whether a prefix is wider than an order by hand may be about, and the least length of one that
// is not.
func tooWide(p netip.Prefix) (least int, wide bool) {
	least = WidestIPv4
	if p.Addr().Is6() {
		least = WidestIPv6
	}
	return least, p.Bits() < least
}

// CheckExemptFor says what lengths an exemption may have.
func CheckExemptFor(d time.Duration) error {
	if d < time.Second || d > LongestExempt {
		return fmt.Errorf("%s is out of range; it must be 1s to %s (30 days); what is to last longer belongs into exempt.prefixes of the policy file",
			d, Length(LongestExempt))
	}
	return nil
}

// CheckReason says what reasons there may be.
func CheckReason(text string) error {
	if len(text) > MaxReason {
		return fmt.Errorf("it has %d bytes; it must have at most %d", len(text), MaxReason)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%q is not UTF-8", text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("it has the character %U; it must be one line of printable text", r)
		}
	}
	return nil
}
