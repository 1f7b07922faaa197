package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
)

// censusFamilies tell of the latest count of connections, and what counting costs.
func censusFamilies() []family {
	taken := func(s *control.Status) bool { return !s.Census.Taken.IsZero() }
	return []family{
		gauge("census_timestamp_seconds", "When the latest census began, since 1970; absent before the first.",
			func(s *control.Status) float64 { return unix(s.Census.Taken) }).only(taken),
		gauge("census_sockets", "Sockets and conntrack entries the kernel reported in the latest census; absent before the first.",
			func(s *control.Status) float64 { return float64(s.Census.Sockets) }).only(taken),
		gauge("census_last_cpu_seconds", "CPU time of the latest census; absent before the first.",
			func(s *control.Status) float64 { return seconds(s.Census.CPU) }).only(taken),
		gauge("census_complete", "1 if the latest census saw every socket; 0 if its counts are lower bounds. Absent before the first.",
			func(s *control.Status) float64 { return truth(s.Census.Complete) }).only(taken),
		counter("censuses_total", "Censuses since the daemon started.",
			func(s *control.Status) uint64 { return s.Census.Count }),
		{name: "census_cpu_seconds_total", help: "CPU time of all censuses since the daemon started.", kind: prometheus.CounterValue,
			samples: func(s *control.Status, out emit) { out(seconds(s.Census.CPUTotal)) }},
	}
}
