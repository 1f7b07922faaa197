package observer

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// TestMultipathListener covers servers that listen by way of MPTCP, which Go's own net.Listen
// does by default. The kernel shows the TCP socket underneath.
func TestMultipathListener(t *testing.T) {
	o := enter(t, web())
	var config net.ListenConfig
	config.SetMultipathTCP(true)
	l, err := config.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 3 {
		nstest.Dial(t, "10.66.0.1:0", server4+":80")
	}
	nstest.Await(t, "three connections in the accept queue", func() bool {
		obs := o.Tick()
		return len(obs.Listeners) == 1 && obs.Listeners[0].Queue == 3 &&
			obs.Listeners[0].Local == netip.MustParseAddrPort("[::]:80")
	})
	awaitCensus(t, o, policy.ServiceCensus{Held: 3, Sources: []policy.SourceCensus{held("10.66.0.1/32", 3)}})
	for range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	awaitCensus(t, o, policy.ServiceCensus{Held: 3, Sources: []policy.SourceCensus{held("10.66.0.1/32", 3)}})
}
