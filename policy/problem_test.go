package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestProblemString(t *testing.T) {
	for _, c := range []struct {
		problem Problem
		want    string
	}{
		{Problem{"/etc/p.toml", 3, "observe.tick", "is wrong, must be right"}, "/etc/p.toml:3: observe.tick: is wrong, must be right"},
		{Problem{"F", 3, "", "is not valid TOML"}, "F:3: is not valid TOML"},
		{Problem{"F", 0, "", "is too long"}, "F: is too long"},
		{Problem{"F", 0, "mode", "is wrong"}, "F: mode: is wrong"},
	} {
		if got := c.problem.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestProblemsAreAnError(t *testing.T) {
	_, err := Parse("F", []byte("mode = 1\n"))
	wrapped := fmt.Errorf("read policy %q: %w", "F", err)
	var problems Problems
	if !errors.As(wrapped, &problems) || len(problems) != 2 {
		t.Fatalf("errors.As found %v in %v", problems, wrapped)
	}
	if want := problems[0].String() + "\n" + problems[1].String(); err.Error() != want {
		t.Errorf("Error() = %q, want %q", err.Error(), want)
	}
}

func TestProblemsOfEverySort(t *testing.T) {
	runBad(t, []badCase{{"all at once", `Mode = "enforce"
[observe]
tick = 200
cpu_budget = "5"
[[service]]
name = "web"
ports = [80,
  70000]
name = "x"
[service.response]
lease = "1h"
[[service]]
ports = [81, 81]
  [service.connections]
  per_source = 0
[[service]]
name = "web"
ports = ["1-100"]
`, []string{
		`1: Mode: is not a key of the policy file, write "mode": case matters`,
		`3: observe.tick: is the integer 200, must be a duration with its unit, in quotes, such as "200ms"`,
		`4: observe.cpu_budget: "5" is not a percentage, must be 0.1% to 100% with at most one decimal`,
		`8: service[0].ports[1]: 70000 is not a port, must be 1 to 65535`,
		`9: service[0].name: is given twice, first on line 6; keep one`,
		`11: service[0].response.lease: "1h" is out of range, must be 2s to 10m`,
		`12: service[1].name: is missing, every [[service]] must have a name`,
		`13: service[1].ports[1]: 81 overlaps 81 of the same service, each port must be listed once`,
		`15: service[1].connections.per_source: 0 is no limit, must be 3 to 1000000, or left out for no limit`,
		`17: service[2].name: "web" is already the name of the service on line 5, must be unique`,
		`18: service[2].ports[0]: 1-100 on all addresses overlaps 80 of service "web" (line 7), give each its own ports or its own addresses`,
		`18: service[2].ports[0]: 1-100 on all addresses overlaps 81 of service service[1] (line 13), give each its own ports or its own addresses`,
	}}})
}

// The same problems must get the same lines and the same order in a file with other line ends.
func TestProblemsDoNotDependOnLineEnds(t *testing.T) {
	src := web + "[service.response]\nlease = 5\n[[service]]\nname = \"b\"\nports = [\n  0,\n  \"x\"\n]\ntypo = \"\"\"a\nb\"\"\"\nmode = 1\n"
	want := "F:5: service[0].response.lease\nF:9: service[1].ports[0]\nF:10: service[1].ports[1]\nF:12: service[1].typo\nF:14: service[1].mode"
	for name, src := range map[string]string{
		"LF":              src,
		"CRLF":            strings.ReplaceAll(src, "\n", "\r\n"),
		"byte order mark": "\ufeff" + src,
		"both":            "\ufeff" + strings.ReplaceAll(src, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("F", []byte(src))
			var got []string
			for line := range strings.SplitSeq(fmt.Sprint(err), "\n") {
				place, _, _ := strings.Cut(line, ": is ")
				place, _, _ = strings.Cut(place, ": 0 ")
				place, _, _ = strings.Cut(place, ": \"x\" ")
				got = append(got, place)
			}
			if strings.Join(got, "\n") != want {
				t.Errorf("got\n%s\nwant\n%s\nof\n%v", strings.Join(got, "\n"), want, err)
			}
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	for _, n := range []int{MaxProblems, MaxProblems + 1, 5 * MaxProblems, 5000} {
		var b strings.Builder
		b.WriteString(web)
		for i := range n {
			fmt.Fprintf(&b, "unknown%d = 1\n", i)
		}
		_, err := Parse("F", []byte(b.String()))
		var problems Problems
		if !errors.As(err, &problems) {
			t.Fatalf("error is %v", err)
		}
		for i := range MaxProblems {
			if problems[i].Line != i+4 {
				t.Fatalf("of %d problems, number %d is on line %d, want %d", n, i, problems[i].Line, i+4)
			}
		}
		rest := problems[MaxProblems:]
		if n == MaxProblems {
			if len(rest) != 0 {
				t.Errorf("of %d problems, %v were added", n, rest)
			}
			continue
		}
		if want := fmt.Sprintf("F: and %d more problems, not listed", n-MaxProblems); len(rest) != 1 || rest[0].String() != want {
			t.Errorf("of %d problems, the rest is %v, want %s", n, rest, want)
		}
	}
}

func TestProblemsStayOnOneLine(t *testing.T) {
	long := strings.Repeat("\\u001b[31mx\\n", 1000)
	_, err := Parse("F", []byte("\""+long+"\" = 1\nmode = \""+long+"\"\n[control]\nview_group = \""+long+"\"\n"+web))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 3 {
		t.Fatalf("3 problems gave %d lines:\n%v", len(lines), err)
	}
	for _, line := range lines {
		if len(line) > 1000 || strings.ContainsRune(line, '\x1b') {
			t.Errorf("line is too long or unprintable: %q", line)
		}
	}
}

func TestShortenKeepsRunesWhole(t *testing.T) {
	if got := shorten("ééé", 3); got != "é..." {
		t.Errorf("got %q", got)
	}
	if got := printable("a\tb\u2028c", 10); got != "a?b?c" {
		t.Errorf("got %q", got)
	}
}
