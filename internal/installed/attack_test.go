package installed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// enforce: the operator edits the policy and reloads.
func (h *host) enforce(t *testing.T) {
	pid := h.mainPID(t)
	h.policy(t, enforcing(perSource))
	h.Run(t, "systemctl", "reload", "ebbgate")
	status := h.until(t, "the new policy is in force", func(s *control.Status) error {
		if len(s.Services) != 1 || s.Services[0].Name != "shop" || s.Services[0].Mode != policy.Enforce {
			return fmt.Errorf("services %+v", s.Services)
		}
		return nil
	})
	if status.PID != pid || status.Reload == nil || status.Reload.Error != "" {
		t.Errorf("process %d was %d, reload %+v", status.PID, pid, status.Reload)
	}
	if rules := h.rules(t); rules != "" {
		t.Errorf("a policy alone makes rules:\n%s", rules)
	}
}

// startFlood begins an attack that could fill the shop, and waits until it is limited.
func (h *host) startFlood(t *testing.T, ends *testing.T) {
	t.Helper()
	var err error
	// It goes on over several steps, so it ends with all of them.
	h.flood, err = lab.StartHoard(ends.Context(), h.Attackers, lab.HoardConfig{Target: shop(), Sources: lab.AttackRange().IPv4(attackers),
		Total: 3000, Rate: 3000, Payload: lab.PartialRequest()})
	if err != nil {
		t.Fatal(err)
	}
	nstest.Until(t, patience, "every attacker is held to the limit", func() error { return h.guard.holds(perSource) })
	h.limiting(t)
	h.guard.forget() // what they got in before anybody could know
}

// limiting waits until the daemon says that every attacker is limited.
func (h *host) limiting(t *testing.T) *control.Status {
	t.Helper()
	return h.until(t, "all attackers are limited", func(s *control.Status) error {
		if n := s.Services[0].LimitsTotal; n != attackers || s.State != control.StateAttack || !s.Table.Present || !s.Table.Owned {
			return fmt.Errorf("%d sources are limited, state %s, table %+v", n, s.State, s.Table)
		}
		return nil
	})
}

// attack: attackers are held to the limit, and clients are served beside them.
func (h *host) attack(t *testing.T) {
	h.guard = watchShop(h.t, h.Victim)
	h.startFlood(t, h.t)
	refused := h.flood.Counts().Refused
	h.served(t, 50)
	h.checkServed(t)
	if more := h.flood.Counts().Refused - refused; more < 100 {
		t.Errorf("%d connections were refused while the attack went on", more)
	}
	rules := h.Run(t, "nft", "list", "table", "inet", "ebbgate")
	for _, a := range lab.AttackRange().IPv4(attackers) {
		if !strings.Contains(rules, a.String()+" ") {
			t.Errorf("%s is not in the table", a)
		}
	}
	if r := h.Try("nft", "add", "chain", "inet", "ebbgate", "mine"); r.Status == 0 {
		t.Error("somebody else may change the table")
	}
}

// checkServed checks that 99 of 100 requests were served, of those since the guard began to count.
func (h *host) checkServed(t *testing.T) {
	t.Helper()
	span := h.clients.Span(h.guard.since(), time.Now())
	t.Logf("%d of %d requests were served", span.Succeeded, span.Succeeded+span.Failed)
	if span.Succeeded == 0 || span.Failed*100 > span.Succeeded+span.Failed {
		t.Errorf("requests %+v; the last failure: %v", span, h.clients.LastError())
	}
}

// tells: what an operator sees who asks.
func (h *host) tells(t *testing.T) {
	status := h.Run(t, "systemctl", "status", "--no-pager", "--lines=0", "ebbgate")
	line := h.property(t, "StatusText")
	if line == "" || !strings.Contains(status, "Status: \""+line) {
		t.Errorf("the status line is %q, systemctl status says:\n%s", line, status)
	}
	if !strings.Contains(line, "limit") && !strings.Contains(line, "attack") {
		t.Errorf("the status line in mid-attack is %q", line)
	}
	for _, l := range h.limiting(t).Services[0].Listeners {
		if l.Unit != "shop.service" {
			t.Errorf("the listener %s is held by unit %q", l.Local, l.Unit)
		}
	}
	var attacks control.Attacks
	if err := json.Unmarshal([]byte(h.Run(t, "ebbgate", "attacks", "--json")), &attacks); err != nil {
		t.Fatal(err)
	}
	if len(attacks.Attacks) == 0 || attacks.Attacks[len(attacks.Attacks)-1].Kind != policy.ConnectionFlood {
		t.Errorf("attacks %+v", attacks.Attacks)
	}
}

// access: who may look, and who may act, at the socket the daemon has made in its sandbox.
func (h *host) access(t *testing.T) {
	as := func(group string, argv ...string) int {
		return h.Try(append([]string{"setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=" + group, "ebbgate"}, argv...)...).Status
	}
	for _, tt := range []struct {
		group string
		argv  []string
		want  int
	}{
		{"ebbgate-view", []string{"status"}, 0},
		{"ebbgate-view", []string{"exempt", "192.0.2.1"}, 1},
		{"ebbgate-view", []string{"reload"}, 1},
		{"nogroup", []string{"status"}, 1},
		{"nogroup", []string{"reload"}, 1},
	} {
		if got := as(tt.group, tt.argv...); got != tt.want {
			t.Errorf("%v as nobody in group %s ends with %d, want %d", tt.argv, tt.group, got, tt.want)
		}
	}
}

// badPolicy: systemctl reload fails and says where every problem is, and the policy in force stays.
func (h *host) badPolicy(t *testing.T) {
	pid, cursor := h.mainPID(t), h.cursor(t)
	bad := strings.Replace(strings.Replace(enforcing(perSource), `"30s"`, `"30"`, 1), "per_source = 100", "per_source = 0", 1)
	h.policy(t, bad)
	if r := h.Try("systemctl", "reload", "ebbgate"); r.Status == 0 {
		t.Error("systemctl reload succeeds with a bad policy")
	}
	h.wants(t, map[string]string{"ActiveState": "active", "SubState": "running"})
	said := h.since(t, cursor)
	for n, line := range strings.Split(bad, "\n") {
		for _, key := range []string{"per_source", "lease"} {
			if want := fmt.Sprintf("/etc/ebbgate/config.toml:%d: service[0].", n+1); strings.Contains(line, key) && !strings.Contains(said, want) {
				t.Errorf("the journal does not say %q:\n%s", want, said)
			}
		}
	}
	status := h.limiting(t)
	if status.PID != pid || status.Reload == nil || status.Reload.Error == "" || status.Services[0].PerSource != perSource {
		t.Errorf("process %d was %d, reload %+v, limit %d", status.PID, pid, status.Reload, status.Services[0].PerSource)
	}
	h.policy(t, enforcing(perSource))
	h.Run(t, "systemctl", "reload", "ebbgate")
	h.gapless(t)
}
