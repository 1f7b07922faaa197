package metrics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

const (
	rulesFile     = "../contrib/prometheus/ebbgate.rules.yml"
	rulesTestFile = "../contrib/prometheus/ebbgate.rules.test.yml"
	dashboardFile = "../contrib/grafana/ebbgate.json"
)

// promtool runs it, and returns what it says.
func promtool(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(nstest.Prometheus(t, "promtool"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestPromtoolChecksTheExposition(t *testing.T) {
	e := newExposition()
	e.latest.Store(busy())
	body, err := e.text()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := promtool(t, string(body), "check", "metrics"); err != nil || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := promtool(t, "# TYPE x counter\nx 1\n", "check", "metrics"); err == nil {
		t.Errorf("a metric without help passes: %s", out)
	}
}

func TestPromtoolTestsTheRules(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", rulesTestFile}} {
		if out, err := promtool(t, "", args...); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	// The tests notice rules that say something else.
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(rulesTestFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(rulesTestFile)), tests, 0o644); err != nil {
		t.Fatal(err)
	}
	exprs := regexp.MustCompile(`(?m)^        expr: .*$`)
	for _, expr := range exprs.FindAllString(string(rules), -1) {
		never := strings.Replace(string(rules), expr, `        expr: vector(1) > 2`, 1)
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(rulesFile)), []byte(never), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := promtool(t, "", "test", "rules", filepath.Join(dir, filepath.Base(rulesTestFile))); err == nil {
			t.Errorf("no test needs %s: %s", strings.TrimSpace(expr), out)
		}
	}
}

// named matches the names of metrics of ours and of the process in an expression.
var named = regexp.MustCompile(`\b(?:ebbgate|process|go)_[a-z_]+\b`)

// shown has the names of the series that a status with everything in it gives.
func shown(t *testing.T) map[string]bool {
	t.Helper()
	e := newExposition()
	e.latest.Store(busy())
	body, err := e.text()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "#") {
			names[line[:strings.IndexAny(line, "{ ")]] = true
		}
	}
	return names
}

// TestContribNamesMetricsThereAre in its rules and its dashboard.
func TestContribNamesMetricsThereAre(t *testing.T) {
	there := shown(t)
	for _, file := range []string{rulesFile, rulesTestFile, dashboardFile} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := named.FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, n := range names {
			if !there[n] {
				t.Errorf("%s: there is no %s", file, n)
			}
		}
	}
}

// panel is what a test looks at of a dashboard's panel.
type panel struct {
	ID          int
	Type, Title string
	Description string
	Repeat      string
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ Expr, RefID string }
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID         string
		Panels      []panel
		Templating  struct{ List []struct{ Name string } }
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Annotations.List) != 1 || !strings.Contains(d.Annotations.List[0].Expr, "ebbgate_attack_open") || d.UID != "ebbgate" {
		t.Errorf("annotations %+v of %q", d.Annotations.List, d.UID)
	}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	ids := make(map[int]bool)
	repeated := 0
	for i, p := range d.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d (%q): its id or its title", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.Repeat != "" {
			repeated++
			if p.Type != "row" || p.Repeat != "service" {
				t.Errorf("%q is repeated by %q", p.Title, p.Repeat)
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q is wider than the page", p.Title)
		}
		for _, q := range d.Panels[i+1:] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%q and %q lie on each other", p.Title, q.Title)
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Description == "" {
			t.Errorf("%q has no query or says nothing of itself", p.Title)
		}
		for _, target := range p.Targets {
			for _, m := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !slices.Contains(append(variables, "__rate_interval", "__range"), m[1]) {
					t.Errorf("%q: there is no variable %s", p.Title, m[1])
				}
			}
		}
	}
	if repeated != 1 || !slices.Equal(variables, []string{"datasource", "instance", "service"}) {
		t.Errorf("%d rows are repeated, the variables are %v", repeated, variables)
	}
}
