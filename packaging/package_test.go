package packaging

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// built is one package, taken apart.
type built struct {
	path    string
	control map[string]file
	data    map[string]file
}

// TestPackage builds once what all its parts look at: building takes far longer than looking. It builds from
// a copy, which nobody edits meanwhile.
func TestPackage(t *testing.T) {
	source, out := filepath.Join(t.TempDir(), "source"), t.TempDir()
	copySource(t, "..", source)
	runMake(t, source, nil, "-j2", "deb", "DEB_DIR="+out)
	checkManual(t, filepath.Join(out, "package", "manual"))
	packages := map[string]built{}
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(out, debName(arch))
		packages[arch] = built{path,
			unpack(t, output(t, "dpkg-deb", "--ctrl-tarfile", path)), unpack(t, output(t, "dpkg-deb", "--fsys-tarfile", path))}
	}
	native, known := packages[runtime.GOARCH]
	if !known {
		native = packages["amd64"]
	}
	tree := stageAndInstall(t, source, out)
	t.Run("same bytes elsewhere", func(t *testing.T) { sameElsewhere(t, source, out) })
	for arch, p := range packages {
		t.Run(arch, func(t *testing.T) {
			checkFiles(t, source, p.data)
			checkProgram(t, arch, source, p.data["usr/sbin/ebbgate"].text)
			checkControl(t, arch, source, p)
			if to, err := os.Readlink(filepath.Join(out, "ebbgate_"+arch+".deb")); err != nil || to != debName(arch) {
				t.Errorf("the link without a version leads to %q, %v", to, err)
			}
		})
	}
	t.Run("make install", func(t *testing.T) { checkInstalled(t, source, out, tree, native.data) })
	t.Run("unit", func(t *testing.T) { checkUnits(t, native.data) })
	program := filepath.Join(tree, "usr/sbin/ebbgate")
	if !known {
		t.Logf("%s: the program is not run, as it is packaged for amd64 and arm64 only", runtime.GOARCH)
		return
	}
	t.Run("version", func(t *testing.T) { checkVersion(t, program) })
	t.Run("pages", func(t *testing.T) { checkPages(t, program, native.data) })
	t.Run("completions", func(t *testing.T) { checkCompletions(t, program, tree) })
	t.Run("policy", func(t *testing.T) {
		if got := output(t, program, "check", filepath.Join(tree, "etc/ebbgate/config.toml")); strings.Contains(got, "warning") {
			t.Errorf("the installed policy gives rise to warnings:\n%s", got)
		}
	})
}

// sameElsewhere builds again from another directory, with other habits of who builds.
func sameElsewhere(t *testing.T, source, first string) {
	elsewhere := filepath.Join(t.TempDir(), "a deeper", "directory")
	copySource(t, source, elsewhere)
	runMake(t, elsewhere, []string{"TZ=Pacific/Auckland", "LC_ALL=C.UTF-8", "HOSTNAME=elsewhere"}, "deb")
	for _, arch := range []string{"amd64", "arm64"} {
		one, err := os.ReadFile(filepath.Join(first, debName(arch)))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(elsewhere, "bin", debName(arch)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s: built from two directories, the packages differ (%d and %d bytes)", arch, len(one), len(two))
		}
	}
}

// checkFiles compares what the package holds with what it is to hold, and with whose and how.
func checkFiles(t *testing.T, source string, data map[string]file) {
	t.Helper()
	want := []string{"etc/ebbgate/config.toml", "usr/sbin/ebbgate", "usr/lib/systemd/system/ebbgate.service", "usr/lib/systemd/system/ebbgate-notify.service",
		"usr/lib/sysusers.d/ebbgate.conf", "usr/lib/tmpfiles.d/ebbgate.conf", "usr/lib/systemd/catalog/ebbgate.catalog", "usr/share/bash-completion/completions/ebbgate",
		"usr/share/zsh/vendor-completions/_ebbgate", "usr/share/fish/vendor_completions.d/ebbgate.fish",
		"usr/share/doc/ebbgate/copyright", "usr/share/doc/ebbgate/changelog.Debian.gz",
		"usr/share/doc/ebbgate/examples/config.example.toml", "usr/share/lintian/overrides/ebbgate"}
	for pattern, place := range map[string]string{"systemd/*.conf": "examples", "docs/*.md": "docs",
		"contrib/grafana/*": "contrib/grafana", "contrib/prometheus/*": "contrib/prometheus",
		"systemd/ebbgate-notify.service.d/*.conf": "examples/ebbgate-notify.service.d"} {
		list, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(list), err)
		}
		for _, f := range list {
			want = append(want, "usr/share/doc/ebbgate/"+place+"/"+filepath.Base(f))
		}
	}
	var got []string
	for name, f := range data {
		mode, owner := os.FileMode(0o644), "root/root"
		switch {
		case f.isDirectory:
			mode = 0o755
		case name == "usr/sbin/ebbgate":
			mode = 0o755
		case name == "etc/ebbgate/config.toml":
			mode, owner = 0o640, "root/ebbgate"
		}
		if f.mode != mode || f.owner != owner || fmt.Sprint(f.mtime) != testEpoch {
			t.Errorf("%s: mode %o, owner %s, time %d; want %o, %s, %s", name, f.mode, f.owner, f.mtime, mode, owner, testEpoch)
		}
		if !f.isDirectory && !strings.HasPrefix(name, "usr/share/man/") {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("files:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if text := gunzip(t, data["usr/share/doc/ebbgate/changelog.Debian.gz"].text); !strings.HasPrefix(text, "ebbgate ("+testVersion+") ") ||
		!strings.Contains(text, "  Tue, 14 Nov 2023 22:13:20 +0000\n") {
		t.Errorf("changelog:\n%s", text)
	}
}

func checkProgram(t *testing.T, arch, source, program string) {
	t.Helper()
	f, err := elf.NewFile(strings.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; f.Machine != want {
		t.Errorf("the program is for %v, want %v", f.Machine, want)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program wants an interpreter: it is not static")
		}
	}
	if strings.Contains(program, source+"/") {
		t.Errorf("the program has the name of the directory it was built in: %s", source)
	}
	for _, maker := range []string{"ebbgate/packaging", "md2man", "blackfriday"} {
		if strings.Contains(program, maker) {
			t.Errorf("the program carries a maker of manual pages: %s", maker)
		}
	}
}

// checkControl looks at what dpkg reads.
func checkControl(t *testing.T, arch, source string, p built) {
	t.Helper()
	for field, want := range map[string]string{"Package": "ebbgate", "Version": testVersion, "Architecture": arch, "Section": "net",
		"Priority": "optional", "Depends": "systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles"} {
		if got := strings.TrimSpace(output(t, "dpkg-deb", "--field", p.path, field)); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	members := slices.Sorted(maps.Keys(p.control))
	members = slices.DeleteFunc(members, func(s string) bool { return s == "" })
	if want := []string{"conffiles", "control", "md5sums", "postinst", "postrm", "prerm"}; !slices.Equal(members, want) {
		t.Errorf("control files %v, want %v", members, want)
	}
	if got := p.control["conffiles"].text; got != "/etc/ebbgate/config.toml\n" {
		t.Errorf("conffiles: %q", got)
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		want, err := os.ReadFile(filepath.Join(source, "packaging", script))
		if err != nil {
			t.Fatal(err)
		}
		if f := p.control[script]; f.text != string(want) || f.mode != 0o755 {
			t.Errorf("%s is not what it was made from, or its mode %o is not 755", script, f.mode)
		}
	}
	summed := 0
	for line := range strings.Lines(p.control["md5sums"].text) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		f, ok := p.data[strings.TrimPrefix(name, "./")]
		if !ok || fmt.Sprintf("%x", md5.Sum([]byte(f.text))) != sum {
			t.Errorf("md5sums: %q does not hold", line)
		}
		summed++
	}
	if summed == 0 {
		t.Error("md5sums is empty")
	}
}

func checkVersion(t *testing.T, program string) {
	upstream := strings.TrimSuffix(testVersion, "-1")
	if got := output(t, program, "version"); !strings.HasPrefix(got, "ebbgate "+upstream+" (") {
		t.Errorf("got %q, want version %s", got, upstream)
	}
}

func gunzip(t *testing.T, text string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "" || !r.ModTime.IsZero() {
		t.Errorf("compressed with a name %q or a time %v in it", r.Name, r.ModTime)
	}
	return string(b)
}
