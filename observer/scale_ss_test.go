package observer

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"ebbgate/policy"
)

// pipeline is the way without us: connections to the ports from first to last, by source. It is
// given every advantage: the kernel selects the ports, and sort compares bytes.
func pipeline(first, last int) *exec.Cmd {
	return exec.Command("sh", "-c", fmt.Sprintf(`export LC_ALL=C
ss -Htn state established '( sport >= :%d and sport <= :%d )' |
	awk '{ sub(/:[0-9]+$/, "", $4); print $4 }' | sort | uniq -c`, first, last))
}

// sourcesOf adds up what the pipeline printed as a census groups it.
func sourcesOf(tb testing.TB, printed []byte) map[netip.Prefix]int {
	tb.Helper()
	found := make(map[netip.Prefix]int)
	for lines := bufio.NewScanner(bytes.NewReader(printed)); lines.Scan(); {
		var n int
		var text string
		if _, err := fmt.Sscan(lines.Text(), &n, &text); err != nil {
			tb.Fatalf("the pipeline printed %q: %v", lines.Text(), err)
		}
		a, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil {
			tb.Fatalf("the pipeline printed %q: %v", lines.Text(), err)
		}
		found[policy.Group(a, 64)] += n
	}
	return found
}

func TestSourcesOf(t *testing.T) {
	got := sourcesOf(t, []byte("      2 10.66.0.1\n     10 [::ffff:10.66.0.1]\n      3 [2001:db8:66:5::1]\n      4 [2001:db8:66:5::2]\n"))
	want := map[netip.Prefix]int{netip.MustParsePrefix("10.66.0.1/32"): 12, netip.MustParsePrefix("2001:db8:66:5::/64"): 7}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
