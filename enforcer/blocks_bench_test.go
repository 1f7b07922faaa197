package enforcer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
	"ebbgate/internal/setdump"
	"ebbgate/policy"
)

// blockSizes are how many blocks the benchmarks load; a million only without -short.
func blockSizes(b *testing.B) []int {
	if testing.Short() {
		return []int{100_000}
	}
	return []int{100_000, 1_000_000}
}

func blocksPolicy() *policy.Policy {
	p := bigPolicy()
	p.Limits.MaxBlocks = policy.MaxMaxBlocks
	return p
}

// loading is one way to load blocks into the kernel, and to remove all but the first one by one.
type loading struct {
	load, remove func(n int) (spent, error)
}

// spent is what one step took.
type spent struct {
	decide time.Duration // of which without the kernel: to compile and compare
	took   time.Duration
	peak   int64 // most memory of the process, in bytes
}

// BenchmarkBlocks loads blocks and removes them, our way, nft's and ipset's: the same sources, each with
// a timeout of an hour. Times of ours begin with a decision, theirs with a file. Memory is the peak of
// the process; ours has the decision in it.
func BenchmarkBlocks(b *testing.B) {
	for _, n := range blockSizes(b) {
		for _, way := range []struct {
			name string
			make func(*testing.B) loading
		}{{"ours", ours}, {"nft", byNft}, {"ipset", byIpset}} {
			b.Run(fmt.Sprintf("%s/n=%d", way.name, n), func(b *testing.B) {
				nstest.Enter(b)
				l := way.make(b)
				var up, down spent
				for b.Loop() {
					var err error
					if up, err = l.load(n); err == nil {
						down, err = l.remove(n)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
				b.ReportMetric(ms(up.took), "load-ms")
				b.ReportMetric(ms(down.took), "remove-ms")
				b.ReportMetric(float64(max(up.peak, down.peak))/(1<<20), "peak-MB")
				if way.name == "ours" {
					b.ReportMetric(ms(up.decide), "load-decide-ms")
					b.ReportMetric(ms(down.decide), "remove-decide-ms")
				}
			})
		}
	}
}

// ours goes the daemon's way.
func ours(b *testing.B) loading {
	tb, p := resume(b, -1), blocksPolicy()
	hold := func(n int) (s spent, err error) {
		now := boottime.Now()
		d := blockedFlood(n, now+3600*second)
		d.At = now
		if err := forgetPeak(); err != nil {
			return spent{}, err
		}
		began := time.Now()
		plan := Diff(tb.Have(), Compile(p, d, Environment{}), now)
		s.decide = time.Since(began)
		if err := tb.Apply(plan); err != nil {
			return s, err
		}
		s.took = time.Since(began)
		s.peak, err = peakMemory(os.Getpid())
		return s, err
	}
	return loading{hold, func(int) (spent, error) { return hold(1) }}
}

// forgetPeak gives back what memory it can, and forgets the peak so far.
func forgetPeak() error {
	debug.FreeOSMemory()
	// 5 resets the peak; see proc_pid_clear_refs(5).
	return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// script runs a tool that reads a script from its standard input, and measures it.
func script(text []byte, name string, args ...string) (spent, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(text)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return spent{}, err
	}
	// The peak that wait4(2) tells has the parent's memory in it, from before exec.
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var s spent
	for {
		if now, err := peakMemory(cmd.Process.Pid); err == nil {
			s.peak = max(s.peak, now)
		}
		select {
		case err := <-done:
			if s.took = time.Since(began); err != nil {
				return s, fmt.Errorf("%s: %w\n%.300s", name, err, out.Bytes())
			}
			return s, nil
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// peakMemory returns the most memory a process has had, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if !found { // it has ended
		return 0, os.ErrProcessDone
	}
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kb << 10, err
}

// byNft loads the same ruleset, as our plan prints it.
func byNft(b *testing.B) loading {
	p := blocksPolicy()
	run := func(have Have, n int) (spent, error) {
		d := blockedFlood(n, 3600*second)
		plan := Diff(have, Compile(p, d, Environment{}), 0)
		return script([]byte(plan.String()), "nft", "-f", "-")
	}
	return loading{
		func(n int) (spent, error) {
			if err := exec.Command("nft", "flush", "ruleset").Run(); err != nil {
				return spent{}, err
			}
			return run(Have{Known: true}, n)
		},
		func(n int) (spent, error) {
			return run(Have{Known: true, Present: true, Ruleset: Compile(p, blockedFlood(n, 3600*second), Environment{})}, 1)
		}}
}

// byIpset loads a hash of the same addresses, without a rule.
func byIpset(b *testing.B) loading {
	if _, err := exec.LookPath("ipset"); err != nil {
		b.Skip("ipset is not installed (see scripts/tools)")
	}
	lines := func(verb, tail string, n int, head string) []byte {
		var text bytes.Buffer
		text.WriteString(head)
		for _, block := range blockedFlood(n, 3600*second).Blocks {
			fmt.Fprintf(&text, "%s s %s%s\n", verb, block.Source.Addr(), tail)
		}
		return text.Bytes()
	}
	return loading{
		func(n int) (spent, error) {
			_ = exec.Command("ipset", "destroy", "s").Run() // of the last round
			return script(lines("add", " timeout 3600", n, fmt.Sprintf("create s hash:ip maxelem %d timeout 3600\n", n)), "ipset", "restore")
		},
		func(n int) (spent, error) { return script(lines("del", "", n, ""), "ipset", "restore") }}
}

// BenchmarkBlocksExpire lets blocks time out, and waits until the kernel has forgotten them all. It also
// reports what that costs the daemon: one comparison, and no transaction.
func BenchmarkBlocksExpire(b *testing.B) {
	for _, n := range blockSizes(b) {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			tb := open(b)
			p := blocksPolicy()
			var forgotten, decided time.Duration
			for b.Loop() {
				now := boottime.Now()
				// One block stays, so that the table does.
				d := blockedFlood(n, now.Add(time.Duration(n/100_000+2)*time.Second))
				d.At, d.Blocks[n-1].Until = now, now.Add(time.Hour)
				if err := tb.Apply(Diff(tb.Have(), Compile(p, d, Environment{}), now)); err != nil {
					b.Fatal(err)
				}
				ends := d.Blocks[0].Until
				awaitCount(b, tb, 1)
				forgotten = boottime.Now().Sub(ends)
				began := time.Now()
				plan := Diff(tb.Have(), Compile(p, &policy.Decision{At: boottime.Now(), Blocks: d.Blocks[n-1:]}, Environment{}), boottime.Now())
				decided = time.Since(began)
				for i := range plan.Ops { // the service's own lease may be due
					if plan.Ops[i].Set.Name == "web_block4" {
						b.Fatalf("blocks that timed out would be changed: %s", plan.Ops[i].summary())
					}
				}
				if err := tb.Apply(plan); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(forgotten.Milliseconds()), "kernel-ms")
			b.ReportMetric(float64(decided.Microseconds())/1000, "decide-ms")
		})
	}
}

// awaitCount waits until the set of blocks has no more than so many elements.
func awaitCount(b *testing.B, tb *Table, most int) {
	b.Helper()
	c, err := setdump.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		n, ok, err := c.Count(TableName, "web_block4")
		switch {
		case err != nil:
			b.Fatal(err)
		case !ok:
			b.Skip("this kernel does not tell how many elements a set has (Linux 6.16)")
		case n <= most:
			return
		case time.Now().After(end):
			b.Fatalf("%d elements are left", n)
		}
	}
}

// BenchmarkBlocksRenew is the cost of renewing leases: all refused sources of a service are due at once.
func BenchmarkBlocksRenew(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("refused=%d", n), func(b *testing.B) {
			tb := open(b)
			p := bigPolicy()
			long := false
			renew := func() Plan {
				now := boottime.Now()
				lease := 1000 * second
				if long = !long; long { // far enough apart that all are due, the one way and the other
					lease *= 3
				}
				d := bigFlood(n, now+lease)
				d.At = now
				return Diff(tb.Have(), Compile(p, d, Environment{OthersTrack: true}), now)
			}
			if err := tb.Apply(renew()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var sent time.Duration
			for b.Loop() {
				plan := renew()
				began := time.Now()
				if err := tb.Apply(plan); err != nil {
					b.Fatal(err)
				}
				sent += time.Since(began)
			}
			b.ReportMetric(float64(sent.Microseconds())/1000/float64(b.N), "apply-ms")
		})
	}
}
