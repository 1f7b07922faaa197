package observer

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// router is a laboratory with a container behind the victim, and an Observer in the victim.
type router struct {
	*lab.Lab
	t *testing.T
	o *Observer
}

// newRouter publishes port 80 of the container as 8080 and 8443.
func newRouter(t *testing.T, services ...policy.Service) *router {
	t.Helper()
	r := &router{Lab: nstest.Lab(t), t: t}
	if err := r.AddContainer(lab.Publication{Port: 8080, To: 80}, lab.Publication{Port: 8443, To: 80}); err != nil {
		t.Fatal(err)
	}
	r.serve(r.Container, ":80")
	r.do(r.Victim, func() (err error) {
		r.o, err = Open(slog.New(slog.DiscardHandler))
		return err
	})
	t.Cleanup(func() {
		if err := r.o.Close(); err != nil {
			t.Error(err)
		}
	})
	r.o.SetPolicy(&policy.Policy{Observe: policy.Observe{MaxSources: 1000, IPv6Source: 64}, Services: services})
	return r
}

func (r *router) do(n *lab.Namespace, f func() error) {
	r.t.Helper()
	if err := n.Do(f); err != nil {
		r.t.Fatal(err)
	}
}

// serve starts a server on a port of all addresses.
func (r *router) serve(n *lab.Namespace, at string) {
	r.t.Helper()
	if _, err := lab.StartServer(r.t.Context(), n, lab.ServerConfig{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]" + at)}, Capacity: 500}); err != nil {
		r.t.Fatal(err)
	}
}

// hold opens n connections from each source and keeps them to the end of the test.
func (r *router) hold(from *lab.Namespace, n int, to netip.Addr, port uint16, sources ...netip.Addr) []net.Conn {
	r.t.Helper()
	var all []net.Conn
	for _, s := range sources {
		for range n {
			c, err := from.Dial(r.t.Context(), s, netip.AddrPortFrom(to, port))
			if err != nil {
				r.t.Fatal(err)
			}
			r.t.Cleanup(func() { _ = c.Close() })
			all = append(all, c)
		}
	}
	return all
}

// run runs a program in the victim and returns what it prints.
func (r *router) run(name string, args ...string) string {
	r.t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := r.Victim.Start(cmd); err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		r.t.Fatalf("%v: %v: %s", cmd, err, complaints.String())
	}
	return out.String()
}

// conntrackLine is a connection as conntrack(8) prints it: state, the original direction, and the
// source of the answers.
var conntrackLine = regexp.MustCompile(`^tcp +6 \d+ (\w+) src=(\S+) dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=`)

// listed counts connections to a service the way a person would with conntrack -L, an independent
// reader of the table: by source, held and half-open.
func (r *router) listed(port string, addresses ...netip.Addr) map[string][2]int {
	r.t.Helper()
	out := make(map[string][2]int)
	for _, family := range []string{"ipv4", "ipv6"} {
		for line := range strings.Lines(r.run("conntrack", "-L", "-p", "tcp", "-f", family)) {
			m := conntrackLine.FindStringSubmatch(line)
			if m == nil {
				r.t.Fatalf("conntrack prints %q", line)
			}
			state, from, to := m[1], netip.MustParseAddr(m[2]), netip.MustParseAddr(m[3])
			victims := []netip.Addr{lab.VictimV4(), lab.VictimV6()}
			if m[4] != port || !among(addresses, to) || among(victims, from) || among(victims, netip.MustParseAddr(m[5])) {
				continue
			}
			source := policy.Group(from, 64).String()
			n := out[source]
			switch state {
			case "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT":
				if strings.Contains(line, "[ASSURED]") {
					n[0]++
				} else {
					n[1]++
				}
			case "SYN_SENT", "SYN_RECV", "SYN_SENT2":
				n[1]++
			default:
				continue
			}
			out[source] = n
		}
	}
	return out
}

func among(list []netip.Addr, a netip.Addr) bool {
	for _, b := range list {
		if a == b {
			return true
		}
	}
	return false
}

// agree waits until the census of a service is what conntrack -L says, and returns it.
func (r *router) agree(service int, port string, addresses ...netip.Addr) policy.ServiceCensus {
	r.t.Helper()
	var s policy.ServiceCensus
	var got, want map[string][2]int
	defer func() {
		if r.t.Failed() {
			r.t.Logf("service %d: the census has %v, conntrack -L has %v", service, got, want)
		}
	}()
	nstest.Await(r.t, "the census agrees with conntrack -L", func() bool {
		want = r.listed(port, addresses...)
		s = count(r.t, r.o).Services[service]
		got = make(map[string][2]int)
		held, opening := 0, 0
		for _, source := range s.Sources {
			got[source.Source.String()] = [2]int{source.Held, source.HalfOpen}
			held, opening = held+source.Held, opening+source.HalfOpen
		}
		return fmt.Sprint(got) == fmt.Sprint(want) && held == s.Held && opening == s.HalfOpen
	})
	return s
}

func TestForwardedAgreesWithConntrack(t *testing.T) {
	r := newRouter(t,
		policy.Service{Name: "shop", Ports: ports(8080), Traffic: policy.Forwarded},
		policy.Service{Name: "routed", Ports: ports(80), Traffic: policy.Forwarded, Addresses: []netip.Addr{lab.ContainerV4(), lab.ContainerV6()}},
		policy.Service{Name: "local", Ports: ports(8081)},
		policy.Service{Name: "mixed", Ports: ports(8082, 8443), Traffic: policy.Both},
		policy.Service{Name: "far", Ports: ports(9000), Traffic: policy.Both},
	)
	r.serve(r.Victim, ":8081")
	r.serve(r.Victim, ":8082")
	v4, v6 := lab.VictimV4(), lab.VictimV6()
	attack, client := lab.AttackRange(), lab.ClientRange()
	r.hold(r.Attackers, 5, v4, 8080, attack.IPv4(3)...)
	r.hold(r.Attackers, 4, v6, 8080, attack.IPv6(2)...)
	r.hold(r.Attackers, 3, v6, 8080, attack.OneSubnet(2)...)
	r.hold(r.Attackers, 2, lab.ContainerV4(), 80, attack.IPv4(2)...)
	r.hold(r.Attackers, 2, lab.ContainerV6(), 80, attack.IPv6(1)...)
	for _, c := range r.hold(r.Clients, 3, v4, 8080, client.IPv4(1)...) {
		c.Close() // the server answers with its FIN: TIME_WAIT
	}
	r.hold(r.Clients, 7, v4, 8081, client.IPv4(1)...)
	r.hold(r.Clients, 6, v4, 8082, client.IPv4(1)...)
	r.hold(r.Clients, 2, v4, 8443, client.IPv4(1)...)
	r.hold(r.Victim, 4, v4, 8080, v4) // the victim's own, translated like others
	if _, err := lab.StartOutgoing(t.Context(), r.Lab, 10); err != nil {
		t.Fatal(err)
	}
	r.hold(r.Container, 5, lab.ClientV4(), 9000, lab.ContainerV4())
	spoof, err := lab.StartSpoof(t.Context(), r.Attackers, lab.SpoofConfig{
		Target: netip.AddrPortFrom(v4, 8080), Sources: lab.SpoofRange().IPv4(10), Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "200 forged SYNs", func() bool { return spoof.Counts().Sent >= 200 })
	if err := spoof.Stop(); err != nil {
		t.Fatal(err)
	}

	shop := r.agree(0, "8080", v4, v6)
	if shop.Held != 3*5+2*4+2*3 || shop.HalfOpen < 190 || len(shop.Sources) != 3+2+1+10 {
		t.Errorf("shop: %d held, %d half-open of %d sources", shop.Held, shop.HalfOpen, len(shop.Sources))
	}
	if routed := r.agree(1, "80", lab.ContainerV4(), lab.ContainerV6()); routed.Held != 6 || routed.HalfOpen != 0 {
		t.Errorf("routed: %+v", routed)
	}
	if local := count(t, r.o).Services[2]; local.Held != 7 {
		t.Errorf("local: %+v", local)
	}
	mixed := count(t, r.o).Services[3]
	if want := (policy.SourceCensus{Source: netip.PrefixFrom(client.IPv4(1)[0], 32), Held: 8}); mixed.Held != 8 || len(mixed.Sources) != 1 || mixed.Sources[0] != want {
		t.Errorf("mixed: %+v, want each connection once", mixed)
	}
	if far := count(t, r.o).Services[4]; far.Held != 0 || far.HalfOpen != 0 {
		t.Errorf("outgoing connections were counted: %+v", far)
	}
}
