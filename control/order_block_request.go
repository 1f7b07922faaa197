package control

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

func (s *Server) block(r *http.Request) ([]byte, error) {
	var in BlockRequest
	if err := decodeBody(r.Body, map[string]any{"prefix": &in.Prefix, "for": &in.For, "service": &in.Service, "reason": &in.Reason}); err != nil {
		return nil, err
	}
	target, err := decodeTarget(in.Prefix, in.Service)
	if err != nil {
		return nil, err
	}
	if err := CheckBlockable(target.Prefix); err != nil {
		return nil, invalid("prefix: %v", err)
	}
	if p := target.Prefix; p.IsSingleIP() && ownAddress(p.Addr()) {
		return nil, invalid("prefix: %s is one of this host's own addresses: a block could only lock the host out", p.Addr())
	}
	length := cmp.Or(in.For.std(), DefaultBlockFor)
	if err := CheckBlockFor(length); err != nil {
		return nil, invalid("for: %v", err)
	}
	if err := CheckReason(in.Reason); err != nil {
		return nil, invalid("reason: %v", err)
	}
	return s.order(r.Context(), NewOrder(Blocking{target, length, in.Reason}))
}

func (s *Server) unblock(r *http.Request) ([]byte, error) {
	var in UnblockRequest
	if err := decodeBody(r.Body, map[string]any{"prefix": &in.Prefix, "service": &in.Service}); err != nil {
		return nil, err
	}
	target, err := decodeTarget(in.Prefix, in.Service)
	if err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Unblocking{target}))
}

func (s *Server) mode(r *http.Request) ([]byte, error) {
	var in ModeRequest
	var mode string
	if err := decodeBody(r.Body, map[string]any{"mode": &mode, "for": &in.For, "service": &in.Service}); err != nil {
		return nil, err
	}
	if err := in.Mode.UnmarshalText([]byte(clip(mode))); err != nil {
		return nil, invalid("mode: %v", err)
	}
	if err := checkTrial(in.For.std()); err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Moding{in.Mode, in.Service, in.For.std()}))
}

func (s *Server) confirm(r *http.Request) ([]byte, error) {
	if err := decodeNothing(r.Body); err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Confirming{}))
}

// checkTrial refuses a length of a trial; 0 is none.
func checkTrial(d time.Duration) error {
	if d == 0 {
		return nil
	}
	if err := CheckTrial(d); err != nil {
		return invalid("for: %v", err)
	}
	return nil
}

// loopback are the addresses a host calls itself by.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// CheckBlockable refuses prefixes that hold half the Internet, and those a host calls itself by.
func CheckBlockable(p netip.Prefix) error {
	for _, l := range loopback {
		if l.Overlaps(p) {
			return fmt.Errorf("%s is this host itself (%s): it cannot be blocked", sourceText(p), l)
		}
	}
	least := WidestIPv4
	if p.Addr().Is6() {
		least = WidestIPv6
	}
	if p.Bits() < least {
		return fmt.Errorf("%s is wider than /%d; block what you mean by its own prefixes", p, least)
	}
	return nil
}
