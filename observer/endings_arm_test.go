package observer

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestArmLeavesNothingBehind(t *testing.T) {
	o := enter(t, eager())
	nstest.Listen(t, "0.0.0.0:80", 16)
	o.Tick()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	for range 20 {
		o.Arm(true)
		reader := o.endings.reader
		o.Arm(true)
		if o.endings.reader != reader || reader == nil {
			t.Fatal("arming twice is not arming once")
		}
		o.Tick()
		o.Arm(false)
		o.Arm(false)
	}
	if obs := o.Tick(); obs.Endings.Taken || len(obs.Faults) != 0 {
		t.Errorf("disarmed: %+v", obs)
	}
	nstest.Await(t, "goroutines and descriptors to be gone", func() bool {
		return runtime.NumGoroutine() <= goroutines && descriptors(t) <= files
	})
	o.Arm(true) // Close disarms
}

func TestArmCostsNothingWhenNothingChanges(t *testing.T) {
	o := enter(t, eager())
	watch(t, o)
	if n := testing.AllocsPerRun(100, func() { o.Arm(true) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestArmFails(t *testing.T) {
	o := enter(t, eager())
	o.Tick()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	o.Arm(true)
	err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	obs := o.Tick()
	if err != nil || !slices.ContainsFunc(obs.Faults, func(f policy.Fault) bool {
		return f.Part == "endings" && strings.Contains(f.Text, unix.EMFILE.Error())
	}) {
		t.Fatalf("faults %+v: %v", obs.Faults, err)
	}
	s := &endingSum{}
	nstest.Await(t, "another attempt", func() bool { obs = s.take(t, o); return o.endings.reader != nil })
	if len(obs.Faults) != 0 {
		t.Errorf("faults %+v", obs.Faults)
	}
}

func TestArmReplacesAReaderThatDied(t *testing.T) {
	o := enter(t, eager())
	o.Tick()
	now := boottime.Now()
	sub, err := inetdiag.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	dead := &endingReader{sub: sub, done: make(chan struct{}), err: unix.EBADF}
	if err := dead.addresses.open(); err != nil {
		t.Fatal(err)
	}
	close(dead.done)
	o.endings.reader = dead
	for range 2 {
		if obs := o.Tick(); len(obs.Faults) != 1 || obs.Faults[0].Part != "endings" {
			t.Fatalf("faults %+v", obs.Faults)
		}
		o.endings.arm(now, o.target.Load(), &o.tick, &o.proven)
	}
	if o.endings.reader != nil {
		t.Fatal("no pause before the next attempt")
	}
	o.endings.arm(now.Add(armPause), o.target.Load(), &o.tick, &o.proven)
	if obs := o.Tick(); o.endings.reader == nil || o.endings.reader == dead || len(obs.Faults) != 0 {
		t.Errorf("faults %+v", obs.Faults)
	}
}
