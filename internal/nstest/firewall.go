package nstest

import (
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"ebbgate/internal/lab"
)

// Stateful loads a firewall such as many hosts have into a namespace: it relies on conntrack, drops what
// is not of a known connection, lets everybody open connections to a port, and refuses some addresses. As
// the operator may, it makes conntrack strict: only what began before its eyes is a connection.
func Stateful(tb testing.TB, n *lab.Namespace, port int, strict bool, refused ...netip.Addr) {
	tb.Helper()
	var rules strings.Builder
	for _, a := range refused {
		word := "ip"
		if a.Is6() {
			word = "ip6"
		}
		fmt.Fprintf(&rules, "\t\t%s saddr %s drop\n", word, a)
	}
	text := fmt.Sprintf(`table inet fw {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		meta l4proto ipv6-icmp accept
%s		tcp dport %d ct state new accept
	}
}
`, rules.String(), port)
	loose := "1"
	if strict {
		loose = "0"
	}
	if err := n.SetSysctl("net.netfilter.nf_conntrack_tcp_loose", loose); err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), &out, &out
	err := n.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		tb.Fatalf("load a firewall: %v\n%s", err, out.String())
	}
}
