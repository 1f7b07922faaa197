package login

import "net/netip"

// login is what one record tells: whose login it is, by name or by id, and from where.
type login struct {
	user string // empty: uid tells
	uid  uint32
	from netip.Addr
}

// literal returns the address that a text is, unmapped and without a zone. A host name is none, nor are
// addresses nobody can connect from.
func literal(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	return usable(a)
}

func usable(a netip.Addr) (netip.Addr, bool) {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		return netip.Addr{}, false
	}
	return a, true
}
