package control

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

// written renders an answer and checks what holds for every rendering.
func written[T any](t *testing.T, write func(io.Writer, *T, TextOptions) error, v *T, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, v, o); err != nil {
		t.Fatal(err)
	}
	if !o.Color {
		checkText(t, b.String(), o.Width)
	}
	if err := write(brokenWriter{io.ErrClosedPipe}, v, o); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken writer: got %v", err)
	}
	return b.String()
}

func TestAnswersTextGolden(t *testing.T) {
	read := TextOptions{Now: night(3, 2, 10, 0).Time}
	one := func(a Attack) *Attack { return &a }
	for name, text := range map[string]string{
		"reload":                written(t, WriteReload, peace().Reload, TextOptions{}),
		"reload_nasty":          written(t, WriteReload, nasty().Reload, TextOptions{Width: 60}),
		"explain":               written(t, WriteExplanation, explained(), TextOptions{}),
		"explain_own":           written(t, WriteExplanation, &Explanation{Own: true, Address: netip.MustParseAddr("::1")}, TextOptions{}),
		"explain_exempt":        written(t, WriteExplanation, exemptEverywhere(), TextOptions{}),
		"explain_narrow":        written(t, WriteExplanation, explained(), TextOptions{Width: 60}),
		"explain_nasty":         written(t, WriteExplanation, nastyExplanation(), TextOptions{}),
		"explain_color":         written(t, WriteExplanation, explained(), TextOptions{Color: true}),
		"explain_empty":         written(t, WriteExplanation, &Explanation{}, TextOptions{}),
		"attacks":               written(t, WriteAttacks, past(), TextOptions{}),
		"attacks_80":            written(t, WriteAttacks, past(), TextOptions{Width: 80}),
		"attacks_none":          written(t, WriteAttacks, &Attacks{}, TextOptions{}),
		"attacks_nasty":         written(t, WriteAttacks, &Attacks{Attacks: []Attack{nastyAttack()}}, TextOptions{}),
		"one_attack_open":       written(t, WriteAttack, one(flood()), read),
		"one_attack_ended":      written(t, WriteAttack, one(gone()), read),
		"one_attack_of_nobody":  written(t, WriteAttack, &past().Attacks[1], read),
		"one_attack_nasty":      written(t, WriteAttack, one(nastyAttack()), read),
		"one_attack_of_nothing": written(t, WriteAttack, &Attack{}, TextOptions{Width: 60}),
	} {
		golden(t, "text_"+name+".txt", []byte(text))
	}
}

func TestExemptedText(t *testing.T) {
	x := Exempted{Exempt: Exempt{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Since: TimeOf(night(3, 0, 0, 0).Add(-24 * time.Hour)),
		Until: night(3, 0, 0, 0), Left: Duration(24*time.Hour - time.Millisecond)}}
	web := x
	web.Exempt.Service, web.Replaced = "web"+evil, true
	for _, tt := range []struct{ got, want string }{
		{written(t, WriteExempted, &x, TextOptions{}), "203.0.113.7 is exempt from every service for 1d00h, until 2026-03-14 03:00:00 UTC\n"},
		{written(t, WriteExempted, &Exempted{}, TextOptions{}), "? is exempt from every service until the daemon ends\n"},
		{written(t, WriteUnexempted, &x, TextOptions{}), "the exemption of 203.0.113.7 from every service has ended\n"},
		{written(t, WriteUnexempted, &Exempted{Exempt: x.Exempt, Still: []string{"the policy: 203.0.113.0/24 in exempt.prefixes", "\x1b[2J"}}, TextOptions{}),
			"the exemption of 203.0.113.7 from every service has ended\nit is still exempt by the policy: 203.0.113.0/24 in exempt.prefixes\n" +
				"it is still exempt by \\x1b[2J\n"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if got := written(t, WriteExempted, &web, TextOptions{}); !strings.Contains(got, `"web\x1b`) || !strings.HasSuffix(got, "before\n") {
		t.Errorf("got %q", got)
	}
}

func TestCountOfAChange(t *testing.T) {
	for _, tt := range []struct {
		change Change
		want   string
	}{
		{Change{What: "share set to 5 for each /24 or /48", Count: 72}, "share set to 5 for each /24 or /48 (72 sources held to it)"},
		{Change{What: "share lifted", Count: 1, Why: "quiet"}, "share lifted: quiet"},
		{Change{What: "sources limited", Count: 1204}, "sources limited (1,204)"},
		{Change{What: "limits lifted"}, "limits lifted"},
	} {
		if got := changeWords(&tt.change); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestShadowNeverClaimsToAct holds every text of a shadow service to the truth.
func TestShadowNeverClaimsToAct(t *testing.T) {
	for _, kind := range policy.Kinds() {
		s := &Status{Services: []Service{{Name: "web", Capacity: 10, RefusedPackets: 7, ClosedConnections: 8, BlocksBegun: 9,
			Attacks: []Attack{{ID: "1", Kind: kind, Excess: 8, Blocked: 9}}}}}
		text := render(t, s, TextOptions{})
		if !strings.Contains(text, "would have refused 7 packets, closed 8 connections, blocked 9 sources") || strings.Contains(text, "ebbgate is") {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

func TestNobodyIsLimitedForWhatNobodyDid(t *testing.T) {
	for kind, want := range map[policy.Kind]bool{policy.SpoofedSYNFlood: true, policy.SlowApplication: true, policy.ConnectionFlood: false,
		policy.Churn: false, policy.SYNFlood: false} {
		s := &Status{Services: []Service{{Mode: policy.Enforce, Attacks: []Attack{{ID: "1", Kind: kind, Mode: policy.Enforce}}}}}
		if got := strings.Contains(render(t, s, TextOptions{}), "NOBODY IS LIMITED"); got != want {
			t.Errorf("%s: says that nobody is limited: %v, want %v", kind, got, want)
		}
	}
	s := &Status{Services: []Service{{Attacks: []Attack{{Kind: policy.SpoofedSYNFlood}}}}, Kernel: Kernel{SynCookies: 0}}
	if text := render(t, s, TextOptions{}); !strings.Contains(text, "set net.ipv4.tcp_syncookies=1") {
		t.Errorf("cookies are off, and the attack does not say so: %s", text)
	}
}

func TestASlowApplicationIsNotCalledAnAttack(t *testing.T) {
	s := &Status{State: StateAttack, Services: []Service{{Name: "web", Attacks: []Attack{{Kind: policy.SlowApplication}}}, {Name: "mail"}}}
	if text := render(t, s, TextOptions{}); strings.Contains(text, "ATTACK") || !strings.Contains(text, "web  SLOW") {
		t.Error(text)
	}
	s.Services[1].Attacks = []Attack{{Kind: policy.Churn}}
	if text := render(t, s, TextOptions{}); !strings.HasPrefix(text, "ATTACK") || !strings.Contains(text, "mail  ATTACK") {
		t.Error(text)
	}
}

// TestMoreAttacksAreLeftToTheCaller: which flags lead to the next page is not known here.
func TestMoreAttacksAreLeftToTheCaller(t *testing.T) {
	all := past()
	without := written(t, WriteAttacks, all, TextOptions{})
	all.More = true
	if with := written(t, WriteAttacks, all, TextOptions{}); with != without || !strings.Contains(with, "connection-flood") {
		t.Errorf("with more:\n%s\nwithout:\n%s", with, without)
	}
}
