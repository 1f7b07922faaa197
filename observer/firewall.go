package observer

import "ebbgate/policy"

// ctLoosePath is the setting by which conntrack takes over connections it has not seen begin.
const ctLoosePath = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose"

// firewallReader reads the part of policy.Firewall that is a setting.
type firewallReader struct{ loose *procFile } // nil: not open, maybe not there yet

// read returns it. What cannot be read is taken for loose, the kernel's default.
func (r *firewallReader) read() (policy.Firewall, []policy.Fault) {
	n, err := readOptional(&r.loose, ctLoosePath)
	if err != nil {
		return policy.Firewall{Loose: true}, []policy.Fault{{Part: "conntrack", Text: err.Error()}}
	}
	return policy.Firewall{Loose: n != 0 || r.loose == nil}, nil
}
