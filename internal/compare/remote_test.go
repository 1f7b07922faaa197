package compare

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

func serverConfig() lab.ServerConfig {
	return lab.ServerConfig{Listen: []netip.AddrPort{netip.AddrPortFrom(lab.VictimV4(), 8080)}, Capacity: 10}
}

func TestRemoteServer(t *testing.T) {
	l := nstest.Lab(t)
	s, err := startServer(l.Victim, serveCommand(), serverConfig())
	if err != nil {
		t.Fatal(err)
	}
	if s.pid() <= 1 {
		t.Errorf("process %d", s.pid())
	}
	c, err := lab.StartClients(t.Context(), l.Clients, lab.ClientsConfig{
		Target: netip.AddrPortFrom(lab.VictimV4(), 8080), Sources: lab.ClientRange().IPv4(2), Rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "requests are served", func() bool { return s.Counts().Served > 5 })
	s.Stall()
	nstest.Await(t, "requests wait", func() bool { return s.state().Waiting > 5 })
	s.Resume()
	served := s.Counts().Served
	nstest.Await(t, "requests are served again", func() bool { return s.Counts().Served > served+5 })
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if s.Stall(); s.err == nil {
		t.Error("a server that has ended takes orders")
	}
}

func TestRemoteServerThatDoesNotServe(t *testing.T) {
	l := nstest.Lab(t)
	if _, err := startServer(l.Victim, serveAs("dumb"), serverConfig()); err == nil || !strings.Contains(err.Error(), "I will not serve") {
		t.Errorf("error %v, want what it said", err)
	}
	config := serverConfig()
	config.Capacity = 0
	if _, err := startServer(l.Victim, serveCommand(), config); err == nil || !strings.Contains(err.Error(), "capacity 0") {
		t.Errorf("error %v, want what is wrong with the server", err)
	}
}

func TestServeNeedsToBeTold(t *testing.T) {
	for _, in := range []string{"", "{", `{"Capacity": "many"}`} {
		if err := Serve(t.Context(), strings.NewReader(in), io.Discard); err == nil || !strings.HasPrefix(err.Error(), "read how to serve: ") {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

func TestOrders(t *testing.T) {
	l := nstest.Lab(t)
	server, err := lab.StartServer(t.Context(), l.Victim, serverConfig())
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"":                         "",
		`"state" "stall" "resume"`: "",
		`"dance"`:                  `the order "dance" is unknown`,
		`"state" 7`:                "read an order: ",
		`"state`:                   "read an order: ",
	} {
		err := serveOrders(server, json.NewDecoder(strings.NewReader(in)), json.NewEncoder(io.Discard))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", in, err, want)
		}
	}
	if err := serveOrders(server, json.NewDecoder(strings.NewReader("")), json.NewEncoder(full{})); err == nil {
		t.Error("nobody takes the answer, and it is no error")
	}
}
