package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// crowdLasts is how long BenchmarkCrowd watches each daemon.
const crowdLasts = 15 * time.Second

// BenchmarkCrowd reports the time between two turns of a daemon in peace, of which the policy wants at most
// 200 ms, and the CPU it takes, without clients and with 1,000 (see TestCrowdOfClients).
func BenchmarkCrowd(b *testing.B) {
	for _, crowd := range []bool{false, true} {
		b.Run(map[bool]string{false: "nobody", true: "thousand"}[crowd], func(b *testing.B) {
			for b.Loop() {
				crowdRun(b, crowd)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func crowdRun(b *testing.B, crowd bool) {
	l, dir := nstest.Lab(b), b.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	config, socket, record := filepath.Join(dir, "config.toml"), filepath.Join(dir, "s"), filepath.Join(dir, "record")
	if err := os.WriteFile(config, []byte(policyFile{}.viewedBy(socket)), 0o644); err != nil {
		b.Fatal(err)
	}
	cmd := command("run", "--config", config, "--record", record)
	if err := l.Victim.Start(cmd); err != nil {
		b.Fatal(err)
	}
	var report crowdReport
	if crowd {
		c := startCrowd(b, dir, socket)
		time.Sleep(crowdLasts)
		report = c.leave(b)
	} else {
		time.Sleep(crowdLasts)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	gaps := turnGaps(b, record)
	slices.Sort(gaps)
	n := len(gaps)
	for name, at := range map[string]int{"median": n / 2, "p99": n * 99 / 100, "worst": n - 1} {
		b.ReportMetric(float64(gaps[at].Microseconds())/1000, name+"-ms")
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.ReportMetric(100*cpu.Seconds()/crowdLasts.Seconds(), "cpu-%")
	b.ReportMetric(float64(report.Asked)/crowdLasts.Seconds(), "answers/s")
	b.ReportMetric(float64(report.Connected)/crowdLasts.Seconds(), "connects/s")
}
