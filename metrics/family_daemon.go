package metrics

import (
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ebbgate/control"
)

// daemonFamilies tell how the daemon itself fares.
func daemonFamilies() []family {
	states := []string{string(control.StatePeace), string(control.StateAttack), string(control.StateDegraded)}
	return []family{
		{name: "build_info", help: "The version of ebbgate and of the Go it was built with; always 1.", kind: prometheus.GaugeValue,
			labels:  []string{"version", "goversion"},
			samples: func(s *control.Status, out emit) { out(1, s.Version, runtime.Version()) }},
		gauge("start_time_seconds", "When the daemon started, since 1970.",
			func(s *control.Status) float64 { return unix(s.Started) }),
		gauge("status_timestamp_seconds", "When the figures were taken, since 1970. It moves with every turn of the daemon's loop.",
			func(s *control.Status) float64 { return unix(s.At) }),
		oneOf("state", "1 for the state the daemon is in. With a fault it is degraded, whether or not an attack is open.", "state", states,
			func(s *control.Status, state string) bool { return string(s.State) == state }),
		oneOf("fault", "1 for each part that does not work at the moment. Parts this list does not have count as other.", "part", faultParts(), faulty),
		gauge("policy_last_reload_successful", "0 if the latest reload found a bad policy, so that the one before it stays in force.",
			func(s *control.Status) float64 { return truth(s.Reload == nil || s.Reload.Error == "") }),
		gauge("policy_last_reload_timestamp_seconds", "When the policy was last read, or a reload last tried, since 1970.", lastReload),
		gauge("exemptions", "Exemptions by the operator, besides those of the policy.",
			func(s *control.Status) float64 { return float64(len(s.Exempt)) }),
	}
}

// otherPart is the label of parts that are in no list.
const otherPart = "other"

func faultParts() []string { return append(control.Parts(), otherPart) }

// faulty reports whether a part does not work.
func faulty(s *control.Status, part string) bool {
	known := control.Parts()
	return slices.ContainsFunc(s.Faults, func(f control.Fault) bool {
		return f.Part == part || part == otherPart && !slices.Contains(known, f.Part)
	})
}

func lastReload(s *control.Status) float64 {
	if s.Reload == nil {
		return unix(s.Started)
	}
	return unix(s.Reload.At)
}

// seconds is a length of time in seconds.
func seconds(d control.Duration) float64 { return time.Duration(d).Seconds() }
