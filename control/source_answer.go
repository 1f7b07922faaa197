package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// keptAnswers bounds the answers about one publication that are kept for clients with the same question.
const keptAnswers = 16

// sourceAnswers are the answers about one publication of sources. The list is made when somebody asks for
// the first time. It is used by one goroutine at a time, the one that has the server's turn.
type sourceAnswers struct {
	list    func() *SourceList
	made    *SourceList
	answers map[SourcesRequest][]byte
}

// answer returns the whole envelope for a good request.
func (a *sourceAnswers) answer(r SourcesRequest) ([]byte, error) {
	if body, ok := a.answers[r]; ok {
		return body, nil
	}
	if a.made == nil {
		a.made = a.list()
	}
	result := a.made.Select(r)
	if result == nil {
		return nil, &Error{Kind: KindNotFound, Message: fmt.Sprintf("service: there is none called %q; there are %s", clip(r.Service), a.services())}
	}
	body, err := json.Marshal(envelope[Sources]{Result: result})
	if err == nil && len(a.answers) < keptAnswers {
		if a.answers == nil {
			a.answers = map[SourcesRequest][]byte{}
		}
		a.answers[r] = body
	}
	return body, err
}

// services names those there are.
func (a *sourceAnswers) services() string {
	var names []string
	for i := range a.made.Services {
		names = append(names, a.made.Services[i].Service)
	}
	return strings.Join(names, ", ")
}

// answerSources answers who holds connections. Going through all sources takes a while where there are
// 100,000, so one request at a time does it and the others wait their turn.
func (s *Server) answerSources(r *http.Request) ([]byte, error) {
	request, err := parseSources(r.URL.Query())
	if err != nil {
		return nil, err
	}
	published := s.sources.Load()
	if published == nil {
		return nil, starting("sources")
	}
	leave, err := enter(r.Context(), s.turn, "sources")
	if err != nil {
		return nil, err
	}
	defer leave()
	return published.answer(request)
}

// sourceParams are what GET /v1/sources takes.
func sourceParams() []string { return []string{"service", "state", "within", "sort", "limit"} }

// parseSources reads a request.
func parseSources(q url.Values) (SourcesRequest, error) {
	r := SourcesRequest{Service: q.Get("service"), State: SourceState(q.Get("state")), Sort: ByHeld}
	if err := CheckState(r.State); r.State != "" && err != nil {
		return r, invalid("state: %v", err)
	}
	if q.Has("within") {
		var err error
		if r.Within, err = ParsePrefix(q.Get("within")); err != nil {
			return r, invalid("within: %v", err)
		}
	}
	if q.Has("sort") {
		r.Sort = SourceOrder(q.Get("sort"))
		if err := CheckOrder(r.Sort); err != nil {
			return r, invalid("sort: %v", err)
		}
	}
	var err error
	r.Limit, err = queryNumber(q, "limit", DefaultSources, MaxSources)
	return r, err
}

// SourceStates lists the states, the strongest first.
func SourceStates() []SourceState {
	return []SourceState{SourceExempt, SourceBlocked, SourceRefused, SourceLimited, SourceWatched, SourceFree}
}

// SourceOrders lists the orders.
func SourceOrders() []SourceOrder { return []SourceOrder{ByState, ByHeld, ByNew, ByHalfOpen, BySYNs} }

// CheckState says what states there are.
func CheckState(s SourceState) error { return oneOf(s, SourceStates(), "a state") }

// CheckOrder says by what sources can be sorted.
func CheckOrder(o SourceOrder) error { return oneOf(o, SourceOrders(), "an order") }

// oneOf says which words are allowed, if a word is none of them.
func oneOf[T ~string](word T, allowed []T, what string) error {
	if slices.Contains(allowed, word) {
		return nil
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	return fmt.Errorf("%q is not %s; it must be %s or %s", clip(string(word)), what, strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}
