package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestLinksAndAddresses(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		in   *Namespace
		want map[string][]string
	}{
		{l.Victim, map[string][]string{"clients": {"10.77.0.1/24", "fd77::1/64"}, "attackers": {"10.88.0.1/24", "fd88::1/64"}}},
		{l.Clients, map[string][]string{"victim": {"10.77.0.2/24", "fd77::2/64"}}},
		{l.Attackers, map[string][]string{"victim": {"10.88.0.2/24", "fd88::2/64"}}},
	} {
		err := c.in.Do(func() error {
			links, err := netlink.LinkList()
			if err != nil {
				return err
			}
			veths := 0
			for _, link := range links {
				if link.Type() != "veth" {
					continue
				}
				veths++
				name := link.Attrs().Name
				if got := globalAddresses(t, link); !slices.Equal(got, c.want[name]) {
					t.Errorf("%s, link %s: %v, want %v", c.in, name, got, c.want[name])
				}
				if link.Attrs().OperState != netlink.OperUp {
					t.Errorf("%s, link %s is %s", c.in, name, link.Attrs().OperState)
				}
			}
			if veths != len(c.want) {
				return fmt.Errorf("%d veth links, want %d", veths, len(c.want))
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
	}
}

// globalAddresses returns a link's addresses but the link-local ones, and reports those that are
// not usable at once.
func globalAddresses(t *testing.T, link netlink.Link) (out []string) {
	t.Helper()
	addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		t.Error(err)
	}
	for _, a := range addresses {
		if a.IP.IsLinkLocalUnicast() {
			continue
		}
		if a.Flags&unix.IFA_F_TENTATIVE != 0 {
			t.Errorf("%s is tentative", a.IPNet)
		}
		out = append(out, a.IPNet.String())
	}
	slices.Sort(out)
	return out
}

func TestSettingsOfANewNamespace(t *testing.T) {
	l := newLab(t)
	for _, n := range []*Namespace{l.Victim, l.Clients, l.Attackers} {
		for name, want := range map[string]string{
			"net.ipv4.conf.all.rp_filter":    "0",
			"net.ipv4.ip_forward":            "0",
			"net.ipv6.conf.all.forwarding":   "0",
			"net.ipv4.tcp_syncookies":        "1",
			"net.ipv6.conf.all.disable_ipv6": "0",
		} {
			if got := must(n.Sysctl(name))(t); got != want {
				t.Errorf("%s: %s is %s, want %s", n, name, got, want)
			}
		}
		link := "victim"
		if n == l.Victim {
			link = "attackers"
		}
		if got := must(n.Sysctl("net.ipv4.conf." + link + ".rp_filter"))(t); got != "0" {
			t.Errorf("%s: rp_filter of %s is %s", n, link, got)
		}
	}
}

// TestRoutesLeadWhereTheyShould asks the kernel itself.
func TestRoutesLeadWhereTheyShould(t *testing.T) {
	l := newLab(t)
	client4, client6 := ClientRange().IPv4(9)[8], ClientRange().IPv6(9)[8]
	attack4, attack6 := AttackRange().IPv4(9)[8], AttackRange().IPv6(9)[8]
	spoof4, spoof6 := SpoofRange().IPv4(9)[8], SpoofRange().IPv6(9)[8]
	for _, c := range []struct {
		in   *Namespace
		to   netip.Addr
		link string // "": nowhere
	}{
		{l.Victim, client4, "clients"}, {l.Victim, client6, "clients"},
		{l.Victim, attack4, "attackers"}, {l.Victim, attack6, "attackers"},
		{l.Victim, spoof4, "attackers"}, {l.Victim, spoof6, "attackers"},
		{l.Clients, VictimV4(), "victim"}, {l.Clients, VictimV6(), "victim"},
		{l.Attackers, VictimV4(), "victim"}, {l.Attackers, VictimV6(), "victim"},
		{l.Clients, client4, "lo"}, {l.Clients, client6, "lo"},
		{l.Attackers, attack4, "lo"}, {l.Attackers, attack6, "lo"},
		{l.Attackers, spoof4, ""}, {l.Attackers, spoof6, ""},
	} {
		got := ""
		err := c.in.Do(func() error {
			routes, err := netlink.RouteGet(c.to.AsSlice())
			if err != nil || len(routes) == 0 {
				return nil
			}
			link, err := netlink.LinkByIndex(routes[0].LinkIndex)
			if err != nil {
				return err
			}
			got = link.Attrs().Name
			if routes[0].Type == unix.RTN_BLACKHOLE {
				got = ""
			}
			return nil
		})
		if err != nil || got != c.link {
			t.Errorf("%s to %s: by link %q, want %q; %v", c.in, c.to, got, c.link, err)
		}
	}
}

func TestTwoLaboratoriesDoNotMeet(t *testing.T) {
	one, two := newLab(t), newLab(t)
	if one.Victim.Path() == two.Victim.Path() {
		t.Fatal("both victims share a namespace")
	}
	must(StartServer(t.Context(), one.Victim, server80(3)))(t)
	if _, err := two.Clients.Dial(t.Context(), ClientV4(), v4(80)); err == nil {
		t.Error("the client of one reached the victim of the other")
	}
	must(one.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t).Close()
}
