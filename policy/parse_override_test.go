package policy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParseBadOverride(t *testing.T) {
	// The header is on line 4, the lines of the override begin on line 5.
	one := func(lines, line, want string) badCase {
		return badCase{lines, web + "[[service.override]]\n" + lines + "\n", []string{line + ": service[0].override[0]" + want}}
	}
	const names = `names no prefix, must be like ["198.51.100.0/24", "2001:db8:2::/48"]`
	prefixes := "prefixes = [\"192.0.2.0/24\"]\n"
	runBad(t, []badCase{
		one("per_source = 9", "4", ".prefixes: "+names),
		one("per_source = 9\nprefixes = []", "6", ".prefixes: "+names),
		one(prefixes, "4", ": sets no limit, must have per_source, new_per_source or both"),
		one(prefixes+"per_source = 0", "6", ".per_source: 0 is no limit, must be 3 to 1000000, or left out for that of the service"),
		one(prefixes+"per_source = 2", "6", ".per_source: 2 is out of range, must be 3 to 1000000"),
		one(prefixes+"per_source = 1000001", "6", ".per_source: 1000001 is out of range, must be 3 to 1000000"),
		one(prefixes+"per_source = \"9\"", "6", `.per_source: is the string "9", must be an integer without quotes`),
		one(prefixes+"new_per_source = \"2/s\"", "6", `.new_per_source: "2/s" is out of range, must be "3/s" to "1000000/s"`),
		one(prefixes+"new_per_source = 9", "6", `.new_per_source: is the integer 9, must be a rate in quotes, such as "50/s"`),
		one(prefixes+"syn_per_source = \"9/s\"\nper_source = 9", "6",
			`.syn_per_source: is not a key of the policy file, "syn_per_source" belongs in [service.rate]`),
		one("per_source = 9\nprefixes = \"192.0.2.0/24\"", "6", `.prefixes: is the string "192.0.2.0/24", must be an array in square brackets`),
		one("per_source = 9\nprefixes = [\n\"192.0.2.0/24\",\n\"192.0.2.1/24\"]", "8",
			`.prefixes[1]: "192.0.2.1/24" has bits set beyond its length, must be 192.0.2.0/24 for the network or 192.0.2.1 for the address`),
		one("per_source = 9\nprefixes = [\n7]", "7",
			`.prefixes[0]: is the integer 7, must be an address or a prefix in quotes, such as "198.51.100.0/24"`),
		one("per_source = 9\nprefixes = [\n\"192.0.2.1\",\n\"::ffff:192.0.2.1\"]", "8",
			".prefixes[1]: 192.0.2.1/32 has an override of this service on line 7 already, keep one"),
		{"single table", web + "[service.override]\n" + prefixes,
			[]string{"4: service[0].override: is a table, must be a repeated table, written [[service.override]]"}},
		{"not a table", web + "override = [\n{ prefixes = [\"::/0\"], per_source = 3 },\n5]\n",
			[]string{"6: service[0].override[1]: is the integer 5, must be a repeated table, written [[service.override]]"}},
		{"empty", web + "[[service.override]]\n", []string{
			"4: service[0].override[0]: sets no limit, must have per_source, new_per_source or both",
			"4: service[0].override[0].prefixes: " + names}},
		{"too many", web + "[[service.override]]\nper_source = 3\nprefixes = [\"::1\"]\n" + manyOverrides(MaxOverrides) + "[[service.override]]\nprefixes = 1\n",
			[]string{"9: service[0].override[1].prefixes: brings the prefixes of this service to 1001, must be at most 1000",
				"11: service[0].override[2].prefixes: is the integer 1, must be an array in square brackets"}},
	})
}

// A prefix may have one override in each service; the second of a service names the first.
func TestParseOverrideTwice(t *testing.T) {
	src := web + "[[service.override]]\nper_source = 9\nprefixes = [\n\"192.0.2.0/24\",\n\"2001:db8::/32\",\n]\n" +
		"[service.response]\nlease = \"5s\"\n" +
		"[[service.override]]\nnew_per_source = \"9/s\"\nprefixes = [\"192.0.2.0/25\", \"2001:db8::/32\"]\n" +
		"[[service]]\nname = \"b\"\nports = [81]\n[[service.override]]\nper_source = 9\nprefixes = [\"192.0.2.0/24\"]\n"
	badCase{"", src, []string{
		"14: service[0].override[1].prefixes[1]: 2001:db8::/32 has an override of this service on line 8 already, keep one",
	}}.run(t)
	p := mustParse(t, strings.Replace(src, "\"192.0.2.0/25\", \"2001:db8::/32\"", "\"192.0.2.0/25\", \"::/0\"", 1))
	want := []Override{
		{Prefix: netip.MustParsePrefix("2001:db8::/32"), PerSource: 9},
		{Prefix: netip.MustParsePrefix("192.0.2.0/25"), NewPerSource: 9},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), PerSource: 9},
		{Prefix: netip.MustParsePrefix("::/0"), NewPerSource: 9},
	}
	if got := p.Services[0].Overrides; !slices.Equal(got, want) {
		t.Errorf("overrides are %+v, want %+v", got, want)
	}
	if got := p.Services[1].Overrides; !slices.Equal(got, want[2:3]) {
		t.Errorf("overrides of the second service are %+v", got)
	}
}
