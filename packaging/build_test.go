package packaging

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

const (
	testVersion = "1.2.3~rc1-1"
	testEpoch   = "1700000000" // 2023-11-14
)

// file is a file or directory of a package or of an installed tree.
type file struct {
	mode        fs.FileMode
	owner       string // user/group; "" in a tree
	mtime       int64
	text        string
	isDirectory bool
}

// runMake runs make in a checkout, for packages of testVersion.
func runMake(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	settings := append([]string{"SOURCE_DATE_EPOCH=" + testEpoch, "DEB_VERSION=" + testVersion, "DEB_ARCH=amd64 arm64"}, env...)
	if out, err := tryMake(dir, settings, args...); err != nil {
		t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// tryMake runs make in a checkout, without what a make that runs the tests was told.
func tryMake(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("make", append([]string{"-C", dir}, args...)...)
	cmd.Env = nstest.MakeEnviron(env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func debName(arch string) string { return "ebbgate_" + testVersion + "_" + arch + ".deb" }

// copySource copies a checkout without its history and its products.
func copySource(t *testing.T, source, to string) {
	t.Helper()
	list, err := os.ReadDir(source)
	if err == nil {
		err = os.MkdirAll(to, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		from, at := filepath.Join(source, e.Name()), filepath.Join(to, e.Name())
		switch {
		case e.Name() == ".git" || e.Name() == "bin":
			continue
		case e.IsDir():
			err = os.CopyFS(at, os.DirFS(from))
		default:
			err = copyFile(from, at)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

// output runs a command and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// unpack reads a tar archive, by names without "./".
func unpack(t *testing.T, archive string) map[string]file {
	t.Helper()
	all := map[string]file{}
	for r := tar.NewReader(strings.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Trim(strings.TrimPrefix(h.Name, "."), "/")
		all[name] = file{mode: h.FileInfo().Mode().Perm(), owner: h.Uname + "/" + h.Gname, mtime: h.ModTime.Unix(), text: string(b), isDirectory: h.Typeflag == tar.TypeDir}
	}
}

// walk reads a tree of files, by names relative to it.
func walk(t *testing.T, root string) map[string]file {
	t.Helper()
	all := map[string]file{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		f := file{mode: info.Mode().Perm(), isDirectory: e.IsDir()}
		if !e.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.text = string(b)
		}
		name, err := filepath.Rel(root, path)
		all[name] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
