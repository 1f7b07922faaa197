package metrics

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"ebbgate/control"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pedantic returns a registry that refuses what is not consistent, with the collector of a status.
func pedantic(t *testing.T, s *control.Status) *prometheus.Registry {
	t.Helper()
	c := newCollector()
	c.status = s
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	return r
}

// written is the exposition of a status, without the metrics of the process.
func written(t *testing.T, s *control.Status) string {
	t.Helper()
	all, err := pedantic(t, s).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range all {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestExpositionGolden(t *testing.T) {
	for name, s := range map[string]*control.Status{"busy": busy(), "starting": starting()} {
		// The version of Go is the toolchain's.
		got := withoutGo(written(t, s))
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func withoutGo(text string) string {
	before, rest, _ := strings.Cut(text, `goversion="`)
	_, after, _ := strings.Cut(rest, `"`)
	return before + `goversion="GO"` + after
}

func TestLint(t *testing.T) {
	for name, s := range map[string]*control.Status{"busy": busy(), "starting": starting()} {
		problems, err := testutil.GatherAndLint(pedantic(t, s))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
	}
}

// TestEveryFamilyIsShown: a status with something in every field leaves no metric out.
func TestEveryFamilyIsShown(t *testing.T) {
	text := written(t, busy())
	for _, f := range families() {
		if !strings.Contains(text, "# TYPE "+prefix+f.name+" ") {
			t.Errorf("%s is not shown", f.name)
		}
		if !strings.HasSuffix(f.help, ".") || len(f.help) < 12 {
			t.Errorf("%s: help %q is no sentence", f.name, f.help)
		}
	}
}

// TestLabelsAreBounded: as many series as services and lists make, however many sources there are, and none
// with an address in it.
func TestLabelsAreBounded(t *testing.T) {
	few, many := busy(), busy()
	for range 1000 {
		many.Services[0].Limits = append(many.Services[0].Limits, many.Services[0].Limits[0])
		many.Services[0].Listeners = append(many.Services[0].Listeners, many.Services[0].Listeners[0])
		many.Services[0].Attacks = append(many.Services[0].Attacks, many.Services[0].Attacks[0])
		many.Faults = append(many.Faults, control.Fault{Part: strings.Repeat("x", len(many.Faults))})
		many.Table.Sets = append(many.Table.Sets, many.Table.Sets[0])
	}
	if a, b := strings.Count(written(t, few), "\n"), strings.Count(written(t, many), "\n"); a != b {
		t.Errorf("%d lines, and %d of a flood", a, b)
	}
	bounded := []string{"service", "kind", "part", "state", "by", "mode", "version", "goversion"}
	for _, f := range families() {
		for _, l := range f.labels {
			if !slices.Contains(bounded, l) {
				t.Errorf("%s has the label %s, of which nobody has said that it is bounded", f.name, l)
			}
		}
	}
	for _, address := range []string{"203.0.113", "0.0.0.0", "192.0.2", "::"} {
		if strings.Contains(written(t, few), address) {
			t.Errorf("%s is shown", address)
		}
	}
}

// TestWhatIsNoMetricIsAnError of the whole exposition, and no panic.
func TestWhatIsNoMetricIsAnError(t *testing.T) {
	s := busy()
	s.Services[0].Name = "a\xffb"
	if _, err := pedantic(t, s).Gather(); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("gathered with %v, want a word on UTF-8", err)
	}
	s = busy()
	s.Services[1].Name = s.Services[0].Name
	if _, err := pedantic(t, s).Gather(); err == nil || !strings.Contains(err.Error(), "collected before") {
		t.Errorf("gathered two services of one name with %v", err)
	}
}

// BenchmarkText is what a scrape costs where every service of a large policy is shown.
func BenchmarkText(b *testing.B) {
	s := busy()
	one := s.Services[0]
	s.Services = nil
	for i := range 64 {
		one.Name = "service" + strings.Repeat("x", i)
		s.Services = append(s.Services, one)
	}
	e := newExposition()
	for b.Loop() {
		fresh := *s
		e.latest.Store(&fresh)
		body, err := e.text()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(body)), "bytes")
	}
}
