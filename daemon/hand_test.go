package daemon

import (
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

func block(source, service string, length time.Duration) *control.Order {
	return control.NewOrder(control.Blocking{Target: control.Target{Prefix: prefix(source), Service: service}, For: length, Reason: "scraper"})
}

func unblock(source, service string) *control.Order {
	return control.NewOrder(control.Unblocking{Target: control.Target{Prefix: prefix(source), Service: service}})
}

func mode(m policy.Mode, service string, length time.Duration) *control.Order {
	return control.NewOrder(control.Moding{Mode: m, Service: service, For: length})
}

// TestABlockByHand: in the kernel when the order is answered, its connections cut in the same turn, gone at
// its time to the second.
func TestABlockByHand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 3)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		cuts := len(w.trace.only("close"))
		w.pass(time.Millisecond)
		got := w.order(block("203.0.112.0/22", "", time.Minute))
		done, _ := got.whole.(control.Blocked)
		if got.refusal != nil || done.Total != 1 || done.Blocks[0].Service != "web" || done.Blocks[0].Left != control.Duration(time.Minute) ||
			!done.Blocks[0].ByHand || done.Blocks[0].Reason != "scraper" {
			t.Fatalf("answer %+v, %v", got.whole, got.refusal)
		}
		if len(done.Still) != 1 || !strings.Contains(done.Still[0], `"mail" is in shadow mode`) {
			t.Errorf("still %q, want the service in shadow mode", done.Still)
		}
		if text := w.inForce(); !strings.Contains(text, "203.0.112.0 ") || !strings.Contains(text, "web_hand4p22") {
			t.Errorf("answered, but the kernel knows of no such block:\n%s", text)
		}
		if n := len(w.trace.only("close")); n != cuts+1 {
			t.Errorf("%d runs of closings, want one more than %d", n, cuts)
		}
		s := w.publisher.latest().Services[0]
		if s.BlocksTotal != 1 || s.Blocks[0].Rule != policy.RuleByHand || s.BlocksBegun != 1 {
			t.Errorf("status: %+v", s.Blocks)
		}
		if lines := w.log.lines("source-blocked"); len(lines) != 1 || !strings.Contains(lines[0], "scraper") {
			t.Errorf("log %q", lines)
		}
		w.pass(61 * time.Second)
		if text := w.inForce(); strings.Contains(text, "203.0.112.0 ") || w.publisher.latest().Services[0].BlocksTotal != 0 {
			t.Errorf("after its time the block is still there:\n%s", text)
		}
	})
}

func TestAnUnblockFreesAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(block("203.0.113.7", "web", time.Hour))
		w.pass(time.Second)
		got := w.order(unblock("203.0.113.0/24", ""))
		done, _ := got.whole.(control.Blocked)
		if got.refusal != nil || done.Total != 1 || done.Freed != 1 || done.Blocks[0].Source != prefix("203.0.113.7") {
			t.Fatalf("answer %+v, %v", got.whole, got.refusal)
		}
		if text := w.inForce(); strings.Contains(text, "203.0.113.") {
			t.Errorf("answered, but the kernel still turns it away:\n%s", text)
		}
		w.pass(2 * time.Second)
		if n := w.publisher.latest().Services[0].LimitsTotal; n != 1 {
			t.Errorf("%d limits, want the offence to be found anew", n)
		}
	})
}

func TestOrdersByHandThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		order *control.Order
		kind  control.Kind
		says  string
	}{
		{"no such service", block("203.0.113.1", "ftp", time.Hour), control.KindNotFound, `no service "ftp"`},
		{"a service in shadow mode", block("203.0.113.1", "mail", time.Hour), control.KindRefused, "ebbgate mode enforce --service mail"},
		{"exempt by the policy", block("192.0.2.7", "", time.Hour), control.KindRefused, "exempt.prefixes"},
		{"nothing to free", unblock("203.0.113.1", ""), control.KindNotFound, "neither blocked nor limited"},
		{"a mode of no service", mode(policy.Shadow, "ftp", 0), control.KindNotFound, `no service "ftp"`},
		{"nothing on trial", control.NewOrder(control.Confirming{}), control.KindNotFound, "nothing is on trial"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.start()
				defer w.stop()
				w.pass(time.Second)
				got := w.order(control.NewOrder(c.order.Task))
				if got.refusal == nil || got.refusal.Kind != c.kind || !strings.Contains(got.refusal.Message, c.says) {
					t.Errorf("answer %+v, %+v; want a refusal that says %q", got.whole, got.refusal, c.says)
				}
				if len(w.daemon.state.Blocks)+len(w.daemon.state.Modes) != 0 {
					t.Error("refused, and carried out")
				}
			})
		})
	}
}

// TestAModeByHand: the rules, the closer and what is shown have it when the order is answered, and so they
// have its end.
func TestAModeByHand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		drops := func() bool { return strings.Contains(w.inForce(), "drop") || strings.Contains(w.inForce(), "reject") }
		if !drops() {
			t.Fatalf("in enforce mode nothing is dropped:\n%s", w.inForce())
		}
		got := w.order(mode(policy.Shadow, "web", 10*time.Second))
		done, _ := got.whole.(control.Moded)
		if got.refusal != nil || len(done.Services) != 2 || done.Services[0].Mode != policy.Shadow || !done.Services[0].ByHand ||
			done.Services[0].Then != policy.Enforce || done.Services[0].Left != control.Duration(10*time.Second) || done.Services[1].ByHand {
			t.Fatalf("answer %+v, %v", got.whole, got.refusal)
		}
		if drops() {
			t.Errorf("in shadow mode something is dropped:\n%s", w.inForce())
		}
		if s := w.publisher.latest(); s.Services[0].Mode != policy.Shadow || len(s.Modes) != 1 || s.Services[0].RefusedPackets != 0 {
			t.Errorf("status: %s, %+v", s.Services[0].Mode, s.Modes)
		}
		if line := w.shown(); !strings.Contains(line, "web is in shadow mode by hand until") {
			t.Errorf("status line %q", line)
		}
		w.pass(10100 * time.Millisecond)
		if s := w.publisher.latest(); s.Services[0].Mode != policy.Enforce || len(s.Modes) != 0 || !drops() {
			t.Errorf("after its time: %s, %+v, and\n%s", s.Services[0].Mode, s.Modes, w.inForce())
		}
		if lines := w.log.lines("mode-changed"); len(lines) != 2 || !strings.Contains(lines[1], "mode=enforce") {
			t.Errorf("log %q", lines)
		}
	})
}

// TestAConfirmedModeStays until the policy is loaded again.
func TestAConfirmedModeStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(mode(policy.Enforce, "mail", 10*time.Second))
		w.pass(time.Second)
		got := w.order(control.NewOrder(control.Confirming{}))
		done, _ := got.whole.(control.Confirmed)
		if got.refusal != nil || done.Policy || len(done.Services) != 1 || done.Services[0].Service != "mail" || !done.Services[0].Until.IsZero() {
			t.Fatalf("answer %+v, %v", got.whole, got.refusal)
		}
		w.pass(time.Minute)
		if s := w.publisher.latest(); s.Services[1].Mode != policy.Enforce {
			t.Errorf("confirmed, and gone: %+v", s.Modes)
		}
		w.hup()
		if s := w.publisher.latest(); s.Services[1].Mode != policy.Shadow || len(s.Modes) != 0 {
			t.Errorf("loaded again, and still by hand: %+v", s.Modes)
		}
	})
}
