package daemon

import "fmt"

// metricsPart names the serving of metrics among the faults.
const metricsPart = "metrics"

// serve sees to it that monitoring is served where the policy says. What keeps it from that is a fault and
// nothing more: it is tried again.
func (d *Daemon) serve() { d.faults.set(metricsPart, d.serveMetrics()) }

func (d *Daemon) serveMetrics() error {
	if d.Metrics == nil {
		return nil
	}
	if err := d.Metrics.Serve(d.Policy.Metrics.Listen); err != nil {
		return fmt.Errorf("metrics.listen: %w", err)
	}
	return nil
}
