package policy

import "slices"

// firewall changes what the neighbours do now and then.
func (w *world) firewall() Firewall {
	if w.in(8) {
		w.neighbour = Firewall{Known: !w.in(8), Tracks: !w.in(4), Loose: w.in(4), Synproxy: !w.in(8)}
	}
	return w.neighbour
}

// proxies checks that SYNPROXY answers under a spoofed flood alone, and only where it may.
func (s *witness) proxies(p *Policy, o *Observation, d *Decision) {
	for i := range d.Proxies {
		x := &d.Proxies[i]
		open := slices.ContainsFunc(d.Attacks, func(a Attack) bool { return a.Kind == SpoofedSYNFlood && a.Service == x.Service })
		answers, fw := x.Until != 0, &o.Firewall
		switch svc := p.Service(x.Service); {
		case svc == nil:
			s.problem("a proxy for %q, which is no service", x.Service)
		case !open && (answers || x.Lacks != ""):
			s.problem("a proxy for %q without a spoofed flood: %+v", x.Service, x)
		case answers && (!svc.Traffic.Locally() || fw.Known && (!fw.Tracks || fw.Loose || !fw.Synproxy || o.Counters.Valid && o.Counters.SynCookies == 0)):
			s.problem("a proxy for %q that cannot work: %+v with %+v", x.Service, x, fw)
		case answers && fw.Known && slices.ContainsFunc(o.Listeners, func(l Listener) bool { return l.Service == x.Service && !l.Local.Addr().IsUnspecified() }):
			s.problem("a proxy for %q with a listener on one address: %+v with %+v", x.Service, x, o.Listeners)
		case answers && (x.Drain <= x.Until || x.Since == 0 || x.Until <= d.At || x.MSS4 < LeastMSS4 || x.MSS6 < LeastMSS6):
			s.problem("a proxy for %q that is not whole: %+v", x.Service, x)
		case !answers && x.Lacks == "" && x.Drain <= d.At:
			s.problem("a proxy for %q that does nothing: %+v", x.Service, x)
		}
	}
}
