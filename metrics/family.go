package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
)

// prefix begins the name of every metric of ours.
const prefix = "ebbgate_"

// family is one metric: its name without the prefix, and how its samples follow from a status.
type family struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	samples    func(*control.Status, emit)
}

// emit takes one sample and the values of its labels.
type emit func(value float64, labels ...string)

// families lists every metric but the histogram of turns.
func families() []family {
	var all []family
	for _, part := range [][]family{daemonFamilies(), censusFamilies(), serviceFamilies(), answerFamilies(), attackFamilies(), kernelFamilies(), tableFamilies()} {
		all = append(all, part...)
	}
	return all
}

// gauge is a metric that goes up and down.
func gauge(name, help string, value func(*control.Status) float64) family {
	return family{name: name, help: help, kind: prometheus.GaugeValue,
		samples: func(s *control.Status, out emit) { out(value(s)) }}
}

// counter is a metric that only grows, until what counts begins anew.
func counter(name, help string, value func(*control.Status) uint64) family {
	return family{name: name, help: help, kind: prometheus.CounterValue,
		samples: func(s *control.Status, out emit) { out(float64(value(s))) }}
}

// only leaves a metric out while there is nothing to tell.
func (f family) only(where func(*control.Status) bool) family {
	all := f.samples
	f.samples = func(s *control.Status, out emit) {
		if where(s) {
			all(s, out)
		}
	}
	return f
}

// oneOf is a metric with a sample for each word of a list: 1 for those that hold, 0 for the others.
func oneOf(name, help, label string, words []string, holds func(*control.Status, string) bool) family {
	return family{name: name, help: help, kind: prometheus.GaugeValue, labels: []string{label},
		samples: func(s *control.Status, out emit) {
			for _, w := range words {
				out(truth(holds(s, w)), w)
			}
		}}
}

// truth is 1 for what holds.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unix is a time in seconds since 1970.
func unix(t control.Time) float64 { return float64(t.UnixMilli()) / 1000 }
