package control

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
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
	target, length, reason, err := decodeLasting(r.Body, DefaultExemptFor, CheckWidth, CheckExemptFor)
	if err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Exempting{target, length, reason}))
}

func (s *Server) unexempt(r *http.Request) ([]byte, error) {
	target, err := decodeEnd(r.Body)
	if err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Unexempting{target}))
}

// decodeLasting reads an order that holds for a time: absent stands for a length that is left out, and the checks
// say which prefixes and lengths are allowed.
func decodeLasting(body io.Reader, absent time.Duration, checkPrefix func(netip.Prefix) error,
	checkFor func(time.Duration) error) (target Target, length time.Duration, reason string, err error) {
	var prefix, service string
	var given Duration
	if err := decodeBody(body, map[string]any{"prefix": &prefix, "for": &given, "service": &service, "reason": &reason}); err != nil {
		return Target{}, 0, "", err
	}
	if target, err = decodeTarget(prefix, service); err != nil {
		return Target{}, 0, "", err
	}
	if err := checkPrefix(target.Prefix); err != nil {
		return Target{}, 0, "", invalid("prefix: %v", err)
	}
	length = cmp.Or(given.std(), absent)
	if err := checkFor(length); err != nil {
		return Target{}, 0, "", invalid("for: %v", err)
	}
	if err := CheckReason(reason); err != nil {
		return Target{}, 0, "", invalid("reason: %v", err)
	}
	return target, length, reason, nil
}

// decodeEnd reads an order that ends something of a target.
func decodeEnd(body io.Reader) (Target, error) {
	var prefix, service string
	if err := decodeBody(body, map[string]any{"prefix": &prefix, "service": &service}); err != nil {
		return Target{}, err
	}
	return decodeTarget(prefix, service)
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
