package history

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"ebbgate/control"
)

// written returns the bytes of a history with something of everything in it.
func written(t testing.TB, n int) []byte {
	t.Helper()
	c := config(t)
	s, _ := opened(t, c)
	s.Save(keptOf(blocks(n)), []Record{attack(3, noon)})
	for i := range uint64(40) {
		s.Ended([]Record{attack(i+10, noon)})
	}
	closed(t, s)
	b, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start opens a file of these bytes, uses all of it and closes it.
func start(t testing.TB, c Config, b []byte) (*Store, Restored) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, r := Open(c)
	_, _, _ = s.Attacks(1<<62, control.MaxListed, func(*control.Attack) bool { return true })
	_, _ = s.Samples(10)
	k := keptOf(blocks(700))
	k.Saved.Boot = "another"
	s.Save(k, []Record{attack(99, noon)})
	return s, r
}

// A file that was cut off, as by a power loss before it grew, costs what it held and nothing else.
func TestFileThatIsCutOff(t *testing.T) {
	whole := written(t, 2000)
	for _, size := range []int{0, 1, 100, 4096, 8191, 8192, 16384, len(whole) / 3, len(whole) / 2, len(whole) - 1} {
		c := config(t)
		s, r := start(t, c, whole[:size])
		if err := s.Err(); size > 0 && len(r.Kept.Blocks) != 2000 && (err == nil || !strings.Contains(err.Error(), "history.db.bad-1")) {
			t.Errorf("cut off at %d: %v", size, err)
		}
		_ = s.Close() // what matters is what the next start finds
		s, r = opened(t, c)
		if len(r.Kept.Blocks) != 700 || r.Ended[0].ID != "99" {
			t.Errorf("cut off at %d: after that %d blocks are kept", size, len(r.Kept.Blocks))
		}
		closed(t, s)
	}
}

// Whatever bytes a disk may give back, nothing dies of them.
func TestFileWithOtherBytes(t *testing.T) {
	whole := written(t, 300)
	step := max(len(whole)/150, 1)
	if testing.Short() {
		step *= 10
	}
	for at := 0; at < len(whole); at += step {
		for _, with := range [][]byte{{0xff, 0xff, 0xff, 0xff}, {0}, {2, 0, 0, 0, 0, 0, 0, 0}} {
			b := bytes.Clone(whole)
			copy(b[at:], with)
			c := config(t)
			if err := damagedStart(t, c, b); err != nil {
				t.Errorf("%v at %d: %v", with, at, err)
			}
		}
	}
}

// damagedStart opens what may be damaged, and reads it as the daemon does.
func damagedStart(t testing.TB, c Config, b []byte) error {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, _, err := openFile(c.Path)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := load(db); err != nil && !errors.Is(err, errDamaged) {
		return err
	}
	return nil
}

// A branch that leads back to itself would keep the library busy until there is no memory.
func TestPagesInACircle(t *testing.T) {
	whole := written(t, 20000)
	m, err := readMeta(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	turned := 0
	for id := uint64(2); id < m.high; id++ {
		page := whole[id*m.size : (id+1)*m.size]
		if page[8] != pageBranch || page[9] != 0 || page[0] != byte(id) {
			continue
		}
		b := bytes.Clone(whole)
		copy(b[id*m.size+2*headSize-8:], page[:8])
		if err := inspect(bytes.NewReader(b), int64(len(b))); err == nil {
			continue // it is not in use
		} else if !errors.Is(err, errDamaged) {
			t.Error(err)
		}
		turned++
	}
	if turned == 0 {
		t.Error("no branch in use was found")
	}
	if err := inspect(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Errorf("without damage: %v", err)
	}
}

func TestDamagedFilesAreBounded(t *testing.T) {
	c := config(t)
	for i := range maxAside + 2 {
		s, _ := start(t, c, fmt.Appendf(nil, "damaged, %d", i))
		closed(t, s)
	}
	names, err := filepath.Glob(c.Path + "*")
	if err != nil || len(names) != 1+maxAside {
		t.Errorf("there are %v, %v", names, err)
	}
	if b, err := os.ReadFile(c.Path + ".bad-1"); err != nil || string(b) != "damaged, 4" {
		t.Errorf("the newest is %q, %v", b, err)
	}
}

func TestOtherFormatIsSetAside(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	closed(t, s)
	db, err := mapFile(c.Path, false)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySchema, []byte("2")) })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s, _ = Open(c)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), `it has format "2", and this version of ebbgate reads format 1`) {
		t.Error(err)
	}
	closed(t, s)
	s, _ = opened(t, c)
	closed(t, s)
}

func TestFileOfAnotherProcess(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	second, r := Open(c)
	if err := second.Err(); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Error(err)
	}
	if len(r.Kept.Blocks) != 0 {
		t.Error("it was read")
	}
	second.Save(keptOf(blocks(1)), nil)
	if _, err := second.Attack(1); !errors.Is(err, errNone) {
		t.Errorf("asked it says %v", err)
	}
	closed(t, second)
	if _, err := os.Stat(c.Path + ".bad-1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was set aside: %v", err)
	}
	closed(t, s)
}

func TestWhatIsNoFile(t *testing.T) {
	for what, put := range map[string]func(string) error{
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"pipe":      func(p string) error { return unix.Mkfifo(p, 0o600) },
		"link":      func(p string) error { return os.Symlink("/dev/null", p) },
	} {
		c := config(t)
		c.Path = filepath.Join(t.TempDir(), "history.db")
		if err := put(c.Path); err != nil {
			t.Fatal(err)
		}
		s, _ := Open(c)
		if s.Err() == nil {
			t.Errorf("a %s is taken for a file", what)
		}
		closed(t, s)
	}
	c := config(t)
	c.Path = filepath.Join(t.TempDir(), "a", "b", "history.db")
	s, _ := Open(c)
	if err := s.Err(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the directory above its own: %v", err)
	}
	closed(t, s)
}

// alone runs a test once more, in a process with mounts of its own, which end with it.
func alone(t *testing.T) bool {
	t.Helper()
	const mark = "EBBGATE_HISTORY_ALONE"
	if os.Getenv(mark) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skip("not permitted to have mounts of its own")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// mount mounts a small file system in the test's own namespace.
func mount(t *testing.T, dir, options string, flags uintptr) {
	t.Helper()
	if err := unix.Mount("none", dir, "tmpfs", flags, options); err != nil {
		t.Fatal(err)
	}
	if flags&unix.MS_REMOUNT == 0 {
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // else it ends with the process
	}
}

// TestFullDisk writes more than there is room for: nothing of it fits, or half of it does. What is written
// next is all that the file then holds.
func TestFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, size := range []string{"256k", "3m"} {
		t.Run(size, func(t *testing.T) {
			c := config(t)
			dir := t.TempDir()
			mount(t, dir, "size="+size, 0)
			c.Path = filepath.Join(dir, "history.db")
			s, _ := opened(t, c)
			s.Save(keptOf(blocks(10)), nil)
			awaitWritten(t, s, func() bool { return countBlocks(s) == 10 })
			s.Save(keptOf(blocks(20000)), nil)
			awaitWritten(t, s, func() bool { return s.Err() != nil })
			if err := s.Err(); !errors.Is(err, unix.ENOSPC) {
				t.Errorf("a full disk is %v", err)
			}
			s.Save(keptOf(blocks(12)), nil)
			awaitWritten(t, s, func() bool { return s.Err() == nil && countBlocks(s) == 12 })
			closed(t, s)
			s, r := opened(t, c)
			if len(r.Kept.Blocks) != 12 {
				t.Errorf("%d blocks are restored", len(r.Kept.Blocks))
			}
			closed(t, s)
		})
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	if !alone(t) {
		return
	}
	c := config(t)
	dir := t.TempDir()
	mount(t, dir, "", 0)
	c.Path = filepath.Join(dir, "history.db")
	s, _ := opened(t, c)
	s.Save(keptOf(blocks(10)), nil)
	s.Ended([]Record{attack(4, noon)})
	closed(t, s)
	mount(t, dir, "", unix.MS_REMOUNT|unix.MS_RDONLY)
	s, r := Open(c)
	if err := s.Err(); !errors.Is(err, unix.EROFS) || len(r.Kept.Blocks) != 10 {
		t.Errorf("%d blocks are restored, %v", len(r.Kept.Blocks), err)
	}
	if a, err := s.Attack(4); err != nil || a == nil {
		t.Errorf("attack 4 is %v, %v", a, err)
	}
	s.Save(keptOf(blocks(11)), nil)
	closed(t, s)
}

// TestFileCutOffWhileItIsOpen cuts the file off under the store: it is set aside, and the end of the daemon waits
// for nobody.
func TestFileCutOffWhileItIsOpen(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	s.Save(keptOf(blocks(10)), nil)
	awaitWritten(t, s, func() bool { return countBlocks(s) == 10 })
	if err := os.Truncate(c.Path, 4096); err != nil {
		t.Fatal(err)
	}
	s.Save(keptOf(blocks(5000)), nil)
	awaitWritten(t, s, func() bool { return s.Err() != nil && exists(c.Path+".bad-1") })
	closed(t, s)
}

// TestFileThatIsTakenAway moves the file away, puts another in its place, and puts it back.
func TestFileThatIsTakenAway(t *testing.T) {
	c := config(t)
	s, _ := opened(t, c)
	told := func(missing bool) {
		t.Helper()
		s.Save(keptOf(blocks(1)), nil)
		awaitWritten(t, s, func() bool {
			s.Save(keptOf(blocks(1)), nil) // as each turn of the daemon's does
			err := s.Err()
			return (err != nil && strings.Contains(err.Error(), "was removed or replaced")) == missing
		})
	}
	told(false)
	away := c.Path + ".away"
	if err := os.Rename(c.Path, away); err != nil {
		t.Fatal(err)
	}
	told(true)
	if err := os.WriteFile(c.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told(true)
	if err := os.Rename(away, c.Path); err != nil {
		t.Fatal(err)
	}
	told(false)
	closed(t, s)
}
