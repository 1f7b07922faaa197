package report

import (
	"ebbgate/control"
	"ebbgate/policy"
)

// figures are the numbers one asks for first.
func figures(f *Facts) []figure {
	a := f.Attack
	lasted := figure{control.Length(f.lasted()), "lasted", ""}
	if a.Ended.IsZero() {
		lasted.Label = "so far"
	}
	held := figure{control.Number(a.PeakHeld), "connections held at the peak", ""}
	if p := a.Policy; p != nil && p.Capacity > 0 {
		held.Note = "capacity " + control.Number(p.Capacity)
	}
	out := []figure{lasted, held}
	if a.PeakRate > 0 {
		label := "new connections a second at the peak"
		if a.Kind == policy.SYNFlood || a.Kind == policy.SpoofedSYNFlood {
			label = "SYNs a second at the peak"
		}
		out = append(out, figure{control.Number(a.PeakRate), label, ""})
	}
	if a.Kind == policy.SpoofedSYNFlood || a.Kind == policy.SlowApplication {
		return out
	}
	note := ""
	if watched(a) {
		note = "only counted: shadow mode"
	}
	sources := "sources held back at a time"
	if a.Kind == policy.SYNFlood {
		sources = "addresses over their rate at a time"
	}
	out = append(out, figure{control.Number(a.PeakSources), sources, note})
	if !a.FirstRule.IsZero() {
		waited := untilRule(a)
		if waited == atOnce {
			waited = "<10ms"
		}
		out = append(out, figure{waited, "until the first rule was in the kernel", ""})
	}
	return append(out, figure{control.Number(a.Excess), "connections beyond limits, marked for closing", note}, figure{control.Number(a.Blocked), "blocks begun", note})
}
