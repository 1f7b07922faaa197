package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecodeStatus feeds the client whatever a server might send. What it accepts must survive
// another trip over the wire and be safe on a terminal.
func FuzzDecodeStatus(f *testing.F) {
	for _, s := range []*Status{{}, peace(), attack(), degraded(), nasty()} {
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

// FuzzRequest feeds the server whatever a client might send. Each answer is one envelope, and a
// stranger never gets a result.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET /v1/status HTTP/1.1\r\nHost: ebbgate\r\n\r\n"), uint32(0), uint32(0))
	f.Add([]byte("GET /v1/ruleset HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), uint32(1000), uint32(viewGID))
	f.Add([]byte("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), uint32(1000), uint32(1000))
	f.Add([]byte("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), uint32(0), uint32(0))
	f.Add([]byte("GET //v1/../v1/status?x#y HTTP/1.0\r\n\r\n"), uint32(0), uint32(0))
	srv := published(attack())
	f.Fuzz(func(t *testing.T, in []byte, uid, gid uint32) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		r = r.WithContext(withPeer(r.Context(), Peer{UID: uid, GID: gid}))
		handler{srv.api()}.ServeHTTP(w, r)
		var e map[string]json.RawMessage
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || len(e) != 1 {
			t.Fatalf("not one envelope: %s (%v)", w.Body, err)
		}
		result := e["result"] != nil
		if result != (w.Code == http.StatusOK) || result == (e["error"] != nil) {
			t.Errorf("status %d with %s", w.Code, w.Body)
		}
		if result && uid != 0 && gid != viewGID {
			t.Errorf("uid %d, gid %d got a result", uid, gid)
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
