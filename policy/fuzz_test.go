package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzParse holds Parse to what it promises for any file: no panic, a policy or problems but
// never both, problems with a line of the file, and a policy within its bounds which, written out
// and parsed again, is the same.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(web))
	f.Fuzz(func(t *testing.T, src []byte) {
		before := string(src)
		p, err := Parse("F", src)
		if string(src) != before {
			t.Fatal("Parse changed its input")
		}
		if _, again := Parse("F", src); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Fatalf("the second time Parse said\n%v\nafter\n%v", again, err)
		}
		if err != nil {
			checkProblems(t, src, p, err)
			return
		}
		checkPolicy(t, p)
		p.Warnings()
		text := render(p)
		q, err := Parse("F", []byte(text))
		if err != nil {
			t.Fatalf("written out, a good policy is bad: %v\n%s", err, text)
		}
		if !reflect.DeepEqual(normal(p), normal(q)) {
			t.Fatalf("written out, %+v became %+v", p, q)
		}
	})
}

func checkProblems(t *testing.T, src []byte, p *Policy, err error) {
	t.Helper()
	if p != nil {
		t.Fatalf("both a policy and problems: %v", err)
	}
	var problems Problems
	if !errors.As(err, &problems) || len(problems) == 0 || len(problems) > MaxProblems+1 {
		t.Fatalf("error is %T with %d problems", err, len(problems))
	}
	lines := 1 + strings.Count(string(src), "\n")
	for i, problem := range problems {
		last := i == MaxProblems
		if (problem.Line < 1 || problem.Line > lines) && !last && len(src) <= MaxFileSize {
			t.Errorf("problem is on line %d of %d: %v", problem.Line, lines, problem)
		}
		if i > 0 && !last && problem.Line < problems[i-1].Line {
			t.Errorf("problem is out of order: %v", problem)
		}
		if problem.Text == "" || strings.ContainsAny(problem.String(), "\n\r\x1b") {
			t.Errorf("problem is empty or not one line: %q", problem)
		}
	}
}

func checkPolicy(t *testing.T, p *Policy) {
	t.Helper()
	inRange := func(name string, value, least, most int64) {
		t.Helper()
		if value < least || value > most {
			t.Errorf("%s is %d, must be %d to %d", name, value, least, most)
		}
	}
	inRange("tick", int64(p.Observe.Tick), int64(MinTick), int64(MaxTick))
	inRange("cpu_budget", int64(p.Observe.CPUBudget), MinCPUBudget, MaxCPUBudget)
	inRange("max_sources", int64(p.Observe.MaxSources), MinMaxSources, MaxMaxSources)
	inRange("ipv6_source", int64(p.Observe.IPv6Source), MinIPv6Source, MaxIPv6Source)
	inRange("socket path", int64(len(p.Control.Socket)), 2, MaxSocketPath)
	inRange("view group", int64(len(p.Control.ViewGroup)), 0, MaxGroupName)
	inRange("exempt prefixes", int64(len(p.Exempt.Prefixes)), 0, MaxExempt)
	inRange("ssh groups", int64(len(p.Exempt.SSHGroups)), 0, MaxSSHGroups)
	inRange("syn_pressure", int64(p.Observe.SYNPressure), MinSYNPressure, MaxSYNPressure)
	inRange("max_blocks", int64(p.Limits.MaxBlocks), MinMaxBlocks, MaxMaxBlocks)
	inRange("services", int64(len(p.Services)), 1, MaxServices)
	for i, prefix := range p.Exempt.Prefixes {
		if prefix != prefix.Masked() || prefix.Addr().Is4In6() || i > 0 && ComparePrefix(p.Exempt.Prefixes[i-1], prefix) >= 0 {
			t.Errorf("exempt prefix %v is not masked, mapped or out of order", prefix)
		}
	}
	for i, group := range p.Exempt.SSHGroups {
		if !groupName(group) || i > 0 && p.Exempt.SSHGroups[i-1] >= group {
			t.Errorf("group %q is no name or out of order", group)
		}
	}
	for i := range p.Services {
		s := &p.Services[i]
		inRange("name", int64(len(s.Name)), 1, MaxServiceName)
		inRange("capacity", int64(s.Capacity), 0, MaxCapacity)
		inRange("per_source", int64(s.Connections.PerSource), 0, MaxPerSource)
		if s.Rate.SYNPerSource != 0 {
			inRange("syn_per_source", int64(s.Rate.SYNPerSource), MinSYNPerSource, MaxSYNPerSource)
		}
		inRange("lease", int64(s.Response.Lease), int64(max(MinLease, MinTicksPerLease*p.Observe.Tick)), int64(MaxLease))
		inRange("quiet", int64(s.Response.Quiet), int64(MinQuiet), int64(MaxQuiet))
		inRange("ports", int64(len(s.Ports)), 1, MaxPortRanges)
		inRange("addresses", int64(len(s.Addresses)), 0, MaxAddresses)
		if p.Service(s.Name) != s {
			t.Errorf("name %q is not unique", s.Name)
		}
		checkService(t, p, s)
		checkLimits(t, p, s)
	}
}

// checkLimits checks the limits of a service and of its prefixes, and how long it blocks.
func checkLimits(t *testing.T, p *Policy, s *Service) {
	t.Helper()
	may := func(value, least, most int) bool { return value == 0 || value >= least && value <= most }
	if !may(s.Rate.NewPerSource, MinNewPerSource, MaxNewPerSource) {
		t.Errorf("new_per_source is %d", s.Rate.NewPerSource)
	}
	limits := s.Connections.PerPrefix
	if len(limits) > MaxPrefixLimits {
		t.Errorf("%d prefix limits", len(limits))
	}
	for i, l := range limits {
		least, longest := MinIPv4Prefix, MaxIPv4Prefix
		if l.IPv6 {
			least, longest = MinIPv6Prefix, p.Observe.IPv6Source-1
		}
		if l.Bits < least || l.Bits > longest || l.Max < max(MinPerSource, s.Connections.PerSource) || l.Max > MaxPerPrefix {
			t.Errorf("prefix limit %+v is out of range", l)
		}
		if i > 0 && (limits[i-1].IPv6 && !l.IPv6 || limits[i-1].IPv6 == l.IPv6 && limits[i-1].Bits <= l.Bits) {
			t.Errorf("prefix limits %+v are out of order", limits)
		}
	}
	if len(s.Overrides) > MaxOverrides {
		t.Errorf("%d overrides", len(s.Overrides))
	}
	for i, o := range s.Overrides {
		if o.Prefix != o.Prefix.Masked() || o.PerSource == 0 && o.NewPerSource == 0 ||
			!may(o.PerSource, MinPerSource, MaxPerSource) || !may(o.NewPerSource, MinNewPerSource, MaxNewPerSource) {
			t.Errorf("override %+v is out of range", o)
		}
		if before := s.Overrides[max(0, i-1)].Prefix; i > 0 && (before.Bits() < o.Prefix.Bits() ||
			before.Bits() == o.Prefix.Bits() && ComparePrefix(before, o.Prefix) >= 0) {
			t.Errorf("overrides of %v and %v are out of order", before, o.Prefix)
		}
	}
	r := &s.Response
	if r.BlockAfter != 0 && (r.BlockAfter < MinBlockAfter || r.BlockAfter > MaxBlockAfter) {
		t.Errorf("block_after is %v", r.BlockAfter)
	}
	if n := len(r.BlockFor); n < 1 || n > MaxBlockSteps || r.BlockFor[0] < MinBlockFor || r.BlockFor[n-1] > MaxBlockFor || !slices.IsSorted(r.BlockFor) {
		t.Errorf("block_for is %v", r.BlockFor)
	}
}

// checkService checks the order of the lists of a service and that no end point of it belongs to
// another one as well.
func checkService(t *testing.T, p *Policy, s *Service) {
	t.Helper()
	for i, r := range s.Ports {
		if r.First < 1 || r.First > r.Last || i > 0 && s.Ports[i-1].Last >= r.First {
			t.Errorf("ports %v are not sorted or overlap", s.Ports)
		}
	}
	for i, a := range s.Addresses {
		if a.Is4In6() || a.Zone() != "" || a.IsMulticast() || a.IsUnspecified() || i > 0 && !s.Addresses[i-1].Less(a) {
			t.Errorf("addresses %v are not sorted, unique, unmapped unicast", s.Addresses)
		}
	}
	local := s.Addresses
	if len(local) == 0 {
		local = []netip.Addr{netip.MustParseAddr("198.51.100.77"), netip.MustParseAddr("2001:db8:77::1")}
	}
	for _, r := range s.Ports {
		for _, addr := range local {
			for _, port := range []uint16{r.First, r.Last} {
				for i := range p.Services {
					if other := &p.Services[i]; other != s && other.Serves(netip.AddrPortFrom(addr, port)) {
						t.Errorf("port %d on %v belongs to %q and %q", port, addr, s.Name, other.Name)
					}
				}
			}
		}
	}
}

// render writes a policy as a file with every key.
func render(p *Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "limits.max_blocks = %d\nlimits.conntrack = %q\n[exempt]\nprefixes = [%s]\nssh_groups = [", p.Limits.MaxBlocks, p.Limits.Conntrack, quoted(p.Exempt.Prefixes))
	for _, group := range p.Exempt.SSHGroups {
		fmt.Fprintf(&b, "%q, ", group)
	}
	b.WriteString("]\n")
	fmt.Fprintf(&b, "[observe]\ntick = %q\ncpu_budget = %q\nmax_sources = %d\nipv6_source = %d\nmeters = %q\nsyn_pressure = \"%d/s\"\n",
		p.Observe.Tick, percentage(p.Observe.CPUBudget), p.Observe.MaxSources, p.Observe.IPv6Source, p.Observe.Meters, p.Observe.SYNPressure)
	for i := range p.Services {
		s := &p.Services[i]
		var ports []string
		for _, r := range s.Ports {
			ports = append(ports, fmt.Sprintf(`"%d-%d"`, r.First, r.Last))
		}
		fmt.Fprintf(&b, "[[service]]\nname = %q\nmode = %q\nports = [%s]\naddresses = [%s]\ntraffic = %q\n",
			s.Name, s.Mode, strings.Join(ports, ", "), quoted(s.Addresses), s.Traffic)
		if s.Capacity > 0 {
			fmt.Fprintf(&b, "capacity = %d\n", s.Capacity)
		}
		fmt.Fprintf(&b, "[service.connections]\nclose_excess = %v\n", s.Connections.CloseExcess)
		if s.Connections.PerSource > 0 {
			fmt.Fprintf(&b, "per_source = %d\n", s.Connections.PerSource)
		}
		renderLimits(&b, s)
		fmt.Fprintf(&b, "[service.response]\nrefuse_with = %q\nlease = %q\nquiet = %q\nblock_after = %q\nblock_for = [%s]\n",
			s.Response.RefuseWith, s.Response.Lease, s.Response.Quiet, s.Response.BlockAfter, quoted(s.Response.BlockFor))
	}
	if p.Metrics.Listen.IsValid() {
		fmt.Fprintf(&b, "[metrics]\nlisten = %q\n", p.Metrics.Listen)
	}
	fmt.Fprintf(&b, "[control]\nsocket = %q\nview_group = %q\n", p.Control.Socket, p.Control.ViewGroup)
	fmt.Fprintf(&b, "[history]\npath = %q\nkeep = %q\n", p.History.Path, p.History.Keep)
	return b.String()
}

// renderLimits writes what follows per_source in [service.connections], the rates and an override
// for each prefix.
func renderLimits(b *strings.Builder, s *Service) {
	b.WriteString("per_prefix = [")
	for _, l := range s.Connections.PerPrefix {
		family := 4
		if l.IPv6 {
			family = 6
		}
		fmt.Fprintf(b, "{ ipv%d = %d, limit = %d }, ", family, l.Bits, l.Max)
	}
	b.WriteString("]\n[service.rate]\n")
	if s.Rate.SYNPerSource > 0 {
		fmt.Fprintf(b, "syn_per_source = \"%d/s\"\n", s.Rate.SYNPerSource)
	}
	if s.Rate.NewPerSource > 0 {
		fmt.Fprintf(b, "new_per_source = \"%d/s\"\n", s.Rate.NewPerSource)
	}
	for _, o := range s.Overrides {
		fmt.Fprintf(b, "[[service.override]]\nprefixes = [%q]\n", o.Prefix)
		if o.PerSource > 0 {
			fmt.Fprintf(b, "per_source = %d\n", o.PerSource)
		}
		if o.NewPerSource > 0 {
			fmt.Fprintf(b, "new_per_source = \"%d/s\"\n", o.NewPerSource)
		}
	}
}

func quoted[T fmt.Stringer](list []T) string {
	var items []string
	for _, item := range list {
		items = append(items, fmt.Sprintf("%q", item.String()))
	}
	return strings.Join(items, ", ")
}
