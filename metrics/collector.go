package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
)

// The histogram of turns, the one metric that is no family.
const (
	turnName = prefix + "turn_duration_seconds"
	turnHelp = "How long the turns of the daemon's loop took, and with its count how many there were."
)

// collector turns one status into metrics.
type collector struct {
	status   *control.Status // set while nobody collects
	families []family
	descs    []*prometheus.Desc // of each family
	turns    *prometheus.Desc
}

func newCollector() *collector {
	c := &collector{families: families(), turns: prometheus.NewDesc(turnName, turnHelp, nil, nil)}
	for _, f := range c.families {
		c.descs = append(c.descs, prometheus.NewDesc(prefix+f.name, f.help, f.labels, nil))
	}
	return c
}

// Describe sends what Collect may send, for the registry to check.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
	out <- c.turns
}

// Collect sends the metrics of the status. What cannot be one, such as a label that is no UTF-8, fails the
// whole exposition with its reason.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, m prometheus.Metric, err error) {
		if err != nil {
			m = prometheus.NewInvalidMetric(d, err)
		}
		out <- m
	}
	for i, f := range c.families {
		f.samples(c.status, func(value float64, labels ...string) {
			m, err := prometheus.NewConstMetric(c.descs[i], f.kind, value, labels...)
			send(c.descs[i], m, err)
		})
	}
	t := &c.status.Turns
	within := make(map[float64]uint64, len(t.Within))
	for _, w := range t.Within {
		within[seconds(w.Length)] = w.Count
	}
	m, err := prometheus.NewConstHistogram(c.turns, t.Count, seconds(t.Sum), within)
	send(c.turns, m, err)
}
