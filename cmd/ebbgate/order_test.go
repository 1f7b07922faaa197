package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
)

func TestOrderCommands(t *testing.T) {
	a := answer(t)
	for _, tt := range []struct {
		line   string
		status int
		says   string // part of stdout, or of stderr where the status is not 0
	}{
		{"unblock 203.0.113.7", 1, "203.0.113.7 is neither blocked nor limited; ebbgate explain ADDR"},
		{"block 203.0.113.7 --reason scraper", 0, `203.0.113.7 is blocked from service "web" for 1h00m; its connections there are destroyed`},
		{"block 203.0.113.7 --service shop", 1, `there is no service "shop"; the policy has "web"`},
		{"unblock 203.0.113.7 --service shop", 1, `there is no service "shop"; the policy has "web"`},
		{"unexempt 203.0.113.7 --service shop", 1, `there is no service "shop"; the policy has "web"`},
		{"mode shadow --service shop", 1, `there is no service "shop"; the policy has "web"`},
		{"unblock 203.0.113.0/24", 0, `the block of 203.0.113.7 from service "web" has ended, with 1h00m left`},
		{"exempt 203.0.113.0/24", 0, "is exempt"},
		{"block 203.0.113.7", 1, "ebbgate unexempt 203.0.113.0/24 ends that"},
		{"mode shadow --for 15m", 0, "web is in shadow mode by hand for 15m00s more, then in enforce mode again; ebbgate confirm lets it stay"},
		{"block 198.51.100.7", 1, "every service is in shadow mode"},
		{"mode enforce", 0, "web is in enforce mode, as the policy says"},
	} {
		status, out, errs := a.run(strings.Fields(tt.line)...)
		text, silent := out, errs
		if tt.status != 0 {
			text, silent = errs, out
		}
		if status != tt.status || !strings.Contains(strings.ReplaceAll(text, "\n  ", " "), tt.says) || silent != "" {
			t.Errorf("%s: status %d, %q, %q; want %d with %q", tt.line, status, out, errs, tt.status, tt.says)
		}
	}
	status, out, _ := a.run("block", "198.51.100.0/22", "--for", "10m", "--json")
	var x control.Blocked
	if err := json.Unmarshal([]byte(out), &x); err != nil || status != 0 || x.Total != 1 || !x.Blocks[0].ByHand || x.Blocks[0].Left != control.Duration(10*time.Minute) {
		t.Errorf("status %d, %s (%v)", status, out, err)
	}
}

// TestModesOfNoService names the services there are, as every other command does.
func TestModesOfNoService(t *testing.T) {
	a := answer(t)
	a.Publish(&control.Status{Services: []control.Service{{Name: "mail"}, {Name: "web"}}})
	for line, want := range map[string]int{"mode --service web": exitOK, "mode --service shop": exitRuntime, "mode --service=": exitUsage} {
		status, out, errs := a.run(strings.Fields(line)...)
		named := strings.Contains(errs, `there is no service "shop"; the policy has "mail", "web"`)
		if status != want || (out != "") != (want == exitOK) || named != (want == exitRuntime) {
			t.Errorf("%s: status %d, %s%s", line, status, out, errs)
		}
	}
}
