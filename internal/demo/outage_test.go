package demo

import (
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// hangUntilFailure lets the application hang until a request failed that was started since.
func hangUntilFailure(t *testing.T, p *play) (failed time.Time) {
	t.Helper()
	from := time.Now()
	p.server.Stall()
	nstest.Await(t, "a request to fail", func() (ok bool) {
		failed, ok = p.clients.FirstFailure(from)
		return ok
	})
	return failed
}

// TestServedAgainCountsFromCompletion has requests that wait long before they are served.
func TestServedAgainCountsFromCompletion(t *testing.T) {
	p := newPlay(t)
	p.result.onset = time.Now()
	if _, ok := p.servedAgain(); ok {
		t.Error("served again although nothing failed")
	}
	failed := hangUntilFailure(t, p)
	resumed := time.Now()
	p.server.Resume()
	var served time.Time
	nstest.Await(t, "the clients to be served again", func() (ok bool) {
		served, ok = p.servedAgain()
		return ok
	})
	start, ok := p.clients.Recovered(failed, settle)
	if !ok || served.Before(resumed) || served.Before(start) {
		t.Errorf("served again %v after the server went on by a request that began %v after, want none before it went on",
			served.Sub(resumed), start.Sub(resumed))
	}
}

// TestOutages has one outage after another, and a last one that does not end within the attack.
func TestOutages(t *testing.T) {
	p := newPlay(t)
	p.result.onset = time.Now()
	first := hangUntilFailure(t, p)
	p.server.Resume()
	var again time.Time
	nstest.Await(t, "the clients to be served again", func() (ok bool) {
		again, ok = p.servedAgain()
		return ok
	})
	second := hangUntilFailure(t, p)
	p.server.Resume()
	nstest.Await(t, "the clients to be served a second time", func() bool {
		_, ok := p.servedFrom(second)
		return ok
	})
	// A request that was under way when the server stalled was started a little before the first that failed.
	p.result.floodEnd = again
	if list := p.outages(again); len(list) != 0 {
		t.Errorf("outages %v of an attack that ended before them", list)
	}
	p.result.floodEnd = time.Now()
	list := p.outages(again)
	// A busy machine may add outages of its own, but takes none away.
	if len(list) == 0 || list[0].From <= first.Sub(p.result.onset) || list[0].To <= list[0].From || list[0].Failed == 0 {
		t.Errorf("outages %v, want one after %v", list, again.Sub(p.result.onset))
	}
	third := hangUntilFailure(t, p)
	p.result.floodEnd = time.Now()
	list = p.outages(again)
	last := list[len(list)-1]
	if last.From > third.Sub(p.result.onset) || last.To != 0 || last.Failed == 0 {
		t.Errorf("outages %v, want a last one that goes on from %v", list, third.Sub(p.result.onset))
	}
	p.server.Resume()
}
