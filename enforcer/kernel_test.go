package enforcer

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// open returns a Table in a network namespace of the test's own.
func open(t testing.TB) *Table {
	t.Helper()
	nstest.Enter(t)
	return resume(t, -1)
}

// resume opens the table of the next run in the same namespace, with the socket that one stored; -1 is none.
func resume(t testing.TB, stored int) *Table {
	t.Helper()
	tb, err := Resume(stored)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return tb
}

// lacks skips what cannot be tested on a kernel without something. On a kernel of that version or newer it is a
// failure where the environment has CI set, but in the build that does without on purpose.
func lacks(t *testing.T, what string, major, minor int) {
	t.Helper()
	if os.Getenv("CI") != "" && !oldKernel && nstest.Linux(t, major, minor) {
		t.Fatalf("this kernel does not know %s, of Linux %d.%d", what, major, minor)
	}
	t.Skipf("this kernel does not know %s, of Linux %d.%d", what, major, minor)
}

// firstRun opens a table that the test ends itself, where the kernel guards it.
func firstRun(t *testing.T) *Table {
	t.Helper()
	nstest.Enter(t)
	tb, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	guarded(t, tb)
	return tb
}

// guarded skips where tables have no owners.
func guarded(t *testing.T, tb *Table) {
	t.Helper()
	if !tb.Owned() {
		lacks(t, "table ownership", 5, 12)
	}
}

// crash ends a table as a killed daemon does, with its socket in a descriptor store.
func crash(t *testing.T, tb *Table) (stored int) {
	t.Helper()
	stored, err := unix.FcntlInt(uintptr(tb.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.close(); err != nil {
		t.Fatal(err)
	}
	return stored
}

// apply makes a decision hold and returns the plan that did it.
func apply(t *testing.T, tb *Table, p *policy.Policy, d *policy.Decision) Plan {
	t.Helper()
	plan := Diff(tb.Have(), Compile(p, d, tb.Environment()), boottime.Now())
	if err := tb.Apply(plan); err != nil {
		t.Fatalf("%v\n%s", err, plan.String())
	}
	return plan
}

// nft runs the nft tool in the test's namespace and returns what it printed.
func nft(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

var (
	timesAndCounts = regexp.MustCompile(` timeout \S+| expires \S+|\t+packets \d+ bytes \d+\n| ?# .*|\t+flags owner\n|\t+flags owner,?|; policy accept;`)
	wrapped        = regexp.MustCompile(`,\n\t+ *`)
)

// normal makes our listing and nft's comparable: without times, counts, and nft's line breaks. nft
// lists elements in no order of its own, so they are sorted.
func normal(s string) []string {
	s = wrapped.ReplaceAllString(s, ", ")
	s = timesAndCounts.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, " == @", " @")
	s = strings.ReplaceAll(s, "tcp flags syn / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) == syn")
	s = strings.ReplaceAll(s, "tcp flags != syn / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) != syn")
	s = strings.ReplaceAll(s, "tcp flags ack / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) == ack")
	// nft lists counters in the order in which they were made, so the table's opening line must not
	// stick to the first.
	s = strings.Replace(s, "table inet "+TableName+" {\n", "table\n\t}\n", 1)
	var blocks []string
	for _, block := range strings.Split(s, "\n\t}\n") {
		var lines []string
		for _, l := range strings.Split(block, "\n") {
			if l = strings.TrimSpace(l); l == "" {
				continue
			}
			if rest, ok := strings.CutPrefix(l, "elements = { "); ok {
				l = sortedElements(rest)
			}
			lines = append(lines, l)
		}
		blocks = append(blocks, strings.Join(lines, "\n"))
	}
	return sorted(blocks)
}

// listed is our table as nft lists it.
func listed(t *testing.T) string {
	t.Helper()
	return nft(t, "-y", "list", "table", "inet", TableName)
}

// isListed checks that a ruleset is what nft listed of our table.
func isListed(t *testing.T, r Ruleset, text string) {
	t.Helper()
	if diff := cmp.Diff(normal(r.Format(boottime.Now())), normal(text)); diff != "" {
		t.Errorf("nft lists something else (-ours +nft):\n%s", diff)
	}
}
