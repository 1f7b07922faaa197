package policy

import "time"

func (p *parser) response(path string, raw *rawResponse, tick time.Duration) Response {
	r := Response{
		RefuseWith: p.refusal(path+".refuse_with", raw.RefuseWith),
		Lease:      p.duration(path+".lease", raw.Lease, DefaultLease, MinLease, MaxLease),
		Quiet:      p.duration(path+".quiet", raw.Quiet, DefaultQuiet, MinQuiet, MaxQuiet),
		BlockAfter: p.blockAfter(path+".block_after", raw.BlockAfter),
		BlockFor:   p.blockFor(path+".block_for", raw.BlockFor),
	}
	if least := MinTicksPerLease * tick; r.Lease < least {
		p.problem(path+".lease", "%s is shorter than %d ticks of observe.tick, must be %s to %s",
			quote(Brief(r.Lease)), MinTicksPerLease, Brief(least), Brief(MaxLease))
	}
	return r
}

// blockAfter reads a duration of which zero stands for never.
func (p *parser) blockAfter(path string, raw *string) time.Duration {
	if raw == nil {
		return DefaultBlockAfter
	}
	d, err := time.ParseDuration(*raw)
	switch {
	case err != nil:
		p.problem(path, "%s is not a duration, must be a number with the unit ms, s, m or h, from %s to %s, or \"0s\" for never",
			quote(*raw), Brief(MinBlockAfter), Brief(MaxBlockAfter))
	case d != 0 && (d < MinBlockAfter || d > MaxBlockAfter):
		p.problem(path, "%s is out of range, must be %s to %s, or \"0s\" for never",
			quote(*raw), Brief(MinBlockAfter), Brief(MaxBlockAfter))
	default:
		return d
	}
	return DefaultBlockAfter
}

// blockFor reads how long the blocks of a source last, one after the other. No block may be
// shorter than the one before it.
func (p *parser) blockFor(path string, raw []*string) []time.Duration {
	if raw == nil {
		return DefaultBlockFor()
	}
	if len(raw) == 0 || len(raw) > MaxBlockSteps {
		p.problem(path, "has %d entries, must be 1 to %d", len(raw), MaxBlockSteps)
		return DefaultBlockFor()
	}
	steps := make([]time.Duration, 0, len(raw))
	longest := MinBlockFor
	for i, text := range raw {
		at := joinIndex(path, i)
		d := p.duration(at, text, longest, MinBlockFor, MaxBlockFor)
		if d < longest {
			p.problem(at, "%s is shorter than the %s before it, must be %s to %s",
				quote(*text), Brief(longest), Brief(longest), Brief(MaxBlockFor))
		}
		longest = max(longest, d)
		steps = append(steps, d)
	}
	return steps
}
