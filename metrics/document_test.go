package metrics

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// documented is a line of the tables in docs/metrics.md.
type documented struct{ kind, labels, meaning string }

func readDocument(t *testing.T) (string, map[string]documented) {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]documented)
	line := regexp.MustCompile("(?m)^\\| `(ebbgate_\\w+)` \\| (\\w+) \\| ([^|]*) \\| ([^|]*) \\|$")
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s is documented twice", m[1])
		}
		rows[m[1]] = documented{m[2], m[3], m[4]}
	}
	return string(text), rows
}

// TestDocumentAndCodeAgree on every metric, its type, its labels and its meaning, both ways.
func TestDocumentAndCodeAgree(t *testing.T) {
	text, rows := readDocument(t)
	want := map[string]documented{turnName: {"histogram", "", turnHelp}}
	for _, f := range families() {
		kind := map[prometheus.ValueType]string{prometheus.GaugeValue: "gauge", prometheus.CounterValue: "counter"}[f.kind]
		labels := ""
		if len(f.labels) > 0 {
			labels = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		want[prefix+f.name] = documented{kind, labels, f.help}
	}
	for name, w := range want {
		if got, ok := rows[name]; !ok {
			t.Errorf("docs/metrics.md lacks | `%s` | %s | %s | %s |", name, w.kind, w.labels, w.meaning)
		} else if got != w {
			t.Errorf("%s: docs/metrics.md has %+v, the code %+v", name, got, w)
		}
	}
	for name := range rows {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/metrics.md has %s, which there is not", name)
		}
	}
	there := shown(t)
	for _, name := range named.FindAllString(text, -1) {
		if _, ok := want[name]; !ok && !there[name] && !strings.HasSuffix(name, "_") {
			t.Errorf("docs/metrics.md names %s, which there is not", name)
		}
	}
	for _, part := range faultParts() {
		if !strings.Contains(text, "`"+part+"`") {
			t.Errorf("docs/metrics.md lacks the part %q", part)
		}
	}
}
