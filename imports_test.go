// Package ebbgate_test holds the rules about which part may import which (ARCHITECTURE.md).
package ebbgate_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layer says what one part may import of the others, and why no more.
type layer struct {
	may []string // packages of this module, and for policy also modules
	why string
}

// layers lists every package. Data flows one way: from the kernel through the observer to the
// decision, and through the enforcer back to the kernel.
var layers = map[string]layer{
	"ebbgate":                      {nil, "it holds tests only"},
	"ebbgate/policy":               {nil, "the decision is a pure function: anything it imported could read a clock or the kernel"},
	"ebbgate/internal/boottime":    {[]string{"ebbgate/policy"}, "it is a leaf"},
	"ebbgate/internal/ownaddr":     {nil, "it is a leaf"},
	"ebbgate/internal/escape":      {nil, "it is a leaf"},
	"ebbgate/internal/csf":         {[]string{"ebbgate/policy", "ebbgate/internal/escape"}, "it is pure: files in, a policy out"},
	"ebbgate/internal/nlwire":      {nil, "it carries messages and knows nothing of what they mean"},
	"ebbgate/internal/inetdiag":    {[]string{"ebbgate/policy", "ebbgate/internal/nlwire"}, "the netlink edge knows nothing of who uses it"},
	"ebbgate/internal/ctnetlink":   {[]string{"ebbgate/internal/nlwire"}, "the netlink edge knows nothing of who uses it"},
	"ebbgate/internal/setdump":     {[]string{"ebbgate/internal/nlwire"}, "the netlink edge knows nothing of who uses it"},
	"ebbgate/internal/nftwire":     {[]string{"ebbgate/internal/nlwire"}, "it carries transactions and knows nothing of who wants them"},
	"ebbgate/internal/process":     {[]string{"ebbgate/internal/escape"}, "it reads /proc for people; nothing the daemon runs may depend on it"},
	"ebbgate/internal/survey":      {[]string{"ebbgate/policy", "ebbgate/observer", "ebbgate/internal/nlwire", "ebbgate/internal/inetdiag", "ebbgate/internal/process"}, "it serves commands that need no daemon, and counts with the doors of the census"},
	"ebbgate/internal/audit":       {[]string{"ebbgate/policy", "ebbgate/internal/inetdiag", "ebbgate/internal/process", "ebbgate/internal/escape"}, "it serves a command that needs no daemon"},
	"ebbgate/internal/suggest":     {[]string{"ebbgate/policy", "ebbgate/internal/escape"}, "it is pure: observations in, a proposal out"},
	"ebbgate/internal/top":         {[]string{"ebbgate/policy", "ebbgate/control", "ebbgate/internal/top/unasked"}, "it sees the daemon as an operator does: by the control socket"},
	"ebbgate/internal/top/unasked": {nil, "it must be ready before the terminal library is"},
	"ebbgate/internal/cgroup":      {[]string{"ebbgate/policy"}, "it reads a file system and knows nothing of who asks"},
	"ebbgate/internal/login":       {[]string{"ebbgate/policy"}, "it reads the login manager's files and knows nothing of who asks"},
	"ebbgate/internal/crowd":       {nil, "it fills a namespace with sockets for the benchmarks, whatever counts them"},
	"ebbgate/observer":             {[]string{"ebbgate/policy", "ebbgate/internal/inetdiag", "ebbgate/internal/ctnetlink", "ebbgate/internal/cgroup", "ebbgate/internal/login", "ebbgate/internal/boottime"}, "watching must not depend on enforcing or reporting"},
	"ebbgate/enforcer":             {[]string{"ebbgate/policy", "ebbgate/internal/inetdiag", "ebbgate/internal/ctnetlink", "ebbgate/internal/nlwire", "ebbgate/internal/nftwire", "ebbgate/internal/setdump", "ebbgate/internal/boottime", "ebbgate/internal/ownaddr"}, "enforcing must not depend on watching or reporting: it takes a decision, whoever made it"},
	"ebbgate/control":              {[]string{"ebbgate/policy", "ebbgate/internal/ownaddr", "ebbgate/internal/escape"}, "clients must not pull the kernel's edges in"},
	"ebbgate/internal/report":      {[]string{"ebbgate/policy", "ebbgate/control", "ebbgate/internal/escape"}, "it is pure: what the daemon told in, a page out"},
	"ebbgate/metrics":              {[]string{"ebbgate/policy", "ebbgate/control"}, "it shows what was published, and must not reach the kernel or the loop"},
	"ebbgate/history":              {[]string{"ebbgate/policy", "ebbgate/control"}, "it keeps what it is given and knows no kernel and no daemon"},
	"ebbgate/recording":            {[]string{"ebbgate/policy"}, "a recording must replay without a kernel"},
	"ebbgate/systemd":              {nil, "it speaks to the service manager and knows nothing of us"},
	"ebbgate/daemon":               {[]string{"ebbgate/policy", "ebbgate/observer", "ebbgate/enforcer", "ebbgate/control", "ebbgate/systemd", "ebbgate/recording", "ebbgate/history"}, "it ties the parts together and is tied to nothing above"},
	"ebbgate/packaging":            {nil, "it makes texts for people; nothing the daemon runs may depend on it"},
	"ebbgate/internal/nstest":      {[]string{"ebbgate/internal/lab"}, "tests of every layer use it"},
	"ebbgate/internal/screen":      {[]string{"ebbgate/internal/nstest", "ebbgate/internal/escape"}, "it is a terminal for tests, whatever runs on it"},
	"ebbgate/internal/script":      {nil, "it is what test scripts say, whatever program they run"},
	"ebbgate/internal/fault":       {nil, "it is a kernel that fails, for tests, whatever program it fails"},
	"ebbgate/internal/lab":         {nil, "the laboratory watches the daemon from outside, so it must not share its code"},
	"ebbgate/internal/e2e":         {nil, "it holds tests only, which run the real binary"},
	"ebbgate/internal/nspawn":      {[]string{"ebbgate/internal/lab", "ebbgate/internal/nstest"}, "it boots machines for tests, whatever is installed on them"},
	"ebbgate/internal/installed":   {nil, "it holds tests only, which install the real package"},
	"ebbgate/internal/demo":        {[]string{"ebbgate/control", "ebbgate/internal/lab"}, "it sees the daemon as an operator does: from outside"},
	"ebbgate/internal/notify":      {[]string{"ebbgate/policy", "ebbgate/control"}, "it is a client without privilege, and must not pull the kernel's edges in"},
	"ebbgate/internal/compare":     {[]string{"ebbgate/policy", "ebbgate/enforcer", "ebbgate/internal/boottime", "ebbgate/internal/nlwire", "ebbgate/internal/inetdiag", "ebbgate/internal/ctnetlink", "ebbgate/internal/lab", "ebbgate/internal/demo"}, "it measures the daemon from outside, and the rules the enforcer makes"},
	"ebbgate/cmd/ebbgate": {[]string{"ebbgate/policy", "ebbgate/observer", "ebbgate/enforcer", "ebbgate/control", "ebbgate/systemd", "ebbgate/daemon",
		"ebbgate/recording", "ebbgate/history", "ebbgate/metrics", "ebbgate/internal/boottime", "ebbgate/internal/demo", "ebbgate/internal/survey", "ebbgate/internal/audit", "ebbgate/internal/suggest", "ebbgate/internal/top", "ebbgate/internal/process", "ebbgate/internal/csf", "ebbgate/internal/escape", "ebbgate/internal/notify", "ebbgate/internal/report"}, "it only constructs and calls"},
	"ebbgate/internal/installed/shop": {[]string{"ebbgate/internal/lab"}, "it runs in the machine that is attacked, and is no part of the program"},
	"ebbgate/internal/compare/cmd":    {[]string{"ebbgate/internal/compare"}, "it only constructs and calls"},
}

// policyModules are the modules policy may import: the TOML decoder and the one that tells where
// in the file a key stands.
var policyModules = []string{"github.com/BurntSushi/toml", "github.com/pelletier/go-toml/v2/unstable"}

// listed is what go list tells of a package.
type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Standard     bool
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range list(t) {
		seen[p.ImportPath] = true
		rule, known := layers[p.ImportPath]
		if !known {
			t.Errorf("%s has no rule: add it to layers and to ARCHITECTURE.md", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "ebbgate") && !slices.Contains(rule.may, i) {
				t.Errorf("%s imports %s, but %s", p.ImportPath, i, rule.why)
			}
		}
	}
	for path := range layers {
		if !seen[path] {
			t.Errorf("%s has a rule, but does not exist any more", path)
		}
	}
}

func TestPolicyImportsNothingThatReadsTheWorld(t *testing.T) {
	forbidden := []string{"os", "net", "syscall", "io/ioutil", "os/exec", "log", "log/slog", "runtime", "sync"}
	for _, p := range list(t) {
		if p.ImportPath != "ebbgate/policy" {
			continue
		}
		for _, i := range p.Imports {
			if strings.Contains(i, ".") && !slices.Contains(policyModules, i) {
				t.Errorf("policy imports %s; it may import the standard library and %v only", i, policyModules)
			}
			if slices.Contains(forbidden, i) {
				t.Errorf("policy imports %s, through which it could reach a clock, a file or the kernel", i)
			}
		}
	}
}
