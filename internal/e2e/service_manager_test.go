package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// serviceManager stands in for systemd: it listens at a notification socket, and keeps one descriptor
// in store (sd_notify(3), FDSTORE).
type serviceManager struct {
	t    *testing.T
	path string
	conn *net.UnixConn

	mu     sync.Mutex
	stored *os.File // what the daemon gave last; nil: nothing
	name   string
	said   []string
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	// The path of a socket may have 107 bytes; a test's own directory may have more.
	dir, err := os.MkdirTemp("", "ebb")
	if err != nil {
		t.Fatal(err)
	}
	m := &serviceManager{t: t, path: filepath.Join(dir, "notify")}
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.listen()
	}()
	t.Cleanup(func() {
		_ = m.conn.Close() // ends listen
		<-done
		m.keep("", nil)
		_ = os.RemoveAll(dir)
	})
	return m
}

// listen takes messages in until the socket is closed.
func (m *serviceManager) listen() {
	b, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*16))
	for {
		n, oobn, _, _, err := m.conn.ReadMsgUnix(b, oob)
		if err != nil {
			return
		}
		m.take(string(b[:n]), oob[:oobn])
	}
}

func (m *serviceManager) take(text string, oob []byte) {
	said := make(map[string]string)
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		said[key] = value
	}
	var file *os.File
	if list, err := unix.ParseSocketControlMessage(oob); err == nil && len(list) == 1 {
		if fds, err := unix.ParseUnixRights(&list[0]); err == nil && len(fds) == 1 {
			file = os.NewFile(uintptr(fds[0]), "stored")
		}
	}
	m.mu.Lock()
	const most = 100
	if m.said = append(m.said, text); len(m.said) > most {
		m.said = m.said[1:]
	}
	m.mu.Unlock()
	switch {
	case said["FDSTORE"] == "1" && file != nil:
		m.add(said["FDNAME"], file)
	case said["FDSTOREREMOVE"] == "1" && said["FDNAME"] == "ebbgate-table":
		m.keep("", nil)
	}
}

// add stores a descriptor where there is room, which is for one as in our unit: systemd looks at that
// before it looks whether it has the descriptor already.
func (m *serviceManager) add(name string, file *os.File) {
	m.mu.Lock()
	full := m.stored != nil
	m.mu.Unlock()
	if full {
		_ = file.Close()
		m.t.Errorf("there is no room in store for another %q", name)
		return
	}
	m.keep(name, file)
}

// keep replaces what is in store.
func (m *serviceManager) keep(name string, file *os.File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stored != nil {
		_ = m.stored.Close()
	}
	m.stored, m.name = file, name
}

// stop gives up what is in store, as for a service that was stopped for good.
func (m *serviceManager) stop() { m.keep("", nil) }

// awaitStore waits until the socket of the table is in store, or nothing is.
func (m *serviceManager) awaitStore(full bool) {
	m.t.Helper()
	await(m.t, soon, fmt.Sprintf("the socket is in store: %t", full), func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if holds := m.stored != nil && m.name == "ebbgate-table"; holds != full {
			return fmt.Errorf("the daemon said %q", m.said)
		}
		return nil
	})
}

// start runs the daemon as this service manager would, with what is in store.
func (m *serviceManager) start(s *stage) *daemon {
	m.t.Helper()
	cmd, started := m.command("run", "--config", s.config())
	defer started()
	return s.start(cmd)
}

// command is a command line as this service manager would run it, with what is in store. What is returned
// with it is to be called once it runs.
func (m *serviceManager) command(args ...string) (cmd *exec.Cmd, started func()) {
	m.t.Helper()
	cmd, started = command(args...), func() {}
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path)
	if stored, name := m.lend(); stored != nil {
		started = func() { _ = stored.Close() }
		// LISTEN_PID is known only within the process that becomes the program.
		shell := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`}, cmd.Args...)...)
		shell.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES="+name)
		shell.ExtraFiles = []*os.File{stored}
		cmd = shell
	}
	return cmd, started
}

// lend returns a copy of what is in store, and its name; nil if there is nothing.
func (m *serviceManager) lend() (*os.File, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stored == nil {
		return nil, ""
	}
	fd, err := unix.FcntlInt(m.stored.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "lent"), m.name
}
