package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// web is the smallest useful policy, on three lines.
const web = "[[service]]\nname = \"web\"\nports = [80]\n"

// badCase is a file and everything that Parse must say about it, without the file's name.
type badCase struct {
	name string
	src  string
	want []string
}

func (c badCase) run(t *testing.T) {
	t.Helper()
	p, err := Parse("F", []byte(c.src))
	if p != nil {
		t.Errorf("Parse returned a policy with problems: %+v", p)
	}
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error is %T (%v), want Problems", err, err)
	}
	var got []string
	for _, problem := range problems {
		got = append(got, strings.TrimPrefix(problem.String(), "F:"))
	}
	if !reflect.DeepEqual(got, c.want) {
		t.Errorf("problems:\n  %s\nwant:\n  %s\nof file:\n%s",
			strings.Join(got, "\n  "), strings.Join(c.want, "\n  "), c.src)
	}
}

func runBad(t *testing.T, cases []badCase) {
	t.Helper()
	for _, c := range cases {
		t.Run("bad "+c.name, c.run)
	}
}

func mustParse(t *testing.T, src string) *Policy {
	t.Helper()
	p, err := Parse("F", []byte(src))
	if err != nil {
		t.Fatalf("Parse: %v\nof file:\n%s", err, src)
	}
	return p
}

func defaultPolicy() *Policy {
	return &Policy{
		Observe: Observe{Tick: 200 * time.Millisecond, CPUBudget: 50, MaxSources: 100000, IPv6Source: 64, SYNPressure: 50000},
		Limits:  Limits{MaxBlocks: 100000},
		Services: []Service{{
			Name:        "web",
			Ports:       []PortRange{{80, 80}},
			Connections: Connections{CloseExcess: true},
			Response:    defaultResponse(),
		}},
		Control: Control{Socket: "/run/ebbgate/control.sock", ViewGroup: "ebbgate-view"},
		History: History{Path: "/var/lib/ebbgate/history.db", Keep: 90 * 24 * time.Hour},
	}
}

func defaultResponse() Response {
	return Response{RefuseWith: Reset, Lease: 30 * time.Second, Quiet: time.Minute,
		BlockAfter: 10 * time.Second, BlockFor: []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}}
}

func TestParseOK(t *testing.T) {
	full := "mode = \"enforce\"\n" +
		"exempt.prefixes = [\"2001:db8::/32\", \"192.0.2.10\", \"::ffff:198.51.100.0/120\", \"192.0.2.10/32\"]\n" +
		"exempt.ssh_groups = [\"wheel\", \"_ops.1-a\", \"wheel\", \"Sudo\"]\nlimits = { max_blocks = 5000 }\n" +
		"[observe]\ntick = \"1s\"\ncpu_budget = \"2.5%\"\nmax_sources = 5_000\nipv6_source = 56\nmeters = \"always\"\nsyn_pressure = \"20000/s\"\n" +
		"[control]\nsocket = \"/tmp/e.sock\"\nview_group = \"\"\n[history]\npath = \"\"\nkeep = \"36h\"\n" +
		"[[service]]\nname = \"web\"\nports = [\"8000-8010\", 443, 0x50]\n" +
		"addresses = [\"2001:db8::1\", \"::ffff:192.0.2.1\"]\ntraffic = \"both\"\ncapacity = 8000\n" +
		"[service.connections]\nper_source = 100\nclose_excess = false\n" +
		"per_prefix = [{ ipv6 = 48, limit = 900 }, { ipv4 = 16, limit = 2000 }, { limit = 100, ipv4 = 24 }, { ipv6 = 55, limit = 800 }]\n" +
		"[service.rate]\nsyn_per_source = \"200/s\"\nnew_per_source = \"50/s\"\n" +
		"[[service.override]]\nprefixes = [\"10.0.0.0/8\", \"2001:db8::/32\", \"10.1.0.0/16\"]\nper_source = 2000\n" +
		"[service.response]\nrefuse_with = \"drop\"\nlease = \"5s\"\nquiet = \"1h30m\"\n" +
		"block_after = \"0s\"\nblock_for = [\"1m\", \"1m\", \"720h\"]\n" +
		"[[service.override]]\nprefixes = [\"::ffff:9.9.9.9\"]\nnew_per_source = \"3/s\"\nper_source = 3\n" +
		"[[service]]\nname = \"ssh\"\nmode = \"shadow\"\nports = [22]\n"
	want := &Policy{
		Exempt: Exempt{Prefixes: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.10/32"),
			netip.MustParsePrefix("198.51.100.0/24"),
			netip.MustParsePrefix("2001:db8::/32"),
		}, SSHGroups: []string{"Sudo", "_ops.1-a", "wheel"}},
		Observe: Observe{Tick: time.Second, CPUBudget: 25, MaxSources: 5000, IPv6Source: 56, Meters: Always, SYNPressure: 20000},
		Limits:  Limits{MaxBlocks: 5000},
		Services: []Service{{
			Name: "web", Mode: Enforce,
			Ports:     []PortRange{{80, 80}, {443, 443}, {8000, 8010}},
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
			Traffic:   Both,
			Capacity:  8000,
			Connections: Connections{PerSource: 100, PerPrefix: []PrefixLimit{
				{Bits: 24, Max: 100}, {Bits: 16, Max: 2000}, {IPv6: true, Bits: 55, Max: 800}, {IPv6: true, Bits: 48, Max: 900},
			}},
			Rate: Rate{SYNPerSource: 200, NewPerSource: 50},
			Overrides: []Override{
				{Prefix: netip.MustParsePrefix("9.9.9.9/32"), PerSource: 3, NewPerSource: 3},
				{Prefix: netip.MustParsePrefix("2001:db8::/32"), PerSource: 2000},
				{Prefix: netip.MustParsePrefix("10.1.0.0/16"), PerSource: 2000},
				{Prefix: netip.MustParsePrefix("10.0.0.0/8"), PerSource: 2000},
			},
			Response: Response{RefuseWith: Drop, Lease: 5 * time.Second, Quiet: 90 * time.Minute,
				BlockFor: []time.Duration{time.Minute, time.Minute, 720 * time.Hour}},
		}, {
			Name: "ssh", Mode: Shadow,
			Ports:       []PortRange{{22, 22}},
			Connections: Connections{CloseExcess: true},
			Response:    defaultResponse(),
		}},
		Control: Control{Socket: "/tmp/e.sock"},
		History: History{Keep: 36 * time.Hour},
	}
	inline := "observe = { tick = \"200ms\" }\n" +
		"service = [{ name = \"web\", ports = [80], response.quiet = \"60s\" }]\n"
	for _, c := range []struct {
		name, src string
		want      *Policy
	}{
		{"smallest", web, defaultPolicy()},
		{"every key", full, want},
		{"inline tables and dotted keys", inline, defaultPolicy()},
		{"quoted keys", strings.Replace(web, "name", `"name"`, 1), defaultPolicy()},
		{"CRLF", strings.ReplaceAll(web, "\n", "\r\n"), defaultPolicy()},
		{"byte order mark", "\ufeff" + web, defaultPolicy()},
		{"no newline at the end", strings.TrimSuffix(web, "\n"), defaultPolicy()},
		{"comments", "# one\n" + strings.ReplaceAll(web, "\n", " # two\n"), defaultPolicy()},
	} {
		t.Run("OK "+c.name, func(t *testing.T) {
			if got := mustParse(t, c.src); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestParseOKAtTheBounds(t *testing.T) {
	for _, c := range []struct{ name, src string }{
		{"lower", "[observe]\ntick = \"50ms\"\ncpu_budget = \"0.1%\"\nmax_sources = 1000\nipv6_source = 32\nsyn_pressure = \"1000/s\"\n[limits]\nmax_blocks = 100\n" + web +
			"capacity = 1\n[service.connections]\nper_source = 3\nper_prefix = [{ipv4 = 8, limit = 3}, {ipv6 = 16, limit = 3}]\n" +
			"[service.rate]\nsyn_per_source = \"10/s\"\nnew_per_source = \"3/s\"\n" +
			"[[service.override]]\nprefixes = [\"0.0.0.0/0\", \"::/0\"]\nper_source = 3\nnew_per_source = \"3/s\"\n" +
			"[service.response]\nlease = \"2s\"\nquiet = \"1s\"\nblock_after = \"1s\"\nblock_for = [\"10s\"]\n"},
		{"upper", "[observe]\ntick = \"2s\"\ncpu_budget = \"100.0%\"\nmax_sources = 1000000\nipv6_source = 128\nsyn_pressure = \"10000000/s\"\n[limits]\nmax_blocks = 1000000\n" + web +
			"capacity = 10000000\n[service.connections]\nper_source = 1000000\nper_prefix = [{ipv4 = 31, limit = 10000000}, {ipv6 = 127, limit = 1000000}]\n" +
			"[service.rate]\nsyn_per_source = \"1000000/s\"\nnew_per_source = \"1000000/s\"\n" +
			"[[service.override]]\nprefixes = [\"192.0.2.1/32\", \"::1\"]\nper_source = 1000000\nnew_per_source = \"1000000/s\"\n" +
			"[service.response]\nlease = \"10m\"\nquiet = \"24h\"\nblock_after = \"1h\"\nblock_for = [" + strings.Repeat("\"720h\",", MaxBlockSteps) + "]\n"},
		{"ports", "[[service]]\nname = \"all\"\nports = [\"1-65535\"]\n"},
		{"names", "[[service]]\nname = \"a" + strings.Repeat("_", 31) + "\"\nports = [1]\n" +
			"[[service]]\nname = \"a\"\nports = [65535]\n"},
		{"socket", "control.socket = \"/" + strings.Repeat("s", 102) + "\"\n" + web},
		{"group", "control.view_group = \"_" + strings.Repeat("g", 31) + "\"\n" + web},
		{"lease of five ticks", "observe.tick = \"2s\"\n" + web + "response.lease = \"10s\"\n"},
		{"size", web + strings.Repeat("#", MaxFileSize-len(web))},
		{"services", manyServices(MaxServices)},
		{"overrides", web + manyOverrides(MaxOverrides) + "[[service]]\nname = \"b\"\nports = [1]\n" + manyOverrides(MaxOverrides)},
		{"prefix limits", web + "connections.per_prefix = [" + manyPrefixLimits(MaxPrefixLimits) + "]\n"},
		{"ssh groups", "exempt.ssh_groups = [" + strings.Repeat("\"g\",", MaxSSHGroups) + "]\n" + web},
		{"exempt", "exempt.prefixes = [" + strings.Repeat("\"192.0.2.1\",", MaxExempt) + "]\n" + web},
	} {
		t.Run("OK "+c.name, func(t *testing.T) { mustParse(t, c.src) })
	}
}

func TestParseKeepsNoPartOfItsInput(t *testing.T) {
	src := []byte(web + "name = \"again\"\n")
	before := string(src)
	if _, err := Parse("F", src); err == nil {
		t.Fatal("a key given twice was accepted")
	}
	if string(src) != before {
		t.Errorf("Parse changed its input to %q", src)
	}
}

func manyServices(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[[service]]\nname = \"s%d\"\nports = [%d]\n", i, 1000+i)
	}
	return b.String()
}

// manyOverrides returns one override of n prefixes.
func manyOverrides(n int) string {
	var b strings.Builder
	b.WriteString("[[service.override]]\nper_source = 5\nprefixes = [")
	for i := range n {
		fmt.Fprintf(&b, "\"10.0.%d.%d\",", i/256, i%256)
	}
	return b.String() + "]\n"
}

func manyPrefixLimits(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{ ipv4 = %d, limit = 10 },", 10+i)
	}
	return b.String()
}
