package daemon

import (
	"context"
	"log/slog"

	"ebbgate/policy"
)

// log writes transitions, never samples. Step has already summed up those of many sources.
func (d *Daemon) log(events []policy.Event) {
	for i := range events {
		e := &events[i]
		d.Log.Log(context.Background(), level(e.Kind), string(e.Kind), attrs(e)...)
	}
}

// level tells what an operator must look at from what is ebbgate's daily work.
func level(k policy.EventKind) slog.Level {
	switch k {
	case policy.AttackBegan, policy.LimitsFull, policy.BlocksFull, policy.CookiesOff, policy.ExemptOffender, policy.TableLost:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func attrs(e *policy.Event) []any {
	out := []any{"event", string(e.Kind)}
	if e.Service != "" {
		out = append(out, "service", e.Service)
	}
	if e.Attack != 0 {
		out = append(out, "attack", e.Attack)
	}
	if e.Cause != "" {
		out = append(out, "kind", string(e.Cause))
	}
	// What the operator exempts has no mode, and neither has what concerns the host.
	if e.Service != "" && e.Kind != policy.ExemptAdded && e.Kind != policy.ExemptEnded {
		out = append(out, "mode", e.Mode.String())
	}
	if e.Source.IsValid() {
		out = append(out, "source", e.Source.String())
	}
	if e.Count > 1 {
		out = append(out, "count", e.Count)
	}
	if e.Reason.Rule != "" {
		out = append(out, "rule", e.Reason.Rule, "measured", e.Reason.Measured, "threshold", e.Reason.Threshold)
	}
	if e.Why != "" {
		out = append(out, "why", e.Why)
	}
	return out
}
