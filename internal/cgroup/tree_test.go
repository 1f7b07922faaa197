package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/policy"
)

// Any file system numbers its directories, so that a plain one does for the mount.

// dir makes a directory and returns its inode number.
func dir(tb testing.TB, path ...string) uint64 {
	tb.Helper()
	p := filepath.Join(path...)
	if err := os.MkdirAll(p, 0o755); err != nil {
		tb.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(p, &st); err != nil {
		tb.Fatal(err)
	}
	return st.Ino
}

// settle calls Find until its walk is over.
func settle(tb testing.TB, tree *Tree, now policy.Instant, ids ...uint64) {
	tb.Helper()
	for range maxDirectories {
		if tree.Find(now, ids); !tree.walk.running() {
			return
		}
	}
	tb.Fatal("the walk does not end")
}

func TestTreeFinds(t *testing.T) {
	root := t.TempDir()
	web, ssh := dir(t, root, "system.slice/nginx.service"), dir(t, root, "system.slice/ssh.service")
	forged := dir(t, root, "user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service")
	tree := NewTree(root)
	if tree.Unit(ssh) != (Unit{}) {
		t.Error("a group is known before it was looked for")
	}
	settle(t, tree, 0, web, ssh, forged, dir(t, root))
	for id, want := range map[uint64]Unit{web: {"nginx.service", false}, ssh: {"ssh.service", true}, forged: {"ssh.service", false}, dir(t, root): {}, 4: {}} {
		if got := tree.Unit(id); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if len(tree.known) != 4 {
		t.Errorf("%d ids are known, of 4 asked for", len(tree.known))
	}
	// What is known is not looked for again, and stays.
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	tree.Find(policy.Instant(time.Hour), []uint64{web, ssh, forged})
	if tree.walk.running() || !tree.Unit(ssh).SSH {
		t.Errorf("running %v, %+v", tree.walk.running(), tree.Unit(ssh))
	}
}

func TestTreeReadsSomeAtATime(t *testing.T) {
	root := t.TempDir()
	var last uint64
	for i := range 4 * perCall {
		last = dir(t, root, "a.slice", fmt.Sprint(i), "b.service")
	}
	tree := NewTree(root)
	calls := 0
	for tree.Unit(last) == (Unit{}) || tree.walk.running() {
		tree.Find(0, []uint64{last, 1})
		if calls++; calls > 100 {
			t.Fatal("not found")
		}
	}
	// The root, a.slice, those in it and those in them.
	if want := (2 + 2*4*perCall + perCall - 1) / perCall; calls != want {
		t.Errorf("%d calls, want %d", calls, want)
	}
}

func TestTreeLooksAgain(t *testing.T) {
	root := t.TempDir()
	const never = 1
	tree := NewTree(root)
	var walks []time.Duration
	for now := time.Duration(0); now < time.Hour; now += time.Second {
		before := tree.next
		settle(t, tree, policy.Instant(now), never)
		if tree.next != before {
			walks = append(walks, now)
		}
	}
	if len(walks) < 9 || len(walks) > 14 || walks[1]-walks[0] != firstPause || walks[len(walks)-1]-walks[len(walks)-2] != lastPause {
		t.Errorf("looked for at %v", walks)
	}
	// A new one is looked for soon, whatever the old one waits for.
	late := dir(t, root, "system.slice/ssh.service")
	settle(t, tree, policy.Instant(time.Hour+lastPause), late, never)
	if !tree.Unit(late).SSH {
		t.Error("a new group is not found")
	}
	later := dir(t, root, "system.slice/nginx.service")
	settle(t, tree, tree.next-1, late, later)
	if tree.Unit(later) != (Unit{}) {
		t.Error("a walk began too soon")
	}
	settle(t, tree, tree.next, late, later)
	if tree.Unit(later).Name != "nginx.service" {
		t.Error("a new group is not found after the pause")
	}
}

func TestTreeBounds(t *testing.T) {
	root := t.TempDir()
	ssh := dir(t, root, "system.slice/ssh.service")
	tree := NewTree(root)
	now := policy.Instant(0)
	for round := range 5 {
		ids := []uint64{ssh}
		for i := range maxKnown / 2 {
			ids = append(ids, uint64(1)<<40+uint64(round*maxKnown+i))
		}
		settle(t, tree, now, ids...)
		if len(tree.known) > maxKnown || !tree.Unit(ssh).SSH {
			t.Fatalf("round %d: %d ids known, %+v", round, len(tree.known), tree.Unit(ssh))
		}
		now = now.Add(lastPause)
	}
	// One of more ids than there is room for.
	var many []uint64
	for i := range 2 * maxKnown {
		many = append(many, uint64(2)<<40+uint64(i))
	}
	settle(t, tree, now, many...)
	if len(tree.known) > maxKnown {
		t.Errorf("%d ids known", len(tree.known))
	}
}

func TestWalkBound(t *testing.T) {
	root := t.TempDir()
	for i := range 20 {
		dir(t, root, fmt.Sprint(i))
	}
	w := walk{mount: root}
	w.start()
	w.seen = maxDirectories - 5
	visited := -1 // the root
	for w.advance(3, func(uint64, string) bool { visited++; return true }) {
	}
	if visited != 5 || w.seen != maxDirectories {
		t.Errorf("%d directories visited, want the 5 there was room for", visited)
	}
}

func TestTreeWithoutMount(t *testing.T) {
	for _, mount := range []string{"", filepath.Join(t.TempDir(), "missing")} {
		tree := NewTree(mount)
		settle(t, tree, 0, 1, 2)
		if tree.Unit(1) != (Unit{}) {
			t.Errorf("%q: found %+v", mount, tree.Unit(1))
		}
	}
	if got := Mount(t.TempDir()); got != "" {
		t.Errorf("a mount at %q", got)
	}
}

func BenchmarkFind(b *testing.B) {
	root := b.TempDir()
	var ids []uint64
	for i := range 50 {
		ids = append(ids, dir(b, root, fmt.Sprintf("system.slice/%d.service", i)))
	}
	b.Run("known", func(b *testing.B) {
		tree := NewTree(root)
		settle(b, tree, 0, ids...)
		b.ReportAllocs()
		for b.Loop() {
			tree.Find(0, ids)
		}
	})
	b.Run("walk", func(b *testing.B) {
		tree := NewTree(root)
		now := policy.Instant(0)
		for b.Loop() {
			tree.Find(now, []uint64{1})
			now = now.Add(lastPause)
		}
	})
}
