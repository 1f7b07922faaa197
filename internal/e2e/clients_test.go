package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ebbgate/control"
)

// clientsEnv makes the test's binary a crowd of clients of the daemon at this socket, until its input ends.
const clientsEnv = "EBBGATE_E2E_CLIENTS"

const (
	// crowdSize is how many clients there are at once, a quarter of each sort.
	crowdSize = 1000
	// crowdUsers is how many users they are, of group nobody: one alone may not have all places.
	crowdUsers = 4
	// crowdPause is how long one waits who was turned away.
	crowdPause = 100 * time.Millisecond
)

// crowd counts what became of its clients.
type crowd struct {
	path  string
	dials [crowdUsers]chan chan dialed // unbuffered: one thread of each user dials
	seen  atomic.Uint64                // the ID after which events are waited for

	Connected atomic.Int64 // connections made
	Asked     atomic.Int64 // whole answers of those who ask as fast as they are answered
	Waited    atomic.Int64 // and of those who wait for events
	Busy      atomic.Int64 // answers that say that there is no room
	Cut       atomic.Int64 // connections that were closed by the daemon
}

// crowdReport is what the process of a crowd prints.
type crowdReport struct{ Connected, Asked, Waited, Busy, Cut int64 }

// runCrowd is the whole process of a crowd.
func runCrowd(path string) error {
	c := &crowd{path: path}
	for i := range c.dials {
		c.dials[i] = make(chan chan dialed)
		go c.dialAs(nobody-i, c.dials[i])
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	for i := range crowdSize {
		sort := []func(net.Conn) error{c.neverRead, c.trickle, c.longPoll, c.askOn}[i%4]
		wg.Go(func() { c.be(sort, c.dials[i/4%crowdUsers], ended) })
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	close(ended)
	wg.Wait()
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(crowdReport{c.Connected.Load(), c.Asked.Load(), c.Waited.Load(), c.Busy.Load(), c.Cut.Load()})
}

// dialed is a connection, or why there is none.
type dialed struct {
	conn net.Conn
	err  error
}

// dialAs connects as a user: the kernel notes who calls connect(2).
func (c *crowd) dialAs(uid int, wanted <-chan chan dialed) {
	runtime.LockOSThread() // for good
	err := become(uid, nobody)
	for answer := range wanted {
		if err != nil {
			answer <- dialed{nil, err}
			continue
		}
		conn, err := net.Dial("unix", c.path)
		answer <- dialed{conn, err}
	}
}

// be is one client, who comes again whenever he is cut.
func (c *crowd) be(sort func(net.Conn) error, dial chan<- chan dialed, ended <-chan struct{}) {
	answer := make(chan dialed, 1) // capacity 1: who dials never waits
	for {
		dial <- answer
		got := <-answer
		conn, err := got.conn, got.err
		if err == nil {
			c.Connected.Add(1)
			gone := make(chan struct{})
			go func() {
				select {
				case <-ended:
				case <-gone:
				}
				_ = conn.Close()
			}()
			for err == nil {
				err = sort(conn)
			}
			close(gone)
		}
		select {
		case <-ended:
			return
		case <-time.After(crowdPause):
			c.Cut.Add(1)
		}
	}
}

// neverRead sends requests and reads no answer, until its connection is cut.
func (c *crowd) neverRead(conn net.Conn) error {
	_, err := io.WriteString(conn, "GET /v1/ruleset HTTP/1.1\r\nHost: ebbgate\r\n\r\n")
	time.Sleep(crowdPause)
	return err
}

// trickle sends a byte of a request each second.
func (c *crowd) trickle(conn net.Conn) error {
	for _, b := range []byte("GET /v1/status HTTP/1.1\r\n") {
		if _, err := conn.Write([]byte{b}); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	return nil
}

// longPoll waits for what comes after the newest event that any of them has heard of.
func (c *crowd) longPoll(conn net.Conn) error {
	body, err := c.exchange(conn, fmt.Sprintf("/v1/events?wait=8&after=%d", c.seen.Load()))
	if err != nil || body == nil {
		return err
	}
	var answer struct{ Result control.Events }
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	c.seen.Store(answer.Result.Next)
	c.Waited.Add(1)
	return nil
}

// askOn asks for the status as soon as it has it.
func (c *crowd) askOn(conn net.Conn) error {
	body, err := c.exchange(conn, "/v1/status")
	if body != nil {
		c.Asked.Add(1)
	}
	return err
}

// exchange sends one request and reads the whole answer; none is one that says that there is no room.
func (c *crowd) exchange(conn net.Conn, path string) ([]byte, error) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: ebbgate\r\n\r\n", path); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusServiceUnavailable {
		c.Busy.Add(1)
		time.Sleep(crowdPause)
		return nil, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return body, nil
}
