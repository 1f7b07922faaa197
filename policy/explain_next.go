package policy

import (
	"fmt"
	"slices"
)

// foretell says what would happen next, in words: first what is in force, then what is nearest.
func (x *explainer) foretell(svc *Service, free bool, e *ServiceExplanation) []string {
	if free {
		return []string{exemptNext(e)}
	}
	var next []string
	if svc.Mode == Shadow {
		next = append(next, "shadow mode: what follows is counted and reported only, every packet passes")
	}
	next = append(next, x.blocked(e)...)
	if len(e.Blocks) == 0 {
		next = append(next, x.limited(svc, e)...)
	}
	if !refused(e) {
		next = append(next, x.faster(e)...)
	}
	next = append(next, x.flooding(svc, e)...)
	if len(e.Blocks) == 0 && e.Strikes > 0 {
		text := fmt.Sprintf(x.would("blocked", "would have been blocked")+" %s before, one of them is forgiven in %s", timesOver(e.Strikes), x.left(e.Forgiven))
		if e.NextFor > 0 {
			text += fmt.Sprintf("; the next block would last %s", Brief(e.NextFor))
		}
		next = append(next, text)
	}
	return next
}

// exemptNext says what would happen to an exempt source if it were not.
func exemptNext(e *ServiceExplanation) string {
	switch {
	case !e.Known || e.Max == 0 || e.Held < e.Max:
		return "exempt: nothing"
	case e.Held == e.Max:
		return fmt.Sprintf("exempt; otherwise at the limit: %d of %d", e.Held, e.Max)
	}
	return fmt.Sprintf("exempt; otherwise over the limit: %d of %d", e.Held, e.Max)
}

// refused reports whether a block or a limit turns new connections of the address away now: how far it
// is from other limits says nothing then.
func refused(e *ServiceExplanation) bool {
	return len(e.Blocks) > 0 || slices.ContainsFunc(e.Limits, func(l Limit) bool { return l.Refuse })
}

// blocked tells of the blocks that cover the address.
func (x *explainer) blocked(e *ServiceExplanation) []string {
	var next []string
	for i := range e.Blocks {
		b := &e.Blocks[i]
		who := x.would("blocked", "would be blocked")
		if b.ByHand() {
			who += " by hand"
		}
		if b.Source != x.source {
			who += " with " + shortPrefix(b.Source)
		}
		text := fmt.Sprintf("%s for another %s: ends by itself, whatever is sent", who, x.left(b.Until))
		if b.Note != "" {
			text += " (" + b.Note + ")"
		}
		if e.NextFor > 0 {
			text += fmt.Sprintf("; the next block would last %s", Brief(e.NextFor))
		}
		next = append(next, text)
	}
	return next
}

// limited tells what comes of the connections held, of the source and of the prefixes around it.
func (x *explainer) limited(svc *Service, e *ServiceExplanation) []string {
	var next []string
	own := false
	for i := range e.Limits {
		own = own || e.Limits[i].Source.Bits() >= x.source.Bits()
		next = append(next, x.inLimit(svc, e, &e.Limits[i]))
	}
	if refused(e) {
		return next
	}
	if narrowed := x.narrowed(e); narrowed != nil && !own {
		next = append(next, fmt.Sprintf("%d of %d held, most of it by %s, which alone is answered",
			narrowed.Held, narrowed.Max, shortPrefix(narrowed.Source)))
	} else if !own {
		next = append(next, x.roomLeft(e))
		e.Due = e.Known && e.Max > 0 && e.Held >= e.Max
	}
	for _, g := range e.Prefixes {
		covered := slices.ContainsFunc(e.Limits, func(l Limit) bool { return l.Source == g.Prefix })
		if !covered {
			next = append(next, fmt.Sprintf("%s: %d of %d held by %s: %s", g.Prefix, g.Held, g.Max, sourceCount(g.Sources),
				x.moreUntil(g.Held, g.Max, "the prefix "+x.would("is", "would be")+" limited")))
		}
	}
	return next
}

// narrowed returns the limit of another address of the same source that explains its count alone, or nil.
func (x *explainer) narrowed(e *ServiceExplanation) *Limit {
	for i := range x.decision.Limits {
		l := &x.decision.Limits[i]
		if l.Service == e.Service && l.Source.Bits() > x.source.Bits() && x.source.Contains(l.Source.Addr()) && !l.Source.Contains(x.addr) {
			return l
		}
	}
	return nil
}

// inLimit tells what comes of a limit in force.
func (x *explainer) inLimit(svc *Service, e *ServiceExplanation, l *Limit) string {
	text := fmt.Sprintf("%d of %d held (%s)", l.Held, l.Max, l.Reason.Rule)
	if l.forRate() {
		text = l.Reason.String()
	}
	if l.Source != x.source {
		text = shortPrefix(l.Source) + ": " + text
	}
	switch {
	case l.Refuse:
		text += ": new connections " + x.are() + " refused"
	default:
		text += ": new connections " + x.are() + " refused again at the limit"
	}
	if l.Close {
		text += fmt.Sprintf(", %d %s closed, those with the least progress first", l.Held-l.Max, x.are())
	}
	if l.Reason.Rule == ruleCapacity {
		return text + fmt.Sprintf("; ends when there is room for all, or in %s if nothing more is known", x.left(l.Until))
	}
	switch after := svc.Response.BlockAfter; {
	case e.NextFor == 0:
	case l.forRate():
		text += fmt.Sprintf("; %s for %s if it is as fast again", x.would("blocked", "would be blocked"), Brief(e.NextFor))
	case l.Held > l.Max:
		text += fmt.Sprintf("; %s for %s if that goes on for another %s", x.would("blocked", "would be blocked"), Brief(e.NextFor), x.left(l.Since.Add(after)))
	}
	return text + fmt.Sprintf("; ends after %s below half of it, or in %s if nothing more is known", Brief(svc.Response.Quiet), x.left(l.Until))
}

// forRate reports whether the limit is for how fast connections are opened.
func (l *Limit) forRate() bool { return l.Reason.Rule == ruleNew || l.Reason.Rule == ruleOverrideNew }

// roomLeft tells how far the source is from its limit.
func (x *explainer) roomLeft(e *ServiceExplanation) string {
	switch {
	case e.Max == 0:
		return "no limit on the connections of one source"
	case !e.Known:
		return fmt.Sprintf("nothing tells what is held: new connections %s refused from %d on", x.are(), e.Max)
	}
	return fmt.Sprintf("%d of %d held: %s", e.Held, e.Max, x.moreUntil(e.Held, e.Max, "new connections "+x.are()+" refused"))
}

// moreUntil says how many more something takes. Who holds as much already and is not limited was freed since that was
// counted, or there was no room for his limit.
func (x *explainer) moreUntil(held, limit int, what string) string {
	if held >= limit {
		return "enough to be limited by the next census"
	}
	return fmt.Sprintf("%d more until %s", limit-held, what)
}

// would returns what is so, or in shadow mode what would be.
func (x *explainer) would(is, would string) string {
	if x.mode == Shadow {
		return would
	}
	return is
}

func (x *explainer) are() string { return x.would("are", "would be") }

// faster tells what comes of the rate at which connections are opened.
func (x *explainer) faster(e *ServiceExplanation) []string {
	switch {
	case e.MaxRate == 0:
		return nil
	case !e.RateKnown:
		return []string{fmt.Sprintf("nothing tells how fast connections are opened: %s for a while above %d a second", x.would("refused", "would be refused"), e.MaxRate)}
	}
	return []string{fmt.Sprintf("%.1f connections a second ended: %s for a while above %d", e.Rate, x.would("refused", "would be refused"), e.MaxRate)}
}

// flooding tells what comes of the SYNs.
func (x *explainer) flooding(svc *Service, e *ServiceExplanation) []string {
	rate, pressure := svc.Rate.SYNPerSource, x.policy.Observe.SYNPressure
	switch {
	case e.Dropped:
		return []string{fmt.Sprintf("SYNs beyond %d a second %s dropped while the host takes more than %d a second in all", rate, x.are(), pressure)}
	case e.SYNsOver == 0:
		return nil
	case e.Proven:
		return []string{"SYNs beyond its rate pass: it completed a handshake, they may be forged in its name"}
	case rate == 0:
		return []string{"SYNs beyond its rate pass: the policy sets no syn_per_source"}
	}
	return []string{fmt.Sprintf("SYNs beyond %d a second pass until the host takes more than %d a second in all", rate, pressure)}
}

func timesOver(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func sourceCount(n int) string {
	if n == 1 {
		return "1 source"
	}
	return fmt.Sprintf("%d sources", n)
}
