package compare

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU times in /proc, 1/USER_HZ: 100 on every architecture Go knows; proc(5).
const clockTick = 10 * time.Millisecond

// cpuTime returns the CPU time a process has used, of all its threads.
func cpuTime(pid int) (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	d, err := parseProcessTime(b)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %s: %w", path, err)
	}
	return d, nil
}

// parseProcessTime adds up utime and stime, fields 14 and 15 of proc_pid_stat(5). The second field, the
// name in parentheses, may hold anything.
func parseProcessTime(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, fmt.Errorf("%d fields after the name, %d are needed", len(fields), stime+1)
	}
	return sumTicks(fields[utime], fields[stime])
}

// machineTime returns the CPU time the whole machine has used, of all cores.
func machineTime() (time.Duration, error) {
	const path = "/proc/stat"
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	d, err := parseMachineTime(b)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %s: %w", path, err)
	}
	return d, nil
}

// parseMachineTime adds up user, nice, system, irq and softirq of the line for all cores; proc_stat(5).
func parseMachineTime(stat []byte) (time.Duration, error) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	f := bytes.Fields(line)
	if len(f) < 8 || string(f[0]) != "cpu" {
		return 0, fmt.Errorf("the first line %q is not the sum of all CPUs", line)
	}
	return sumTicks(f[1], f[2], f[3], f[6], f[7])
}

func sumTicks(fields ...[]byte) (time.Duration, error) {
	var sum uint64
	for _, f := range fields {
		n, err := strconv.ParseUint(string(f), 10, 48)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * clockTick, nil
}

// cpuTimes are CPU times up to a moment, or between two.
type cpuTimes struct {
	server, network, ebbgate, machine time.Duration
}

func (t cpuTimes) since(u cpuTimes) cpuTimes {
	return cpuTimes{t.server - u.server, t.network - u.network, t.ebbgate - u.ebbgate, t.machine - u.machine}
}

// readCPU reads all CPU times of a stage.
func (s *stage) readCPU() (t cpuTimes, err error) {
	if t.server, err = cpuTime(s.server.pid()); err != nil {
		return t, err
	}
	for _, pid := range s.threads {
		d, err := cpuTime(pid)
		if err != nil {
			return t, err
		}
		t.network += d
	}
	if s.daemon != nil {
		if t.ebbgate, err = cpuTime(s.daemon.PID()); err != nil {
			return t, err
		}
	}
	t.machine, err = machineTime()
	return t, err
}
