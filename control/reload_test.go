package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func TestReloadAnswersGolden(t *testing.T) {
	for name, r := range map[string]*Reload{"reload": peace().Reload, "reload_refused": refused()} {
		srv, l := bare(), newLoop()
		l.reload = r
		answerOrdersAs(t, srv, l)
		w := tell(srv, &Peer{UID: ownUID}, "POST", "/v1/reload", "{}")
		var b bytes.Buffer
		if err := json.Indent(&b, w.Body.Bytes(), "", "  "); err != nil || w.Code != 200 {
			t.Fatalf("%s: status %d, %v", name, w.Code, err)
		}
		b.WriteByte('\n')
		golden(t, name+".json", b.Bytes())
		got, err := decodeAnswer[Reload](w.Body, maxAnswer)
		if err != nil || cmp.Diff(r, got) != "" {
			t.Errorf("%s: %v (-answered +read):\n%s", name, err, cmp.Diff(r, got))
		}
	}
}

func TestReloadOverTheSocket(t *testing.T) {
	asRoot(t)
	srv := start(t)
	answerOrders(t, srv.Server)
	c := Dial(srv.path)
	defer c.Close()
	if got, err := c.Reload(t.Context()); err != nil || !got.InForce || got.File != "/etc/ebbgate/config.toml" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReloadTakesNothingElse(t *testing.T) {
	for body, says := range map[string]string{
		`{"file":"/tmp/mine.toml"}`: `unknown field "file"; there are for`,
		`[]`:                        "one JSON object with for",
		`{} {}`:                     "more follows",
		`{"for":"15m"}`:             "is not a number of seconds",
		`{"for":1}`:                 "for: 1s is out of range; it must be 2s to 7d00h (7 days)",
		` `:                         "one JSON object",
	} {
		srv := bare()
		w := tell(srv, &Peer{}, "POST", "/v1/reload", body)
		if w.Code != 400 || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), says) || len(srv.Orders()) != 0 {
			t.Errorf("%q: status %d, %s; want %q", body, w.Code, w.Body, says)
		}
	}
}

func TestWhoMayReload(t *testing.T) {
	for own, says := range map[uint32]string{
		0:      "not permitted for uid 1000: only root may; try sudo",
		ownUID: "not permitted for uid 1000: only root may, and uid 991, as which ebbgate runs; try sudo",
	} {
		srv := &Server{uid: own}
		if e := srv.mayReload(Peer{UID: 1000, GID: own}); e == nil || e.Kind != KindForbidden || !strings.HasSuffix(e.Message, says) {
			t.Errorf("daemon of uid %d: %v, want %q", own, e, says)
		}
		if e := errors.Join(asError(srv.mayReload(Peer{})), asError(srv.mayReload(Peer{UID: own, GID: 1}))); e != nil {
			t.Errorf("daemon of uid %d refuses root, or itself: %v", own, e)
		}
	}
}

// asError keeps a nil *Error from becoming an error.
func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

func TestNewReload(t *testing.T) {
	got := NewReload(night(3, 0, 0, 0), "F", 3, nil, errors.New("read policy: permission denied"))
	want := &Reload{At: night(3, 0, 0, 0), File: "F", Services: 3, Warnings: []string{}, Error: "read policy: permission denied",
		Problems: []Problem{{File: "F", Text: "read policy: permission denied"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("a file that cannot be read (-want +got):\n%s", d)
	}
	if r := NewReload(night(3, 0, 0, 0), "F", 3, []string{"w"}, nil); !r.InForce || r.Error != "" || len(r.Problems) != 0 || r.Refusal() != nil {
		t.Errorf("a good one: %+v", r)
	}
}

func TestRefusal(t *testing.T) {
	want := "config.toml:12: service[0].ports: 70000 is not a port (1 to 65535)\n" +
		"config.toml:14: mode: \"on\" is not a mode (\"shadow\" or \"enforce\")\n" +
		"the policy is NOT reloaded: the one before it stays in force, with 2 services"
	if got := refused().Refusal(); got == nil || got.Error() != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := nasty().Reload.Refusal().Error(); strings.ContainsAny(got, "\x1b\r\a\u202e") {
		t.Errorf("not safe on a terminal: %q", got)
	}
}

// TestEveryProblemArrives reads a policy with more problems than are told one by one.
func TestEveryProblemArrives(t *testing.T) {
	_, err := policy.Parse("F", []byte(strings.Repeat("[[service]]\nports = [0]\n", 2*policy.MaxProblems)))
	r := NewReload(Time{}, "F", 0, nil, err)
	if len(r.Problems) != policy.MaxProblems+1 || r.Problems[0].Line == 0 || r.Problems[0].Key == "" {
		t.Errorf("%d problems, the first %+v", len(r.Problems), r.Problems[0])
	}
	if strings.Count(r.Error, "\n") != policy.MaxProblems {
		t.Errorf("%d lines", strings.Count(r.Error, "\n")+1)
	}
}
