package daemon

// forget has conntrack forget what only our rules had it track, once they do not any more. It runs beside
// the loop, in place of a run of closings.
func (d *Daemon) forget() {
	c, have := &d.closings, d.Rules.Have()
	if have.Known {
		tracks := have.Ruleset.Tracks()
		if c.tracked && !tracks && !d.Rules.Environment().OthersTrack {
			c.stale = true
		}
		c.tracked = tracks
		c.stale = c.stale && !tracks
	}
	if !c.stale || c.running {
		return
	}
	c.stale, c.running = false, true
	p := d.Policy
	go func() {
		n, err := d.Closer.Forget(p)
		c.results <- closingResult{forgotten: n, err: err}
	}()
}
