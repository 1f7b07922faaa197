package enforcer

import (
	"net/netip"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// class is what a source of the matrix is to the answers.
type class int

const (
	offender class = iota // named by the decision, and no wider or narrower than a plain source
	wide                  // of a prefix the decision names, or a single address it does
	office                // inside a prefix that is answered, with limits of its own
	innocent              // in no prefix that is answered
	exempt                // from all or from this service, inside what is answered
)

// source is somebody who connects.
type source struct {
	name   string
	from   string
	class  class
	admin  bool // logged in: exempt on sshd's ports
	shares bool // of the plain source of one above it in the table
	inside bool // likewise, but a source of its own in a census
	self   bool // the host itself, through lo
}

// sources of the matrix, of both families. matrixDecision names what they are part of.
var sources = []source{
	{name: "a source", from: "10.66.0.1", class: offender},
	{name: "the neighbour of a source", from: "10.66.0.2", class: innocent},
	{name: "exempt by the policy, though named", from: "10.66.0.4", class: exempt},
	{name: "within the /24", from: "10.66.7.1", class: wide},
	{name: "an administrator within the /24", from: "10.66.7.5", class: wide, admin: true},
	{name: "exempt by the policy within the /24", from: "10.66.7.9", class: exempt},
	{name: "exempt from this service within the /24", from: "10.66.7.8", class: exempt},
	{name: "exempt from another service within the /24", from: "10.66.7.7", class: wide},
	{name: "with limits of its own within the /24", from: "10.66.7.200", class: office},
	{name: "with limits of its own within the /24, and beyond them", from: "10.66.7.201", class: wide},
	{name: "beside the /24", from: "10.66.8.1", class: innocent},
	{name: "within the /20", from: "10.66.31.1", class: wide},
	{name: "beside the /20", from: "10.66.32.1", class: innocent},
	{name: "the host itself", from: lab.VictimV4().String(), class: exempt, self: true},
	{name: "an address of the /64", from: "fd66:0:0:1::1", class: offender},
	{name: "another address of the /64", from: "fd66:0:0:1::200", class: offender, shares: true},
	{name: "an administrator of the /64", from: "fd66:0:0:1::7", class: offender, shares: true, admin: true},
	{name: "exempt by the policy within the /64", from: "fd66:0:0:1::4", class: exempt},
	{name: "exempt by the operator within the /64", from: "fd66:0:0:1::8", class: exempt},
	{name: "with limits of its own within the /64", from: "fd66:0:0:1::5", class: office, inside: true},
	{name: "with limits of its own, and beyond them", from: "fd66:0:0:1::6", class: wide, inside: true},
	{name: "of a prefix with limits of its own within the /64", from: "fd66:0:0:1::1ff", class: office, inside: true},
	{name: "a single address", from: "fd66:0:0:2::9", class: wide},
	{name: "the neighbour of a single address", from: "fd66:0:0:2::a", class: innocent},
	{name: "within the /56", from: "fd66:0:0:3ff::1", class: wide},
	{name: "beside the /56", from: "fd66:0:0:400::1", class: innocent},
	{name: "within the /48", from: "fd66:0:1:9::1", class: wide},
	{name: "beside the /48", from: "fd66:0:2:9::1", class: innocent},
	{name: "the host itself by IPv6", from: lab.VictimV6().String(), class: exempt, self: true},
}

// Sources the matrix's decisions name: those that are no wider than a plain one, and the others.
var (
	plainSources = prefixes("10.66.0.1/32", "10.66.0.4/32", "10.77.0.1/32", "fd66:0:0:1::/64", "fd77::/64")
	groupSources = prefixes("10.66.7.0/24", "10.66.7.201/32", "10.66.16.0/20", "fd66:0:0:1::6/128", "fd66:0:0:2::9/128", "fd66:0:0:300::/56", "fd66:0:1::/48")
)

// matrixLimit is what the kernel holds a watched source to.
const matrixLimit = 3

// matrixPolicy has prefix lengths of every kind and offices inside what is answered.
func matrixPolicy() *policy.Policy {
	svc := web()
	svc.Connections.PerSource, svc.Capacity = matrixLimit, 1000
	svc.Connections.PerPrefix = []policy.PrefixLimit{{Bits: 20, Max: 100}, {IPv6: true, Bits: 56, Max: 100}}
	svc.Overrides = overrides("10.66.7.128/25", "fd66:0:0:1::5/128", "fd66:0:0:1::6/128", "fd66:0:0:1::100/120")
	p := onePolicy(svc)
	p.Exempt.Prefixes = prefixes("10.66.0.4/32", "10.66.7.9/32", "fd66:0:0:1::4/128")
	return p
}

// matrixDecision has everything but answers.
func matrixDecision() *policy.Decision {
	return &policy.Decision{At: boottime.Now(),
		Exempt: []policy.Exemption{
			{Prefix: netip.MustParsePrefix("10.66.7.8/32"), Service: "web"},
			{Prefix: netip.MustParsePrefix("fd66:0:0:1::8/128")},
			{Prefix: netip.MustParsePrefix("10.66.7.7/32"), Service: "mail"},
		},
		SSH: policy.SSH{Ports: []uint16{sshPort}, Admins: []netip.Addr{netip.MustParseAddr("10.66.7.5"), netip.MustParseAddr("fd66:0:0:1::7")}},
	}
}

// sshPort is where the matrix's administrators are exempt.
const sshPort = 443
