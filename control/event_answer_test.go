package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDecodeEventsQuery(t *testing.T) {
	for _, tt := range []struct {
		query string
		after uint64
		wait  time.Duration
		says  string // in the refusal; empty: none
	}{
		{"", 0, 0, ""},
		{"after=0&wait=0", 0, 0, ""},
		{"after=1795411190000003&wait=2.5", 1795411190000003, 2500 * time.Millisecond, ""},
		{"after=18446744073709551615&wait=8", 1<<64 - 1, LongestWait, ""},
		{"after=18446744073709551616", 0, 0, "not the ID of an event"},
		{"after=", 0, 0, "not the ID of an event"},
		{"after=-1", 0, 0, "not the ID of an event"},
		{"after=" + strings.Repeat("9", 100), 0, 0, "..."},
		{"wait=8.001", 0, 0, "it must be 0 to 8"},
		{"wait=-1", 0, 0, "it must be 0 to 8"},
		{"wait=NaN", 0, 0, "it must be 0 to 8"},
		{"wait=inf", 0, 0, "it must be 0 to 8"},
		{"wait=1s", 0, 0, "not a number of seconds"},
	} {
		q, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		after, wait, refusal := decodeEventsQuery(q)
		if tt.says != "" {
			if refusal == nil || refusal.Kind != KindInvalid || !strings.Contains(refusal.Message, tt.says) {
				t.Errorf("%s: got %v, want a refusal with %q", tt.query, refusal, tt.says)
			}
			continue
		}
		if refusal != nil || after != tt.after || wait != tt.wait {
			t.Errorf("%s: got %d, %v, %v", tt.query, after, wait, refusal)
		}
	}
}

func TestEventAnswersGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for the time of the answer
		for _, tt := range []struct {
			name   string
			srv    *Server
			query  string
			status int
		}{
			{"events", published(peace()), "", 200},
			{"events_after", published(peace()), "?after=1795411190000015&wait=8", 200},
			{"events_waited", published(peace()), "?after=1795411190000017&wait=8", 200},
			{"events_old", published(peace()), "?after=1795000000000000&wait=8", 200},
			{"events_bad", published(peace()), "?after=-1", 400},
			{"events_wait", published(peace()), "?wait=9", 400},
			{"starting_events", bare(), "?wait=8", 503},
		} {
			w := ask(tt.srv, &Peer{}, "GET", "/v1/events"+tt.query)
			if w.Code != tt.status {
				t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.status)
			}
			var b bytes.Buffer
			if err := json.Indent(&b, w.Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteByte('\n')
			golden(t, tt.name+".json", b.Bytes())
		}
	})
}

// TestWaitingViewersLeaveRoom fills what viewers may wait in: the next is told so, what does not wait is
// answered, and root waits.
func TestWaitingViewersLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := published(peace())
		viewer, root := &Peer{UID: 1000, GID: viewGID}, &Peer{}
		wait := fmt.Sprintf("/v1/events?wait=8&after=%d", srv.events.Load().last())
		codes := make(chan int, maxWaiting+1)
		for range maxWaiting {
			go func() { codes <- ask(srv, viewer, "GET", wait).Code }()
		}
		synctest.Wait()
		if w := ask(srv, viewer, "GET", wait); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"busy"`) {
			t.Errorf("one too many: %d %s", w.Code, w.Body)
		}
		for _, path := range []string{"/v1/events", "/v1/events?after=1&wait=8", "/v1/status"} {
			if w := ask(srv, viewer, "GET", path); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		go func() { codes <- ask(srv, root, "GET", wait).Code }()
		synctest.Wait()
		if len(codes) != 0 {
			t.Errorf("%d were answered at once", len(codes))
		}
		srv.PublishEvents(streamOf(append(happened().Events, Event{Event: Started})...))
		for range maxWaiting + 1 {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("status %d", code)
			}
		}
		if n := srv.waiting.n.Load(); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}

// TestWholeWait sends a request over a connection, by the server's own time-outs: it may wait for longer than
// a request may take to come.
func TestWholeWait(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer(mustListen(t, path, ""), quiet())
		srv.PublishEvents(happened())
		ctx, stop := context.WithCancel(t.Context())
		q, ended := newQueue(), make(chan error, 1)
		go func() { ended <- srv.serve(ctx, &gate{Listener: q, creds: toldCredentials{}, log: quiet()}) }()
		ours, theirs := net.Pipe()
		q.conns <- pipeEnd{theirs, &Peer{}}
		for range 2 { // on one connection
			began := time.Now()
			fmt.Fprintf(ours, "GET /v1/events?after=%d&wait=8 HTTP/1.1\r\nHost: ebbgate\r\n\r\n", happened().last())
			resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeAnswer[Events](resp.Body, maxAnswer)
			if err != nil || len(got.Events) != 0 || got.Missed || got.Next != happened().last() {
				t.Errorf("got %+v, %v", got, err)
			}
			if took := time.Since(began); took != LongestWait {
				t.Errorf("answered after %v, want %v", took, LongestWait)
			}
		}
		stop()
		_ = q.Close()
		_ = ours.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestEventPagesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages eventPages
		s := happened()
		one, err := pages.answer(s, firstID+1)
		if err != nil {
			t.Fatal(err)
		}
		same, _ := pages.answer(s, firstID+1)
		if &one[0] != &same[0] {
			t.Error("the same question was encoded twice")
		}
		other, _ := pages.answer(s, firstID+2)
		old, _ := pages.answer(s, 1)
		if len(other) >= len(one) || string(old) == string(one) {
			t.Error("another question got the same answer")
		}
		time.Sleep(pageAge) // of synctest's time
		if later, _ := pages.answer(s, firstID+1); &one[0] == &later[0] {
			t.Error("the time of an answer is too old")
		}
		for i := range s.Events {
			if _, err := pages.answer(s, firstID+uint64(i)); err != nil || len(pages.pages) > mostPages {
				t.Fatalf("%d pages, %v", len(pages.pages), err)
			}
		}
	})
}

// FuzzEventsQuery asks whatever a client might: the answer is one of a handful, and what is in it is in order
// and after what was asked for.
func FuzzEventsQuery(f *testing.F) {
	for _, q := range []string{"", "after=0", "after=1795411190000003", "wait=0&after=1795411190000014", "after=1e3", "after=1&after=2", "%zz", "wait=-0"} {
		f.Add(q)
	}
	srv := published(peace())
	f.Fuzz(func(t *testing.T, query string) {
		ctx, cancel := context.WithCancel(withPeer(t.Context(), Peer{}))
		cancel() // nobody waits for long here
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/v1/events", RawQuery: query}}
		w := httptest.NewRecorder()
		srv.handler().ServeHTTP(w, r.WithContext(ctx))
		got, err := decodeAnswer[Events](w.Body, maxAnswer)
		if (err == nil) != (w.Code == http.StatusOK) || err != nil && w.Code != http.StatusBadRequest {
			t.Fatalf("status %d, %v", w.Code, err)
		}
		if err != nil {
			return
		}
		if got.Next != happened().last() {
			t.Errorf("next is %d", got.Next)
		}
		for i := 1; i < len(got.Events); i++ {
			if got.Events[i].ID <= got.Events[i-1].ID {
				t.Errorf("ID %d follows %d", got.Events[i].ID, got.Events[i-1].ID)
			}
		}
	})
}
