package packaging

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// policyPath is the policy in a tree.
const policyPath = "etc/ebbgate/config.toml"

// stageAndInstall stages in out/stage, where nothing was before, and installs in out/tree, which it returns.
func stageAndInstall(t *testing.T, source, out string) string {
	t.Helper()
	to := []string{"DESTDIR=" + filepath.Join(out, "tree"), "DEB_DIR=" + filepath.Join(out, "stage")}
	for _, target := range []string{"install", "uninstall"} {
		if said, err := tryMake(source, nil, append(to, target)...); err == nil || !strings.Contains(said, "run make first, as yourself") {
			t.Errorf("make %s of nothing: %v\n%s", target, err, said)
		}
	}
	runMake(t, source, nil, append(to, "stage")...)
	checkManual(t, filepath.Join(out, "stage", "package", "manual"))
	byRoot(t, source, out, "install")
	return filepath.Join(out, "tree")
}

// byRoot makes a target as root may have to: without Go. TestVersionIsAskedOnce tells that it takes no git.
func byRoot(t *testing.T, source, out string, args ...string) {
	t.Helper()
	before := walk(t, filepath.Join(out, "stage"))
	args = append(args, "GO=false", "DESTDIR="+filepath.Join(out, "tree"), "DEB_DIR="+filepath.Join(out, "stage"))
	if said, err := tryMake(source, nil, args...); err != nil {
		t.Fatalf("make %s: %v\n%s", args[0], err, said)
	}
	if after := walk(t, filepath.Join(out, "stage")); !maps.Equal(before, after) {
		t.Errorf("make %s has changed what was built", args[0])
	}
}

// checkManual looks for what packaging/stage may have left in what it reads.
func checkManual(t *testing.T, dir string) {
	t.Helper()
	for name := range walk(t, dir) {
		if ext := filepath.Ext(name); !slices.Contains([]string{".5", ".8", ".bash", ".zsh", ".fish", ".toml"}, ext) {
			t.Errorf("%s is no part of the manual", name)
		}
	}
}

// checkInstalled compares make install with the package: the same files, of the same modes and bytes. Then it
// installs again and uninstalls, and leaves the tree as it was.
func checkInstalled(t *testing.T, source, out, root string, data map[string]file) {
	tree := walk(t, root)
	for name, f := range data {
		if name == "" {
			continue
		}
		got, ok := tree[name]
		if !ok || got.mode != f.mode || got.isDirectory != f.isDirectory || got.text != f.text {
			t.Errorf("%s: in the package mode %o, %d bytes; installed %t, mode %o, %d bytes", name, f.mode, len(f.text), ok, got.mode, len(got.text))
		}
		delete(tree, name)
	}
	if len(tree) != 0 {
		t.Errorf("installed, but not in the package: %v", slices.Sorted(maps.Keys(tree)))
	}
	write(t, root, policyPath, "# mine\n")
	write(t, root, "usr/sbin/other", "x")
	write(t, root, "usr/lib/systemd/system/ebbgate.service", "old")
	byRoot(t, source, out, "install")
	tree = walk(t, root)
	if got := tree[policyPath].text; got != "# mine\n" {
		t.Errorf("a policy that was there is now %q", got)
	}
	if got := tree["usr/lib/systemd/system/ebbgate.service"].text; got == "old" {
		t.Error("an older unit stays")
	}
	byRoot(t, source, out, "uninstall")
	wantFiles(t, root, policyPath, "usr/sbin/other")
	write(t, root, "var/lib/ebbgate/record", "x")
	byRoot(t, source, out, "uninstall", "PURGE=1")
	wantFiles(t, root, "usr/sbin/other")
	byRoot(t, source, out, "install")
	byRoot(t, source, out, "uninstall")
	wantFiles(t, root, "usr/sbin/other")
	byRoot(t, source, out, "install")
}

// wantFiles checks which files a tree has, and that no directory is called as the program.
func wantFiles(t *testing.T, root string, want ...string) {
	t.Helper()
	var got []string
	for name, f := range walk(t, root) {
		if !f.isDirectory {
			got = append(got, name)
		} else if filepath.Base(name) == "ebbgate" && !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, name+"/") }) {
			t.Errorf("directory %s is left", name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
}

// write writes a file of a tree.
func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	err := os.MkdirAll(filepath.Dir(path), fs.ModePerm)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
