package installed

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// TestMetricsInSandbox: what docs/metrics.md says how to switch metrics on, on either systemd; before that, and
// where a port may not be bound, a fault says what to do.
func TestMetricsInSandbox(t *testing.T) {
	t.Parallel()
	for _, suite := range []nspawn.Suite{nspawn.Bookworm, nspawn.Trixie} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			h := &host{Machine: nspawn.Boot(t, suite, nstest.Lab(t).Victim)}
			h.aptInstall(t, older)
			h.policy(t, enforcing(perSource)+"[metrics]\nlisten = \"127.0.0.1:9815\"\n")
			h.Run(t, "systemctl", "restart", "ebbgate")
			h.faultOfMetrics(t, "address family not supported by protocol; under systemd install the drop-in metrics.conf")
			h.dropIn(t, "metrics.conf")
			h.scraped(t)
			if suite != nspawn.Trixie {
				return
			}
			h.dropIn(t, "sandbox-257.conf")
			h.faultOfMetrics(t, "operation not permitted; under systemd install the drop-in metrics.conf")
			h.Write(t, "/etc/systemd/system/ebbgate.service.d/port.conf", "[Service]\nSocketBindAllow=tcp:9815\n", 0o644)
			h.Run(t, "systemctl", "daemon-reload")
			h.Run(t, "systemctl", "restart", "ebbgate")
			h.scraped(t)
		})
	}
}

// dropIn installs one of the package's examples.
func (h *host) dropIn(t *testing.T, name string) {
	t.Helper()
	h.Run(t, "install", "-D", "-m", "0644", "/usr/share/doc/ebbgate/examples/"+name, "/etc/systemd/system/ebbgate.service.d/"+name)
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "restart", "ebbgate")
}

// faultOfMetrics waits until the daemon says why it serves none, and goes on nevertheless.
func (h *host) faultOfMetrics(t *testing.T, why string) {
	t.Helper()
	nstest.Until(t, patience, "the fault says why", func() error {
		status, err := h.ask()
		if err != nil {
			return err
		}
		if len(status.Faults) != 1 || status.Faults[0].Part != "metrics" || !strings.Contains(status.Faults[0].Text, why) {
			return fmt.Errorf("faults %+v, want %q", status.Faults, why)
		}
		return nil
	})
	h.wants(t, map[string]string{"ActiveState": "active", "SubState": "running", "NRestarts": "0"})
}

// scraped reads the metrics as somebody on the machine does, those of the process among them.
func (h *host) scraped(t *testing.T) {
	t.Helper()
	h.until(t, "nothing is at fault", func(*control.Status) error { return nil })
	text := h.Run(t, "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/9815 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3`)
	for _, want := range []string{`ebbgate_build_info{goversion="go[^"]*",version="[^"]+"} 1`, `ebbgate_service_connections{service="shop"} \d+`,
		`ebbgate_kernel_syn_cookies \d`, `process_open_fds [1-9]\d*`, `process_resident_memory_bytes [1-9]`, `process_cpu_seconds_total [0-9.]+`,
		`process_start_time_seconds [1-9]`, `process_max_fds 1024`, `go_goroutines [1-9]`} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
}
