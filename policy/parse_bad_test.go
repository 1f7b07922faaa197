package policy

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseNotTOML(t *testing.T) {
	const not = "is not valid TOML: "
	deep := "is nested more than 8 levels deep, no key of a policy file is"
	runBad(t, []badCase{
		{"text without quotes", "\nmode = shadow\n",
			[]string{"2: " + not + "unexpected character U+0073 's' at start of value; text must be in double quotes"}},
		{"duration without quotes", "observe.tick = 200ms\n", []string{"1: " + not + "strings must be quoted"}},
		{"quote not closed", web + "mode = \"shadow\n", []string{"4: " + not + "basic strings cannot have new lines"}},
		{"header not closed", web + "[service.response\nlease = \"30s\"\n",
			[]string{"4: " + not + "expected ']' to close table name"}},
		{"comma missing", "[[service]]\nports = [\n  80\n  443,\n]\n",
			[]string{"4: " + not + "expected ',' or ']' after array value"}},
		{"array not closed", "[[service]]\nports = [80,\n", []string{"2: " + not + "array is incomplete"}},
		{"two keys on a line", "a = 1 b = 2\n", []string{"1: " + not + "expected newline but got U+0062 'b'"}},
		{"NUL byte", "mode = \"shadow\"\n\x00", []string{"2: holds a NUL byte, must be UTF-8 text"}},
		{"UTF-16", "\xff\xfem\x00o\x00", []string{"1: holds a NUL byte, must be UTF-8 text"}},
		{"invalid UTF-8", "mode = \"\xff\"\n", []string{"1: " + not + "invalid UTF-8 character in basic string"}},
		{"bare carriage return", "mode = \"shadow\"\r", []string{"1: " + not + "expected newline but got U+000D"}},
		{"table twice", "[observe]\n[control]\n[observe]\n", []string{"3: " + not + "Key 'observe' has already been defined."}},
		{"integer too large", web + web + "max = [\n1,\n99999999999999999999]\n",
			[]string{"9: " + not + "99999999999999999999 is out of range for int64"}},
		{"impossible date", web + "x = 2020-13-45\n", []string{"4: " + not + `invalid datetime: "2020-13-45"`}},
		{"deep key", web + "a.b.c.d.e.f.g.h = 1\n", []string{"4: " + deep}},
		{"deep header", "\n[a.b.c.d.e.f.g.h.i]\n", []string{"2: " + deep}},
		{"very deep key", strings.Repeat("a.", 1<<18) + "a = 1\n", []string{"1: " + deep}},
		{"very deep array", "a = " + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "\n", []string{"1: " + deep}},
		{"deep inline table", "\na = " + strings.Repeat("{a=", 20) + "1" + strings.Repeat("}", 20), []string{"2: " + deep}},
		{"bottomless array", "a = " + strings.Repeat("[", 1<<19), []string{"1: " + not +
			"arrays and inline tables are nested more than the maximum of 10000 levels deep"}},
	})
}

func TestParseTooLarge(t *testing.T) {
	_, err := Parse("F", []byte(web+strings.Repeat("#", MaxFileSize)))
	want := fmt.Sprintf("F: is %d bytes long, must be at most %d", MaxFileSize+len(web), MaxFileSize)
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestParseWrongType(t *testing.T) {
	duration := `, must be a duration with its unit, in quotes, such as "200ms"`
	runBad(t, []badCase{
		{"bare integer as duration", web + "response.lease = 30\n",
			[]string{`4: service[0].response.lease: is the integer 30, must be a duration with its unit, in quotes, such as "30s"`}},
		{"scalars", "mode = 1\nobserve.tick = 0.2\ncontrol.socket = true\ncontrol.view_group = 2020-01-01\n" + web, []string{
			`1: mode: is the integer 1, must be "shadow" or "enforce"`,
			`2: observe.tick: is the float 0.2` + duration,
			`3: control.socket: is the boolean true, must be a string in quotes`,
			`4: control.view_group: is a date or time, must be a string in quotes`,
		}},
		{"strings", "observe.max_sources = \"1000\"\nobserve.tick = [\"1s\"]\n" + web + "connections.close_excess = \"no\"\n", []string{
			`1: observe.max_sources: is the string "1000", must be an integer without quotes`,
			`2: observe.tick: is an array` + duration,
			`6: service[0].connections.close_excess: is the string "no", must be true or false without quotes`,
		}},
		{"list elements", "exempt.prefixes = [\n  \"192.0.2.1\",\n  10,\n  [\"192.0.2.2\"]\n]\n" + web, []string{
			`3: exempt.prefixes[1]: is the integer 10, must be an address or a prefix in quotes, such as "192.0.2.0/24"`,
			`4: exempt.prefixes[2]: is an array, must be an address or a prefix in quotes, such as "192.0.2.0/24"`,
		}},
		{"no lists", web + "addresses = \"192.0.2.1\"\n[exempt]\nprefixes = \"192.0.2.1\"\n", []string{
			`4: service[0].addresses: is the string "192.0.2.1", must be an array in square brackets`,
			`6: exempt.prefixes: is the string "192.0.2.1", must be an array in square brackets`,
		}},
		{"ports no list", "[[service]]\nname = \"web\"\nports = 80\n",
			[]string{`3: service[0].ports: is the integer 80, must be an array in square brackets`}},
		{"tables", "observe = 5\n[service]\nname = \"web\"\n[[control]]\n[[exempt]]\n", []string{
			`1: observe: is the integer 5, must be a single table, written [observe]`,
			`2: service: is a table, must be a repeated table, written [[service]]`,
			`4: control: is a repeated table, must be a single table, written [control]`,
			`5: exempt: is a repeated table, must be a single table, written [exempt]`,
		}},
		{"table inside a service", web + "[[service.connections]]\nper_source = 1\n",
			[]string{`4: service[0].connections: is a repeated table, must be a single table, written [service.connections]`}},
		{"services in an array", "service = [\n  { name = \"web\", ports = [80] },\n  2\n]\n",
			[]string{`3: service[1]: is the integer 2, must be a repeated table, written [[service]]`}},
	})
}

func TestParseUnknownKey(t *testing.T) {
	const not = "is not a key of the policy file, "
	runBad(t, []badCase{
		{"misspelled", "mod = \"shadow\"\n" + web + "adress = []\n[service.conections]\n", []string{
			`1: mod: ` + not + `did you mean "mode"?`,
			`5: service[0].adress: ` + not + `did you mean "addresses"?`,
			`6: service[0].conections: ` + not + `did you mean "connections"?`,
		}},
		{"wrong case is not also missing", "[[service]]\nName = \"web\"\nPORTS = [80]\n", []string{
			`2: service[0].Name: ` + not + `write "name": case matters`,
			`3: service[0].PORTS: ` + not + `write "ports": case matters`,
		}},
		{"wrong table", web + "per_source = 5\n[service.response]\nmode = \"enforce\"\nprefixes = []\n", []string{
			`4: service[0].per_source: ` + not + `"per_source" belongs in [service.connections], or in [[service.override]]`,
			`6: service[0].response.mode: ` + not + `"mode" belongs at the top, before the first table, or in [[service]]`,
			`7: service[0].response.prefixes: ` + not + `"prefixes" belongs in [exempt], or in [[service.override]]`,
		}},
		{"name outside of a service", "name = \"web\"\n" + web,
			[]string{`1: name: ` + not + `"name" belongs in [[service]]`}},
		{"does not act yet", web + "connections.close_idle_after = \"1h\"\n", []string{
			`4: service[0].connections.close_idle_after: ` + not + `this table takes: per_source, per_prefix, close_excess`,
		}},
		{"repeated tables", "[[services]]\nname = \"a\"\n[[services]]\nname = \"b\"\n", []string{
			`1: services[0]: ` + not + `did you mean "service"?`,
			`3: services[1]: ` + not + `did you mean "service"?`,
		}},
		{"quoted with a dot", "\"observe.tick\" = \"1s\"\n\"\" = 1\n\"a\\u001bb\" = 1\n" + web, []string{
			`1: "observe.tick": ` + not + `this table takes: mode, exempt, observe, limits, service, control, metrics, history`,
			`2: "": ` + not + `this table takes: mode, exempt, observe, limits, service, control, metrics, history`,
			`3: "a\x1bb": ` + not + `this table takes: mode, exempt, observe, limits, service, control, metrics, history`,
		}},
	})
}

func TestParseTwice(t *testing.T) {
	runBad(t, []badCase{
		{"keys, and the rest is still checked", web + "name = \"again\"\nports = [\n  1,\n  2\n] # twice\nmode = \"on\"\n" +
			"[observe]\ntick = \"1s\"\ntick = \"2s\"\n", []string{
			`4: service[0].name: is given twice, first on line 2; keep one`,
			`5: service[0].ports: is given twice, first on line 3; keep one`,
			`9: service[0].mode: "on" is not a mode ("shadow" or "enforce")`,
			`12: observe.tick: is given twice, first on line 11; keep one`,
		}},
		{"key and table", "observe.tick = \"1s\"\nobserve = {}\n" + web,
			[]string{`2: observe: is given twice, first on line 1; keep one`}},
	})
}
