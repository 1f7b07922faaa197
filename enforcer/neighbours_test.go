package enforcer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

// neighbours says of each ruleset in testdata whether it uses conntrack, by hand.
var neighbours = map[string]bool{
	"crowdsec.nft":   false,
	"docker.nft":     true,
	"docker.v4":      true,
	"fail2ban.nft":   false,
	"firewalld.nft":  true,
	"kube-proxy.nft": true,
	"kube-proxy.v4":  true,
	"nftables.nft":   true,
	"ufw.v4":         true,
	"ufw.v6":         true,
}

// TestNeighboursConntrack loads what ufw, firewalld, Docker and others load, each alone in its
// namespace, and checks that their use of conntrack is noticed.
func TestNeighboursConntrack(t *testing.T) {
	files, err := filepath.Glob("testdata/neighbours/*")
	if err != nil || len(files) != len(neighbours) {
		t.Fatalf("%d rulesets (%v), want %d", len(files), err, len(neighbours))
	}
	for _, file := range files {
		backends := []string{"nft"}
		if filepath.Ext(file) != ".nft" {
			backends = append(backends, "legacy")
		}
		for _, backend := range backends {
			t.Run(filepath.Base(file)+"/"+backend, func(t *testing.T) {
				tb := open(t)
				load(t, file, backend)
				want, known := neighbours[filepath.Base(file)]
				if runs := conntrackRuns(t); !known || runs != want {
					t.Fatalf("conntrack runs: %t, which is not what this test takes for true", runs)
				}
				if _, err := tb.Look(true); err != nil {
					t.Fatal(err)
				}
				if got := tb.Environment().OthersTrack; got != want {
					t.Errorf("OthersTrack = %t, want %t", got, want)
				}
			})
		}
	}
}

// load loads a ruleset as its owner does: with nft, or with the iptables of either backend.
func load(t *testing.T, file, backend string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	name, args := "nft", []string{"-f", "-"}
	switch filepath.Ext(file) {
	case ".v4":
		name, args = "iptables-"+backend+"-restore", nil
	case ".v6":
		name, args = "ip6tables-"+backend+"-restore", nil
	}
	cmd := exec.Command(name, args...)
	cmd.Stdin = f
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s < %s: %v\n%s", name, file, err, out)
	}
}

// conntrackRuns asks the kernel the other way round: it sends a packet in each family and reports
// whether the conntrack table has grown.
func conntrackRuns(t *testing.T) bool {
	t.Helper()
	count := func() string {
		b, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	before := count()
	for _, to := range []string{"127.0.0.1:9", "[::1]:9"} {
		c, err := net.Dial("udp", to)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte{0}) // may be rejected, and is counted all the same
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return count() != before
}

// TestListingThatChangesIsNoProof changes rules as fast as it can while they are listed: one that
// uses conntrack stays all the time, and must not be missed for long enough to act on it.
func TestListingThatChangesIsNoProof(t *testing.T) {
	tb := open(t)
	nft(t, "add table ip fw; add chain ip fw c; add table ip more; add chain ip more c; add rule ip fw c ct state new")
	cmd := exec.Command("nft", "-i")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fed := make(chan error, 1)
	go func() {
		for range 2000 / fewerRounds {
			if _, err := in.Write([]byte("insert rule ip fw c counter\nadd rule ip more c counter\n")); err != nil {
				fed <- err
				return
			}
		}
		fed <- in.Close()
	}()
	scan, err := newTrackScan()
	if err != nil {
		t.Fatal(err)
	}
	defer scan.close()
	for done := false; !done; {
		select {
		case err := <-fed:
			if err != nil {
				t.Error(err)
			}
			done = true
		default:
		}
		scan.last = place{} // list everything each time
		if found, sure, err := scan.users(); err != nil || !found && sure {
			t.Fatalf("users = %t, %t, %v", found, sure, err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := tb.Look(true); err != nil || !tb.Environment().OthersTrack {
		t.Errorf("after it: OthersTrack %t, %v", tb.Environment().OthersTrack, err)
	}
}

// TestUsersAreLookedForWhereTheyWere removes the chain in which a user of conntrack was found, and leaves another.
func TestUsersAreLookedForWhereTheyWere(t *testing.T) {
	open(t)
	scan, err := newTrackScan()
	if err != nil {
		t.Fatal(err)
	}
	defer scan.close()
	users := func(want bool, at place) {
		t.Helper()
		if found, sure, err := scan.users(); found != want || !sure || err != nil || scan.last != at {
			t.Errorf("users = %t, %t, %v in %+v, want %t in %+v", found, sure, err, scan.last, want, at)
		}
	}
	users(false, place{})
	nft(t, "add table ip a; add chain ip a c; add rule ip a c ct state new")
	users(true, place{2, "a", "c"})
	nft(t, "add table ip6 b; add chain ip6 b d; add rule ip6 b d ct state new; delete table ip a")
	users(true, place{10, "b", "d"})
	nft(t, "flush chain ip6 b d")
	users(false, place{})
	nft(t, "add table inet e; add ct helper inet e h { type \"ftp\" protocol tcp; }")
	users(true, place{})
	if scan.pause != scanEvery {
		t.Errorf("a pause of %v after a short listing, want %v", scan.pause, scanEvery)
	}
}

// manyRules is a script of n rules in one chain, none of which uses conntrack.
func manyRules(n int) string {
	var script strings.Builder
	script.WriteString("add table ip many; add chain ip many c;\n")
	for i := range n {
		fmt.Fprintf(&script, "add rule ip many c ip saddr 10.%d.%d.%d counter drop\n", i>>16, i>>8&255, i&255)
	}
	return script.String()
}

// nftLoads loads a script through the nft tool.
func nftLoads(tb testing.TB, script string) {
	tb.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %.300s", err, out)
	}
}

// TestListingHasABudget lists so many rules that it cannot be done: they are taken to use conntrack
// until they are fewer, and the next listing is far off.
func TestListingHasABudget(t *testing.T) {
	tb := open(t)
	nftLoads(t, manyRules(60_000))
	for range 2 {
		if found, sure, err := tb.track.users(); !found || !sure || err != nil || !tb.track.gaveUp {
			t.Fatalf("users = %t, %t, %v, gave up %t", found, sure, err, tb.track.gaveUp)
		}
		if least := scanShare * scanBudget / 2; tb.track.pause < least {
			t.Errorf("a pause of %v, want %v at least", tb.track.pause, least)
		}
	}
	nft(t, "delete table ip many")
	if found, sure, err := tb.track.users(); found || !sure || err != nil {
		t.Errorf("users = %t, %t, %v once they are gone", found, sure, err)
	}
	if tb.track.pause != scanEvery {
		t.Errorf("a pause of %v after a short listing, want %v", tb.track.pause, scanEvery)
	}
}

// BenchmarkUsers is one listing of everybody's rules: without a user of conntrack, with one at the
// end, and in the chain where it was found before.
func BenchmarkUsers(b *testing.B) {
	const user = "add table ip nat; add chain ip nat c; add rule ip nat c masquerade\n"
	for _, rules := range []int{1000, 10_000, 100_000} {
		for _, bb := range []struct {
			name, script string
			remember     bool
		}{{"nobody", "", false}, {"found", user, false}, {"found again", user, true}} {
			b.Run(fmt.Sprintf("rules=%d/%s", rules, bb.name), func(b *testing.B) {
				nstest.Enter(b)
				nftLoads(b, manyRules(rules)+bb.script)
				benchmarkUsers(b, bb.remember)
			})
		}
	}
}

func benchmarkUsers(b *testing.B, remember bool) {
	scan, err := newTrackScan()
	if err != nil {
		b.Fatal(err)
	}
	defer scan.close()
	b.ReportAllocs()
	for b.Loop() {
		if !remember {
			scan.last = place{}
		}
		if _, _, err := scan.users(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(scan.pause.Milliseconds()), "ms-pause")
}
