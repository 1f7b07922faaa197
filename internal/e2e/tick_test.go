package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/recording"
)

const (
	// tickLength is how long BenchmarkTick watches the daemons.
	tickLength = 20 * time.Second
	// busyPerCore is how many processes want each core, besides the flood: the workers of one application.
	busyPerCore = 50
)

// BenchmarkTick runs one daemon for each priority beside one another, in laboratories of their own,
// while very many processes want every core and one more laboratory is flooded as fast as a thread can.
// It reports the time between two turns of the loop, of which the policy wants at most 200 ms. The
// daemons share a control group with the busy processes, as on a host where the CPU is not shared by
// group, but for the one with a weight: where any unit has CPUWeight= each has a group of its own.
func BenchmarkTick(b *testing.B) {
	crowd, weighted := cpuGroup(b, "crowd", 100), cpuGroup(b, "weighted", 1000)
	lower := []string{"nice", "-n", "-10"}
	kinds := []struct {
		name   string
		prefix []string
	}{
		{"nice-0", crowd},
		{"nice--10", slices.Concat(crowd, lower)},
		{"nice--10-weight-1000", slices.Concat(weighted, lower)},
		{"rr-1", []string{"chrt", "--rr", "1"}}, // which some kernels refuse in a control group
	}
	gaps := make([][]time.Duration, len(kinds))
	for b.Loop() {
		ctx, stop := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		occupy(ctx, b, &wg, crowd)
		blast(ctx, b, &wg)
		files := make([]string, len(kinds))
		for i, k := range kinds {
			files[i] = filepath.Join(b.TempDir(), "record")
			prioritised(ctx, b, &wg, k.prefix, files[i])
		}
		time.Sleep(tickLength)
		stop()
		wg.Wait()
		for i, f := range files {
			gaps[i] = append(gaps[i], turnGaps(b, f)...)
		}
	}
	for i, k := range kinds {
		slices.Sort(gaps[i])
		n := len(gaps[i])
		if n == 0 {
			b.Fatalf("%s: no turn was recorded", k.name)
		}
		for _, q := range []struct {
			name string
			at   int
		}{{"median", n / 2}, {"p99", n * 99 / 100}, {"worst", n - 1}} {
			b.ReportMetric(float64(gaps[i][q.at].Microseconds())/1000, k.name+"-"+q.name+"-ms")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// occupy keeps every core wanted until ctx ends.
func occupy(ctx context.Context, b *testing.B, wg *sync.WaitGroup, prefix []string) {
	for range busyPerCore * runtime.NumCPU() {
		args := slices.Concat(prefix, []string{"sh", "-c", "while :; do :; done"})
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		wg.Go(func() { _ = cmd.Wait() }) // killed by ctx
	}
}

// blast floods a laboratory of its own until ctx ends.
func blast(ctx context.Context, b *testing.B, wg *sync.WaitGroup) {
	l := nstest.Lab(b)
	blast, err := lab.NewBlast(l.Attackers, v4(), lab.SpoofRange().IPv4(60_000))
	if err != nil {
		b.Fatal(err)
	}
	wg.Go(func() {
		if _, _, err := blast.Run(ctx, time.Hour); err != nil && !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
		if err := blast.Close(); err != nil {
			b.Error(err)
		}
	})
}

// prioritised runs a daemon behind a command that sets its priority, which records until ctx ends.
func prioritised(ctx context.Context, b *testing.B, wg *sync.WaitGroup, prefix []string, record string) {
	l := nstest.Lab(b)
	dir := b.TempDir()
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte(policyFile{}.text(filepath.Join(dir, "s"))), 0o644); err != nil {
		b.Fatal(err)
	}
	args := slices.Concat(prefix, []string{program, "run", "--config", config, "--record", record})
	cmd := command()
	path, err := exec.LookPath(args[0])
	if err != nil {
		b.Skip(err)
	}
	cmd.Path, cmd.Args = path, args
	if err := l.Victim.Start(cmd); err != nil {
		b.Fatal(err)
	}
	wg.Go(func() {
		<-ctx.Done()
		_ = cmd.Process.Signal(syscall.SIGTERM) // one that has ended is found out by Wait
		if err := cmd.Wait(); err != nil {
			b.Error(fmt.Errorf("daemon behind %q: %w", prefix, err))
		}
	})
}

// turnGaps reads the times between the turns of a recording, but the first second's.
func turnGaps(b testing.TB, path string) []time.Duration {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := recording.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var gaps []time.Duration
	first, err := r.Next()
	last := first.Observation.At
	for err == nil {
		var e recording.Entry
		if e, err = r.Next(); err != nil {
			break
		}
		if e.Observation.At.Sub(first.Observation.At) > time.Second {
			gaps = append(gaps, e.Observation.At.Sub(last))
		}
		last = e.Observation.At
	}
	if !errors.Is(err, io.EOF) {
		b.Fatal(err)
	}
	return gaps
}
