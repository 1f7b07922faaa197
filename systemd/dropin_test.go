package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// since is the first version of systemd that knows all keys of a drop-in; where none is given, the unit's 252.
var since = map[string]int{"backoff.conf": 254, "sandbox-257.conf": 257}

func systemdVersion(t *testing.T, tool string) int {
	t.Helper()
	out, err := exec.Command(tool, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^systemd (\d+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no version in %q", out)
	}
	v, _ := strconv.Atoi(string(m[1]))
	return v
}

// TestDropInsVerify wants silence of the unit with each drop-in, and a word on one with an error.
func TestDropInsVerify(t *testing.T) {
	tool, file := stubbed(t)
	dir := file + ".d"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	verify := func(name, text string) string {
		t.Helper()
		text = strings.ReplaceAll(text, "ExecStart=/usr/sbin/ebbgate", "ExecStart=/bin/true")
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Remove(path) }()
		out, err := exec.Command(tool, "verify", "--man=no", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return string(out)
	}
	if out := verify("wrong.conf", "[Service]\nNoSuchKey=yes\n"); !strings.Contains(out, "NoSuchKey") {
		t.Fatalf("an unknown key is not noticed: %q", out)
	}
	files, err := filepath.Glob("*.conf")
	if err != nil {
		t.Fatal(err)
	}
	version := systemdVersion(t, tool)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out := verify(f, string(b))
		if known := version >= since[f]; known != (out == "") {
			t.Errorf("systemd %d, %s: %q", version, f, out)
		}
	}
}

// TestDropInsSayWhereTheyGo holds them to one form.
func TestDropInsSayWhereTheyGo(t *testing.T) {
	files, err := filepath.Glob("*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(b), "# ") || !strings.Contains(string(b), "/etc/systemd/system/ebbgate.service.d/"+f+".\n") {
			t.Errorf("%s does not say where it is installed", f)
		}
	}
}

// megabytes reads a size as systemd and Go write it.
func megabytes(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimRight(text, "MiB"))
	if err != nil {
		t.Fatalf("%q is no number of megabytes", text)
	}
	return n
}

// TestGoCollectsBeforeTheKernelKills: a fifth of the memory is left to the kernel's share of it.
func TestGoCollectsBeforeTheKernelKills(t *testing.T) {
	for _, f := range []string{unitFile, "million-blocks.conf"} {
		u := readUnitFile(t, f)
		limit := 0
		for _, setting := range u["Service.Environment"] {
			if v, ok := strings.CutPrefix(setting, "GOMEMLIMIT="); ok {
				limit = megabytes(t, v)
			}
		}
		most := megabytes(t, u["Service.MemoryMax"][0])
		if limit == 0 || limit*5 > most*4 {
			t.Errorf("%s: GOMEMLIMIT=%dMiB of MemoryMax=%dM", f, limit, most)
		}
	}
}

// TestRecordDropIn: it writes where the unit lets it, and runs what the unit runs.
func TestRecordDropIn(t *testing.T) {
	u, d := readUnit(t), readUnitFile(t, "record.conf")
	start := d["Service.ExecStart"]
	want := u["Service.ExecStart"][0] + " --record /var/lib/" + u["Service.StateDirectory"][0] + "/record"
	if len(start) != 2 || start[0] != "" || start[1] != want {
		t.Errorf("ExecStart %q, want an empty one and %q", start, want)
	}
}
