package daemon

import "ebbgate/control"

// attrs are the fields of an event in the log. In the journal each is EBBGATE_ and its name in capitals.
func attrs(e *control.Event) []any {
	out := []any{"event", string(e.Event), "id", e.ID}
	for _, f := range []struct{ key, value string }{
		{"service", e.Service}, {"attack", e.Attack}, {"kind", string(e.Kind)}, {"mode", modeText(e)}, {"source", sourceText(e)},
	} {
		if f.value != "" {
			out = append(out, f.key, f.value)
		}
	}
	if e.Count > 1 || e.Event == control.ExcessClosed {
		out = append(out, "count", e.Count)
	}
	if e.Rule != "" {
		out = append(out, "rule", e.Rule, "measured", e.Measured, "threshold", e.Threshold)
	}
	if e.Part != "" {
		out = append(out, "part", e.Part)
	}
	if e.Why != "" {
		out = append(out, whyKey(e), e.Why)
	}
	return out
}

func modeText(e *control.Event) string {
	if e.Mode == nil {
		return ""
	}
	return e.Mode.String()
}

func sourceText(e *control.Event) string {
	if !e.Source.IsValid() {
		return ""
	}
	return e.Source.String()
}

// whyKey names the words of an event by what they are.
func whyKey(e *control.Event) string {
	switch e.Event {
	case control.Degraded:
		return "error"
	case control.Started:
		return "version"
	case control.PolicyRefused:
		return "problem"
	case control.Ready, control.PolicyLoaded:
		return "policy"
	}
	return "why"
}
