package compare

import "fmt"

// What a source may do, behind the static ruleset and behind ebbgate alike.
const (
	perSource    = 100 // connections held
	synPerSource = 200 // SYNs a second
	newPerSource = 30  // completed connections a second; the static ruleset can only meter SYNs
)

// staticRules is what a good administrator loads once and for all: SYNs metered by source before
// conntrack, connections counted by source, IPv6 by /64, and resets for what is too much.
func staticRules(port int) string {
	return fmt.Sprintf(`table inet static {
	set syn4 {
		type ipv4_addr
		size 65536
		flags dynamic,timeout
		timeout 10s
	}
	set syn6 {
		type ipv6_addr
		size 65536
		flags dynamic,timeout
		timeout 10s
	}
	set held4 {
		type ipv4_addr
		size 65536
		flags dynamic
	}
	set held6 {
		type ipv6_addr
		size 65536
		flags dynamic
	}
	chain before {
		type filter hook prerouting priority raw
		iif lo accept
		tcp dport %[1]d tcp flags & (fin|syn|rst|ack) == syn update @syn4 { ip saddr limit rate over %[2]d/second burst %[2]d packets } drop
		tcp dport %[1]d tcp flags & (fin|syn|rst|ack) == syn update @syn6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over %[2]d/second burst %[2]d packets } drop
	}
	chain inward {
		type filter hook input priority filter
		iif lo accept
		ct state established,related accept
		tcp dport %[1]d ct state new add @held4 { ip saddr ct count over %[3]d } reject with tcp reset
		tcp dport %[1]d ct state new add @held6 { ip6 saddr & ffff:ffff:ffff:ffff:: ct count over %[3]d } reject with tcp reset
	}
}
`, port, synPerSource, perSource)
}

// firewallRules is a stateful firewall as most hosts have one: it limits nobody.
func firewallRules(port int) string {
	return fmt.Sprintf(`table inet firewall {
	chain input {
		type filter hook input priority filter; policy drop
		iif lo accept
		ct state established,related accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport %d ct state new accept
	}
}
`, port)
}
