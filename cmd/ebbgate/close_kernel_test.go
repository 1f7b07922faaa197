package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
	"ebbgate/internal/survey"
)

// exempting writes a policy that exempts some addresses.
func exempting(t *testing.T) string {
	t.Helper()
	file := t.TempDir() + "/policy.toml"
	text := "exempt.prefixes = [\"10.66.2.0/24\"]\n[[service]]\nname = \"web\"\nports = [80]\n[[service]]\nname = \"onward\"\nports = [91]\ntraffic = \"forwarded\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCloseShowsAndCuts(t *testing.T) {
	town(t)
	policy := exempting(t)
	shown := []string{`^2 connections from 1 source: 2 ESTABLISHED\.$`, `^10\.66\.1\.1 +2 +\d+s$`, `^Left alone: 1 connection, exempt by the policy \(10\.66\.2\.2\)`}
	must(t, append(shown, `^Nothing was cut\. To cut these 2, add --yes\.$`), "close", "--port", "80", "--config", policy)
	must(t, append(shown, `^Nothing was cut`), "close", "--service", "web", "--config", policy)
	must(t, append(shown, `^ +\d+s +ESTABLISHED +10\.66\.9\.9:80 +10\.66\.1\.1:\d+ `), "close", "--service", "web", "--config", policy, "-p")
	must(t, []string{`^No connection to cut\.$`}, "close", "--port", "80", "--idle", "1h", "--yes", "--config", policy)
	must(t, []string{`^1 of them waits in an accept queue`}, "close", "--port", "90", "--force", "--config", policy)

	status, stdout, stderr := ebbgate(t, "close", "--source", "10.66.2.2", "--config", policy, "--yes")
	if status != exitUsage || stdout != "" || !strings.Contains(stderr, "10.66.2.2: exempt by the policy") {
		t.Errorf("an exempt source: status %d, %s%s", status, stdout, stderr)
	}
	must(t, append(shown, `^Cut 2 connections\.$`), "close", "--port", "80", "--config", policy, "--yes")
	must(t, []string{`^No connection to cut\.$`, `^Left alone: 1 connection`}, "close", "--port", "80", "--config", policy, "--yes")
	must(t, []string{`^Cut 2 connections\.$`}, "close", "--source", "10.66.2.2", "--config", policy, "--yes", "--force")
	must(t, []string{`^No connection on 80, 90, 91$`}, "census")
}

// atFirst calls look at the first write.
type atFirst struct {
	bytes.Buffer
	look func(text string)
}

func (w *atFirst) Write(b []byte) (int, error) {
	if w.Len() == 0 {
		w.look(string(b))
	}
	return w.Buffer.Write(b)
}

// Whoever reads that nobody is exempt reads it while the connections are still there.
func TestClosePrintsThePlanBeforeItCuts(t *testing.T) {
	town(t)
	file := t.TempDir() + "/policy.toml"
	if err := os.WriteFile(file, []byte("mode = \"fight\""), 0o600); err != nil {
		t.Fatal(err)
	}
	w := atFirst{look: func(text string) {
		if !strings.Contains(text, "Nobody is exempt: the policy") || !strings.Contains(text, "3 connections from 2 sources") || strings.Contains(text, "Cut ") {
			t.Errorf("before the fact:\n%s", text)
		}
		must(t, []string{`^port 80 +80 +3 `}, "census", "--port", "80")
	}}
	root := stranger(newRoot())
	root.SetArgs([]string{"close", "--port", "80", "--config", file, "--force", "--yes"})
	root.SetOut(&w)
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	text := w.String()
	if strings.Count(text, "Nobody is exempt") != 1 || !strings.HasSuffix(text, "\nCut 3 connections.\n") {
		t.Errorf("got\n%s", text)
	}
	must(t, []string{`^No connection on 80$`}, "census", "--port", "80")
}

// A plan that cannot be shown is not carried out.
func TestCloseCutsNothingUnseen(t *testing.T) {
	town(t)
	root := stranger(newRoot())
	root.SetArgs([]string{"close", "--port", "80", "--config", exempting(t), "--yes"})
	root.SetOut(unwritable{})
	var exit *exitError
	if err := root.Execute(); !errors.As(err, &exit) || exit.status != exitRuntime || !strings.Contains(err.Error(), "cut nothing") {
		t.Errorf("got %v", err)
	}
	must(t, []string{`^port 80 +80 +3 `}, "census", "--port", "80")
}

// unwritable is a full disk.
type unwritable struct{}

func (unwritable) Write([]byte) (int, error) { return 0, unix.ENOSPC }

func TestCloseJSON(t *testing.T) {
	town(t)
	policy := exempting(t)
	for _, args := range [][]string{nil, {"--yes", "-p"}} { // what is cut cannot be planned any more
		var got closed
		done := args != nil
		out := must(t, nil, append([]string{"close", "--port", "80", "--json", "--config", policy}, args...)...)
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if !got.Complete || got.Matched != 2 && got.Cut != 2 || got.Done && !done || (len(got.Connections) > 0) != got.Done || got.Refused != 0 {
			t.Errorf("with %v: %s", args, out)
		}
		if len(got.Spared) != 1 || got.Spared[0].Reason != "exempt" || got.Spared[0].Connections != 1 || got.Spared[0].Sources[0] != "10.66.2.2" {
			t.Errorf("with %v: spared %+v", args, got.Spared)
		}
	}
}

// The connection somebody types over is found by its processes, and by what sshd says.
func TestCloseSparesTheSession(t *testing.T) {
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16")
	l := nstest.Listen(t, "10.66.9.9:22", 16)
	nstest.Dial(t, "10.66.1.1:0", "10.66.9.9:22") // not accepted: no process of ours holds it
	typing := nstest.Dial(t, "10.66.1.2:0", "10.66.9.9:22")
	l.Accept()
	var stdout, stderr bytes.Buffer
	if status := execute([]string{"close", "--port", "22", "--json"}, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	var got closed
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || got.Matched+len(got.Spared) != 2 || got.Sources[0].Source == got.Spared[0].Sources[0] {
		t.Errorf("%v: %s", err, stdout.String())
	}
	t.Setenv("SSH_CONNECTION", fmt.Sprintf("10.66.1.2 %d 10.66.9.9 22", typing.LocalPort()))
	must(t, []string{`^Left alone: 1 connection, you are logged in over it \(10\.66\.1\.2\)`, `^10\.66\.1\.1 `}, "close", "--port", "22")
}

func TestSSHConnection(t *testing.T) {
	end := netip.MustParseAddrPort
	tests := []struct {
		text string
		want [2]netip.AddrPort
	}{
		{"", [2]netip.AddrPort{}}, {"192.0.2.1 5 192.0.2.2", [2]netip.AddrPort{}},
		{"192.0.2.1 50000 192.0.2.2 22", [2]netip.AddrPort{end("192.0.2.1:50000"), end("192.0.2.2:22")}},
		{"2001:db8::1 50000 2001:db8::2 22", [2]netip.AddrPort{end("[2001:db8::1]:50000"), end("[2001:db8::2]:22")}},
		{"::ffff:192.0.2.1 50000 fe80::1%eth0 22", [2]netip.AddrPort{end("192.0.2.1:50000"), end("[fe80::1]:22")}},
		{"a b c d", [2]netip.AddrPort{}}, {"192.0.2.1 99999 192.0.2.2 22", [2]netip.AddrPort{1: end("192.0.2.2:22")}},
	}
	for _, tt := range tests {
		if got := sshConnection(tt.text); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestCutErrorsSayWhatToDo(t *testing.T) {
	if err := cutError(nil); err != nil {
		t.Errorf("got %v", err)
	}
	for want, cause := range map[string]error{"with sudo": unix.EPERM, "block the source": survey.ErrNoDestroy, "kernel says no": errors.New("kernel says no")} {
		err := cutError(cause)
		var exit *exitError
		if !errors.As(err, &exit) || exit.status != exitRuntime || !errors.Is(err, cause) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v", cause, err)
		}
	}
}
