package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// randomRanges returns up to four entries for a ports array among the ports 1 to 40.
func randomRanges(r *rand.Rand) []PortRange {
	ranges := make([]PortRange, 1+r.IntN(4))
	for i := range ranges {
		first := 1 + r.IntN(40)
		ranges[i] = PortRange{uint16(first), uint16(min(40, first+r.IntN(6)))}
	}
	return ranges
}

func portList(ranges []PortRange) string {
	var items []string
	for _, r := range ranges {
		items = append(items, fmt.Sprintf(`"%d-%d"`, r.First, r.Last))
	}
	return strings.Join(items, ", ")
}

// shared counts the ports that more than one entry has.
func shared(a []PortRange) int {
	n := 0
	for port := uint16(1); port <= 40; port++ {
		owners := 0
		for _, r := range a {
			if r.Contains(port) {
				owners++
			}
		}
		if owners > 1 {
			n++
		}
	}
	return n
}

func TestOverlapInsideAgreesWithCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		ranges := randomRanges(r)
		_, err := Parse("F", []byte("[[service]]\nname = \"a\"\nports = ["+portList(ranges)+"]\n"))
		if n := shared(ranges); (n > 0) != (err != nil) {
			t.Fatalf("%v: %d shared ports, error %v", ranges, n, err)
		}
	}
}

func TestOverlapBetweenAgreesWithServes(t *testing.T) {
	lists := []string{"", `"192.0.2.1"`, `"192.0.2.2", "2001:db8::1"`, `"::ffff:192.0.2.1", "2001:db8::2"`, `"2001:db8::1"`}
	var probes []netip.Addr
	for _, s := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"} {
		probes = append(probes, netip.MustParseAddr(s))
	}
	r := rand.New(rand.NewPCG(3, 4))
	tried := 0
	for range 2000 {
		var parts []string
		var alone []*Policy
		for _, name := range []string{"a", "b"} {
			src := fmt.Sprintf("[[service]]\nname = %q\nports = [%s]\naddresses = [%s]\n",
				name, portList(randomRanges(r)), lists[r.IntN(len(lists))])
			if p, err := Parse("F", []byte(src)); err == nil {
				parts, alone = append(parts, src), append(alone, p)
			}
		}
		if len(alone) < 2 {
			continue
		}
		tried++
		both := false
		for _, addr := range probes {
			for port := uint16(1); port <= 40; port++ {
				local := netip.AddrPortFrom(addr, port)
				both = both || alone[0].Services[0].Serves(local) && alone[1].Services[0].Serves(local)
			}
		}
		if _, err := Parse("F", []byte(parts[0]+parts[1])); (err != nil) != both {
			t.Fatalf("an end point is shared: %v, but Parse says: %v\nof\n%s%s", both, err, parts[0], parts[1])
		}
	}
	if tried < 300 {
		t.Errorf("only %d pairs were good enough to compare", tried)
	}
}

// Each of many repeated tables has the same mistakes; each must be reported on its own lines.
func TestLinesInManyRepeatedTables(t *testing.T) {
	const n = 30
	var b strings.Builder
	var want []string
	line := 0
	write := func(text, problem string) {
		line++
		b.WriteString(text + "\n")
		if problem != "" {
			want = append(want, fmt.Sprintf("%d: %s", line, problem))
		}
	}
	for i := range n {
		service := joinIndex("service", i)
		write("[[service]]", "")
		write(fmt.Sprintf("name = \"s%d\"", i), "")
		write("ports = [", "")
		write(fmt.Sprintf("  %d, # the %d. good one", 100+i, i), "")
		write("  0,", service+".ports[1]: 0 is not a port, must be 1 to 65535")
		write("]", "")
		for range i % 3 {
			write("", "")
		}
		write("  [service.connections]", "")
		write("  per_source = -1", service+".connections.per_source: -1 is out of range, must be 3 to 1000000")
		write("  [service.response]", "")
		write("  lease = 30", service+".response.lease: is the integer 30, must be a duration with its unit, in quotes, such as \"30s\"")
	}
	badCase{"", b.String(), want}.run(t)
}
