package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
)

// labelService is the label of everything that is told of a service.
const labelService = "service"

// service is a metric of each service; the function's second result is false where there is nothing to tell.
func service(name, help string, kind prometheus.ValueType, value func(*control.Service) (float64, bool)) family {
	return family{name: "service_" + name, help: help, kind: kind, labels: []string{labelService},
		samples: func(s *control.Status, out emit) {
			for i := range s.Services {
				if v, ok := value(&s.Services[i]); ok {
					out(v, s.Services[i].Name)
				}
			}
		}}
}

// serviceGauge is a metric of each service that goes up and down.
func serviceGauge(name, help string, value func(*control.Service) int) family {
	return service(name, help, prometheus.GaugeValue, func(s *control.Service) (float64, bool) { return float64(value(s)), true })
}

// serviceLimit is a limit of the policy, which is absent where the policy sets none.
func serviceLimit(name, help string, value func(*control.Service) int) family {
	return service(name, help+" Absent: not limited.", prometheus.GaugeValue,
		func(s *control.Service) (float64, bool) { return float64(value(s)), value(s) > 0 })
}

// serviceFamilies tell what services hold, and may hold.
func serviceFamilies() []family {
	return []family{
		{name: "service_info", help: "The mode of a service; always 1.", kind: prometheus.GaugeValue, labels: []string{labelService, "mode"},
			samples: func(s *control.Status, out emit) {
				for i := range s.Services {
					out(1, s.Services[i].Name, s.Services[i].Mode.String())
				}
			}},
		serviceGauge("connections", "Connections that hold a slot of the application, by the latest census.",
			func(s *control.Service) int { return s.Held }),
		serviceGauge("unread_connections", "Connections of those in CLOSE_WAIT: the client has closed and the application has not.",
			func(s *control.Service) int { return s.Unread }),
		serviceGauge("half_open_connections", "Handshakes not completed, by the latest census. It tells little while SYN cookies are sent.",
			func(s *control.Service) int { return s.HalfOpen }),
		serviceGauge("sources", "Sources that hold at least one connection, by the latest census.",
			func(s *control.Service) int { return s.Sources }),
		service("capacity_connections", "Connections the application can hold, as the policy says. Absent: not known.", prometheus.GaugeValue,
			func(s *control.Service) (float64, bool) { return float64(s.Capacity), s.Capacity > 0 }),
		serviceLimit("source_limit_connections", "Connections one source may hold, as the policy says.",
			func(s *control.Service) int { return s.PerSource }),
		serviceLimit("source_limit_new_per_second", "Connections one source may open a second, as the policy says.",
			func(s *control.Service) int { return s.NewPerSource }),
		serviceLimit("source_limit_syns_per_second", "SYNs a second that may come in the name of one source, as the policy says.",
			func(s *control.Service) int { return s.SYNPerSource }),
		serviceGauge("listeners", "Listening sockets.", func(s *control.Service) int { return len(s.Listeners) }),
		serviceGauge("accept_queue_connections", "Completed connections that wait for the application to accept them, of all listeners.",
			func(s *control.Service) int { n, _, _ := queues(s); return n }),
		serviceGauge("accept_queue_limit_connections", "How many connections may wait to be accepted, of all listeners.",
			func(s *control.Service) int { _, n, _ := queues(s); return n }),
		service("accept_queue_fill_ratio", "How full the fullest accept queue is: from 1 on the kernel drops.", prometheus.GaugeValue,
			func(s *control.Service) (float64, bool) { _, _, fill := queues(s); return fill, true }),
		service("ended_connections_per_second", "Connections that ended in the latest second that was counted. Absent: not counted now.", prometheus.GaugeValue,
			func(s *control.Service) (float64, bool) {
				if s.Endings == nil {
					return 0, false
				}
				return float64(s.Endings.PerS), true
			}),
		service("syns_per_second", "SYNs in the latest second, by the kernel's meter. Absent: not metered now.", prometheus.GaugeValue,
			func(s *control.Service) (float64, bool) {
				if s.SYNs == nil {
					return 0, false
				}
				return float64(s.SYNs.PerS), true
			}),
	}
}

// queues sums up the accept queues of a service, and tells how full the fullest is.
func queues(s *control.Service) (waiting, limit int, fill float64) {
	for _, l := range s.Listeners {
		waiting += int(l.Queue)
		limit += int(l.Backlog)
		// A listener with a backlog of n takes n+1; see sk_acceptq_is_full() in include/net/sock.h.
		fill = max(fill, float64(l.Queue)/(float64(l.Backlog)+1))
	}
	return waiting, limit, fill
}
