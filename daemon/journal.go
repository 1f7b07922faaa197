package daemon

import (
	"context"
	"log/slog"

	"ebbgate/policy"
)

// log writes transitions, never samples. Step has already summed up those of many sources.
func (d *Daemon) log(events []policy.Event) {
	for _, e := range events {
		attrs := []any{"event", string(e.Kind)}
		if e.Service != "" {
			attrs = append(attrs, "service", e.Service, "attack", e.Attack, "mode", e.Mode.String())
		}
		if e.Source.IsValid() {
			attrs = append(attrs, "source", e.Source.String())
		}
		if e.Count > 1 {
			attrs = append(attrs, "count", e.Count)
		}
		if e.Reason.Rule != "" {
			attrs = append(attrs, "rule", e.Reason.Rule, "measured", e.Reason.Measured, "threshold", e.Reason.Threshold)
		}
		if e.Why != "" {
			attrs = append(attrs, "why", e.Why)
		}
		level := slog.LevelInfo
		if e.Kind == policy.AttackBegan || e.Kind == policy.LimitsFull || e.Kind == policy.CookiesOff {
			level = slog.LevelWarn
		}
		d.Log.Log(context.Background(), level, string(e.Kind), attrs...)
	}
}
