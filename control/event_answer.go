package control

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// answerEvents answers with what came after an ID, and waits for it if it is asked to. Root waits outside the
// bound for viewers.
func (s *Server) answerEvents(r *http.Request) ([]byte, error) {
	after, wait, refusal := decodeEventsQuery(r.URL.Query())
	if refusal != nil {
		return nil, refusal
	}
	current := s.events.Load()
	if current == nil {
		return nil, starting("events")
	}
	if wait > 0 && !current.news(after) {
		if peer, _ := peerFrom(r.Context()); peer.UID != 0 {
			if refusal := s.waiting.enter(); refusal != nil {
				return nil, refusal
			}
			defer s.waiting.leave()
		}
		current = s.await(r.Context(), after, wait)
	}
	return s.eventPages.answer(current.Stream, after)
}

// decodeEventsQuery reads which events are asked for.
func decodeEventsQuery(q url.Values) (after uint64, wait time.Duration, refusal *Error) {
	if q.Has("after") {
		var err error
		if after, err = strconv.ParseUint(q.Get("after"), 10, 64); err != nil {
			return 0, 0, invalid("after: %q is not the ID of an event; it must be a number, as next and id of an earlier answer are, or 0 for all that are kept", clip(q.Get("after")))
		}
	}
	if q.Has("wait") {
		seconds, err := strconv.ParseFloat(q.Get("wait"), 64)
		if err != nil || !(seconds >= 0 && seconds <= LongestWait.Seconds()) {
			return 0, 0, invalid("wait: %q is not a number of seconds; it must be 0 to %g", clip(q.Get("wait")), LongestWait.Seconds())
		}
		wait = time.Duration(seconds * float64(time.Second))
	}
	return after, wait, nil
}

const (
	// mostPages bounds the answers that are kept for others who ask the same.
	mostPages = 8
	// pageAge is how long an answer is given again: its time is that old at most.
	pageAge = time.Second
)

// eventPages are the answers given last. Everybody who waited has the same question, and is given the same
// bytes: a crowd costs one encoding and one copy in memory. Its lock is among clients only.
type eventPages struct {
	mu    sync.Mutex
	pages map[pageKey]eventPage
}

type pageKey struct {
	stream *Stream
	first  int // index of the first event
	missed bool
}

type eventPage struct {
	made time.Time
	body []byte
}

// answer returns the whole envelope.
func (p *eventPages) answer(s *Stream, after uint64) ([]byte, error) {
	events, missed := s.after(after)
	key := pageKey{s, len(s.Events) - len(events), missed}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if page, ok := p.pages[key]; ok && now.Sub(page.made) < pageAge {
		return page.body, nil
	}
	body, err := json.Marshal(envelope[Events]{Result: &Events{At: TimeOf(now), Events: notNil(events), Missed: missed, Next: s.last()}})
	if err != nil {
		return nil, err
	}
	if p.pages == nil || len(p.pages) >= mostPages {
		p.pages = make(map[pageKey]eventPage, mostPages)
	}
	p.pages[key] = eventPage{now, body}
	return body, nil
}
