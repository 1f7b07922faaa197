package control

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// viewGID is the view group of the tests that need no kernel.
const viewGID = 990

// ownUID is the user as whom the daemon runs in them.
const ownUID = 991

func viewGroup() group { return group{name: "ebbgate-view", gid: viewGID, known: true} }

func published(s *Status) *Server {
	srv := bare()
	srv.Publish(s)
	srv.PublishRuleset(func() *Ruleset { return &Ruleset{Text: "table inet ebbgate {\n}\n", Would: ""} })
	srv.PublishAttacks(past)
	srv.PublishSources(listed)
	srv.PublishEvents(happened())
	srv.PublishExplain(func(a netip.Addr) *Explanation {
		e := explained()
		e.Address = a
		return e
	})
	return srv
}

// bare is a server to which nothing has been published.
func bare() *Server {
	srv := &Server{viewers: viewGroup(), uid: ownUID, log: quiet()}
	srv.open()
	return srv
}

// ask sends one request to the handler as if peer had connected.
func ask(srv *Server, peer *Peer, method, path string) *httptest.ResponseRecorder {
	return tell(srv, peer, method, path, "")
}

// tell sends one request with a body.
func tell(srv *Server, peer *Peer, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://ebbgate"+path, strings.NewReader(body))
	if peer != nil {
		r = r.WithContext(withPeer(r.Context(), *peer))
	}
	w := httptest.NewRecorder()
	srv.handler().ServeHTTP(w, r)
	return w
}

func TestAnswersGolden(t *testing.T) {
	root := &Peer{}
	for _, tt := range []struct {
		name   string
		srv    *Server
		peer   *Peer
		method string
		path   string
		status int
	}{
		{"status_peace", published(peace()), root, "GET", "/v1/status", 200},
		{"status_attack", published(attack()), root, "GET", "/v1/status", 200},
		{"status_degraded", published(degraded()), root, "GET", "/v1/status", 200},
		{"ruleset", published(peace()), root, "GET", "/v1/ruleset", 200},
		{"status_kinds", published(kinds()), root, "GET", "/v1/status", 200},
		{"attacks", published(peace()), root, "GET", "/v1/attacks", 200},
		{"attack", published(peace()), root, "GET", "/v1/attacks?id=3", 200},
		{"attack_unknown", published(peace()), root, "GET", "/v1/attacks?id=4", 404},
		{"attack_bad", published(peace()), root, "GET", "/v1/attacks?id=-1", 400},
		{"explain", published(peace()), root, "GET", "/v1/explain?address=::ffff:203.0.113.7", 200},
		{"explain_bad", published(peace()), root, "GET", "/v1/explain?address=203.0.113.0/24", 400},
		{"sources", published(peace()), root, "GET", "/v1/sources", 200},
		{"sources_some", published(peace()), root, "GET", "/v1/sources?service=web&state=blocked&within=203.0.113.0/24&limit=1", 200},
		{"sources_bad", published(peace()), root, "GET", "/v1/sources?state=blockd", 400},
		{"query", published(peace()), root, "GET", "/v1/attacks?ID=3", 400},
		{"starting", bare(), root, "GET", "/v1/status", 503},
		{"starting_attacks", bare(), root, "GET", "/v1/attacks?id=1", 503},
		{"starting_explain", bare(), root, "GET", "/v1/explain?address=203.0.113.7", 503},
		{"forbidden_exempt", published(peace()), &Peer{UID: 1000, GID: viewGID}, "POST", "/v1/exempt", 403},
		{"forbidden_reload", published(peace()), &Peer{UID: 1000, GID: viewGID}, "POST", "/v1/reload", 403},
		{"forbidden", published(peace()), &Peer{UID: 1000, GID: 1000}, "GET", "/v1/status", 403},
		{"not_found", published(peace()), root, "GET", "/v2/status", 404},
		{"method", published(peace()), root, "POST", "/v1/status", 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(tt.srv, tt.peer, tt.method, tt.path)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			var b bytes.Buffer
			if err := json.Indent(&b, w.Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteByte('\n')
			golden(t, tt.name+".json", b.Bytes())
		})
	}
}

// TestEmptyParametersAreRefused: what is left empty by a mistake is not answered as if it had been left out.
func TestEmptyParametersAreRefused(t *testing.T) {
	srv := published(peace())
	for _, e := range srv.api() {
		for _, p := range e.params {
			want := p + ": is empty; leave it out, or give it a value"
			if w := ask(srv, &Peer{}, e.method, e.path+"?"+p+"="); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s?%s=: %d %s", e.path, p, w.Code, w.Body)
			}
		}
	}
}

func TestMethodNotAllowedNamesTheOthers(t *testing.T) {
	if got := ask(published(peace()), &Peer{}, "DELETE", "/v1/ruleset").Header().Get("Allow"); got != http.MethodGet {
		t.Errorf("Allow: %q, want GET", got)
	}
}

func TestAnswerIsWhatWasPublished(t *testing.T) {
	for name, s := range map[string]*Status{"peace": peace(), "attack": attack(), "degraded": degraded(), "kinds": kinds(), "empty": {}} {
		got, err := decodeAnswer[Status](ask(published(s), &Peer{}, "GET", "/v1/status").Body, maxAnswer)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(s.bounded(), got, compareNet); d != "" {
			t.Errorf("%s (-published +got):\n%s", name, d)
		}
	}
}

// requests has a good request for each endpoint, by its path.
func requests() map[string]struct{ query, body string } {
	return map[string]struct{ query, body string }{
		"/v1/status": {}, "/v1/ruleset": {}, "/v1/attacks": {}, "/v1/explain": {query: "?address=203.0.113.7"},
		"/v1/exempt": {body: `{"prefix":"203.0.113.7"}`}, "/v1/unexempt": {body: `{"prefix":"203.0.113.7"}`},
		"/v1/block": {body: `{"prefix":"203.0.113.8"}`}, "/v1/unblock": {body: `{"prefix":"203.0.113.8"}`},
		"/v1/mode": {body: `{"mode":"shadow"}`}, "/v1/confirm": {},
		"/v1/reload": {}, "/v1/events": {}, "/v1/samples": {query: "?id=2"}, "/v1/sources": {query: "?service=web"},
	}
}

// TestAccess asks everything as everybody.
func TestAccess(t *testing.T) {
	srv := published(peace())
	srv.Archive(fakeArchive{})
	answerOrders(t, srv)
	roles := []struct {
		name              string
		peer              *Peer
		view, act, reload bool
	}{
		{"the daemon's own user", &Peer{UID: ownUID, GID: ownUID}, false, false, true},
		{"the daemon's own user in the view group", &Peer{UID: ownUID, GID: ownUID, Groups: []uint32{viewGID}}, true, false, true},
		{"stranger in the group of the daemon's user", &Peer{UID: 1000, GID: ownUID}, false, false, false},
		{"root", &Peer{UID: 0, GID: 0}, true, true, true},
		{"root with another group", &Peer{UID: 0, GID: 100}, true, true, true},
		{"view group is the peer's own", &Peer{UID: 1000, GID: viewGID}, true, false, false},
		{"view group is supplementary", &Peer{UID: 1000, GID: 1000, Groups: []uint32{4, viewGID}}, true, false, false},
		{"stranger", &Peer{UID: 1000, GID: 1000, Groups: []uint32{4, 27}}, false, false, false},
		{"stranger in group root", &Peer{UID: 1000, GID: 0, Groups: []uint32{0}}, false, false, false},
		{"uid that is the group's number", &Peer{UID: viewGID, GID: 1000}, false, false, false},
		{"nobody knows", nil, false, false, false},
	}
	for _, role := range roles {
		for _, e := range srv.api() {
			may := map[string]bool{"GET": role.view, "POST": role.act}[e.method]
			if e.path == "/v1/reload" {
				may = role.reload
			}
			want := map[bool]int{true: 200, false: 403}[may]
			good := requests()[e.path]
			w := tell(srv, role.peer, e.method, e.path+good.query, good.body)
			if w.Code != want {
				t.Errorf("%s: %s %s: status %d, want %d: %s", role.name, e.method, e.path, w.Code, want, w.Body)
			}
			if want == 403 && strings.Contains(w.Body.String(), "result") {
				t.Errorf("%s: the refusal carries a result: %s", role.name, w.Body)
			}
		}
	}
}

func TestViewGroupThatGrantsNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		group group
		says  string
	}{
		{"none in the policy", group{}, "control.view_group"},
		{"missing in the system", group{name: "ebbgate-view"}, `group "ebbgate-view" does not exist`},
		{"another group", viewGroup(), `members of group "ebbgate-view"`},
	} {
		refusal := tt.group.mayView(Peer{UID: 1000, GID: 0, Groups: []uint32{0}})
		if refusal == nil || refusal.Kind != KindForbidden || !strings.Contains(refusal.Message, tt.says) {
			t.Errorf("%s: got %v, want a refusal with %q", tt.name, refusal, tt.says)
		}
		if refusal := tt.group.mayView(Peer{}); refusal != nil {
			t.Errorf("%s: root is refused: %v", tt.name, refusal)
		}
	}
}

func TestManyRequestsOneEncoding(t *testing.T) {
	srv := published(attack())
	first, err := srv.status.Load().answer()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := srv.status.Load().answer()
	if &first[0] != &again[0] {
		t.Error("the second request was encoded again")
	}
	srv.Publish(peace())
	fresh, _ := srv.status.Load().answer()
	if bytes.Equal(first, fresh) {
		t.Error("the old status is still served")
	}
}
