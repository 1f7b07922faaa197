package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
	"ebbgate/policy"
)

// attackFamilies tell of attacks. Each kind has a sample of each service, so that what ends is seen to end.
func attackFamilies() []family {
	labels := []string{labelService, "kind"}
	return []family{
		{name: "attack_open", help: "1 while an attack of the kind on the service is open.", kind: prometheus.GaugeValue, labels: labels,
			samples: func(s *control.Status, out emit) {
				for i := range s.Services {
					svc := &s.Services[i]
					for _, k := range policy.Kinds() {
						out(truth(slices.ContainsFunc(svc.Attacks, func(a control.Attack) bool { return a.Kind == k })), svc.Name, string(k))
					}
				}
			}},
		{name: "attacks_total", help: "Attacks of the kind on the service that began.", kind: prometheus.CounterValue, labels: labels,
			samples: func(s *control.Status, out emit) {
				for i := range s.Services {
					for _, c := range s.Services[i].Begun {
						out(float64(c.Count), s.Services[i].Name, string(c.Kind))
					}
				}
			}},
	}
}
