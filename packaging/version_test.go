package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a checkout in which nothing but the script under test is.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{t, t.TempDir()}
	if err := os.Mkdir(filepath.Join(r.dir, "packaging"), 0o755); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("version")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "packaging", "version"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// git runs git as somebody without settings, at so many seconds after 2026-01-02 03:04:05 UTC.
func (r repository) git(after int, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir}, args...)...)
	when := fmt.Sprintf("%d +1300", 1767323045+after)
	cmd.Env = append(clean(), "GIT_AUTHOR_DATE="+when, "GIT_COMMITTER_DATE="+when, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repository) commit(after int) { r.git(after, "commit", "-q", "--allow-empty", "-m", "x") }

// version returns what the script prints, in parts.
func (r repository) version() (version, epoch string) {
	r.t.Helper()
	cmd := exec.Command(filepath.Join(r.dir, "packaging", "version"))
	cmd.Env = append(clean(), "TZ=Pacific/Auckland")
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	version, epoch, _ = strings.Cut(strings.TrimSuffix(string(out), "\n"), " ")
	return version, epoch
}

// clean is the environment without what a git that runs the tests from a hook sets.
func clean() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			env = append(env, v)
		}
	}
	return env
}

// TestVersion follows a repository through its life: each version sorts after the one before it.
func TestVersion(t *testing.T) {
	r := newRepository(t)
	if got, epoch := r.version(); got != "0~devel-1" || epoch != "0" {
		t.Errorf("without a repository: %s at %s", got, epoch)
	}
	r.git(0, "init", "-q")
	r.git(0, "add", ".")
	last := "0~devel-1"
	for i, step := range []struct {
		what string
		do   func()
		want string // HASH stands for the commit
	}{
		{"first commit", func() { r.commit(0) }, "0~git20260102030405.HASH-1"},
		{"second commit", func() { r.commit(1) }, "0~git20260102030406.HASH-1"},
		{"candidate", func() { r.git(1, "tag", "v1.2.0-rc1") }, "1.2.0~rc1-1"},
		{"after the candidate", func() { r.commit(2) }, "1.2.0~rc1+git20260102030407.HASH-1"},
		{"release", func() { r.git(2, "tag", "-a", "-m", "x", "v1.2.0") }, "1.2.0-1"},
		{"a tag of something else", func() { r.git(2, "tag", "vendored") }, "1.2.0-1"},
		{"not committed", r.edit, "1.2.0+git20260102030407.HASH.dirty-1"},
		{"not added", func() { r.git(3, "checkout", "-q", "."); r.write("new.go") }, "1.2.0+git20260102030407.HASH.dirty-1"},
		{"ignored", func() { r.write(".git/info/exclude", "new.go") }, "1.2.0-1"},
		{"after the release", func() { r.commit(3) }, "1.2.0+git20260102030408.HASH-1"},
		{"next release", func() { r.commit(4); r.git(4, "tag", "v1.10.0") }, "1.10.0-1"},
	} {
		step.do()
		got, epoch := r.version()
		if want := strings.ReplaceAll(step.want, "HASH", r.git(0, "rev-parse", "--short=12", "HEAD")); got != want {
			t.Errorf("%s: version %s, want %s", step.what, got, want)
		}
		if want := r.git(0, "log", "-1", "--format=%ct"); epoch != want {
			t.Errorf("%s: epoch %s, want %s, that of the commit", step.what, epoch, want)
		}
		if step.what != "ignored" && i > 0 && got != last {
			if err := exec.Command("dpkg", "--compare-versions", got, "gt", last).Run(); err != nil {
				t.Errorf("%s: %s does not sort after %s", step.what, got, last)
			}
		}
		last = got
	}
	if last != "1.10.0-1" {
		t.Errorf("the last version was %s", last)
	}
}

// TestVersionOfAnotherOwner: git does not look at the checkouts of others, such as those that root looks at in
// a container. That is no reason to call the checkout by a wrong name.
func TestVersionOfAnotherOwner(t *testing.T) {
	r := newRepository(t)
	r.git(0, "init", "-q")
	r.git(0, "add", ".")
	r.commit(0)
	cmd := exec.Command(filepath.Join(r.dir, "packaging", "version"))
	cmd.Env = append(clean(), "GIT_TEST_ASSUME_DIFFERENT_OWNER=1", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil || len(out) != 0 || !strings.Contains(stderr.String(), "dubious ownership") {
		t.Errorf("prints %q and, of the error, %q, and ends with %v", out, stderr.String(), err)
	}
}

// write writes a file with these lines.
func (r repository) write(name string, lines ...string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// edit changes a file that is in the repository.
func (r repository) edit() {
	f, err := os.OpenFile(filepath.Join(r.dir, "packaging", "version"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := f.WriteString("\n"); err != nil {
		r.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.t.Fatal(err)
	}
}
