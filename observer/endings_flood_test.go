package observer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

// TestEndingsBesideAFlood counts 5,000 connect-and-resets, as fast as the machine goes, beside
// 40,000 forged SYNs a second: all of them, and nobody's that was forged (P5).
func TestEndingsBesideAFlood(t *testing.T) {
	l := nstest.Lab(t)
	to := netip.MustParseAddrPort("10.77.0.1:80")
	var o *Observer
	var server *nstest.Sock
	if err := l.Victim.Do(func() (err error) {
		server = nstest.Listen(t, "0.0.0.0:80", 4096)
		o, err = Open(slog.New(slog.DiscardHandler))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	o.SetPolicy(eager())
	s := &endingSum{}
	if err := l.Victim.Do(func() error { s = watch(t, o); return nil }); err != nil {
		t.Fatal(err)
	}
	spoof, err := lab.StartSpoof(t.Context(), l.Attackers, lab.SpoofConfig{Target: to, Sources: lab.SpoofRange().IPv4(60_000), Rate: 40_000})
	if err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "SYN cookies to be sent", func() bool { return s.take(t, o).Counters.CookiesSent > 1000 })
	const workers, each, perWorker = 4, 1250, 5
	sources := lab.ClientRange().IPv4(workers * perWorker)
	ended := make(chan error, 2*workers) // one from each goroutine: nobody waits
	for w := range workers {
		go func() { ended <- server.Greet(each) }()
		go func() {
			ended <- l.Clients.Do(func() error { return nstest.Churn(each, sources[w*perWorker:(w+1)*perWorker], to) })
		}()
	}
	for range cap(ended) {
		err = errors.Join(err, <-ended)
	}
	if err := errors.Join(err, spoof.Stop()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d forged SYNs", spoof.Counts().Sent)
	s.await(t, o, workers*each)
	for _, source := range sources {
		if got := s.sources[fmt.Sprintf("web %v/32", source)]; got != each/perWorker {
			t.Errorf("%v: %d, want %d", source, got, each/perWorker)
		}
	}
	if len(s.sources) != len(sources) || s.lost != 0 || s.paused != 0 {
		t.Errorf("%d sources, lost %d, paused %v", len(s.sources), s.lost, s.paused)
	}
}
