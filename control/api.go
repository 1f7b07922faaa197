package control

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// endpoint is one line of the API.
type endpoint struct {
	method string
	path   string
	params []string          // that its query may have, each once
	who    func(Peer) *Error // nil: admitted
	answer func(*http.Request) ([]byte, error)
}

// api is the whole API. Answers to GET come from published snapshots and never wait for the loop.
func (s *Server) api() []endpoint {
	view := s.viewers.mayView
	return []endpoint{
		{http.MethodGet, "/v1/status", nil, view, func(*http.Request) ([]byte, error) { return answerOf(s.status.Load(), "status") }},
		{http.MethodGet, "/v1/ruleset", nil, view, func(*http.Request) ([]byte, error) { return answerOf(s.ruleset.Load(), "ruleset") }},
		{http.MethodGet, "/v1/attacks", attacksParams(), view, s.answerAttacks},
		{http.MethodGet, "/v1/samples", []string{"id"}, view, s.answerSamples},
		{http.MethodGet, "/v1/explain", []string{"address"}, view, s.answerExplain},
		{http.MethodGet, "/v1/sources", sourceParams(), view, s.answerSources},
		{http.MethodGet, "/v1/events", []string{"after", "wait"}, view, s.answerEvents},
		{http.MethodPost, "/v1/exempt", nil, mayAct, s.exempt},
		{http.MethodPost, "/v1/unexempt", nil, mayAct, s.unexempt},
		{http.MethodPost, "/v1/block", nil, mayAct, s.block},
		{http.MethodPost, "/v1/unblock", nil, mayAct, s.unblock},
		{http.MethodPost, "/v1/mode", nil, mayAct, s.mode},
		{http.MethodPost, "/v1/confirm", nil, mayAct, s.confirm},
		{http.MethodPost, "/v1/reload", nil, s.mayReload, s.reload},
	}
}

func answerOf[T any](s *snapshot[T], what string) ([]byte, error) {
	if s == nil {
		return nil, starting(what)
	}
	return s.answer()
}

func starting(what string) *Error {
	return &Error{Kind: KindStarting, Message: "ebbgate is starting and has no " + what + " yet: ask again in a second"}
}

// handler answers requests from the table of endpoints, and counts the answers under way.
type handler struct {
	endpoints []endpoint
	unread    *unread
}

func (s *Server) handler() handler { return handler{s.api(), &s.unread} }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, refusal := h.find(w, r)
	if refusal != nil {
		refuse(w, refusal)
		return
	}
	peer, known := peerFrom(r.Context())
	if !known {
		refuse(w, &Error{Kind: KindForbidden, Message: "use ebbgate: the kernel did not say who is asking"})
		return
	}
	if refusal := e.who(peer); refusal != nil {
		refuse(w, refusal)
		return
	}
	if refusal := e.checkQuery(r.URL.RawQuery); refusal != nil {
		refuse(w, refusal)
		return
	}
	if r.Method == http.MethodGet {
		// The time-out for reading a request would end one that waits: the server reads on, to see its
		// client leave. Who changes something keeps it, for his body. Only a test's writer has none.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(writeTimeout))
	}
	body, err := e.answer(r)
	if err != nil {
		refuse(w, err)
		return
	}
	release, busy := h.unread.take(body, peer.UID != 0)
	if busy != nil {
		refuse(w, busy)
		return
	}
	defer release()
	write(w, http.StatusOK, body)
}

// find returns the endpoint a request means. For a known path with another method it says which
// methods there are, in the header too (RFC 9110, 15.5.6).
func (h handler) find(w http.ResponseWriter, r *http.Request) (endpoint, error) {
	var methods, paths []string
	for _, e := range h.endpoints {
		paths = append(paths, e.path)
		if e.path != r.URL.Path {
			continue
		}
		if e.method == r.Method {
			return e, nil
		}
		methods = append(methods, e.method)
	}
	if methods != nil {
		allow := strings.Join(methods, ", ")
		w.Header().Set("Allow", allow)
		return endpoint{}, &Error{Kind: KindMethod, Message: fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allow, r.Method)}
	}
	return endpoint{}, &Error{Kind: KindNotFound, Message: "no such path; there are " + strings.Join(paths, ", ")}
}

// checkQuery refuses a question that would be answered otherwise than it was meant.
func (e endpoint) checkQuery(raw string) *Error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return invalid("query: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(e.params, name) {
			return invalid("query: unknown parameter %q; %s takes %s", clip(name), e.path, cmp.Or(strings.Join(e.params, ", "), "none"))
		}
		if len(values) > 1 {
			return invalid("query: %s comes %d times", name, len(values))
		}
		if values[0] == "" {
			return invalid("%s: is empty; leave it out, or give it a value", name)
		}
	}
	return nil
}

// queryNumber reads a parameter that is a number from 1 to most; it is usual where the query has none.
func queryNumber(q url.Values, name string, usual, most int) (int, error) {
	if !q.Has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most {
		return 0, invalid("%s: %q is out of range; it must be a number from 1 to %d", name, clip(q.Get(name)), most)
	}
	return n, nil
}

// refuse answers with err; what is not an *Error is a defect of ours.
func refuse(w http.ResponseWriter, err error) {
	e, ok := err.(*Error)
	if !ok {
		e = &Error{Kind: KindInternal, Message: "encode answer: " + err.Error()}
	}
	body, err := json.Marshal(envelope[struct{}]{Error: e})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	write(w, e.Kind.status(), body)
}

// write sends one answer. A client that is gone or too slow is cut by the server's time-outs.
func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
