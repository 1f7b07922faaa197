package systemd

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is what the documentation says of the unit.
type page struct {
	text            string
	inUnit, leftOut []string // the directives in the first column of the sandbox's two tables
}

var directive = regexp.MustCompile("`([^`]+)`")

func readPage(t *testing.T) page {
	t.Helper()
	b, err := os.ReadFile("../docs/systemd.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{text: string(b)}
	_, sandbox, _ := strings.Cut(p.text, "\nIn the unit:\n")
	in, out, ok := strings.Cut(sandbox, "\nLeft out:")
	if !ok {
		t.Fatal("docs/systemd.md has no tables of what is in the unit and left out")
	}
	p.inUnit, p.leftOut = firstColumn(in), firstColumn(out)
	return p
}

func firstColumn(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.TrimSpace(cells[2]) == "" {
			continue
		}
		for _, m := range directive.FindAllStringSubmatch(cells[1], -1) {
			names = append(names, m[1])
		}
	}
	return names
}

// TestPageExplainsWhatCosts compares the page with systemd's own list of what the unit leaves open.
func TestPageExplainsWhatCosts(t *testing.T) {
	tool, file := counted(t)
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", "--json=short", file).Output()
	if err != nil {
		t.Fatalf("systemd-analyze judges the unit: %v", err)
	}
	var lines []struct {
		Name     string
		Exposure *string
	}
	if err := json.Unmarshal(out, &lines); err != nil {
		t.Fatal(err)
	}
	p, costs := readPage(t), 0
	for _, l := range lines {
		if l.Exposure == nil || *l.Exposure == "" {
			continue
		}
		costs++
		if !slices.Contains(p.leftOut, l.Name) {
			t.Errorf("%s costs %s, and docs/systemd.md does not say why it is left out", l.Name, *l.Exposure)
		}
	}
	if costs == 0 || len(lines) < 50 {
		t.Errorf("%d of %d lines cost points: not what systemd-analyze prints", costs, len(lines))
	}
}

// notSandbox are directives of the unit that shut nothing off.
var notSandbox = strings.Fields(`CPUWeight Environment ExecReload ExecStart FileDescriptorStoreMax LimitCORE LimitNOFILE
 MemoryMax MemorySwapMax Nice NotifyAccess OOMScoreAdjust Restart RestartPreventExitStatus RestartSec RuntimeDirectoryMode
 StateDirectoryMode TasksMax TimeoutAbortSec TimeoutStartFailureMode TimeoutStartSec TimeoutStopSec Type WatchdogSec`)

func TestPageListsTheSandbox(t *testing.T) {
	p := readPage(t)
	u := readUnit(t)
	for key := range u {
		name, ok := strings.CutPrefix(key, "Service.")
		if !ok || slices.Contains(notSandbox, name) {
			continue
		}
		if !slices.Contains(p.inUnit, name+"=") {
			t.Errorf("%s= is not in the page's table", name)
		}
	}
	for _, name := range p.inUnit {
		if strings.HasSuffix(name, "=") && u["Service."+strings.TrimSuffix(name, "=")] == nil {
			t.Errorf("the page lists %s, and the unit does not have it", name)
		}
	}
	for _, name := range p.leftOut {
		name, whole := strings.CutSuffix(name, "=")
		if whole && u["Service."+name] != nil && name != "AmbientCapabilities" {
			t.Errorf("the page says that %s= is left out, and the unit has it", name)
		}
	}
}

// TestPageHasTheBounds: the figures on the page are the unit's.
func TestPageHasTheBounds(t *testing.T) {
	p, u := readPage(t), readUnit(t)
	for _, key := range []string{"MemoryMax", "MemorySwapMax", "TasksMax", "LimitNOFILE", "OOMScoreAdjust", "CPUWeight", "Nice", "LimitCORE", "WatchdogSec", "TimeoutAbortSec", "RestartSec"} {
		want := key + "=" + strings.Join(u["Service."+key], "")
		if !strings.Contains(p.text, "`"+want) {
			t.Errorf("the page does not have `%s", want)
		}
	}
	for _, setting := range u["Service.Environment"] {
		if setting != "GOTRACEBACK=crash" && !strings.Contains(p.text, "`"+setting+"`") {
			t.Errorf("the page does not have %s", setting)
		}
	}
	files, err := filepath.Glob("*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("drop-ins: %v, %v", files, err)
	}
	for _, f := range files {
		if !strings.Contains(p.text, "| `"+f+"` |") {
			t.Errorf("the page does not have the drop-in %s", f)
		}
	}
}
