package control

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func TestModesInWords(t *testing.T) {
	now := policy.Instant(time.Hour)
	c := Calendar{Now: now, Wall: night(3, 2, 10, 0).Time}
	modes := []policy.HandMode{{Service: "api", Mode: policy.Shadow}, {Service: "api", Mode: policy.Enforce, Until: now.Add(90 * time.Second)},
		{Service: "mail", Mode: policy.Enforce}}
	done, _ := Moding{}.Outcome(shops(), nil, &policy.Decision{Modes: modes}, c)
	m := done.(Moded)
	want := []string{
		"web is in enforce mode, as the policy says",
		"api is in enforce mode by hand for 1m30s more, then in shadow mode again; ebbgate confirm lets it stay",
		"mail is in enforce mode by hand, until the next reload or restart; the policy says shadow",
	}
	var got []string
	for i := range m.Services {
		got = append(got, modeWords(&m.Services[i]))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	s := peace()
	s.Modes = m.Services[1:]
	if line := StatusLine(s); !strings.Contains(line, "api is in enforce mode by hand until ") || !strings.Contains(line, "mail is in enforce mode by hand;") {
		t.Errorf("status line %q", line)
	}
	if text := string(written(t, WriteStatus, s, TextOptions{})); !strings.Contains(text, "mode     mail is in enforce mode by hand") {
		t.Errorf("status:\n%s", text)
	}
	if StatusNews(s) == StatusNews(peace()) {
		t.Error("a mode by hand is no news")
	}
}

func TestModeRequests(t *testing.T) {
	srv := bare()
	for body, says := range map[string]string{
		`{"mode":"on"}`: "is not a mode", `{}`: "is not a mode", `{"mode":"shadow","for":1}`: "2s to 7d", `{"mode":"shadow","for":-5}`: "2s to 7d",
	} {
		w := tell(srv, &Peer{}, "POST", "/v1/mode", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), says) || len(srv.Orders()) != 0 {
			t.Errorf("%s: status %d, %s; want %q", body, w.Code, w.Body, says)
		}
	}
	in := Moding{Mode: policy.Enforce, Service: "web", For: time.Minute}.Input(7).Mode
	if in != (policy.HandMode{Service: "web", Mode: policy.Enforce, Since: 7, Until: policy.Instant(7).Add(time.Minute)}) {
		t.Errorf("the decision is given %+v", in)
	}
}

func TestATrialIsShown(t *testing.T) {
	s := peace()
	r := *s.Reload
	s.Reload = &r
	r.Until, r.Left = night(3, 17, 10, 0), Duration(15*time.Minute)
	if line := StatusLine(s); !strings.Contains(line, "ON TRIAL until") {
		t.Errorf("status line %q", line)
	}
	r.Until, r.Left, r.TrialOver, r.InForce = Time{}, 0, true, false
	if line := StatusLine(s); !strings.Contains(line, "its trial is over") || strings.Contains(line, "it has 0 problems") {
		t.Errorf("status line %q", line)
	}
	if text := string(written(t, WriteStatus, s, TextOptions{})); !strings.Contains(text, "its trial is over") || strings.Contains(text, "loaded again") {
		t.Errorf("status:\n%s", text)
	}
}
