package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

// loop carries orders out as the daemon does, without a kernel.
type loop struct {
	policy *policy.Policy
	reload *Reload // what becomes of one
	exempt []policy.Exemption
	blocks []policy.Block
	modes  []policy.HandMode
	now    policy.Instant
	wall   time.Time
}

func newLoop() *loop {
	return &loop{policy: &policy.Policy{Limits: policy.Limits{MaxBlocks: 10}, Services: []policy.Service{{Name: "web", Mode: policy.Enforce}, {Name: "mail"}}}, reload: peace().Reload, now: 1, wall: night(3, 2, 10, 0).Time}
}

// turn carries one order out.
func (l *loop) turn(o *Order) {
	if !o.Take() {
		return
	}
	command, ok := o.Task.(Command)
	if _, confirms := o.Task.(Confirming); confirms {
		for i := range l.modes {
			l.modes[i].Until = 0
		}
		o.Done(Confirmed{Services: ModesOf(l.policy, l.modes, Calendar{Now: l.now, Wall: l.wall})})
		return
	}
	if !ok {
		o.Done(l.reload)
		return
	}
	was := &policy.Decision{Exempt: l.exempt, Blocks: l.blocks}
	if err := command.Check(l.policy, was); err != nil {
		o.Refuse(err)
		return
	}
	before, order := l.exempt, command.Input(l.now)
	var after []policy.Exemption
	for _, e := range before {
		if e.Prefix != order.Exemption.Prefix || e.Service != order.Exemption.Service {
			after = append(after, e)
		}
	}
	if order.Kind == policy.OrderExempt {
		after = append(after, order.Exemption)
	}
	l.exempt = after
	switch b := order.Block; order.Kind {
	case policy.OrderBlock:
		l.blocks = []policy.Block{{Service: "web", Source: b.Source, Mode: policy.Enforce, Since: l.now, Until: b.Until, Note: b.Note, Reason: policy.Reason{Rule: policy.RuleByHand}}}
	case policy.OrderUnblock:
		l.blocks = nil
	case policy.OrderMode:
		l.modes = []policy.HandMode{order.Mode}
	}
	done, err := command.Outcome(l.policy, was, &policy.Decision{At: l.now, Exempt: after, Blocks: l.blocks, Modes: l.modes}, Calendar{Now: l.now, Wall: l.wall})
	if err != nil {
		o.Refuse(err)
		return
	}
	o.Done(done)
}

// answerOrders has a loop carry out what the server hands over, until the test ends. Its turns take no
// time, and what it exempts is forgotten when it is ended.
func answerOrders(t testing.TB, srv *Server) { answerOrdersAs(t, srv, newLoop()) }

func answerOrdersAs(t testing.TB, srv *Server, l *loop) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case o := <-srv.Orders():
				l.turn(o)
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
}

func TestExemptAndBack(t *testing.T) {
	asRoot(t)
	srv := start(t)
	answerOrders(t, srv.Server)
	c := Dial(srv.path)
	defer c.Close()
	r := ExemptRequest{Prefix: "::ffff:203.0.113.7", For: Duration(90 * time.Minute), Service: "web", Reason: "office, \"ticket\" 4711"}
	want := Exempted{Exempt: Exempt{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Service: "web", Since: night(3, 2, 10, 0), Until: night(4, 32, 10, 0),
		Left: Duration(90 * time.Minute), Reason: r.Reason}, Still: []string{}}
	for _, replaced := range []bool{false, true} {
		want.Replaced = replaced
		got, err := c.Exempt(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, *got, compareNet); d != "" {
			t.Errorf("replaced %v (-want +got):\n%s", replaced, d)
		}
	}
	want.Replaced = false
	got, err := c.Unexempt(t.Context(), UnexemptRequest{Prefix: "203.0.113.7", Service: "web"})
	if err != nil || cmp.Diff(want, *got, compareNet) != "" {
		t.Errorf("unexempt: got %+v, %v; want the exemption that ended: %+v", got, err, want)
	}
	var refusal *Error
	if _, err := c.Unexempt(t.Context(), UnexemptRequest{Prefix: "203.0.113.7", Service: "web"}); !errors.As(err, &refusal) || refusal.Kind != KindNotFound {
		t.Errorf("again: got %v, want a refusal of kind not_found", err)
	}
}

func TestDefaultLength(t *testing.T) {
	srv := bare()
	answerOrders(t, srv)
	w := tell(srv, &Peer{}, "POST", "/v1/exempt", `{"prefix":"2001:db8::/32"}`)
	got, err := decodeAnswer[Exempted](w.Body, maxAnswer)
	if err != nil || got.Exempt.Left.std() != 24*time.Hour || got.Exempt.Service != "" {
		t.Errorf("got %+v, %v; want 24h at every service", got, err)
	}
}

// TestBadOrders sends what must change nothing: none of it reaches the loop.
func TestBadOrders(t *testing.T) {
	srv := bare()
	for _, tt := range []struct {
		path, body, says string
		status           int
	}{
		{"exempt", ``, "one JSON object with for, prefix, reason, service", 400},
		{"exempt", `[]`, "one JSON object", 400},
		{"exempt", `null`, "one JSON object", 400},
		{"exempt", `{}`, `"" is not an address`, 400},
		{"exempt", `{"prefix":"203.0.113.7"`, "unexpected EOF", 400},
		{"exempt", `{"prefix":"203.0.113.7"}{}`, "more follows", 400},
		{"exempt", `{"prefix":"203.0.113.7","prefix":"::1"}`, `"prefix" comes twice`, 400},
		{"exempt", `{"Prefix":"203.0.113.7"}`, `unknown field "Prefix"; there are for, prefix, reason, service`, 400},
		{"exempt", `{"prefix":"203.0.113.7","until":1}`, `unknown field "until"`, 400},
		{"exempt", `{"prefix":7}`, "prefix: 7 is not a string", 400},
		{"exempt", `{"prefix":null}`, "prefix: null", 400},
		{"exempt", `{"prefix":"203.0.113.7","for":"24h"}`, `for: "24h" is not a number of seconds`, 400},
		{"exempt", `{"prefix":"203.0.113.7","for":-1}`, "for: -1s is out of range; it must be 1s to 30d00h", 400},
		{"exempt", `{"prefix":"203.0.113.7","for":2592001}`, "out of range", 400},
		{"exempt", `{"prefix":"203.0.113.7","for":1e300}`, "is not a number of seconds", 400},
		{"exempt", `{"prefix":"203.0.113.7","reason":"a\nb"}`, "U+000A", 400},
		{"exempt", `{"prefix":"203.0.113.7","reason":"\u001b[2J"}`, "U+001B", 400},
		{"exempt", `{"prefix":"203.0.113.7","reason":"` + strings.Repeat("x", MaxReason+1) + `"}`, "201 bytes; it must have at most 200", 400},
		{"exempt", "{\"prefix\":\"203.0.113.7\",\"reason\":\"\xff\"}", "not UTF-8", 400},
		{"exempt", `{"prefix":"0.0.0.0/0"}`, "wider than /8", 400},
		{"exempt", `{"prefix":"10.0.0.0/7"}`, "exempt.prefixes of the policy file", 400},
		{"exempt", `{"prefix":"::/0"}`, "wider than /16", 400},
		{"exempt", `{"prefix":"::ffff:0.0.0.0/96"}`, "wider than /8", 400},
		{"exempt", `{"prefix":"203.0.113.7/24"}`, "203.0.113.0/24 for the network or 203.0.113.7 for the address", 400},
		{"exempt", `{"prefix":"fe80::1%eth0"}`, "has a zone", 400},
		{"exempt", `{"prefix":"0.0.0.0"}`, "not the address of one host", 400},
		{"exempt", `{"prefix":"` + strings.Repeat("x", 200) + `"}`, `x..."`, 400},
		{"exempt", `{"prefix":"203.0.113.7"}` + strings.Repeat(" ", maxBody), "more than 4096 bytes", 413},
		{"unexempt", `{"prefix":"203.0.113.7","for":1}`, `unknown field "for"; there are prefix, service`, 400},
		{"unexempt", `{"prefix":"web"}`, `"web" is not an address`, 400},
		{"unexempt?x=1", `{"prefix":"203.0.113.7"}`, `unknown parameter "x"; /v1/unexempt takes none`, 400},
	} {
		w := tell(srv, &Peer{}, "POST", "/v1/"+tt.path, tt.body)
		var e envelope[struct{}]
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == nil {
			t.Fatalf("%s %s: %s (%v)", tt.path, tt.body, w.Body, err)
		}
		if w.Code != tt.status || !strings.Contains(e.Error.Message, tt.says) {
			t.Errorf("%s %s: status %d, %q; want %d with %q", tt.path, tt.body, w.Code, e.Error.Message, tt.status, tt.says)
		}
	}
	if len(srv.Orders()) != 0 {
		t.Errorf("%d orders reached the loop", len(srv.Orders()))
	}
}

func exempting(prefix netip.Prefix, service string) Exempting {
	return Exempting{Target{prefix, service}, time.Hour, ""}
}

func TestCheck(t *testing.T) {
	l := newLoop()
	prefix := netip.MustParsePrefix("203.0.113.7/32")
	full := make([]policy.Exemption, MaxExempt)
	for i := range full {
		full[i].Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
	}
	l.policy.Exempt.Prefixes = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	inPolicy := netip.MustParsePrefix("198.51.100.7/32")
	wider := []policy.Exemption{{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Service: "mail"}}
	for _, tt := range []struct {
		name    string
		command Command
		exempt  []policy.Exemption
		want    Kind // empty: it can be carried out
		says    string
	}{
		{"first", exempting(prefix, "web"), nil, "", ""},
		{"no such service", exempting(prefix, "shop"), nil, KindNotFound, `no service "shop"; the policy has "web", "mail"`},
		{"no room", exempting(prefix, ""), full, KindFull, "1000 exemptions"},
		{"no room, but it replaces one", exempting(full[7].Prefix, ""), full, "", ""},
		{"the last that has room", exempting(prefix, ""), full[1:], "", ""},
		{"nothing to end", Unexempting{Target{prefix, ""}}, nil, KindNotFound, "(exempt.prefixes): ebbgate reload, or systemctl reload"},
		{"the policy exempts it", Unexempting{Target{inPolicy, ""}}, wider, KindNotFound,
			"the policy exempts it, by 198.51.100.0/24 in exempt.prefixes: take that out of the policy file; ebbgate reload"},
		{"another was meant", Unexempting{Target{prefix, ""}}, wider, KindNotFound, `there is one of 203.0.113.0/24 from service "mail"`},
		{"there it is", Unexempting{Target{wider[0].Prefix, "mail"}}, wider, "", ""},
	} {
		err := tt.command.Check(l.policy, &policy.Decision{Exempt: tt.exempt})
		if (err == nil) != (tt.want == "") || err != nil && (err.Kind != tt.want || !strings.Contains(err.Message, tt.says)) {
			t.Errorf("%s: got %v, want kind %q with %q", tt.name, err, tt.want, tt.says)
		}
	}
}

// TestWhatStillExempts ends an exemption beside others.
func TestWhatStillExempts(t *testing.T) {
	exempt := func(prefix, service string) policy.Exemption {
		return policy.Exemption{Prefix: netip.MustParsePrefix(prefix), Service: service}
	}
	lasting := netip.MustParsePrefix("203.0.112.0/20")
	many := make([]policy.Exemption, MaxStill+5)
	for i := range many {
		many[i] = exempt("203.0.113.0/24", fmt.Sprint("s", i))
	}
	for name, c := range map[string]struct {
		service string
		policy  []netip.Prefix
		beside  []policy.Exemption
		want    []string
	}{
		"nothing":                  {"", nil, nil, []string{}},
		"others":                   {"", []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, []policy.Exemption{exempt("203.0.113.8/32", "")}, []string{}},
		"its own, of one service":  {"", nil, []policy.Exemption{exempt("203.0.113.7/32", "mail")}, []string{"the exemption of 203.0.113.7 from service \"mail\""}},
		"another service's":        {"web", nil, []policy.Exemption{exempt("203.0.113.0/24", "mail")}, []string{}},
		"the policy":               {"web", []netip.Prefix{lasting}, nil, []string{"the policy: 203.0.112.0/20 in exempt.prefixes"}},
		"a wider one, and for all": {"web", nil, []policy.Exemption{exempt("203.0.113.0/24", "")}, []string{"the exemption of 203.0.113.0/24 from every service"}},
		"more than can be told":    {"", []netip.Prefix{lasting}, many, nil},
	} {
		p := &policy.Policy{Exempt: policy.Exempt{Prefixes: c.policy}, Services: []policy.Service{{Name: "web"}, {Name: "mail"}}}
		x := Unexempting{Target{netip.MustParsePrefix("203.0.113.7/32"), c.service}}
		before := &policy.Decision{Exempt: append([]policy.Exemption{exempt("203.0.113.7/32", c.service)}, c.beside...)}
		if err := x.Check(p, before); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		done, refusal := x.Outcome(p, before, &policy.Decision{Exempt: c.beside}, Calendar{})
		got := done.(Exempted)
		if refusal != nil || c.want != nil && cmp.Diff(c.want, got.Still) != "" || c.want == nil && len(got.Still) != MaxStill {
			t.Errorf("%s: still exempt by %q (%v), want %q", name, got.Still, refusal, c.want)
		}
	}
}

func TestServiceNamesAreBounded(t *testing.T) {
	p := &policy.Policy{}
	for i := range 30 {
		p.Services = append(p.Services, policy.Service{Name: fmt.Sprint("s", i)})
	}
	if got := serviceNames(p); !strings.HasSuffix(got, `"s19" and more`) {
		t.Errorf("got %s", got)
	}
}

// TestStalledLoop asks a daemon whose loop stands still. Nobody waits for ever, what waited is withdrawn,
// and one order too many is answered at once.
func TestStalledLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := bare()
		exempt := func() *Error {
			_, err := decodeAnswer[Exempted](tell(srv, &Peer{}, "POST", "/v1/exempt", `{"prefix":"203.0.113.7"}`).Body, maxAnswer)
			var refusal *Error
			if !errors.As(err, &refusal) {
				t.Errorf("got %v, want a refusal", err)
				return &Error{}
			}
			return refusal
		}
		began := time.Now()
		var waiting sync.WaitGroup
		for range maxOrders {
			waiting.Go(func() {
				if e := exempt(); e.Kind != KindTimeout || !strings.Contains(e.Message, "nothing was changed") {
					t.Errorf("one that waited: %v", e)
				}
			})
		}
		synctest.Wait()
		if e := exempt(); e.Kind != KindBusy || time.Since(began) != 0 {
			t.Errorf("one too many: %v after %v", e, time.Since(began))
		}
		waiting.Wait()
		if took := time.Since(began); took != orderTimeout {
			t.Errorf("they waited %v, want %v", took, orderTimeout)
		}
		for range maxOrders {
			if (<-srv.Orders()).Take() {
				t.Error("the loop may carry out what was withdrawn")
			}
		}
	})
}

func TestOrderTakenButNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrder(exempting(netip.MustParsePrefix("203.0.113.7/32"), ""))
		if !o.Take() || o.Take() {
			t.Error("an order can be taken once")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, refusal := o.Wait(ctx)
		if refusal == nil || refusal.Kind != KindTimeout || strings.Contains(refusal.Message, "nothing was changed") {
			t.Errorf("got %v, want one that does not say that nothing was changed", refusal)
		}
		o.Done(Exempted{}) // nobody listens any more
		o.Refuse(&Error{})
	})
}

func TestDoneWithoutTheExemption(t *testing.T) {
	x := exempting(netip.MustParsePrefix("203.0.113.7/32"), "")
	if _, refusal := x.Outcome(&policy.Policy{}, &policy.Decision{}, &policy.Decision{}, Calendar{}); refusal == nil || refusal.Kind != KindInternal {
		t.Errorf("got %v, want an internal error", refusal)
	}
}

// TestAskersGoWhenTheServerStops has a request wait for a loop that never comes.
func TestAskersGoWhenTheServerStops(t *testing.T) {
	asRoot(t)
	srv := start(t)
	waits := make(chan error, 1)
	go func() {
		c := Dial(srv.path)
		defer c.Close()
		_, err := c.Exempt(context.Background(), ExemptRequest{Prefix: "203.0.113.7"})
		waits <- err
	}()
	o := <-srv.Orders()
	if err := srv.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := <-waits; err == nil {
		t.Error("the order was answered by nobody, and yet there is an answer")
	}
	if o.Take() {
		t.Error("the order of one who was sent away may still be carried out")
	}
	if got := names(t, filepath.Dir(srv.path)); got != "" {
		t.Errorf("left behind: %q", got)
	}
}
