package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// neighbour is somebody else's ruleset, as captured from its real owner.
type neighbour struct {
	name   string
	files  []string       // in enforcer/testdata/neighbours
	legacy bool           // loaded by the older iptables, into its own tables
	tracks bool           // it uses conntrack
	target netip.AddrPort // what clients connect to, where the neighbour leads it to a container
}

func localNeighbours() []neighbour {
	return []neighbour{
		{name: "plain nftables", files: []string{"nftables.nft"}, tracks: true},
		{name: "ufw", files: []string{"ufw.v4", "ufw.v6"}, tracks: true},
		{name: "ufw on legacy iptables", files: []string{"ufw.v4", "ufw.v6"}, legacy: true, tracks: true},
		{name: "firewalld", files: []string{"firewalld.nft"}, tracks: true},
		{name: "fail2ban", files: []string{"fail2ban.nft"}},
		{name: "CrowdSec", files: []string{"crowdsec.nft"}},
	}
}

func forwardingNeighbours() []neighbour {
	return []neighbour{
		{name: "Docker on iptables-nft", files: []string{"docker.v4"}, tracks: true, target: v4()},
		{name: "Docker on legacy iptables", files: []string{"docker.v4"}, legacy: true, tracks: true, target: v4()},
		{name: "Docker on nftables", files: []string{"docker.nft"}, tracks: true, target: v4()},
		{name: "kube-proxy on iptables-nft", files: []string{"kube-proxy.v4"}, tracks: true, target: v4()},
		{name: "kube-proxy on legacy iptables", files: []string{"kube-proxy.v4"}, legacy: true, tracks: true, target: v4()},
		{name: "kube-proxy on nftables", files: []string{"kube-proxy.nft"}, tracks: true, target: v4()},
	}
}

// text is the ruleset of one file.
func (s *stage) text(file string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join("../../enforcer/testdata/neighbours", file))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// load loads a neighbour as its owner does. Where it is loaded already this is a reload: the tables
// of iptables are emptied first, and all of nf_tables is, as /etc/nftables.conf does.
func (s *stage) load(n neighbour) {
	s.t.Helper()
	for _, file := range n.files {
		if filepath.Ext(file) == ".nft" {
			s.nft("flush ruleset\n" + s.text(file))
		} else {
			s.feed(n.iptables(file)+"-restore", s.text(file))
		}
	}
}

// unload removes a neighbour of nf_tables.
func (s *stage) unload() {
	s.t.Helper()
	s.nft("flush ruleset\n")
}

// iptables is the tool for a file, by family and backend.
func (n *neighbour) iptables(file string) string {
	tool := map[string]string{".v4": "iptables", ".v6": "ip6tables"}[filepath.Ext(file)]
	if n.legacy {
		return tool + "-legacy"
	}
	return tool + "-nft"
}

// feed runs a tool in the victim.
func (s *stage) feed(tool, input string) string {
	s.t.Helper()
	name, arg, _ := strings.Cut(tool, " ")
	cmd := exec.Command(name, strings.Fields(arg)...)
	cmd.Stdin = strings.NewReader(input)
	o := s.run(s.Victim, cmd)
	if o.status != 0 {
		s.t.Fatalf("%s: status %d: %s", tool, o.status, o.stderr)
	}
	return o.stdout
}

var ourTable = regexp.MustCompile(`(?ms)^table inet ebbgate \{.*?^\}\n`)

// others lists all rules but ours, without counters.
func (s *stage) others(n neighbour) string {
	s.t.Helper()
	list := ourTable.ReplaceAllString(s.feed("nft -s list ruleset", ""), "")
	if n.legacy {
		for _, line := range strings.Split(s.feed("iptables-legacy-save", "")+s.feed("ip6tables-legacy-save", ""), "\n") {
			if !strings.HasPrefix(line, "#") && line != "" {
				list += strings.SplitAfter(line, " [")[0] + "\n" // a policy has counters behind it
			}
		}
	}
	return list
}

// checkOthers checks that nothing but our table has changed.
func (s *stage) checkOthers(n neighbour, before, when string) {
	s.t.Helper()
	if now := s.others(n); now != before {
		s.t.Errorf("the neighbour's rules %s:\n%s\nwere:\n%s", when, now, before)
	}
}

// TestNeighbours floods a service of a host with somebody else's firewall, which is loaded again in
// the middle of the attack.
func TestNeighbours(t *testing.T) {
	for _, n := range localNeighbours() {
		t.Run(n.name, func(t *testing.T) {
			s := newStage(t)
			s.load(n)
			before := s.others(n)
			server := s.server(everywhere(), capacity)
			talk := s.talk()
			clients := s.clients(v4())
			d := s.daemon(policyFile{})
			s.checkOthers(n, before, "in peace")
			flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
			s.awaitTable(true)
			s.awaitLimited(perSource, server, flood)
			s.checkConntrack(n, d)
			from := time.Now()
			s.checkBeside(n, before, talk, "under attack")

			s.load(n)
			s.checkBeside(n, before, talk, "loaded again")
			s.awaitLimited(perSource, server, flood)
			s.checkConntrack(n, d)
			s.checkClients(clients, from)
			if came := s.table.Presences(); len(came) != 1 {
				t.Errorf("the table came and went: %v", came)
			}

			s.stop(flood)
			s.awaitTable(false)
			s.checkBeside(n, before, talk, "after the attack")
			s.served(clients, 20)
		})
	}
}

// checkConntrack checks that notrack keeps away where the neighbour needs conntrack, and only there.
func (s *stage) checkConntrack(n neighbour, d *daemon) {
	s.t.Helper()
	if n.tracks {
		s.checkOthersTrack(d)
		return
	}
	if s.withoutNotrack() == nil {
		s.t.Errorf("conntrack is left on for everything, and nobody else needs it:\n%s", s.rules())
	}
	if status := d.status(); status.Table.Conntrack != control.ConntrackOurs {
		s.t.Errorf("conntrack %q", status.Table.Conntrack)
	}
}

// check lets a connection that was there before ask once more.
func (c *conversation) check(t *testing.T, when string) {
	t.Helper()
	if err := c.once(); err != nil {
		t.Errorf("a connection through the neighbour's rules %s: %v", when, err)
	}
}

// checkBeside checks that nothing but our table has changed, and that a connection which was there before
// goes on.
func (s *stage) checkBeside(n neighbour, before string, talk *conversation, when string) {
	s.t.Helper()
	s.checkOthers(n, before, when)
	talk.check(s.t, when)
}

// TestForwardingNeighbours floods a port that somebody else's rules lead to a container.
func TestForwardingNeighbours(t *testing.T) {
	for _, n := range forwardingNeighbours() {
		t.Run(n.name, func(t *testing.T) {
			s := newStage(t)
			server := s.behind(n)
			before := s.others(n)
			talk := s.talkTo(n.target)
			clients := s.clients(n.target)
			d := s.daemon(policyFile{traffic: "forwarded"})
			onset := time.Now()
			flood := s.hoard(s.Attackers, lab.HoardConfig{Target: n.target, Sources: lab.AttackRange().IPv4(8), Total: 3000,
				Rate: quickly, Payload: lab.PartialRequest()})
			s.awaitTable(true)
			d.awaitStatus("all sources are limited", limiting(8))
			s.checkOthersTrack(d)
			s.awaitLimited(perSource, server, flood)
			s.checkBeside(n, before, talk, "under attack")

			s.load(n)
			s.checkBeside(n, before, talk, "loaded again")
			s.awaitLimited(perSource, server, flood)
			s.checkClients(clients, onset)

			s.stop(flood)
			s.awaitTable(false)
			s.checkBeside(n, before, talk, "after the attack")
			s.served(clients, 20)
		})
	}
}

// TestClusterIP floods the address of a Kubernetes service, which no interface has, so that the
// policy must name it. New connections are refused before kube-proxy translates them.
func TestClusterIP(t *testing.T) {
	s := newStage(t)
	target := netip.MustParseAddrPort("172.30.0.1:8080")
	n := neighbour{files: []string{"kube-proxy.nft"}}
	server := s.behind(n)
	before := s.others(n)
	talk := s.talkTo(target)
	clients := s.clients(target)
	d := s.daemon(policyFile{traffic: "forwarded", addresses: fmt.Sprintf("%q", target.Addr())})
	flood := s.hoard(s.Attackers, lab.HoardConfig{Target: target, Sources: lab.AttackRange().IPv4(8), Total: 3000,
		Rate: quickly, Payload: lab.PartialRequest()})
	s.awaitTable(true)
	d.awaitStatus("all sources are limited", limiting(8))
	from := time.Now()
	s.awaitLimited(perSource, server, flood)
	s.checkOthersTrack(d)
	s.checkBeside(n, before, talk, "under attack")
	s.checkClients(clients, from)
	s.stop(flood)
	s.awaitTable(false)
	s.checkOthers(n, before, "after the attack")
}

// behind adds a container whose port only the neighbour publishes, and starts a server in it.
func (s *stage) behind(n neighbour) *lab.Server {
	s.t.Helper()
	server := s.container()
	s.nft("delete table inet container\n")
	s.load(n)
	return server
}

// talkTo opens a client's connection to the service, and lets it ask once.
func (s *stage) talkTo(target netip.AddrPort) *conversation {
	s.t.Helper()
	conn, err := s.dial(s.Clients, lab.ClientRange().IPv4(30)[29], target)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &conversation{conn: conn, in: bufio.NewReader(conn)}
	c.check(s.t, "in peace")
	return c
}

// TestNeighbourComesAndGoes loads a neighbour in the middle of an attack, when everything but the
// attackers is kept from conntrack, and removes it again. The tables of legacy iptables stay until
// their namespace ends, rules or none.
func TestNeighbourComesAndGoes(t *testing.T) {
	bystanders := []neighbour{
		{name: "Docker on iptables-nft", files: []string{"docker.v4"}, tracks: true},
		{name: "kube-proxy on nftables", files: []string{"kube-proxy.nft"}, tracks: true},
	}
	for _, n := range append(localNeighbours(), bystanders...) {
		if !n.tracks {
			continue
		}
		t.Run(n.name, func(t *testing.T) {
			s := newStage(t)
			at := netip.AddrPortFrom(lab.VictimV4(), port+1) // no neighbour leads this port away
			if n.files[0] != "docker.v4" && n.files[0] != "kube-proxy.nft" {
				at = v4()
			}
			server := s.server(netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port()), capacity)
			talk := s.talk()
			clients := s.clients(at)
			d := s.daemon(policyFile{services: []serviceText{{"shop", fmt.Sprint(at.Port()), perSource}}})
			flood := s.flood(at, lab.AttackRange().IPv4(8), 3000)
			s.awaitTable(true)
			s.awaitLimited(perSource, server, flood)
			s.checkConntrack(neighbour{}, d)

			loaded := time.Now()
			s.load(n)
			before := s.others(n)
			await(t, 5*time.Second, "our table lets conntrack see all packets", s.withoutNotrack)
			t.Logf("no notrack %v after the neighbour came (goal: under 1s)", time.Since(loaded).Round(time.Millisecond))
			from := time.Now()
			s.checkOthersTrack(d)
			talk.check(t, "which came under attack")
			s.awaitLimited(perSource, server, flood)
			s.checkOthers(n, before, "under attack")
			s.checkClients(clients, from)
			if !n.legacy {
				s.unload()
				await(t, 10*time.Second, "conntrack is left to us again", func() error {
					if s.withoutNotrack() == nil {
						return errors.New("there is no notrack rule")
					}
					return nil
				})
				s.awaitLimited(perSource, server, flood)
				talk.check(t, "which went under attack")
			}
			s.stop(flood)
			if !n.legacy {
				// One that stays may drop the end of connections which are older than its rules, as conntrack
				// does not know them: the server holds them on, and so does the limit.
				s.awaitTable(false)
			}
			s.served(clients, 20)
		})
	}
}
