package control

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

func (s *Server) block(r *http.Request) ([]byte, error) {
	target, length, reason, err := decodeLasting(r.Body, DefaultBlockFor, checkBlockHere, CheckBlockFor)
	if err != nil {
		return nil, err
	}
	return s.order(r.Context(), NewOrder(Blocking{target, length, reason}))
}

// checkBlockHere refuses what CheckBlockable does, and the addresses of this host.
func checkBlockHere(p netip.Prefix) error {
	if err := CheckBlockable(p); err != nil {
		return err
	}
	if p.IsSingleIP() && ownAddress(p.Addr()) {
		return fmt.Errorf("%s is one of this host's own addresses: a block could only lock the host out", p.Addr())
	}
	return nil
}

func (s *Server) unblock(r *http.Request) ([]byte, error) {
	target, err := decodeEnd(r.Body)
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
			return fmt.Errorf("%s is this host itself (%s): it cannot be blocked", SourceText(p), l)
		}
	}
	if least, wide := tooWide(p); wide {
		return fmt.Errorf("%s is wider than /%d; block what you mean by its own prefixes", p, least)
	}
	return nil
}
