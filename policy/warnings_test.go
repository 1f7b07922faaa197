package policy

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	limited := web + "connections.per_source = 100\n"
	unlimited := func(name string) string {
		return `service "` + name + `": has no limit, so nothing is enforced for it; set per_source in its [service.connections]; "ebbgate suggest" proposes a value`
	}
	never := func(prefix, exempt string) string {
		return `service "web": its override for ` + prefix + ` never applies, as ` + exempt +
			" is in exempt.prefixes and the exemption wins; take it out of one of the two"
	}
	overrides := func(prefixes string) string {
		return web + "override = [{ per_source = 9, prefixes = [" + prefixes + "] }]\n"
	}
	covers := func(family string) string {
		return "exempt.prefixes: covers every " + family + " address, so no " + family +
			" source is ever limited; list only addresses you trust"
	}
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"none", limited, nil},
		{"no limit", web, []string{unlimited("web")}},
		{"no limit in one of two", limited + "[[service]]\nname = \"ssh\"\nports = [22]\n", []string{unlimited("ssh")}},
		{"a capacity", web + "capacity = 100\n", nil},
		{"a rate of connections", web + "rate.new_per_source = \"9/s\"\n", nil},
		{"a rate of SYNs", web + "rate.syn_per_source = \"99/s\"\n", nil},
		{"limits of prefixes", web + "connections.per_prefix = [{ ipv4 = 24, limit = 9 }]\n", nil},
		{"limits for some", overrides(`"192.0.2.0/24"`), nil},
		{"overrides within an exemption", "exempt.prefixes = [\"192.0.2.0/24\", \"192.0.2.128/25\", \"2001:db8::/32\", \"203.0.113.7\"]\n" +
			overrides(`"192.0.2.200", "192.0.2.0/24", "192.0.2.0/23", "192.0.3.0/24", "2001:db8:5::/48", "203.0.113.0/24", "203.0.113.7", "1.1.1.1", "::1"`),
			[]string{never("2001:db8:5::/48", "2001:db8::/32"), never("192.0.2.200/32", "192.0.2.0/24"),
				never("203.0.113.7/32", "203.0.113.7/32"), never("192.0.2.0/24", "192.0.2.0/24")}},
		{"all of IPv4", "exempt.prefixes = [\"0.0.0.0/0\"]\n" + limited, []string{covers("IPv4")}},
		{"all of IPv6", "exempt.prefixes = [\"::/0\", \"192.0.2.1\"]\n" + limited, []string{covers("IPv6")}},
		{"everything", "exempt.prefixes = [\"::/0\", \"0.0.0.0/0\"]\n" + web, []string{covers("IPv4"), covers("IPv6"), unlimited("web")}},
		{"mapped", "exempt.prefixes = [\"::ffff:0:0/96\"]\n" + limited, []string{covers("IPv4")}},
		{"two halves", "exempt.prefixes = [\"128.0.0.0/1\", \"0.0.0.0/1\", \"10.0.0.0/8\"]\n" + limited, []string{covers("IPv4")}},
		{"three parts", "exempt.prefixes = [\"::/1\", \"8000::/2\", \"c000::/2\"]\n" + limited, []string{covers("IPv6")}},
		{"all but a gap", "exempt.prefixes = [\"0.0.0.0/1\", \"128.0.0.0/2\", \"192.0.0.0/3\", \"224.0.0.0/4\"]\n" + limited, nil},
		{"as many blocks as fit", "limits.max_blocks = 200000\n" + limited, nil},
		{"more blocks than fit", "limits.max_blocks = 200001\n" + limited,
			[]string{"limits.max_blocks: 200001 blocks may take more memory than the 512M that ebbgate.service allows; raise its MemoryMax, or allow 200000 at most"}},
		{"all but the first", "exempt.prefixes = [\"128.0.0.0/1\"]\n" + limited, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, c.src)
			if got := p.Warnings(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestWarningsAreBounded(t *testing.T) {
	got := mustParse(t, manyServices(MaxServices)).Warnings()
	if len(got) != maxServiceWarnings+1 {
		t.Fatalf("%d lines for %d services", len(got), MaxServices)
	}
	want := "and 56 more services: have no limit, so nothing is enforced for them; set per_source for each"
	if got[maxServiceWarnings] != want {
		t.Errorf("last line is %q, want %q", got[maxServiceWarnings], want)
	}
}

func TestOverrideWarningsAreBounded(t *testing.T) {
	got := mustParse(t, "exempt.prefixes = [\"10.0.0.0/8\"]\n"+web+manyOverrides(MaxOverrides)).Warnings()
	if len(got) != maxServiceWarnings+1 {
		t.Fatalf("%d lines for %d overrides", len(got), MaxOverrides)
	}
	want := "and 992 more overrides: never apply, as they lie within exempt.prefixes; take each out of one of the two"
	if got[maxServiceWarnings] != want {
		t.Errorf("last line is %q, want %q", got[maxServiceWarnings], want)
	}
}

// The sorted search must agree with looking at every exempt prefix.
func TestContainingAgreesWithCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	random := func() netip.Prefix {
		if r.IntN(4) == 0 {
			return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, byte(r.IntN(4)) << 6}), r.IntN(20)).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(4)) << 6, byte(r.IntN(256))}), 6+r.IntN(20)).Masked()
	}
	inside := 0
	for range 2000 {
		exempt := make([]netip.Prefix, r.IntN(12))
		for i := range exempt {
			exempt[i] = random()
		}
		slices.SortFunc(exempt, ComparePrefix)
		p := random()
		by, ok := containing(outermost(exempt), p)
		if want := Covers(exempt, p); ok != want || ok && !Covers([]netip.Prefix{by}, p) {
			t.Fatalf("%v in %v: %v, %v, want %v", p, exempt, by, ok, want)
		}
		if ok {
			inside++
		}
	}
	if inside < 200 || inside > 1800 {
		t.Errorf("%d of 2000 lie inside, the test shows little", inside)
	}
}
