package crowd

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPairs(t *testing.T) {
	c := Config{Sockets: 200_000, Sources: 5000, Listeners: 50}
	sources, listeners := map[int]int{}, map[int]int{}
	for i := range c.Sockets / 2 {
		p := c.pairOf(i)
		sources[p.source]++
		listeners[p.listener]++
		if six, k := Source(p.source).Is6(), kind(p.listener); six && k == only4 || !six && k == only6 {
			t.Fatalf("source %v meets listener %d, which serves the other family", Source(p.source), p.listener)
		}
	}
	if len(sources) != 5000 || len(listeners) != 50 {
		t.Errorf("%d sources and %d listeners, want 5,000 and 50", len(sources), len(listeners))
	}
	for s, n := range sources {
		if n != 20 {
			t.Errorf("source %d has %d connections, want 20", s, n)
		}
	}
	for l, n := range listeners {
		if n < 500 {
			t.Errorf("listener %d has %d connections only", l, n)
		}
	}
}

func TestSourcesDiffer(t *testing.T) {
	seen := map[netip.Addr]bool{Server4(): true, Server6(): true}
	v4, v6 := netip.MustParsePrefix("10.66.0.0/16"), netip.MustParsePrefix("2001:db8:66::/48")
	for i := range mostSources {
		a := Source(i)
		if seen[a] || !v4.Contains(a) && !v6.Contains(a) {
			t.Fatalf("source %d is %v", i, a)
		}
		seen[a] = true
	}
}

func TestConfigCheck(t *testing.T) {
	good := Config{Sockets: 100, Sources: 10, Listeners: 5}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"none", func(c *Config) { c.Sockets = 0 }, "even number from 2"},
		{"odd", func(c *Config) { c.Sockets = 101 }, "101 sockets"},
		{"too many", func(c *Config) { c.Sockets = mostSockets + 2 }, "2000000"},
		{"no source", func(c *Config) { c.Sources = 0 }, "0 sources"},
		{"too many sources", func(c *Config) { c.Sources = mostSources + 1 }, "65001 sources"},
		{"few listeners", func(c *Config) { c.Listeners = 0 }, "0 listeners"},
		{"odd listeners", func(c *Config) { c.Listeners = 7 }, "multiple of 5"},
		{"many listeners", func(c *Config) { c.Listeners = mostListeners + 5 }, "1005 listeners"},
		{"negative worker", func(c *Config) { c.WorkerSockets = -1 }, "-1 sockets"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			if _, err := Build(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestAfford(t *testing.T) {
	const gib = 1 << 30
	tests := []struct {
		name          string
		wanted        int
		memory, files uint64
		sockets       int
		why           string
	}{
		{"enough", 1_000_000, 24 * gib, 2_500_000, 1_000_000, ""},
		{"exactly enough", 1000, 2000 * socketMemory, 2000, 1000, ""},
		{"little memory", 1_000_000, 4 * gib, 2_500_000, 419_430, "would need 4882 MiB, half of what is available are 2048 MiB"},
		{"few files", 1_000_000, 24 * gib, 100_001, 50_000, "fs.file-max leaves 100001"},
		{"an even number", 1000, 1000*socketMemory - 2, 5000, 498, "498 sockets instead of 1000"},
		{"nothing", 10, 0, 0, 0, "0 sockets"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sockets, why := afford(tt.wanted, tt.memory, tt.files)
			if sockets != tt.sockets || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") {
				t.Errorf("got %d, %q; want %d, %q", sockets, why, tt.sockets, tt.why)
			}
		})
	}
}

func TestAffordableReadsThisMachine(t *testing.T) {
	if sockets, why, err := Affordable(2); sockets != 2 || why != "" || err != nil {
		t.Errorf("two sockets: got %d, %q, %v", sockets, why, err)
	}
	if sockets, why, err := Affordable(1 << 40); sockets >= 1<<40 || why == "" || err != nil {
		t.Errorf("2^40 sockets: got %d, %q, %v", sockets, why, err)
	}
}
