package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// answerAttacks answers with all attacks, with those the query narrows it to, or with the one whose id it
// has.
func (s *Server) answerAttacks(r *http.Request) ([]byte, error) {
	request, err := parseAttacks(r.URL.Query())
	if err != nil {
		return nil, err
	}
	published := s.attacks.Load()
	if published == nil || len(r.URL.Query()) == 0 {
		return answerOf(published, "attacks")
	}
	if !r.URL.Query().Has("id") {
		return s.listAttacks(r, request, published.get())
	}
	id, err := queryAttackID(r.URL.Query(), "id")
	if err != nil {
		return nil, err
	}
	all := published.get().Attacks
	for i := range all {
		if all[i].number() == id {
			return json.Marshal(envelope[Attack]{Result: &all[i]})
		}
	}
	if s.archive != nil {
		old, err := archived(s, r, id, s.archive.Attack)
		if err != nil {
			return nil, err
		}
		if old != nil {
			return json.Marshal(envelope[Attack]{Result: &boundedAttacks([]Attack{*old})[0]})
		}
	}
	return nil, &Error{Kind: KindNotFound, Message: fmt.Sprintf("there is no attack %d: the daemon tells of those that are open, of the %d "+
		"that ended last, and of those in its history; ebbgate attacks lists them", id, MaxEnded)}
}

// turnTimeout bounds how long one may wait for his turn.
const turnTimeout = 3 * time.Second

// enter waits for the one token of a turn, and returns what gives it back. Who waits too long is told so.
func enter(ctx context.Context, turn chan struct{}, wanted string) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, &Error{Kind: KindBusy, Message: "too many want " + wanted + ": try again in a second"}
	}
}

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
	leave, err := enter(r.Context(), s.turn, "an explanation")
	if err != nil {
		return nil, err
	}
	defer leave()
	e := (*explain)(addr)
	if e == nil {
		return nil, starting("explanation")
	}
	out := e.bounded()
	out.Own = ownAddress(addr)
	return json.Marshal(envelope[Explanation]{Result: out})
}
