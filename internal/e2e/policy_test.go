package e2e

import (
	"fmt"
	"strings"
)

const (
	port      = 8080
	capacity  = 2000 // connections the flooded server holds
	perSource = 100
)

// policyFile is what a test says in its policy. Zero values stand for the usual.
type policyFile struct {
	mode      string // "enforce"
	traffic   string // of all services: "local"
	exempt    []string
	addresses string        // of all services, in TOML without the brackets; empty: the host's
	services  []serviceText // one, "shop", at port
	synRate   int           // syn_per_source of all services; 0: none
	lease     string        // "3s"
	history   string        // the database; empty: none
}

// serviceText is one service of a policyFile.
type serviceText struct {
	name      string
	ports     string // in TOML, without the brackets
	perSource int
}

// text writes the policy. Lease and quiet time are short, so that a test sees their end, and sources are
// never blocked, however long a test takes.
func (p policyFile) text(socket string) string {
	var b strings.Builder
	if p.mode == "" {
		p.mode = "enforce"
	}
	if p.services == nil {
		p.services = []serviceText{{"shop", fmt.Sprint(port), perSource}}
	}
	fmt.Fprintf(&b, "mode = %q\n\n[control]\nsocket     = %q\nview_group = \"\"\n\n[history]\npath = %q\n", p.mode, socket, p.history)
	if len(p.exempt) > 0 {
		fmt.Fprintf(&b, "\n[exempt]\nprefixes = [\"%s\"]\n", strings.Join(p.exempt, `", "`))
	}
	if p.traffic == "" {
		p.traffic = "local"
	}
	if p.lease == "" {
		p.lease = "3s"
	}
	for _, s := range p.services {
		fmt.Fprintf(&b, `
[[service]]
name      = %q
ports     = [%s]
addresses = [%s]
traffic   = %q

  [service.connections]
  per_source = %d

  [service.response]
  lease = %q
  quiet = "1s"
  block_after = "0s"
`, s.name, s.ports, p.addresses, p.traffic, s.perSource, p.lease)
		if p.synRate > 0 {
			fmt.Fprintf(&b, "\n  [service.rate]\n  syn_per_source = \"%d/s\"\n", p.synRate)
		}
	}
	return b.String()
}
