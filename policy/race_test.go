//go:build race

package policy

// Under the race detector random worlds are an eighth as many, and only scenarios with fewer sources than
// this are varied. No goroutine is started in this package, so the detector has nothing to find there,
// and makes it ten times as slow; a test without it has the full volume.
const (
	fewerWorlds = 8
	mostVaried  = 5000
)
