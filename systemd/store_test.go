package systemd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nextFD returns the next datagram and the descriptor that came with it, or -1.
func (m *manager) nextFD(t *testing.T) (string, int) {
	t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b, oob := make([]byte, 8192), make([]byte, unix.CmsgSpace(64))
	n, oobn, _, _, err := m.conn.ReadMsgUnix(b, oob)
	if err != nil {
		t.Fatal(err)
	}
	if oobn == 0 {
		return string(b[:n]), -1
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d control messages: %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%d descriptors: %v", len(fds), err)
	}
	return string(b[:n]), fds[0]
}

func TestStore(t *testing.T) {
	m := startManager(t)
	n := newNotifier(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := n.Store(int(w.Fd()), "ebbgate-table"); err != nil {
		t.Fatal(err)
	}
	state, fd := m.nextFD(t)
	if state != "FDSTORE=1\nFDNAME=ebbgate-table\nFDPOLL=0" || fd < 0 {
		t.Fatalf("got %q with descriptor %d", state, fd)
	}
	if err := w.Close(); err != nil { // the caller's copy is the caller's
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Errorf("write to the stored end: %v", err)
	}
	if err := unix.Close(fd); err != nil {
		t.Fatal(err)
	}
	// With all ends closed but the reader's, the pipe has an end: no copy is left with us.
	b := make([]byte, 2)
	if n, err := r.Read(b); n != 1 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if n, err := r.Read(b); n != 0 || err == nil {
		t.Errorf("the pipe is still open: %d bytes, %v", n, err)
	}
	if err := n.Forget("ebbgate-table"); err != nil {
		t.Fatal(err)
	}
	if got := m.next(t); got != "FDSTOREREMOVE=1\nFDNAME=ebbgate-table" {
		t.Errorf("got %q", got)
	}
}

func TestStoreWhereItCannot(t *testing.T) {
	t.Run("without a manager", func(t *testing.T) {
		t.Setenv("NOTIFY_SOCKET", "")
		if err := newNotifier(t).Store(-1, "x"); err != nil {
			t.Error(err)
		}
	})
	t.Run("no descriptor", func(t *testing.T) {
		startManager(t)
		if err := newNotifier(t).Store(-1, "x"); !errors.Is(err, unix.EBADF) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Setenv("NOTIFY_SOCKET", t.TempDir()+"/nobody")
		if err := newNotifier(t).Store(0, "x"); !errors.Is(err, unix.ENOENT) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody listens, and nothing is left open", func(t *testing.T) {
		t.Setenv("NOTIFY_SOCKET", t.TempDir()+"/nobody")
		n, before := newNotifier(t), openFDs(t)
		for range 3 {
			if err := n.Store(0, "x"); !errors.Is(err, unix.ENOENT) {
				t.Errorf("got %v", err)
			}
		}
		if after := openFDs(t); after != before {
			t.Errorf("%d descriptors are open, before there were %d", after, before)
		}
	})
}

// TestStoreIsOwed stores the same name again and again with a manager that does not read.
func TestStoreIsOwed(t *testing.T) {
	m := startManager(t)
	n := newNotifier(t)
	m.fill(t)
	before := openFDs(t)
	if err := n.Forget("x"); !errors.Is(err, ErrStuck) {
		t.Fatalf("got %v, want ErrStuck", err)
	}
	for range 10 {
		if err := n.Store(0, "x"); !errors.Is(err, ErrStuck) {
			t.Errorf("got %v", err)
		}
	}
	if open := openFDs(t) - before; open != 2 {
		t.Errorf("%d descriptors are held, want the one to be stored and the one it is sent by", open)
	}
	_ = n.Ready()
	got := m.drain(t, n, "READY=1")
	want := []string{"FDSTOREREMOVE=1\nFDNAME=x", "FDSTORE=1\nFDNAME=x\nFDPOLL=0", "READY=1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if open := openFDs(t) - before; open != 0 {
		t.Errorf("%d descriptors are held afterwards", open)
	}
}

func openFDs(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestTakeStored runs this test's program anew, with descriptors as a service manager hands them over.
func TestTakeStored(t *testing.T) {
	if os.Getenv("TAKE_STORED") != "" {
		takeStored()
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, count, names, pid, want string
	}{
		{"one", "1", "mine", "", "3"},
		{"among others", "3", "other:mine:mine", "", "4"},
		{"unknown", "2", "other:web", "", "-1"},
		{"unnamed", "2", "", "", "-1"},
		{"fewer names", "2", "other", "", "-1"},
		{"none", "0", "", "", "-1"},
		{"not started so", "", "", "", "-1"},
		{"of another process", "1", "mine", "1", "-1"},
		{"not a number", "all", "mine", "", "error"},
		{"negative", "-1", "mine", "", "error"},
		{"too many", "1000000", "mine", "", "error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command("/bin/sh", "-c", `exec env LISTEN_PID="${PID:-$$}" "$0" -test.run '^TestTakeStored$' -test.count=1`, self)
			cmd.Env = append(os.Environ(), "TAKE_STORED=1", "PID="+tt.pid, "LISTEN_FDS="+tt.count, "LISTEN_FDNAMES="+tt.names)
			for range 3 {
				f, err := os.Open("/dev/null")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				cmd.ExtraFiles = append(cmd.ExtraFiles, f)
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if line, _, _ := strings.Cut(string(out), "\n"); line != "took "+tt.want {
				t.Errorf("got %q, want %q", line, "took "+tt.want)
			}
		})
	}
}

// takeStored is the child's part: it says what it took, if all is as it should be.
func takeStored() {
	count, pid := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID")
	fd, err := TakeStored("mine")
	if err != nil {
		fmt.Println("took error")
		return
	}
	handed := 0
	if pid == fmt.Sprint(os.Getpid()) {
		_, _ = fmt.Sscan(count, &handed)
	}
	var null unix.Stat_t
	if err := unix.Stat("/dev/null", &null); err != nil {
		fmt.Println(err)
	}
	for i := range handed {
		var st unix.Stat_t
		open := unix.Fstat(3+i, &st) == nil && st.Rdev == null.Rdev && st.Mode&unix.S_IFMT == unix.S_IFCHR
		if open != (3+i == fd) {
			fmt.Printf("descriptor %d is open: %t\n", 3+i, open)
		}
	}
	if fd >= 0 {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			fmt.Println("a child would inherit it", err)
		}
	}
	if again, err := TakeStored("mine"); again != -1 || err != nil || os.Getenv("LISTEN_FDS") != "" {
		fmt.Println("taken twice:", again, err)
	}
	fmt.Println("took", fd)
}
