package control

import (
	"net/http"
	"strings"
	"testing"
)

func TestAnswersUnderWayAreBounded(t *testing.T) {
	var u unread
	big := func() []byte { return make([]byte, 20<<20) }
	take := func(body []byte, viewer bool, want bool) func() {
		t.Helper()
		release, refusal := u.take(body, viewer)
		if (refusal == nil) != want || refusal != nil && refusal.Kind != KindBusy {
			t.Fatalf("%d bytes with %d under way: %v", len(body), u.bytes, refusal)
		}
		return release
	}
	shared := big()
	var releases []func()
	for range 100 { // who are sent the same
		releases = append(releases, take(shared, true, true))
	}
	if u.bytes != len(shared) {
		t.Errorf("%d bytes are under way, want %d", u.bytes, len(shared))
	}
	releases = append(releases, take(big(), true, true), take(big(), true, true))
	take(big(), true, false)
	take(make([]byte, smallAnswer), true, true)
	releases = append(releases, take(big(), false, true)) // root's
	take(big(), false, false)
	for _, release := range releases {
		release()
	}
	if u.bytes != 0 || len(u.bodies) != 0 {
		t.Errorf("%d bytes of %d answers are still under way", u.bytes, len(u.bodies))
	}
	take(make([]byte, maxUnread+1), true, true)() // alone, it is let through
	take(nil, true, true)()
}

// TestUnreadAnswersAreCounted: an answer counts until it is written, and one for which there is no room is refused.
func TestUnreadAnswersAreCounted(t *testing.T) {
	srv := published(peace())
	srv.PublishRuleset(func() *Ruleset { return &Ruleset{Text: strings.Repeat("x", smallAnswer)} })
	if w := ask(srv, &Peer{UID: 7, GID: viewGID}, "GET", "/v1/ruleset"); w.Code != http.StatusOK || srv.unread.bytes != 0 {
		t.Errorf("%d, %d bytes are under way after it", w.Code, srv.unread.bytes)
	}
	release, _ := srv.unread.take(make([]byte, viewersUnread), false)
	defer release()
	if w := ask(srv, &Peer{UID: 7, GID: viewGID}, "GET", "/v1/ruleset"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "answers of 64 MiB wait") {
		t.Errorf("beyond the bound for viewers: %d %.200s", w.Code, w.Body)
	}
	if w := ask(srv, &Peer{}, "GET", "/v1/ruleset"); w.Code != http.StatusOK {
		t.Errorf("root within his: %d %.200s", w.Code, w.Body)
	}
}
