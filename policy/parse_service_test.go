package policy

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseBadService(t *testing.T) {
	name := ` is not a service name, must be a lower-case letter and then up to 31 of a-z, 0-9, _ and -`
	named := func(value string) badCase {
		return badCase{"name " + value, "[[service]]\nports = [1]\nname = \"" + value + "\"\n",
			[]string{`3: service[0].name: "` + value + `"` + name}}
	}
	runBad(t, []badCase{
		{"empty file", "", []string{"1: service: is missing, must be at least one [[service]] with a name and ports"}},
		{"no service", "mode = \"shadow\"\nservice = []\n",
			[]string{"2: service: is missing, must be at least one [[service]] with a name and ports"}},
		{"empty service", web + "\n[[service]]\n\n[[service]]\nname = \"c\"\nports = []\n", []string{
			"5: service[1].name: is missing, every [[service]] must have a name",
			`5: service[1].ports: names no port, must be like [80, 443, "8000-8010"]`,
			`9: service[2].ports: names no port, must be like [80, 443, "8000-8010"]`,
		}},
		named(""), named("Web"), named("1web"), named("-web"), named("we b"), named("wéb"), named("a" + strings.Repeat("b", 32)),
		{"names used twice", web + "[[service]]\nname = \"ssh\"\nports = [22]\n[[service]]\nports = [443]\nname = \"web\"\n" +
			"[[service]]\nname = \"web\"\nports = [8080]\n", []string{
			`9: service[2].name: "web" is already the name of the service on line 1, must be unique`,
			`11: service[3].name: "web" is already the name of the service on line 1, must be unique`,
		}},
		{"too many services", manyServices(MaxServices + 2), []string{"193: service[64]: is service 65 of 66, must be at most 64"}},
	})
}

func TestParseBadPorts(t *testing.T) {
	ranged := ` is not a port range, must be two ports from 1 to 65535 with a hyphen, such as "8000-8010"`
	one := func(value, want string) badCase {
		return badCase{value, "[[service]]\nname = \"web\"\nports = [\n  80,\n  " + value + ",\n]\n",
			[]string{"5: service[0].ports[1]: " + want}}
	}
	many := make([]string, MaxPortRanges+1)
	for i := range many {
		many[i] = fmt.Sprint(i + 1)
	}
	runBad(t, []badCase{
		one("0", "0 is not a port, must be 1 to 65535"),
		one("-1", "-1 is not a port, must be 1 to 65535"),
		one("65536", "65536 is not a port, must be 1 to 65535"),
		one(`"443"`, `"443" is a port in quotes, must be 443 without quotes`),
		one(`"https"`, `"https"`+ranged),
		one(`""`, `""`+ranged),
		one(`"-"`, `"-"`+ranged),
		one(`"8000-"`, `"8000-"`+ranged),
		one(`"0-10"`, `"0-10"`+ranged),
		one(`"8000-65536"`, `"8000-65536"`+ranged),
		one(`"8000 - 8010"`, `"8000 - 8010"`+ranged),
		one(`"1-2-3"`, `"1-2-3"`+ranged),
		one(`"8010-8000"`, `"8010-8000" is reversed, must be "8000-8010"`),
		one("80", "80 overlaps 80 of the same service, each port must be listed once"),
		one(`"79-90"`, "79-90 overlaps 80 of the same service, each port must be listed once"),
		one("true", `is the boolean true, must be a port such as 443 or a range in quotes such as "8000-8010"`),
		one("{ from = 1 }", `is a table, must be a port such as 443 or a range in quotes such as "8000-8010"`),
		{"overlap with an earlier wide range", "[[service]]\nname = \"a\"\nports = [\"1-100\", 5, 50, 101]\n", []string{
			"3: service[0].ports[1]: 5 overlaps 1-100 of the same service, each port must be listed once",
			"3: service[0].ports[2]: 50 overlaps 1-100 of the same service, each port must be listed once",
		}},
		{"too many", "[[service]]\nname = \"a\"\nports = [" + strings.Join(many, ",") + "]\n",
			[]string{"3: service[0].ports: has 65 entries, must be at most 64; join neighbours to ranges"}},
	})
}

func TestParseOverlap(t *testing.T) {
	const hint = ", give each its own ports or its own addresses"
	service := func(name, ports, addresses string) string {
		return fmt.Sprintf("[[service]]\nname = %q\nports = [%s]\naddresses = [%s]\n", name, ports, addresses)
	}
	runBad(t, []badCase{
		{"on all addresses", web + "[[service]]\nname = \"b\"\nports = [\n  443,\n  \"79-81\"\n]\n",
			[]string{`8: service[1].ports[1]: 79-81 on all addresses overlaps 80 of service "web" (line 3)` + hint}},
		{"all against one", service("a", "80", "") + service("b", "1, 80", `"192.0.2.1"`),
			[]string{`7: service[1].ports[1]: 80 on 192.0.2.1 overlaps 80 of service "a" (line 3)` + hint}},
		{"one against all", service("a", "80", `"192.0.2.1"`) + service("b", "80", ""),
			[]string{`7: service[1].ports[0]: 80 on 192.0.2.1 overlaps 80 of service "a" (line 3)` + hint}},
		{"mapped and plain", service("a", "80", `"192.0.2.9", "192.0.2.1"`) + service("b", "80", `"2001:db8::1", "::ffff:192.0.2.1"`),
			[]string{`7: service[1].ports[0]: 80 on 192.0.2.1 overlaps 80 of service "a" (line 3)` + hint}},
		{"each pair once", service("a", "80, 81", "") + service("b", "81", "") + service("c", `"80-81"`, ""), []string{
			`7: service[1].ports[0]: 81 on all addresses overlaps 81 of service "a" (line 3)` + hint,
			`11: service[2].ports[0]: 80-81 on all addresses overlaps 80 of service "a" (line 3)` + hint,
			`11: service[2].ports[0]: 80-81 on all addresses overlaps 81 of service "b" (line 7)` + hint,
		}},
		{"service without a good name", service("A", "80", "") + service("b", "80", ""), []string{
			`2: service[0].name: "A" is not a service name, must be a lower-case letter and then up to 31 of a-z, 0-9, _ and -`,
			`7: service[1].ports[0]: 80 on all addresses overlaps 80 of service service[0] (line 3)` + hint,
		}},
		{"a bad address does not make a service listen on all", service("a", "80", `"192.0.2.1"`) + service("b", "80", `"192.0.2"`),
			[]string{`8: service[1].addresses[0]: "192.0.2" is not an address, must be like 192.0.2.1 or 2001:db8::1`}},
		{"nor does a misspelled key", service("a", "80", `"192.0.2.1"`) + strings.Replace(service("b", "80", ""), "addresses", "adresses", 1),
			[]string{`8: service[1].adresses: is not a key of the policy file, did you mean "addresses"?`}},
	})
	for _, c := range []struct{ name, src string }{
		{"own addresses", service("a", "80", `"192.0.2.1"`) + service("b", "80", `"192.0.2.2", "2001:db8::1"`)},
		{"own ports", service("a", `"80-89", 443`, "") + service("b", `79, "90-442", "444-65535"`, "")},
	} {
		t.Run("OK "+c.name, func(t *testing.T) { mustParse(t, c.src) })
	}
}

func TestParseBadAddresses(t *testing.T) {
	many := strings.Repeat(`"192.0.2.1", `, MaxAddresses+1)
	runBad(t, []badCase{
		{"each kind", "[[service]]\nname = \"web\"\nports = [80]\naddresses = [\n\"192.0.2.1\",\n\"192.0.2.0/24\",\n\"fe80::1%eth0\",\n" +
			"\"0.0.0.0\",\n\"::\",\n\"224.0.0.1\",\n\"ff02::1\",\n\"255.255.255.255\",\n\"::ffff:0.0.0.0\",\n\"::ffff:192.0.2.1\",\n\"localhost\",\n7,\n]\n", []string{
			`6: service[0].addresses[1]: "192.0.2.0/24" is not an address, must be like 192.0.2.1 or 2001:db8::1`,
			`7: service[0].addresses[2]: "fe80::1%eth0" has a zone, must be fe80::1`,
			`8: service[0].addresses[3]: "0.0.0.0" is not a unicast address, must be the address of one host`,
			`9: service[0].addresses[4]: "::" is not a unicast address, must be the address of one host`,
			`10: service[0].addresses[5]: "224.0.0.1" is not a unicast address, must be the address of one host`,
			`11: service[0].addresses[6]: "ff02::1" is not a unicast address, must be the address of one host`,
			`12: service[0].addresses[7]: "255.255.255.255" is not a unicast address, must be the address of one host`,
			`13: service[0].addresses[8]: "::ffff:0.0.0.0" is not a unicast address, must be the address of one host`,
			`14: service[0].addresses[9]: 192.0.2.1 is listed twice, keep one`,
			`15: service[0].addresses[10]: "localhost" is not an address, must be like 192.0.2.1 or 2001:db8::1`,
			`16: service[0].addresses[11]: is the integer 7, must be an address in quotes, such as "192.0.2.1"`,
		}},
		{"too many", web + "addresses = [" + many + "]\n", []string{"4: service[0].addresses: has 65 addresses, must be at most 64"}},
	})
}

func TestParseBadExempt(t *testing.T) {
	many := strings.Repeat(`"192.0.2.1",`, MaxExempt+1)
	runBad(t, []badCase{
		{"each kind", "[exempt]\nprefixes = [\n\"192.0.2.10/24\",\n\"2001:db8::1/32\",\n\"::ffff:192.0.2.10/120\",\n\"192.0.2.0/33\",\n" +
			"\"192.0.2\",\n\"fe80::%eth0/64\",\n\"fe80::1%eth0\",\n\"0.0.0.0\",\n\"\",\n\"192.0.2.0/024\",\n]\n" + web, []string{
			`3: exempt.prefixes[0]: "192.0.2.10/24" has bits set beyond its length, must be 192.0.2.0/24 for the network or 192.0.2.10 for the address`,
			`4: exempt.prefixes[1]: "2001:db8::1/32" has bits set beyond its length, must be 2001:db8::/32 for the network or 2001:db8::1 for the address`,
			`5: exempt.prefixes[2]: "::ffff:192.0.2.10/120" has bits set beyond its length, must be 192.0.2.0/24 for the network or 192.0.2.10 for the address`,
			`6: exempt.prefixes[3]: "192.0.2.0/33" is not a prefix, must be like 192.0.2.0/24 or 2001:db8::/32`,
			`7: exempt.prefixes[4]: "192.0.2" is not an address, must be like 192.0.2.1 or 2001:db8::1`,
			`8: exempt.prefixes[5]: "fe80::%eth0/64" is not a prefix, must be like 192.0.2.0/24 or 2001:db8::/32`,
			`9: exempt.prefixes[6]: "fe80::1%eth0" has a zone, must be fe80::1`,
			`10: exempt.prefixes[7]: "0.0.0.0" is not a unicast address, must be the address of one host`,
			`11: exempt.prefixes[8]: "" is not an address, must be like 192.0.2.1 or 2001:db8::1`,
			`12: exempt.prefixes[9]: "192.0.2.0/024" is not a prefix, must be like 192.0.2.0/24 or 2001:db8::/32`,
		}},
		{"too many", "exempt.prefixes = [" + many + "]\n" + web, []string{"1: exempt.prefixes: has 10001 entries, must be at most 10000"}},
	})
}

func TestExemptIsSorted(t *testing.T) {
	p := mustParse(t, "exempt.prefixes = [\"::/0\", \"10.0.0.0/8\", \"10.0.0.0/16\", \"::ffff:0.0.0.0/96\", \"9.9.9.9\", \"::1\", \"10.0.0.0/8\"]\n"+web)
	var want []netip.Prefix
	for _, s := range []string{"0.0.0.0/0", "9.9.9.9/32", "10.0.0.0/8", "10.0.0.0/16", "::/0", "::1/128"} {
		want = append(want, netip.MustParsePrefix(s))
	}
	if !reflect.DeepEqual(p.Exempt.Prefixes, want) {
		t.Errorf("prefixes are %v, want %v", p.Exempt.Prefixes, want)
	}
}
