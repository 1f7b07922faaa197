package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxOrders bounds the orders that wait for the loop; one more is answered that the daemon is
	// busy.
	maxOrders = 16
	// orderTimeout bounds how long an order may take; a turn takes milliseconds. It is below the
	// client's own time-out, so that the client hears why.
	orderTimeout = 4 * time.Second
)

// Orders returns the orders of those who may act, to be taken by the daemon's loop. It is never closed.
func (s *Server) Orders() <-chan *Order { return s.orders }

// order hands an order to the loop and waits for its end.
func (s *Server) order(ctx context.Context, o *Order) ([]byte, error) {
	select {
	case s.orders <- o:
	default:
		return nil, &Error{Kind: KindBusy, Message: fmt.Sprintf("%d orders wait already: nothing was changed; try again in a second", maxOrders)}
	}
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	done, refusal := o.Wait(ctx)
	if refusal != nil {
		return nil, refusal
	}
	return json.Marshal(envelope[any]{Result: &done})
}

func (s *Server) exempt(r *http.Request) ([]byte, error) {
	var in ExemptRequest
	if err := decodeBody(r.Body, map[string]any{"prefix": &in.Prefix, "for": &in.For, "service": &in.Service, "reason": &in.Reason}); err != nil {
		return nil, err
	}
	target, err := decodeTarget(in.Prefix, in.Service)
	if err != nil {
		return nil, err
	}
	if err := CheckWidth(target.Prefix); err != nil {
		return nil, invalid("prefix: %v", err)
	}
	length := in.For.std()
	if length == 0 {
		length = DefaultExemptFor
	}
	if err := CheckExemptFor(length); err != nil {
		return nil, invalid("for: %v", err)
	}
	if err := CheckReason(in.Reason); err != nil {
		return nil, invalid("reason: %v", err)
	}
	return s.order(r.Context(), NewOrder(Exempting{target, length, in.Reason}))
}

func (s *Server) unexempt(r *http.Request) ([]byte, error) {
	var in UnexemptRequest
	if err := decodeBody(r.Body, map[string]any{"prefix": &in.Prefix, "service": &in.Service}); err != nil {
		return nil, err
	}
	target, err := decodeTarget(in.Prefix, in.Service)
	if err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Unexempting{target}))
}

// decodeTarget reads whom a command is about. Whether there is such a service only the loop knows.
func decodeTarget(prefix, service string) (Target, error) {
	p, err := ParsePrefix(prefix)
	if err != nil {
		return Target{}, invalid("prefix: %v", err)
	}
	return Target{Prefix: p, Service: service}, nil
}

func (s *Server) reload(r *http.Request) ([]byte, error) {
	length, err := decodeReload(r.Body)
	if err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Reloading{For: length}))
}

func invalid(format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Message: fmt.Sprintf(format, args...)}
}
