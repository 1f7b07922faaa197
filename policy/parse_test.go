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
		Observe: Observe{Tick: 200 * time.Millisecond, CPUBudget: 50, MaxSources: 100000, IPv6Source: 64},
		Services: []Service{{
			Name:        "web",
			Ports:       []PortRange{{80, 80}},
			Connections: Connections{CloseExcess: true},
			Response:    Response{RefuseWith: Reset, Lease: 30 * time.Second, Quiet: time.Minute},
		}},
		Control: Control{Socket: "/run/ebbgate/control.sock", ViewGroup: "ebbgate-view"},
	}
}

func TestParseOK(t *testing.T) {
	full := "mode = \"enforce\"\n" +
		"exempt.prefixes = [\"2001:db8::/32\", \"192.0.2.10\", \"::ffff:198.51.100.0/120\", \"192.0.2.10/32\"]\n" +
		"[observe]\ntick = \"1s\"\ncpu_budget = \"2.5%\"\nmax_sources = 5_000\nipv6_source = 56\nmeters = \"always\"\n" +
		"[control]\nsocket = \"/tmp/e.sock\"\nview_group = \"\"\n" +
		"[[service]]\nname = \"web\"\nports = [\"8000-8010\", 443, 0x50]\n" +
		"addresses = [\"2001:db8::1\", \"::ffff:192.0.2.1\"]\ntraffic = \"both\"\ncapacity = 8000\n" +
		"[service.connections]\nper_source = 100\nclose_excess = false\n" +
		"[service.rate]\nsyn_per_source = \"200/s\"\n" +
		"[service.response]\nrefuse_with = \"drop\"\nlease = \"5s\"\nquiet = \"1h30m\"\n" +
		"[[service]]\nname = \"ssh\"\nmode = \"shadow\"\nports = [22]\n"
	want := &Policy{
		Exempt: Exempt{Prefixes: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.10/32"),
			netip.MustParsePrefix("198.51.100.0/24"),
			netip.MustParsePrefix("2001:db8::/32"),
		}},
		Observe: Observe{Tick: time.Second, CPUBudget: 25, MaxSources: 5000, IPv6Source: 56, Meters: Always},
		Services: []Service{{
			Name: "web", Mode: Enforce,
			Ports:       []PortRange{{80, 80}, {443, 443}, {8000, 8010}},
			Addresses:   []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
			Traffic:     Both,
			Capacity:    8000,
			Connections: Connections{PerSource: 100},
			Rate:        Rate{SYNPerSource: 200},
			Response:    Response{RefuseWith: Drop, Lease: 5 * time.Second, Quiet: 90 * time.Minute},
		}, {
			Name: "ssh", Mode: Shadow,
			Ports:       []PortRange{{22, 22}},
			Connections: Connections{CloseExcess: true},
			Response:    Response{RefuseWith: Reset, Lease: 30 * time.Second, Quiet: time.Minute},
		}},
		Control: Control{Socket: "/tmp/e.sock"},
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
		{"lower", "[observe]\ntick = \"50ms\"\ncpu_budget = \"0.1%\"\nmax_sources = 1000\nipv6_source = 32\n" + web +
			"capacity = 1\n[service.connections]\nper_source = 3\n[service.rate]\nsyn_per_source = \"10/s\"\n[service.response]\nlease = \"2s\"\nquiet = \"1s\"\n"},
		{"upper", "[observe]\ntick = \"2s\"\ncpu_budget = \"100.0%\"\nmax_sources = 1000000\nipv6_source = 128\n" + web +
			"capacity = 10000000\n[service.connections]\nper_source = 1000000\n[service.rate]\nsyn_per_source = \"1000000/s\"\n[service.response]\nlease = \"10m\"\nquiet = \"24h\"\n"},
		{"ports", "[[service]]\nname = \"all\"\nports = [\"1-65535\"]\n"},
		{"names", "[[service]]\nname = \"a" + strings.Repeat("_", 31) + "\"\nports = [1]\n" +
			"[[service]]\nname = \"a\"\nports = [65535]\n"},
		{"socket", "control.socket = \"/" + strings.Repeat("s", 102) + "\"\n" + web},
		{"group", "control.view_group = \"_" + strings.Repeat("g", 31) + "\"\n" + web},
		{"lease of five ticks", "observe.tick = \"2s\"\n" + web + "response.lease = \"10s\"\n"},
		{"size", web + strings.Repeat("#", MaxFileSize-len(web))},
		{"services", manyServices(MaxServices)},
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
