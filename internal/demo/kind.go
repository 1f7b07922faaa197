package demo

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ebbgate/internal/lab"
)

// DefaultKind is what is played where nothing else is asked for.
const DefaultKind = "connection-flood"

// kind is one kind of attack as it is played: everything in which the plays differ.
type kind struct {
	name   string // as the daemon calls it
	about  string // in a few words, for lists
	scene  string // what the header says; it is wrapped
	begins string // said when it begins with nothing against it
	again  string // said when it begins with ebbgate against it
	ends   string // said when it ends
	over   string // how the summary refers to that: "the flood ended"

	policy policyText
	server lab.ServerConfig // but for Listen and Capacity, which are the same for all
	load   load
	starts []start

	ruled   bool // the answer is rules in the kernel
	metered bool // ebbgate counts SYNs for it, and goes on counting for a minute after the last sign
	cured   bool // the clients are served while it goes on
	facts   func(*Result) []fact
}

// Kinds lists the kinds that can be played.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// KindsText describes the kinds, a line each, the names in a column.
func KindsText() string {
	var b strings.Builder
	for _, k := range kinds() {
		fmt.Fprintf(&b, "  %-18s %s\n", k.name, k.about)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// kinds are all kinds. The first is the default; the others follow in the order in which they grow
// harder to tell from legitimate use.
func kinds() []kind { return kindsAt(synRate) }

// kindsAt are all kinds, with SYN floods of that many SYNs a second.
func kindsAt(rate int) []kind {
	return []kind{connectionFlood(), distributedFlood(), churn(), synFlood(rate), spoofedSYNFlood(rate), slowApplication()}
}

// findKind returns the kind of that name; the empty name is the default.
func findKind(name string) (kind, error) {
	if name == "" {
		name = DefaultKind
	}
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, fmt.Errorf("no attack is called %q, must be one of %s", name, strings.Join(Kinds(), ", "))
	}
	return all[i], nil
}

// prepare sets what the kind needs of the victim.
func (k *kind) prepare(victim *lab.Namespace) error {
	if !k.metered {
		return nil
	}
	// What a SYN flood leaves half-open goes after a second instead of a minute: for that long the
	// kernel would send SYN cookies to everybody, and ebbgate see a flood.
	return victim.SetSysctl("net.ipv4.tcp_synack_retries", "0")
}

// application describes the server that is attacked.
func (k *kind) application() lab.ServerConfig {
	c := k.server
	c.Listen, c.Capacity = []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), servicePort)}, capacity
	return c
}

// begin lets the attackers loose. What had begun before an error is returned with it.
func (k *kind) begin(ctx context.Context, g ground) (floods []flood, err error) {
	for _, start := range k.starts {
		f, err := start(ctx, g)
		if err != nil {
			return floods, err
		}
		floods = append(floods, f)
	}
	return floods, nil
}
