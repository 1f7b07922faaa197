package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
)

// serviceCounter is a metric of each service that only grows, until its mode is changed or the daemon is started.
func serviceCounter(name, help string, value func(*control.Service) uint64) family {
	return service(name, help+" In shadow mode: what would have been.", prometheus.CounterValue,
		func(s *control.Service) (float64, bool) { return float64(value(s)), true })
}

// answerFamilies tell what is done about sources.
func answerFamilies() []family {
	return []family{
		serviceGauge("limited_sources", "Sources and prefixes under a limit that is in force now. In shadow mode: would be.",
			func(s *control.Service) int { return s.LimitsTotal }),
		serviceGauge("blocked_sources", "Sources and prefixes that are blocked now. In shadow mode: would be.",
			func(s *control.Service) int { return s.BlocksTotal }),
		serviceGauge("dropped_sources", "Sources whose SYNs beyond their rate are dropped now. In shadow mode: would be.",
			func(s *control.Service) int { return s.DroppedSources }),
		service("share_connections", "The fair share: most connections that a source held to it may hold. Absent: none is in force.", prometheus.GaugeValue,
			func(s *control.Service) (float64, bool) {
				if s.Share == nil {
					return 0, false
				}
				return float64(s.Share.Limit), true
			}),
		serviceGauge("synproxy", "1 while SYNPROXY answers SYNs. In shadow mode: would.",
			func(s *control.Service) int { return int(truth(s.Proxy != nil && s.Proxy.Answering)) }),
		serviceCounter("refused_packets_total", "Packets of new connections refused by a limit.",
			func(s *control.Service) uint64 { return s.RefusedPackets }),
		serviceCounter("blocked_packets_total", "Packets of any kind dropped by a block.",
			func(s *control.Service) uint64 { return s.BlockedPackets }),
		serviceCounter("dropped_packets_total", "SYNs beyond the rate of their source, dropped under SYN pressure.",
			func(s *control.Service) uint64 { return s.DroppedPackets }),
		serviceCounter("proxied_packets_total", "SYNs that SYNPROXY answered.",
			func(s *control.Service) uint64 { return s.ProxiedPackets }),
		serviceCounter("closed_connections_total", "Connections closed, beyond a limit or of a blocked source.",
			func(s *control.Service) uint64 { return s.ClosedConnections }),
		serviceCounter("blocks_total", "Blocks begun.",
			func(s *control.Service) uint64 { return s.BlocksBegun }),
	}
}
