package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// answerAttacks answers with all attacks, or with the one whose id the query has.
func (s *Server) answerAttacks(r *http.Request) ([]byte, error) {
	published := s.attacks.Load()
	if published == nil || !r.URL.Query().Has("id") {
		return answerOf(published, "attacks")
	}
	id := r.URL.Query().Get("id")
	if n, err := strconv.ParseUint(id, 10, 64); err != nil || n == 0 {
		return nil, invalid("id: %q is not the number of an attack; it must be 1 or more, as ebbgate attacks shows", clip(id))
	}
	all := published.get().Attacks
	for i := range all {
		if all[i].ID == id {
			return json.Marshal(envelope[Attack]{Result: &all[i]})
		}
	}
	return nil, &Error{Kind: KindNotFound, Message: fmt.Sprintf("there is no attack %s: the daemon tells of those that are open and of the %d "+
		"that ended last since it started; ebbgate attacks lists them", id, MaxEnded)}
}

// explainTimeout bounds how long one may wait for his turn.
const explainTimeout = 3 * time.Second

// answerExplain answers what holds for the address of the query. Explaining reads all that is
// decided and counted, so one request at a time does it and the others wait their turn.
func (s *Server) answerExplain(r *http.Request) ([]byte, error) {
	addr, err := ParseAddr(r.URL.Query().Get("address"))
	if err != nil {
		return nil, invalid("address: %v", err)
	}
	explain := s.explain.Load()
	if explain == nil {
		return nil, starting("explanation")
	}
	ctx, cancel := context.WithTimeout(r.Context(), explainTimeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, &Error{Kind: KindBusy, Message: "too many want an explanation: try again in a second"}
	}
	e := (*explain)(addr)
	if e == nil {
		return nil, starting("explanation")
	}
	out := e.bounded()
	out.Own = ownAddress(addr)
	return json.Marshal(envelope[Explanation]{Result: out})
}
