package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func sample() []Finding {
	return []Finding{
		{ID: idCookies, Severity: Critical, Subject: "net.ipv4.tcp_syncookies", Found: "0", Advised: "1", Why: "Without SYN cookies a hundred forged SYNs a second keep a listener's queue of half-open connections full.",
			Where: "/etc/sysctl.d/60-x.conf:3, which sets it at boot; then sysctl --system", Verify: "sysctl net.ipv4.tcp_syncookies", Expect: "net.ipv4.tcp_syncookies = 1",
			Sysctls: []Assignment{{tcpSyncookies, "1"}}, SetBy: []string{"/etc/sysctl.d/60-x.conf:3"}},
		{ID: idLocalPorts, Severity: Warning, Subject: "192.0.2.1 to 198.51.100.7:443", Found: "15100 of 28232 local ports taken", Why: "When all are taken, connect(2) fails.",
			Sysctls: []Assignment{{localPortRange, "10240 65535"}, {reservedPorts, "15000,40000"}}},
		{ID: idReserved, Severity: Advice, Subject: reservedPorts, Found: "port 40000", Advised: "40000", Why: "It may be taken.",
			Sysctls: []Assignment{{reservedPorts, "40000"}}},
		{ID: idUnread, Severity: Unknown, Subject: "nf_tables chains", Found: "not known", Why: "Run as root."},
		{ID: idAbort, Severity: OK, Subject: "net.ipv4.tcp_abort_on_overflow", Found: "0", Why: "Fine."},
	}
}

func report(all bool) *Report {
	return NewReport(&Facts{Kernel: "6.18.0", Window: time.Second}, sample(), all)
}

func TestText(t *testing.T) {
	want := `critical  net.ipv4.tcp_syncookies: 0; advised: 1 [syncookies]
          why    Without SYN cookies a hundred forged SYNs a second keep
                 a listener's queue of half-open connections full.
          where  /etc/sysctl.d/60-x.conf:3, which sets it at boot; then
                 sysctl --system
          check  sysctl net.ipv4.tcp_syncookies
          expect net.ipv4.tcp_syncookies = 1

warning   192.0.2.1 to 198.51.100.7:443: 15100 of 28232 local ports
          taken [local-ports]
          why    When all are taken, connect(2) fails.

advice    net.ipv4.ip_local_reserved_ports: port 40000; advised: 40000
          [reserved-ports]
          why    It may be taken.

unknown   nf_tables chains: not known [unread]
          why    Run as root.

1 critical, 1 warning, 1 advice, 1 unknown; 1 fine (--all lists them).
`
	if got := report(false).Text(Style{Width: 72}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBriefText(t *testing.T) {
	want := `critical  net.ipv4.tcp_syncookies: 0; advised: 1
warning   192.0.2.1 to 198.51.100.7:443: 15100 of 28232 l...
advice    net.ipv4.ip_local_reserved_ports: port 40000; a...
unknown   nf_tables chains: not known
ok        net.ipv4.tcp_abort_on_overflow: 0

1 critical, 1 warning, 1 advice, 1 unknown; 1 fine.
`
	if got := report(true).Text(Style{Width: 60, Brief: true, All: true}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestColour(t *testing.T) {
	text := report(true).Text(Style{Width: 100, Colour: true, All: true})
	if !strings.Contains(text, "\x1b[1;31mcritical\x1b[0m  net.ipv4") {
		t.Errorf("%q", text)
	}
	for _, c := range colours {
		if c != "" {
			text = strings.ReplaceAll(text, c, "")
		}
	}
	if plain := report(true).Text(Style{Width: 100, All: true}); strings.ReplaceAll(text, "\x1b[0m", "") != plain {
		t.Error("colour changes more than colour")
	}
}

// TestNoLineIsTooLong prints every trouble there is.
func TestNoLineIsTooLong(t *testing.T) {
	for _, width := range []int{80, 100} {
		for _, tt := range troubles {
			f := healthy()
			tt.change(f)
			r := NewReport(f, Examine(f, tt.services), true)
			for _, text := range []string{r.Text(Style{Width: width}), r.Text(Style{Width: width, Brief: true})} {
				for line := range strings.Lines(text) {
					if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width || strings.HasSuffix(line, " \n") {
						t.Errorf("%s: %d columns of %d: %q", tt.name, n, width, line)
					}
				}
			}
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "a:\n"},
		{"one", "a: one\n"},
		{"one  two\nthree", "a: one two\n   three\n"},
		{"1,2,3,4,5,6,7,8,9 x", "a: 1,2,3,4,\n   5,6,7,8,\n   9 x\n"},
		{"héllöwörld", "a: héllöwör\n   ld\n"},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, "a: ", "   ", 11); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestNothingToChange(t *testing.T) {
	r := NewReport(healthy(), Examine(healthy(), nil), false)
	if got := r.Text(Style{Width: 100}); !strings.HasPrefix(got, "Nothing to change; ") || len(r.Findings) != 0 {
		t.Errorf("%q", got)
	}
	if got := r.Sysctls(); !strings.HasSuffix(got, "\n\n# Nothing to change.\n") || strings.Contains(got, "Apply") {
		t.Errorf("%q", got)
	}
}

// TestNothingReadIsNotNothingToChange has a host of which hardly anything could be read.
func TestNothingReadIsNotNothingToChange(t *testing.T) {
	f := &Facts{}
	f.unread(tcpMem, initialOnly)
	f.unread(somaxconn, "permission denied")
	got := NewReport(f, Examine(f, nil), false).Sysctls()
	if want := "\n# 2 settings could not be read: net.ipv4.tcp_mem, net.core.somaxconn.\n# Nothing to change.\n"; !strings.HasSuffix(got, want) {
		t.Errorf("%q", got)
	}
	f.Unread = nil
	for i := range 40 {
		f.unread(fmt.Sprintf("chain %d", i), "no")
	}
	got = strings.ReplaceAll(NewReport(f, Examine(f, nil), false).Sysctls(), "\n# ", " ") // not as it is wrapped
	if !strings.Contains(got, " Could not be looked at, so that what depends on it is missing here: chain 0,") || !strings.Contains(got, "and 8 more.") || strings.Contains(got, "could not be read") {
		t.Errorf("%q", got)
	}
}

func TestSysctls(t *testing.T) {
	want := `# Proposed by ebbgate audit for this host: only what should change here. Read the comments, then
# save as /etc/sysctl.d/90-ebbgate.conf.

# Now: 0. Without SYN cookies a hundred forged SYNs a second keep a listener's queue of half-open
# connections full.
# Set already in /etc/sysctl.d/60-x.conf:3: change it there, or the file that is read last wins.
net.ipv4.tcp_syncookies = 1

# Now: 15100 of 28232 local ports taken. When all are taken, connect(2) fails.
net.ipv4.ip_local_port_range = 10240 65535
net.ipv4.ip_local_reserved_ports = 15000,40000

# Could not be looked at, so that what depends on it is missing here: nf_tables chains.
# Apply: sysctl -p /etc/sysctl.d/90-ebbgate.conf
# Check: ebbgate audit, which no longer names them. What a program asked for when it began to listen
# changes when it is restarted.
`
	if got := report(false).Sysctls(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSysctlFilesParse reads every file that could be proposed as sysctl(8) would.
func TestSysctlFilesParse(t *testing.T) {
	for _, tt := range troubles {
		f := healthy()
		tt.change(f)
		found := Examine(f, tt.services)
		seen := make(map[string]bool)
		for _, s := range parseSettings(NewReport(f, found, true).Sysctls()) {
			if seen[s.Name] {
				t.Errorf("%s: %s is set twice", tt.name, s.Name)
			}
			seen[s.Name] = true
		}
		for _, a := range tt.sysctls {
			if !seen[a.Name] {
				t.Errorf("%s: %s is not set", tt.name, a.Name)
			}
		}
	}
}

func TestReportCounts(t *testing.T) {
	r := report(false)
	for severity, want := range map[Severity]int{OK: 5, Unknown: 4, Advice: 3, Warning: 2, Critical: 1} {
		if got := r.AtLeast(severity); got != want {
			t.Errorf("%s: %d, want %d", severity, got, want)
		}
	}
	if len(r.Findings) != 4 || len(report(true).Findings) != 5 {
		t.Error("what is ok is listed only on demand")
	}
}

func TestReportAsJSON(t *testing.T) {
	b, err := json.Marshal(report(false))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"kernel":"6.18.0","sample":1,"counts":{"advice":1,"critical":1,"ok":1,"unknown":1,"warning":1},"findings":[{"id":"syncookies","severity":"critical","subject":"net.ipv4.tcp_syncookies","found":"0","advised":"1","why":`
	if !strings.HasPrefix(string(b), want) {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil || len(back.Findings) != 4 || back.Findings[0].Severity != Critical {
		t.Errorf("%v %+v", err, back)
	}
	if b, _ := json.Marshal(NewReport(&Facts{}, nil, true)); !strings.Contains(string(b), `"findings":[]`) {
		t.Errorf("no findings: %s", b)
	}
}

func TestSeverityNames(t *testing.T) {
	for s := OK; s <= Critical; s++ {
		var back Severity
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("%s came back as %s, %v", s, back, err)
		}
	}
	var s Severity
	if err := s.UnmarshalText([]byte("bad")); err == nil || !strings.Contains(err.Error(), "ok, unknown, advice, warning, critical") {
		t.Errorf("got %v", err)
	}
	if got := Severity(9).String(); got != "severity-9" {
		t.Error(got)
	}
}
