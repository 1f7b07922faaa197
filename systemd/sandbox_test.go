package systemd

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sandboxing has every directive of systemd 252 by which a service is shut in: those of systemd.exec(5) under
// Paths, User/Group Identity, Capabilities, Security, Mandatory Access Control, Sandboxing and System Call
// Filtering, UMask=, KeyringMode= and CoredumpFilter=, and those of systemd.resource-control(5) about
// packets, ports, devices and control groups.
const sandboxing = `
 RootDirectory RootImage RootImageOptions RootHash RootHashSignature RootVerity MountAPIVFS ProtectProc ProcSubset
 BindPaths BindReadOnlyPaths MountImages ExtensionImages ExtensionDirectories
 User Group DynamicUser SupplementaryGroups PAMName
 CapabilityBoundingSet AmbientCapabilities NoNewPrivileges SecureBits
 SELinuxContext AppArmorProfile SmackProcessLabel
 UMask KeyringMode CoredumpFilter
 ProtectSystem ProtectHome RuntimeDirectory StateDirectory CacheDirectory LogsDirectory ConfigurationDirectory
 ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths TemporaryFileSystem PrivateTmp PrivateDevices
 PrivateNetwork NetworkNamespacePath PrivateIPC IPCNamespacePath PrivateUsers ProtectHostname ProtectClock
 ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectControlGroups RestrictAddressFamilies
 RestrictFileSystems RestrictNamespaces LockPersonality MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID
 RemoveIPC PrivateMounts MountFlags
 SystemCallFilter SystemCallErrorNumber SystemCallArchitectures SystemCallLog
 IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath BPFProgram SocketBindAllow SocketBindDeny
 RestrictNetworkInterfaces DeviceAllow DevicePolicy Delegate`

// sandboxing257 has those that came up to systemd 257.
const sandboxing257 = `PrivatePIDs BindLogSockets RootEphemeral RootImagePolicy MountImagePolicy ExtensionImagePolicy NFTSet`

// TestPageIsComplete: each directive is in one of the page's two tables.
func TestPageIsComplete(t *testing.T) {
	p := readPage(t)
	for _, name := range strings.Fields(sandboxing + " " + sandboxing257) {
		// What is left out of a directive that the unit has is given with its value.
		starts := func(entry string) bool { return strings.HasPrefix(entry, name+"=") }
		if !slices.ContainsFunc(p.inUnit, starts) && !slices.ContainsFunc(p.leftOut, starts) {
			t.Errorf("%s= is in neither table of docs/systemd.md", name)
		}
	}
}

// sounds matches the names of directives that shut something in, by the words systemd uses for that.
var sounds = regexp.MustCompile(`^(Private|Protect|Restrict|Root|Bind|InaccessiblePaths|NoExec|ExecPaths|Read(Only|Write)Paths|Temporary|Mount|Extension|` +
	`SystemCall|SocketBind|IPAddress|BPF|Device|Capab|Ambient|NoNew|Secure|Lock|MemoryDeny|RemoveIPC|NFT)`)

// TestSandboxingIsWhatSystemdHas compares the lists with what the systemd of this machine says it knows.
func TestSandboxingIsWhatSystemdHas(t *testing.T) {
	const program = "/lib/systemd/systemd"
	out, err := exec.Command(program, "--dump-configuration-items").Output()
	if err != nil {
		t.Fatalf("%s, which comes with systemd-analyze: %v", program, err)
	}
	_, text, ok := strings.Cut(string(out), "\n[Service]\n")
	if !ok {
		t.Fatalf("%s lists no [Service]", program)
	}
	text, _, _ = strings.Cut(text, "\n[")
	known := make(map[string]bool)
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, "=")
		known[name] = true
	}
	version := systemdVersion(t, "systemd-analyze")
	listed := strings.Fields(sandboxing)
	if version >= 257 {
		listed = append(listed, strings.Fields(sandboxing257)...)
	}
	for _, name := range listed {
		if !known[name] {
			t.Errorf("systemd %d does not know %s=", version, name)
		}
	}
	listed = append(listed, strings.Fields(sandboxing257)...)
	for name := range known {
		if sounds.MatchString(name) && !slices.Contains(listed, name) && name != "RootDirectoryStartOnly" {
			t.Errorf("systemd %d has %s=, which is in no list here", version, name)
		}
	}
}
