package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// soakFigure is one figure of the samples, and by how much its median in the last quarter, or what was its
// most there, may exceed that of the second: by a part of it, and by a number beside.
type soakFigure struct {
	name  string
	unit  float64
	of    func(soakSample) float64
	sum   func([]soakSample, func(soakSample) float64) float64
	part  float64
	slack float64
}

// soakFigures are what is judged. Attacks are random, so what follows them may differ by half from quarter
// to quarter, and by as many elements as the SYN meter takes at once; what is the daemon's own may
// hardly grow. The history has an hour to fill, so of it the whole size is bounded, not its growth.
func soakFigures(restarts bool) []soakFigure {
	figures := []soakFigure{
		{"resident, MiB", 1 << 20, func(s soakSample) float64 { return s.Resident }, median, 0.10, 6 << 20},
		{"heap, MiB", 1 << 20, func(s soakSample) float64 { return s.Heap }, median, 0.25, 6 << 20},
		{"descriptors", 1, func(s soakSample) float64 { return s.Descriptors }, median, 0, 6},
		{"goroutines", 1, func(s soakSample) float64 { return s.Goroutines }, median, 0, 12},
		{"set elements", 1, func(s soakSample) float64 { return s.Elements }, most, 0.5, 65_536},
		{"conntrack entries", 1, func(s soakSample) float64 { return s.Conntrack }, most, 0.5, 2000},
		{"log lines a sample", 1, func(s soakSample) float64 { return s.LogLines }, median, 0.5, 20},
	}
	if restarts {
		return figures[2:] // each daemon is young
	}
	return figures
}

// soakHistory bounds the history of an hour, in bytes.
const soakHistory = 32 << 20

// quarter returns one of the four parts of the samples, from 0.
func quarter(samples []soakSample, i int) []soakSample {
	n := len(samples)
	return samples[n*i/4 : n*(i+1)/4]
}

// median of one figure.
func median(samples []soakSample, of func(soakSample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// most is the largest of one figure.
func most(samples []soakSample, of func(soakSample) float64) float64 {
	var largest float64
	for _, s := range samples {
		largest = max(largest, of(s))
	}
	return largest
}

// flat judges whether the daemon has grown.
func flat(samples []soakSample, restarts bool) error {
	if len(samples) < 4 {
		return fmt.Errorf("there are %d samples", len(samples))
	}
	var errs []error
	for _, f := range soakFigures(restarts) {
		second, last := f.sum(quarter(samples, 1), f.of), f.sum(quarter(samples, 3), f.of)
		if bound := second*(1+f.part) + f.slack; last > bound {
			errs = append(errs, fmt.Errorf("%s: %.1f in the second quarter, %.1f in the last, at most %.1f are allowed", f.name, second/f.unit, last/f.unit, bound/f.unit))
		}
	}
	if size := samples[len(samples)-1].State; size > soakHistory {
		errs = append(errs, fmt.Errorf("the history and what is beside it take %.0f bytes, at most %d are allowed", size, soakHistory))
	}
	return errors.Join(errs...)
}

// report is a table of the medians of each quarter and of the most there ever was.
func report(samples []soakSample) string {
	if len(samples) < 4 {
		return "too few samples\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "median of\tfirst quarter\tsecond\tthird\tlast\tmost")
	figures := append(soakFigures(false), soakFigure{"history, KiB", 1024, func(s soakSample) float64 { return s.History }, median, 0, 0},
		soakFigure{"faults", 1, func(s soakSample) float64 { return s.Faults }, median, 0, 0})
	for _, f := range figures {
		fmt.Fprint(w, f.name)
		for i := range 4 {
			fmt.Fprintf(w, "\t%.1f", median(quarter(samples, i), f.of)/f.unit)
		}
		fmt.Fprintf(w, "\t%.1f\n", most(samples, f.of)/f.unit)
	}
	_ = w.Flush() // to memory
	last := samples[len(samples)-1]
	fmt.Fprintf(&b, "%d samples; the process has used %.1f s of CPU in %.0f s\n", len(samples), last.CPU, last.After)
	return b.String()
}

// TestFlat checks the judge of a long run.
func TestFlat(t *testing.T) {
	steady := soakSample{Resident: 30 << 20, Heap: 3 << 20, Descriptors: 43, Goroutines: 23, Elements: 100, State: 1 << 20, LogLines: 10}
	run := func(change func(i int, s *soakSample)) []soakSample {
		all := slices.Repeat([]soakSample{steady}, 40)
		for i := range all {
			change(i, &all[i])
		}
		return all
	}
	for _, tt := range []struct {
		name     string
		samples  []soakSample
		restarts bool
		says     string // empty: it is flat
	}{
		{"steady", run(func(int, *soakSample) {}), false, ""},
		{"growing at first", run(func(i int, s *soakSample) { s.Resident = float64(min(i, 15)) * (1 << 20) }), false, ""},
		{"one peak", run(func(i int, s *soakSample) { s.Heap *= float64(1 + i/39*9) }), false, ""},
		{"memory", run(func(i int, s *soakSample) { s.Resident += float64(i) * (1 << 20) }), false, "resident, MiB: 45.0 in the second quarter, 65.0 in the last"},
		{"memory of young daemons", run(func(i int, s *soakSample) { s.Resident += float64(i) * (1 << 20) }), true, ""},
		{"descriptors", run(func(i int, s *soakSample) { s.Descriptors += float64(i) }), true, "descriptors: "},
		{"goroutines", run(func(i int, s *soakSample) { s.Goroutines += float64(i) }), false, "goroutines: "},
		{"sets", run(func(i int, s *soakSample) { s.Elements *= float64(1 + i*i) }), false, "set elements: "},
		{"log", run(func(i int, s *soakSample) { s.LogLines *= float64(i) }), false, "log lines a sample: "},
		{"history", run(func(i int, s *soakSample) { s.State *= float64(i) }), true, "the history and what is beside it take 40894464 bytes"},
		{"too few", run(func(int, *soakSample) {})[:3], false, "there are 3 samples"},
	} {
		err := flat(tt.samples, tt.restarts)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	if text := report(run(func(int, *soakSample) {})); !strings.Contains(strings.Join(strings.Fields(text), " "), " resident, MiB 30.0 30.0 30.0 30.0 30.0 heap, MiB 3.0 ") {
		t.Errorf("the report is\n%s", text)
	}
}

// TestMetricValues checks what is read of the metrics.
func TestMetricValues(t *testing.T) {
	got := metricValues("# HELP go_goroutines Number of goroutines.\n# TYPE go_goroutines gauge\ngo_goroutines 23\n" +
		"ebbgate_fault{part=\"census\"} 1\nprocess_resident_memory_bytes 2.9671424e+07\n")
	if got["go_goroutines"] != 23 || got["process_resident_memory_bytes"] != 29671424 || got["# HELP"] != 0 {
		t.Errorf("read %v", got)
	}
}
