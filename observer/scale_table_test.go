package observer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// scale is what was measured with one number of sockets. Floors and censuses belong together in
// pairs.
type scale struct {
	sockets  int // of the crowd; half of them are on the side of the listeners
	counted  int
	sources  int
	floor    []time.Duration
	census   []time.Duration
	floorCPU []time.Duration
	ourCPU   []time.Duration
	pipeline []time.Duration
	allocs   float64 // of one census
	bytes    float64
}

// median returns the median of a list that is not empty.
func median[T float64 | time.Duration](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// ratio returns the median of the ratios of the pairs, which what disturbs both of a pair leaves
// alone.
func ratio(dividend, divisor []time.Duration) float64 {
	ratios := make([]float64, len(dividend))
	for i := range dividend {
		ratios[i] = float64(dividend[i]) / float64(divisor[i])
	}
	return median(ratios)
}

// scaleTable prints the measurements, one line each.
func scaleTable(rows []scale) string {
	var b strings.Builder
	b.WriteString("| sockets | counted | sources | kernel's floor | our census | of the floor | of its CPU time | `ss \\| awk \\| sort \\| uniq -c` | as fast | allocated | rounds |\n")
	b.WriteString("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %d | %d | %d | %s | %s | %.2f | %.2f | %s | %.1f times | %.0f KiB in %.0f pieces | %d |\n",
			r.sockets, r.counted, r.sources, milliseconds(r.floor), milliseconds(r.census),
			ratio(r.census, r.floor), ratio(r.ourCPU, r.floorCPU), milliseconds(r.pipeline),
			float64(median(r.pipeline))/float64(median(r.census)), r.bytes/1024, r.allocs, len(r.pipeline))
	}
	return b.String()
}

func milliseconds(list []time.Duration) string {
	return fmt.Sprintf("%.1f ms", median(list).Seconds()*1000)
}

func TestScaleTable(t *testing.T) {
	ms := func(list ...int) (out []time.Duration) {
		for _, n := range list {
			out = append(out, time.Duration(n)*time.Millisecond)
		}
		return out
	}
	got := scaleTable([]scale{{sockets: 1000, counted: 500, sources: 7, floor: ms(10, 20, 30), census: ms(11, 24, 30),
		pipeline: ms(33, 96, 72), floorCPU: ms(10, 10, 10), ourCPU: ms(13, 11, 12), allocs: 45.4, bytes: 2048}})
	want := "| 1000 | 500 | 7 | 20.0 ms | 24.0 ms | 1.10 | 1.20 | 72.0 ms | 3.0 times | 2 KiB in 45 pieces | 3 |"
	if lines := strings.Split(strings.TrimSpace(got), "\n"); len(lines) != 3 || lines[2] != want {
		t.Errorf("got\n%s\nwant a last line of\n%s", got, want)
	} else if bars := strings.Count(strings.ReplaceAll(lines[0], `\|`, ""), "|"); bars != strings.Count(want, "|") {
		t.Errorf("%d columns have a head", bars-1)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 9, 2}, 3}} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("median of %v is %v, want %v", tt.in, got, tt.want)
		}
	}
}
