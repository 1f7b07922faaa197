package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecodeStatus feeds the client whatever a server might send. What it accepts must survive
// another trip over the wire and be safe on a terminal.
func FuzzDecodeStatus(f *testing.F) {
	for _, s := range []*Status{{}, peace(), attack(), kinds(), degraded(), nasty()} {
		b, err := newSnapshot(s.bounded()).answer()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"error":{"kind":"forbidden","message":"no"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := decodeAnswer[Status](bytes.NewReader(in), maxAnswer)
		if err != nil {
			return
		}
		checkText(t, render(t, s, TextOptions{}), 0)
		checkText(t, render(t, s, TextOptions{Width: 60, Now: s.At.Time.Add(staleAfter * 2)}), 60)
		if line := StatusLine(s); Escape(line) != line {
			t.Errorf("the line is not safe: %q", line)
		}
		b, err := newSnapshot(s.bounded()).answer()
		if err != nil {
			t.Fatalf("encode again: %v", err)
		}
		again, err := decodeAnswer[Status](bytes.NewReader(b), maxAnswer)
		if err != nil {
			t.Fatalf("decode again: %v\n%s", err, b)
		}
		third, err := newSnapshot(again.bounded()).answer()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(b), string(third)); d != "" {
			t.Errorf("not stable:\n%s", d)
		}
	})
}

// FuzzDecodeAnswers feeds the client whatever a server might send about attacks and addresses. What it
// accepts is safe on a terminal at any width.
func FuzzDecodeAnswers(f *testing.F) {
	add := func(body []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, e := range []*Explanation{{}, explained(), nastyExplanation()} {
		add(newSnapshot(e.bounded()).answer())
	}
	for _, r := range []*Reload{{}, refused(), nasty().Reload} {
		add(newSnapshot(r).answer())
	}
	for _, a := range []*Attacks{{}, past(), {Attacks: []Attack{nastyAttack()}}} {
		add(newSnapshot(a.bounded()).answer())
	}
	add(newSnapshot(&Events{Events: append(happened().Events, nastyEvent())}).answer())
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, o := range []TextOptions{{}, {Width: 60, Now: night(3, 2, 10, 0).Time}} {
			if e, err := decodeAnswer[Explanation](bytes.NewReader(in), maxAnswer); err == nil {
				written(t, WriteExplanation, e, o)
			}
			if a, err := decodeAnswer[Attacks](bytes.NewReader(in), maxAnswer); err == nil {
				written(t, WriteAttacks, a, o)
				for i := range a.Attacks {
					written(t, WriteAttack, &a.Attacks[i], o)
				}
			}
			if e, err := decodeAnswer[Events](bytes.NewReader(in), maxAnswer); err == nil {
				written(t, WriteEvents, e, o)
				if text := MissedText(1, e); Escape(text) != text {
					t.Errorf("not safe: %q", text)
				}
			}
			if x, err := decodeAnswer[Exempted](bytes.NewReader(in), maxAnswer); err == nil {
				written(t, WriteExempted, x, o)
			}
			if r, err := decodeAnswer[Reload](bytes.NewReader(in), maxAnswer); err == nil {
				written(t, WriteReload, r, o)
				if refusal := r.Refusal(); refusal != nil && strings.ContainsFunc(strings.ReplaceAll(refusal.Error(), "\n", ""), unicode.IsControl) {
					t.Errorf("the refusal is not safe: %q", refusal)
				}
			}
		}
	})
}

// FuzzRequest feeds the server whatever a client might send. Each answer is one envelope, and a
// stranger never gets a result.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET /v1/status HTTP/1.1\r\nHost: ebbgate\r\n\r\n"), uint32(0), uint32(0))
	f.Add([]byte("GET /v1/ruleset HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), uint32(1000), uint32(viewGID))
	f.Add([]byte("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), uint32(1000), uint32(1000))
	f.Add([]byte("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), uint32(0), uint32(0))
	f.Add([]byte("GET //v1/../v1/status?x#y HTTP/1.0\r\n\r\n"), uint32(0), uint32(0))
	f.Add([]byte("POST /v1/exempt HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{\"prefix\":\"203.0.113.7\"}"), uint32(0), uint32(0))
	f.Add([]byte("POST /v1/unexempt HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{\"prefix\":\"203.0.113.7\"}"), uint32(1000), uint32(viewGID))
	f.Add([]byte("POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"), uint32(ownUID), uint32(ownUID))
	f.Add([]byte("GET /v1/explain?address=::1&address=::2 HTTP/1.0\r\n\r\n"), uint32(0), uint32(0))
	f.Add([]byte("GET /v1/attacks?id=3;%zz HTTP/1.0\r\n\r\n"), uint32(0), uint32(0))
	srv := published(attack())
	answerOrders(f, srv)
	f.Fuzz(func(t *testing.T, in []byte, uid, gid uint32) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		r = r.WithContext(withPeer(r.Context(), Peer{UID: uid, GID: gid}))
		srv.handler().ServeHTTP(w, r)
		var e map[string]json.RawMessage
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || len(e) != 1 {
			t.Fatalf("not one envelope: %s (%v)", w.Body, err)
		}
		result := e["result"] != nil
		if result != (w.Code == http.StatusOK) || result == (e["error"] != nil) {
			t.Errorf("status %d with %s", w.Code, w.Body)
		}
		reload := uid == ownUID && r.URL.Path == "/v1/reload"
		if result && uid != 0 && gid != viewGID && !reload {
			t.Errorf("uid %d, gid %d got a result", uid, gid)
		}
		if result && uid != 0 && r.Method != http.MethodGet && !reload {
			t.Errorf("uid %d changed something", uid)
		}
	})
}

// FuzzExemptBody sends whatever root might send as an order. What reaches the loop is within every bound,
// and what does not is answered with an error.
func FuzzExemptBody(f *testing.F) {
	f.Add([]byte(`{"prefix":"203.0.113.7","for":3600,"service":"web","reason":"office"}`))
	f.Add([]byte(`{"prefix":"::ffff:203.0.113.0/120"}`))
	f.Add([]byte(`{"prefix":"::1","prefix":"::2"}`))
	f.Add([]byte(`{"prefix":"2001:db8::/32","for":1e-9}`))
	f.Add([]byte(`{"prefix":"10.0.0.0/8"} {}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		srv := bare()
		ctx, cancel := context.WithCancel(withPeer(t.Context(), Peer{}))
		cancel() // nobody takes orders here, so nobody waits
		r := httptest.NewRequest(http.MethodPost, "http://ebbgate/v1/exempt", bytes.NewReader(in)).WithContext(ctx)
		w := httptest.NewRecorder()
		srv.handler().ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			t.Fatalf("an order that nobody took was carried out: %s", w.Body)
		}
		if handed := len(srv.Orders()) == 1; handed != (w.Code == http.StatusGatewayTimeout) {
			t.Fatalf("status %d, handed to the loop: %v", w.Code, handed)
		} else if !handed {
			return
		}
		o := (<-srv.Orders()).Task.(Exempting)
		least := map[bool]int{true: WidestIPv4, false: WidestIPv6}[o.Prefix.Addr().Is4()]
		if o.Prefix != o.Prefix.Masked() || o.Prefix.Addr().Is4In6() && o.Prefix.Bits() >= 96 || o.Prefix.Bits() < least {
			t.Errorf("prefix %v", o.Prefix)
		}
		if o.For < time.Second || o.For > LongestExempt || len(o.Reason) > MaxReason || strings.ContainsFunc(o.Reason, unicode.IsControl) {
			t.Errorf("for %v, reason %q", o.For, o.Reason)
		}
	})
}

// FuzzEscape holds Escape to its promise for any bytes.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"web", "\x1b[2J", "\u202e", "\xff\xfe", "pile\u0301", "東京"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := Escape(in)
		for _, r := range out {
			if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
				t.Errorf("%q has %U", out, r)
			}
		}
		if Escape(out) != out {
			t.Errorf("%q is escaped again to %q", out, Escape(out))
		}
		if upper := strings.ToUpper(out); Escape(upper) != upper {
			t.Errorf("%q is not safe in capitals", out)
		}
	})
}
