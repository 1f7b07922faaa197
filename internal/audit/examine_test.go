package audit

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// words is all the text of a finding.
func (f *Finding) words() string {
	return strings.Join([]string{f.Subject, f.Found, "advised " + f.Advised, f.Why, f.Where, f.Verify, f.Expect}, " | ")
}

func TestTroubles(t *testing.T) {
	seen := make(map[string]bool)
	for _, tt := range troubles {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(f)
			found := Examine(f, tt.services)
			i := slices.IndexFunc(found, func(x Finding) bool { return x.ID == tt.id && x.Severity != OK })
			if i < 0 {
				t.Fatalf("no finding %s in %+v", tt.id, found)
			}
			got := found[i]
			if got.Severity != tt.severity {
				t.Errorf("severity %s, want %s", got.Severity, tt.severity)
			}
			for _, w := range tt.words {
				if !strings.Contains(got.words(), w) {
					t.Errorf("%q is not in %s", w, got.words())
				}
			}
			if !slices.Equal(got.Sysctls, tt.sysctls) {
				t.Errorf("sysctls %v, want %v", got.Sysctls, tt.sysctls)
			}
			if got.Severity > Unknown && (got.Where == "" || got.Verify == "" || got.Expect == "") {
				t.Errorf("incomplete: %s", got.words())
			}
			seen[tt.id] = true
		})
	}
	for _, topic := range Topics() {
		if !seen[topic.ID] {
			t.Errorf("no host here has trouble with %s", topic.ID)
		}
	}
}

func TestHealthyHostHasNothingToChange(t *testing.T) {
	f := healthy()
	before := maps.Clone(f.Sysctls)
	ids := make(map[string]bool)
	for _, x := range Examine(f, nil) {
		if x.Severity != OK {
			t.Errorf("%s: %s", x.Severity, x.words())
		}
		if x.Found == "" || x.Why == "" {
			t.Errorf("says nothing: %s", x.words())
		}
		ids[x.ID] = true
	}
	for _, topic := range Topics() {
		if !ids[topic.ID] && topic.ID != idUnread && !strings.HasPrefix(topic.ID, "folklore-") {
			t.Errorf("%s was not looked at", topic.ID)
		}
	}
	if !reflect.DeepEqual(before, f.Sysctls) {
		t.Error("the facts were changed")
	}
}

func TestNoTrouble(t *testing.T) {
	for _, tt := range untroubled {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(f)
			for _, x := range Examine(f, tt.services) {
				if x.ID == tt.id && x.Severity != OK {
					t.Errorf("%s: %s", x.Severity, x.words())
				}
			}
		})
	}
}

func TestNothingKnownIsNothingSaid(t *testing.T) {
	for _, x := range Examine(&Facts{}, web(1000)) {
		if x.Severity != OK {
			t.Errorf("%s: %s", x.Severity, x.words())
		}
	}
}

func TestEachMissingSettingIsSurvived(t *testing.T) {
	for name := range healthy().Sysctls {
		f := healthy()
		delete(f.Sysctls, name)
		for _, x := range Examine(f, web(1000)) {
			if x.Severity != OK {
				t.Errorf("without %s: %s: %s", name, x.Severity, x.words())
			}
		}
		f = healthy()
		setSysctl(f, name, 0)
		Examine(f, nil)
		setSysctl(f, name, 1<<64-1, 1<<64-1, 1<<64-1)
		Examine(f, nil)
	}
}

func TestWorstFirst(t *testing.T) {
	f := healthy()
	f.Sysctls[tcpFinTimeout], f.Recent["ListenOverflows"], f.Listeners[1].Backlog = []uint64{300}, 1, 5
	setSysctl(f, tcpSyncookies, 0)
	f.unread("x", "y")
	found := Examine(f, nil)
	if !slices.IsSortedFunc(found, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) }) {
		t.Error("not sorted by severity")
	}
	if again := Examine(f, nil); !reflect.DeepEqual(found, again) {
		t.Error("the same facts gave other findings")
	}
}

func TestNothingDangerousIsEverAdvised(t *testing.T) {
	for _, tt := range troubles {
		f := healthy()
		tt.change(f)
		for _, x := range Examine(f, tt.services) {
			for _, a := range x.Sysctls {
				switch {
				case a.Name == tcpTwRecycle, a.Name == conntrackLoose, a.Name == tcpAbort && a.Value != "0", a.Name == tcpSyncookies && a.Value != "1":
					t.Errorf("%s: advised %s = %s", tt.name, a.Name, a.Value)
				}
			}
		}
	}
}

func TestSetWhereItIsSetNow(t *testing.T) {
	f := healthy()
	setSysctl(f, tcpKeepTime, 7200)
	f.Settings = []Setting{{"/etc/sysctl.d/1.conf", 1, tcpKeepTime, "1"}, {"/etc/sysctl.d/2.conf", 5, tcpKeepTime, "7200"}, {"/etc/sysctl.conf", 9, tcpKeepIntvl, "75"}}
	for _, x := range Examine(f, nil) {
		if x.ID == idKeepaliveTime {
			if want := []string{"/etc/sysctl.d/2.conf:5", "/etc/sysctl.conf:9"}; !slices.Equal(x.SetBy, want) || !strings.HasPrefix(x.Where, "/etc/sysctl.d/2.conf:5, /etc/sysctl.conf:9, which set it") {
				t.Errorf("set by %v: %s", x.SetBy, x.Where)
			}
			return
		}
	}
	t.Error("no finding")
}

func TestSynackTime(t *testing.T) {
	for n, want := range map[uint64]time.Duration{0: time.Second, 1: 3 * time.Second, 5: 63 * time.Second, 7: 247 * time.Second} {
		if got := synackTime(n); got != want {
			t.Errorf("%d retransmissions: %s, want %s", n, got, want)
		}
	}
	if got := synackTime(1 << 62); got != synackTime(255) {
		t.Errorf("nonsense: %s", got)
	}
}
