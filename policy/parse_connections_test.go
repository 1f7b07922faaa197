package policy

import (
	"slices"
	"strings"
	"testing"
)

// perPrefix is a service with entries of per_prefix from line 6 on, in a table that begins with
// other keys on line 4.
func perPrefix(keys string, entries ...string) string {
	return web + "connections." + keys + "\nconnections.per_prefix = [\n" + strings.Join(entries, ",\n") + ",\n]\n"
}

func TestParseBadPerPrefix(t *testing.T) {
	const entry = "service[0].connections.per_prefix"
	one := func(text, want string) badCase {
		return badCase{text, perPrefix("close_excess = true", "{ ipv4 = 31, limit = 9 }", text), []string{"7: " + entry + "[1]" + want}}
	}
	limited := func(text, want string) badCase {
		return badCase{text + " with per_source", perPrefix("per_source = 100", text), []string{"6: " + entry + "[0].limit: " + want}}
	}
	like := ", must be like { ipv4 = 24, limit = 800 } or { ipv6 = 48, limit = 800 }"
	runBad(t, []badCase{
		one("{ ipv4 = 7, limit = 9 }", ".ipv4: 7 is out of range, must be 8 to 31"),
		one("{ ipv4 = 32, limit = 9 }", ".ipv4: 32 is out of range, must be 8 to 31"),
		one("{ ipv6 = 15, limit = 9 }", ".ipv6: 15 is out of range, must be 16 to 63"),
		one("{ ipv6 = 64, limit = 9 }", ".ipv6: 64 is not shorter than a source (observe.ipv6_source is 64), must be 16 to 63"),
		one("{ ipv6 = 129, limit = 9 }", ".ipv6: 129 is out of range, must be 16 to 63"),
		one("{ ipv4 = 24, ipv6 = 48, limit = 9 }", ": has both ipv4 and ipv6, must be one entry for each"),
		one("{ limit = 9 }", ": has no prefix length"+like),
		one("{ ipv4 = 24 }", ".limit: is missing, must be 3 to 10000000"),
		one("{ ipv4 = 24, limit = 0 }", ".limit: 0 is out of range, must be 3 to 10000000"),
		one("{ ipv4 = 24, limit = 2 }", ".limit: 2 is out of range, must be 3 to 10000000"),
		one("{ ipv4 = 24, limit = 10000001 }", ".limit: 10000001 is out of range, must be 3 to 10000000"),
		one("{ ipv4 = 31, limit = 8 }", ".ipv4: 31 is the length of the entry on line 6 already, keep one"),
		one(`{ ipv4 = "24", limit = 9 }`, `.ipv4: is the string "24", must be an integer without quotes`),
		one("{ ipv6 = [], limit = 9 }", ".ipv6: is an array, must be an integer without quotes"),
		one("{ ipv4 = 24, limit = 9.5 }", ".limit: is the float 9.5, must be an integer without quotes"),
		one("{ ipv4 = 24, limits = 9 }", `.limits: is not a key of the policy file, did you mean "limit"?`),
		one("{ bits = 24, ipv4 = 24, limit = 9 }", ".bits: is not a key of the policy file, this table takes: ipv4, ipv6, limit"),
		one("24", ": is the integer 24, must be a table in braces, such as { ipv4 = 24, limit = 800 }"),
		one("[{ ipv4 = 24, limit = 9 }]", ": is an array, must be a table in braces, such as { ipv4 = 24, limit = 800 }"),
		limited("{ ipv4 = 24, limit = 99 }", "99 is below the per_source of line 4, must be 100 to 10000000"),
		limited("{ ipv4 = 24, limit = 1 }", "1 is out of range, must be 100 to 10000000"),
		limited("{ ipv4 = 24 }", "is missing, must be 100 to 10000000"),
		{"empty entry", perPrefix("per_source = 5", "{}"), []string{
			"6: " + entry + "[0]: has no prefix length" + like,
			"6: " + entry + "[0].limit: is missing, must be 5 to 10000000"}},
		{"no array", web + "connections.per_prefix = { ipv4 = 24, limit = 9 }\n",
			[]string{"4: " + entry + ": is a table, must be an array in square brackets"}},
		{"too many", web + "connections.per_prefix = [" + manyPrefixLimits(MaxPrefixLimits+1) + "]\n",
			[]string{"4: " + entry + ": has 9 entries, must be at most 8"}},
		{"in the second service, by a longer source", "observe.ipv6_source = 96\n" + web + "[[service]]\nname = \"b\"\nports = [81]\n[service.connections]\n" +
			"per_prefix = [\n{ ipv6 = 95, limit = 9 },\n{ ipv6 = 96, limit = 9 },\n{ ipv6 = 95, limit = 9 }]\n", []string{
			"11: service[1].connections.per_prefix[1].ipv6: 96 is not shorter than a source (observe.ipv6_source is 96), must be 16 to 95",
			"12: service[1].connections.per_prefix[2].ipv6: 95 is the length of the entry on line 10 already, keep one"}},
	})
}

func TestPerPrefixIsSorted(t *testing.T) {
	want := []PrefixLimit{{Bits: 24, Max: 7}, {Bits: 8, Max: 9}, {IPv6: true, Bits: 56, Max: 5}, {IPv6: true, Bits: 24, Max: 6}}
	entries := []string{"{ ipv4 = 8, limit = 9 }", "{ limit = 6, ipv6 = 24 }", "{ ipv4 = 24, limit = 7 }", "{ ipv6 = 56, limit = 5 }"}
	for range len(entries) {
		p := mustParse(t, perPrefix("close_excess = true", entries...))
		if got := p.Services[0].Connections.PerPrefix; !slices.Equal(got, want) {
			t.Errorf("limits are %+v, want %+v", got, want)
		}
		entries = append(entries[1:], entries[0])
	}
	inline := "service = [{ name = \"web\", ports = [80], connections = { per_prefix = [{ ipv4 = 24, limit = 7 }] } }]\n"
	if got := mustParse(t, inline).Services[0].Connections.PerPrefix; !slices.Equal(got, want[:1]) {
		t.Errorf("written all in braces, limits are %+v", got)
	}
	headers := web + "[[service.connections.per_prefix]]\nipv4 = 24\nlimit = 7\n"
	if got := mustParse(t, headers).Services[0].Connections.PerPrefix; !slices.Equal(got, want[:1]) {
		t.Errorf("written with headers, limits are %+v", got)
	}
}
