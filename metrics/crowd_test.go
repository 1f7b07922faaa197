package metrics

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

// read reads an answer, and that the connection ends with it.
func read(t *testing.T, c net.Conn, method string) answered {
	t.Helper()
	in := bufio.NewReader(c)
	r, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Fatalf("after the answer: %q, %v", rest, err)
	}
	return answered{r.StatusCode, r.Header, string(body)}
}

// descriptors counts the sockets of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// TestManyAndSlowClients: they take MaxConns places at most, and whoever comes next is served.
func TestManyAndSlowClients(t *testing.T) {
	s, at := serving(t)
	s.Publish(busy())
	before := descriptors(t)
	const crowd = 200
	for i := range crowd {
		c := dial(t, at)
		switch i % 3 {
		case 0: // says nothing
		case 1:
			fmt.Fprint(c, "GET /metr") // half a request
		case 2:
			fmt.Fprintf(c, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", at) // reads nothing
		}
	}
	if got := ask(t, at, "GET", "/metrics"); got.status != http.StatusOK {
		t.Errorf("behind the crowd the answer is %d", got.status)
	}
	// Ours of the crowd, one more, and what the server has left of its side.
	nstest.Await(t, "the server to keep no more than it may", func() bool {
		return descriptors(t)-before-crowd-1 <= MaxConns+1
	})
	s.Publish(busy())
	if got := ask(t, at, "GET", "/metrics"); got.status != http.StatusOK {
		t.Errorf("another time the answer is %d", got.status)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "every request to end with the server", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "net/http.(*conn).serve")
	})
}

// TestOneExpositionForAStatus however many ask: they all get the very same bytes.
func TestOneExpositionForAStatus(t *testing.T) {
	e := newExposition()
	e.latest.Store(busy())
	first, err := e.text()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := e.text()
	if &first[0] != &again[0] {
		t.Error("it was written twice")
	}
	e.latest.Store(busy())
	if third, _ := e.text(); &third[0] == &first[0] {
		t.Error("a newer one is not written")
	}
}

// TestPlaces fills and frees them.
func TestPlaces(t *testing.T) {
	var p places
	conns := make([]net.Conn, MaxConns+2)
	for i := range conns {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		conns[i] = near
	}
	for _, c := range conns[:MaxConns] {
		if oldest := p.enter(c); oldest != nil {
			t.Fatal("one has to go before the places are full")
		}
	}
	if oldest := p.enter(conns[MaxConns]); oldest != conns[0] {
		t.Error("not the oldest has to go")
	}
	p.leave(conns[0]) // it has lost its place already
	p.leave(conns[5])
	if oldest := p.enter(conns[MaxConns+1]); oldest != nil {
		t.Error("one has to go where a place is free")
	}
	if len(p.open) != MaxConns {
		t.Errorf("%d are open", len(p.open))
	}
}
