package policy

import (
	"strings"
	"testing"
	"time"
)

func TestParseOutOfRange(t *testing.T) {
	tick := `is out of range, must be 50ms to 2s`
	share := `is not a percentage, must be 0.1% to 100% with at most one decimal`
	one := func(key, value, want string) badCase {
		return badCase{key + " " + value, web + "[" + key[:strings.LastIndexByte(key, '.')] + "]\n" +
			key[strings.LastIndexByte(key, '.')+1:] + " = " + value + "\n",
			[]string{"5: " + strings.Replace(key, "service", "service[0]", 1) + ": " + want}}
	}
	runBad(t, []badCase{
		{"mode", "mode = \"Shadow\"\n" + web, []string{`1: mode: "Shadow" is not a mode ("shadow" or "enforce")`}},
		{"mode of a service", web + web[:12] + "name = \"b\"\nports = [1]\nmode = \"off\"\n",
			[]string{`7: service[1].mode: "off" is not a mode ("shadow" or "enforce")`}},
		one("observe.tick", `"49.999ms"`, `"49.999ms" `+tick),
		one("observe.tick", `"5001ms"`, `"5001ms" `+tick),
		one("observe.tick", `"-200ms"`, `"-200ms" `+tick),
		one("observe.tick", `"0"`, `"0" `+tick),
		one("observe.tick", `"200"`, `"200" is not a duration, must be a number with the unit ms, s, m or h, from 50ms to 2s`),
		one("observe.cpu_budget", `"5"`, `"5" `+share),
		one("observe.cpu_budget", `"2.55%"`, `"2.55%" `+share),
		one("observe.cpu_budget", `"5.%"`, `"5.%" `+share),
		one("observe.cpu_budget", `".5%"`, `".5%" `+share),
		one("observe.cpu_budget", `"-5%"`, `"-5%" `+share),
		one("observe.cpu_budget", `"5 %"`, `"5 %" `+share),
		one("observe.cpu_budget", `"%"`, `"%" `+share),
		one("observe.cpu_budget", `"1e1%"`, `"1e1%" `+share),
		one("observe.cpu_budget", `"0%"`, `"0%" is out of range, must be 0.1% to 100%`),
		one("observe.cpu_budget", `"100.1%"`, `"100.1%" is out of range, must be 0.1% to 100%`),
		one("observe.max_sources", "999", "999 is out of range, must be 1000 to 1000000"),
		one("observe.max_sources", "1000001", "1000001 is out of range, must be 1000 to 1000000"),
		one("observe.max_sources", "-9223372036854775808", "-9223372036854775808 is out of range, must be 1000 to 1000000"),
		one("observe.ipv6_source", "31", "31 is out of range, must be 32 to 128"),
		one("observe.ipv6_source", "129", "129 is out of range, must be 32 to 128"),
		one("service.connections.per_source", "0", "0 is no limit, must be 3 to 1000000, or left out for no limit"),
		one("service.connections.per_source", "-1", "-1 is out of range, must be 3 to 1000000"),
		one("service.connections.per_source", "1000001", "1000001 is out of range, must be 3 to 1000000"),
		one("observe.meters", `"never"`, `"never" says not when meters run ("auto" or "always")`),
		{"traffic", web + "traffic = \"routed\"\n", []string{`4: service[0].traffic: "routed" is no kind of traffic ("local", "forwarded" or "both")`}},
		{"no capacity", web + "capacity = 0\n", []string{`4: service[0].capacity: 0 is out of range, must be 1 to 10000000`}},
		{"much capacity", web + "capacity = 10000001\n", []string{`4: service[0].capacity: 10000001 is out of range, must be 1 to 10000000`}},
		one("service.rate.syn_per_source", `"200"`, `"200" is not a rate, must be a whole number a second, "10/s" to "1000000/s"`),
		one("service.rate.syn_per_source", `"200/m"`, `"200/m" is not a rate, must be a whole number a second, "10/s" to "1000000/s"`),
		one("service.rate.syn_per_source", `"1.5/s"`, `"1.5/s" is not a rate, must be a whole number a second, "10/s" to "1000000/s"`),
		one("service.rate.syn_per_source", `"9/s"`, `"9/s" is out of range, must be "10/s" to "1000000/s"`),
		one("service.rate.syn_per_source", `"1000001/s"`, `"1000001/s" is out of range, must be "10/s" to "1000000/s"`),
		one("observe.syn_pressure", `"999/s"`, `"999/s" is out of range, must be "1000/s" to "10000000/s"`),
		one("observe.syn_pressure", `"10000001/s"`, `"10000001/s" is out of range, must be "1000/s" to "10000000/s"`),
		one("observe.syn_pressure", `"many"`, `"many" is not a rate, must be a whole number a second, "1000/s" to "10000000/s"`),
		one("limits.max_blocks", "99", "99 is out of range, must be 100 to 1000000"),
		one("limits.max_blocks", "1000001", "1000001 is out of range, must be 100 to 1000000"),
		one("limits.conntrack", `"always"`, `"always" says not whether conntrack may be used ("auto" or "never")`),
		one("service.rate.new_per_source", `"2/s"`, `"2/s" is out of range, must be "3/s" to "1000000/s"`),
		one("service.rate.new_per_source", `"1000001/s"`, `"1000001/s" is out of range, must be "3/s" to "1000000/s"`),
		one("service.response.refuse_with", `"reject"`, `"reject" is not a refusal ("reset" or "drop")`),
		one("service.response.lease", `"1999ms"`, `"1999ms" is out of range, must be 2s to 10m`),
		one("service.response.lease", `"601s"`, `"601s" is out of range, must be 2s to 10m`),
		one("service.response.quiet", `"999ms"`, `"999ms" is out of range, must be 1s to 24h`),
		one("service.response.quiet", `"24h1s"`, `"24h1s" is out of range, must be 1s to 24h`),
		{"lease below five ticks", "observe.tick = \"1s\"\n" + web + "response.lease = \"4s\"\n" +
			web[:12] + "name = \"b\"\nports = [1]\nresponse.lease = \"4999ms\"\n", []string{
			`5: service[0].response.lease: "4s" is shorter than 5 ticks of observe.tick, must be 5s to 10m`,
			`9: service[1].response.lease: "4.999s" is shorter than 5 ticks of observe.tick, must be 5s to 10m`,
		}},
	})
}

func TestParseBadControl(t *testing.T) {
	group := ` is not a group name, must be a letter or _ and then up to 31 of letters, digits, _, - and ., or empty for no group`
	absolute := ` is not an absolute path to a file, must be like "/run/ebbgate/control.sock"`
	control := func(name, line, want string) badCase {
		return badCase{name, "[control]\n" + line + "\n" + web, []string{"2: control." + want}}
	}
	runBad(t, []badCase{
		control("relative socket", `socket = "control.sock"`, `socket: "control.sock"`+absolute),
		control("empty socket", `socket = ""`, `socket: ""`+absolute),
		control("root as socket", `socket = "/"`, `socket: "/"`+absolute),
		control("directory as socket", `socket = "/run/"`, `socket: "/run/" is not in its shortest form, must be "/run"`),
		control("dots in socket", `socket = "/run/../tmp/s"`, `socket: "/run/../tmp/s" is not in its shortest form, must be "/tmp/s"`),
		control("newline in socket", `socket = "/run/a\nb"`,
			`socket: "/run/a\nb" holds unprintable characters, must be like "/run/ebbgate/control.sock"`),
		control("long socket", `socket = "/`+strings.Repeat("s", 103)+`"`, `socket: is a path of 104 bytes, must be at most 103`),
		control("group with a space", `view_group = "domain users"`, `view_group: "domain users"`+group),
		control("group of digits", `view_group = "100"`, `view_group: "100"`+group),
		control("long group", `view_group = "`+strings.Repeat("g", 33)+`"`, `view_group: "`+strings.Repeat("g", 33)+`"`+group),
	})
}

func TestBrief(t *testing.T) {
	for want, d := range map[string]string{"10m": "600s", "24h": "1440m", "1h30m": "90m", "1h0m5s": "3605s", "10s": "10s", "200ms": "0.2s", "1.5s": "1500ms", "0s": "0s"} {
		if got := Brief(duration(t, d)); got != want {
			t.Errorf("Brief(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestPercentage(t *testing.T) {
	for want, thousandths := range map[string]int{"0.1%": 1, "5%": 50, "2.5%": 25, "100%": 1000} {
		if got := percentage(thousandths); got != want {
			t.Errorf("percentage(%d) = %s, want %s", thousandths, got, want)
		}
	}
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
