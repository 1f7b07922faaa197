package observer

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	throng "ebbgate/internal/crowd" // bench_test.go has a crowd of its own
	"ebbgate/policy"
)

func TestMain(m *testing.M) {
	throng.Worker()
	os.Exit(m.Run())
}

// socketsVariable says how many sockets BenchmarkScale may make.
const socketsVariable = "EBBGATE_SOCKETS"

const (
	defaultSockets = 100_000
	scaleSources   = 5000
	scaleListeners = 50
	leastRounds    = 5
	pairs          = 3 // of floor and census, which take the least time and differ least, in a round
)

// scaleSizes returns the numbers of sockets to measure, up to most.
func scaleSizes(most int) []int {
	var sizes []int
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		if n < most {
			sizes = append(sizes, n)
		}
	}
	return append(sizes, most)
}

// scalePolicy watches the crowd's listeners as one service.
func scalePolicy() *policy.Policy {
	return web(func(p *policy.Policy) {
		p.Observe.MaxSources = policy.DefaultMaxSources
		p.Services[0].Ports = []policy.PortRange{{First: throng.FirstPort, Last: throng.FirstPort + scaleListeners - 1}}
	})
}

// gather makes a crowd in the test's namespace. A large one takes some seconds: it tells of every
// tenth.
func gather(tb testing.TB, sockets, workerSockets int) {
	tb.Helper()
	began, tenth := time.Now(), 0
	tell := func(n int) {
		if sockets >= defaultSockets && n*10/sockets > tenth {
			tenth = n * 10 / sockets
			fmt.Fprintf(os.Stderr, "%d of %d sockets after %.1f s\n", n, sockets, time.Since(began).Seconds())
		}
	}
	c, err := throng.Build(tb.Context(), throng.Config{Sockets: sockets, Sources: scaleSources, Listeners: scaleListeners,
		WorkerSockets: workerSockets, Progress: tell})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
}

// BenchmarkScale compares, round by round in one run, the kernel's floor, our census and the
// pipeline of ss, for crowds of up to EBBGATE_SOCKETS sockets, and prints a table of medians.
func BenchmarkScale(b *testing.B) {
	most := defaultSockets
	if text := os.Getenv(socketsVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 2 || n%2 != 0 {
			b.Fatalf("%s is %q: an even number of sockets from 2 on is allowed", socketsVariable, text)
		}
		most = n
	}
	most, why, err := throng.Affordable(most)
	if err != nil {
		b.Fatal(err)
	}
	if why != "" {
		fmt.Println(why)
	}
	var rows []scale
	for _, sockets := range scaleSizes(most) {
		b.Run(fmt.Sprintf("sockets=%d", sockets), func(b *testing.B) {
			rows = append(rows, measure(b, sockets))
		})
	}
	if len(rows) > 0 {
		fmt.Printf("\nCensus of TCP connections by source, medians. %s\n\n%s\n", machine(b), scaleTable(rows))
	}
}

// measure fills one line of the table.
func measure(b *testing.B, sockets int) scale {
	o := enter(b, scalePolicy())
	gather(b, sockets, 0)
	f := openFloor(b, heldStates, o.target.Load().filter)
	s := scale{sockets: sockets}
	s.round(b, o, f) // cold
	s = scale{sockets: sockets}
	for b.Loop() {
		s.round(b, o, f)
	}
	for len(s.pipeline) < leastRounds {
		s.round(b, o, f)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(s.floor))/float64(s.counted), "floor-ns/socket")
	b.ReportMetric(float64(median(s.census))/float64(s.counted), "census-ns/socket")
	b.ReportMetric(float64(median(s.pipeline))/float64(s.counted), "ss-ns/socket")
	b.ReportMetric(ratio(s.census, s.floor), "census/floor")
	b.ReportMetric(float64(median(s.pipeline))/float64(median(s.census)), "ss/census")
	b.ReportMetric(s.allocs, "allocs/op") // of the census alone
	b.ReportMetric(s.bytes, "B/op")
	return s
}

// round takes all three ways. The pipeline last, so that its processes have ended and its memory
// is given back when the next round begins.
func (s *scale) round(b *testing.B, o *Observer, f *floor) {
	b.Helper()
	for range pairs {
		s.pair(b, o, f)
	}
	began := time.Now()
	printed, err := pipeline(throng.FirstPort, throng.FirstPort+scaleListeners-1).Output()
	s.pipeline = append(s.pipeline, time.Since(began))
	if err != nil {
		b.Fatal(err)
	}
	if found := sourcesOf(b, printed); len(found) != s.sources {
		b.Fatalf("the pipeline found %d sources, the census %d", len(found), s.sources)
	}
}

// pair takes the floor and a census, one after the other.
func (s *scale) pair(b *testing.B, o *Observer, f *floor) {
	b.Helper()
	began, cpu := time.Now(), threadCPU()
	if err := f.receive(nil); err != nil {
		b.Fatal(err)
	}
	s.floor, s.floorCPU = append(s.floor, time.Since(began)), append(s.floorCPU, threadCPU()-cpu)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu = time.Now(), threadCPU()
	c, err := o.Census(context.Background())
	s.census, s.ourCPU = append(s.census, time.Since(began)), append(s.ourCPU, threadCPU()-cpu)
	runtime.ReadMemStats(&after)
	if err != nil || !c.Complete || c.Services[0].Held != s.sockets/2 {
		b.Fatalf("census of %d sockets, complete %v: %v", c.Sockets, c.Complete, err)
	}
	s.counted, s.sources = c.Services[0].Held, len(c.Services[0].Sources)
	s.allocs, s.bytes = float64(after.Mallocs-before.Mallocs), float64(after.TotalAlloc-before.TotalAlloc)
}

// machine says where the numbers come from.
func machine(tb testing.TB) string {
	tb.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("Linux %s, %d processors, %s", unix.ByteSliceToString(u.Release[:]), runtime.NumCPU(), runtime.Version())
}

// TestScaleAgrees shows that what is compared is the same: the floor receives the sockets the
// census counts, and the census and the pipeline find the same sources with the same counts.
func TestScaleAgrees(t *testing.T) {
	const sockets = 12_000
	o := enter(t, scalePolicy())
	gather(t, sockets, 5000)
	c := count(t, o)
	if n, err := openFloor(t, heldStates, o.target.Load().filter).sockets(); err != nil || n != c.Sockets || n != sockets/2 {
		t.Errorf("the floor received %d sockets, the census %d, want %d: %v", n, c.Sockets, sockets/2, err)
	}
	printed, err := pipeline(throng.FirstPort, throng.FirstPort+scaleListeners-1).Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := make(map[netip.Prefix]int)
	for _, s := range c.Services[0].Sources {
		ours[s.Source] = s.Held
	}
	if theirs := sourcesOf(t, printed); !maps.Equal(ours, theirs) || len(ours) != scaleSources {
		t.Errorf("the census found %d sources, the pipeline %d; want %d, and the same counts", len(ours), len(theirs), scaleSources)
	}
}

func TestScaleSizes(t *testing.T) {
	for most, want := range map[int]string{50: "[50]", 10_000: "[10000]", 50_000: "[10000 50000]",
		1_000_000: "[10000 100000 1000000]", 1_500_000: "[10000 100000 1000000 1500000]"} {
		if got := fmt.Sprint(scaleSizes(most)); got != want {
			t.Errorf("up to %d: got %s, want %s", most, got, want)
		}
	}
}
