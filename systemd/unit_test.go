package systemd

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

const unitFile = "ebbgate.service"

// unit holds the values of each "Section.Key", in the order of the file.
type unit map[string][]string

func readUnit(t *testing.T) unit { return readUnitFile(t, unitFile) }

func readUnitFile(t *testing.T, name string) unit {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	u, section := unit{}, ""
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]") + "."
		case ok && section != "":
			u[section+key] = append(u[section+key], value)
		default:
			t.Fatalf("cannot parse %q", line)
		}
	}
	return u
}

// known has every directive the unit may use: those of systemd.unit(5), systemd.service(5),
// systemd.exec(5), systemd.kill(5) and systemd.resource-control(5) that exist in systemd 252, so
// that nothing is ignored on Debian 12.
const known = `
Unit: After Before Conflicts DefaultDependencies Description Documentation StartLimitIntervalSec Wants
Service: AmbientCapabilities CapabilityBoundingSet DevicePolicy Environment ExecPaths ExecReload ExecStart
 FileDescriptorStoreMax Group IPAddressDeny KeyringMode LimitCORE LimitNOFILE LockPersonality MemoryDenyWriteExecute
 BindPaths BindReadOnlyPaths CPUWeight InaccessiblePaths MemoryMax MemorySwapMax Nice NoExecPaths NoNewPrivileges NotifyAccess OOMScoreAdjust PrivateDevices PrivateIPC PrivateMounts PrivateTmp
 ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules
 ProtectKernelTunables ProtectProc ProtectSystem RemoveIPC Restart RestartPreventExitStatus RestartSec
 RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID RuntimeDirectory
 RuntimeDirectoryMode StateDirectory StateDirectoryMode SystemCallArchitectures SystemCallErrorNumber SystemCallFilter
 TasksMax TemporaryFileSystem TimeoutAbortSec TimeoutStartFailureMode TimeoutStartSec TimeoutStopSec Type UMask User WatchdogSec
Install: WantedBy`

func TestUnitUsesKnownDirectives(t *testing.T) {
	var all []string
	section := ""
	for _, word := range strings.Fields(known) {
		if s, ok := strings.CutSuffix(word, ":"); ok {
			section = s + "."
			continue
		}
		all = append(all, section+word)
	}
	u := readUnit(t)
	for key := range u {
		if !slices.Contains(all, key) {
			t.Errorf("%s is not known", key)
		}
	}
	for _, key := range all {
		if u[key] == nil {
			t.Errorf("%s is listed here and not used", key)
		}
	}
}

// TestUnitSays holds what others rely on: the package, the pages, the daemon itself. What is not told from a
// machine that works, such as bounds for what goes wrong, stands here and nowhere else.
func TestUnitSays(t *testing.T) {
	u := readUnit(t)
	for key, want := range map[string]string{
		"Unit.DefaultDependencies":   "no",
		"Unit.Before":                "network-pre.target shutdown.target",
		"Unit.Conflicts":             "shutdown.target",
		"Unit.StartLimitIntervalSec": "0",
		"Unit.After": "local-fs.target systemd-sysusers.service systemd-tmpfiles-setup.service systemd-sysctl.service " +
			"nftables.service",

		"Service.Type":                    "notify",
		"Service.ExecStart":               "/usr/sbin/ebbgate run --config /etc/ebbgate/config.toml",
		"Service.ExecReload":              "/usr/sbin/ebbgate reload",
		"Service.Restart":                 "on-failure",
		"Service.TimeoutStartSec":         "10s",
		"Service.TimeoutStartFailureMode": "abort",
		"Service.TimeoutAbortSec":         "2s",
		"Service.TimeoutStopSec":          "10s",
		"Service.FileDescriptorStoreMax":  "1",

		"Service.User":                    "ebbgate",
		"Service.CapabilityBoundingSet":   "CAP_NET_ADMIN",
		"Service.AmbientCapabilities":     "CAP_NET_ADMIN",
		"Service.RuntimeDirectory":        "ebbgate",
		"Service.RuntimeDirectoryMode":    "0755",
		"Service.StateDirectory":          "ebbgate",
		"Service.StateDirectoryMode":      "0700",
		"Service.RestrictAddressFamilies": "AF_NETLINK AF_UNIX",
		"Service.NoExecPaths":             "/",
		"Service.ExecPaths":               "/usr/sbin/ebbgate",
		"Service.PrivateIPC":              "yes",
		"Service.DevicePolicy":            "closed",

		"Install.WantedBy": "sysinit.target",
	} {
		if got := strings.Join(u[key], "\n"); got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
}

// TestCrashIsRestarted is about exit status 2, which a bad policy and an ordinary Go panic share.
func TestCrashIsRestarted(t *testing.T) {
	u := readUnit(t)
	if !slices.Contains(u["Service.RestartPreventExitStatus"], "2") || !slices.Contains(u["Service.Environment"], "GOTRACEBACK=crash") {
		t.Error("status 2 must not be restarted, and a crash must not end with it (GOTRACEBACK=crash)")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPanic$")
	cmd.Env = []string{"EBBGATE_TEST_PANIC=1", "GOTRACEBACK=crash", "GORACE=atexit_sleep_ms=0"}
	cmd.Dir = t.TempDir() // for a core file, should the system write one
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() || !strings.Contains(string(out), "on purpose") {
		t.Errorf("got %v, want death by a signal: %s", err, out)
	}
}

// TestPanic is the process that TestCrashIsRestarted watches.
func TestPanic(t *testing.T) {
	if os.Getenv("EBBGATE_TEST_PANIC") == "" {
		return
	}
	go panic("on purpose") // in a goroutine of its own: the testing package recovers others
	select {}
}

func TestSysusersMakesTheUser(t *testing.T) {
	b, err := os.ReadFile("ebbgate.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	u := readUnit(t)
	user := u["Service.User"][0]
	if group := u["Service.Group"][0]; group != user {
		t.Errorf("group %s is not the user's own", group)
	}
	for _, line := range []string{"u " + user + " - ", "g " + policy.DefaultViewGroup + " -"} {
		if !strings.Contains("\n"+string(b), "\n"+line) {
			t.Errorf("no line %q", line)
		}
	}
	if strings.Contains(string(b), "\nm ") {
		t.Error("the daemon's user is a member of another group, of which it has no use")
	}
}

// stubbed writes the unit with commands that exist on this machine, which verify wants.
func stubbed(t *testing.T) (tool, file string) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatalf("%v: make tools installs it", err)
	}
	b, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), unitFile)
	text := strings.NewReplacer("ExecStart=/usr/sbin/ebbgate", "ExecStart=/bin/true",
		"ExecReload=/usr/sbin/ebbgate", "ExecReload=/bin/true").Replace(string(b))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return tool, file
}

// TestUnitVerifies wants silence: verify exits 0 after warnings as well.
func TestUnitVerifies(t *testing.T) {
	tool, file := stubbed(t)
	out, err := exec.Command(tool, "verify", "--man=no", file).CombinedOutput()
	if err != nil || len(out) != 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// counted is the stubbed unit as an ordinary service: of one that starts early systemd leaves out four lines.
func counted(t *testing.T) (tool, file string) {
	t.Helper()
	tool, file = stubbed(t)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), "DefaultDependencies=no\n", "", 1)
	if text == string(b) {
		t.Error("the unit has default dependencies: count it as it is")
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return tool, file
}

func TestUnitExposure(t *testing.T) {
	tool, file := counted(t)
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", "--threshold=11", file).CombinedOutput()
	if err != nil {
		t.Errorf("exposure above 1.1: %v\n%s", err, out)
	}
}

// TestForwardedDropIn: what the unit denies and prods need is what the drop-in allows, and nothing else.
func TestForwardedDropIn(t *testing.T) {
	u, d := readUnit(t), readUnitFile(t, "forwarded.conf")
	for key, want := range map[string]string{
		"Service.RestrictAddressFamilies": strings.Join(u["Service.RestrictAddressFamilies"], "") + " AF_INET AF_INET6",
		"Service.IPAddressDeny":           "",
		"Service.CapabilityBoundingSet":   strings.Join(u["Service.CapabilityBoundingSet"], "") + " CAP_NET_BIND_SERVICE",
		"Service.AmbientCapabilities":     strings.Join(u["Service.AmbientCapabilities"], "") + " CAP_NET_BIND_SERVICE",
	} {
		if got := strings.Join(d[key], "\n"); got != want || u[key] == nil {
			t.Errorf("%s=%s, want %s, and the unit to say otherwise", key, got, want)
		}
	}
	if len(d) != 4 {
		t.Errorf("the drop-in changes %d settings, want 4", len(d))
	}
}
