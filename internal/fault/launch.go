package fault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// launchEnv makes a process a launcher: the descriptor of its socket to us, and whether the clock of the
// vDSO is to be hidden.
const launchEnv = "EBBGATE_FAULT_LAUNCH"

// Launch makes this process the program if it was started as a launcher, and does nothing otherwise. It is to
// be called first in TestMain of a package that uses Command. The program to become is the first argument.
func Launch() {
	how, ok := os.LookupEnv(launchEnv)
	if !ok {
		return
	}
	fmt.Fprintln(os.Stderr, launch(how))
	os.Exit(1)
}

// launch returns only with an error.
func launch(how string) error {
	runtime.LockOSThread() // the filter is the thread's
	var fd int
	var clock bool
	if _, err := fmt.Sscanf(how, "%d %t", &fd, &clock); err != nil {
		return fmt.Errorf("read %s=%q: %w", launchEnv, how, err)
	}
	unix.CloseOnExec(fd)
	listener, calm, err := install(clock)
	if err != nil {
		return err
	}
	// sendmsg(2) is none of the calls that are asked about.
	pid := binary.NativeEndian.AppendUint32(nil, uint32(os.Getpid()))
	if err := unix.Sendmsg(fd, pid, unix.UnixRights(listener), nil, 0); err != nil {
		return fmt.Errorf("hand over the filter: %w", err)
	}
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, launchEnv+"=") {
			env = append(env, v)
		}
	}
	if !calm {
		env = append(env, "GODEBUG=asyncpreemptoff=1")
	}
	return fmt.Errorf("execute %s: %w", os.Args[1], syscall.Exec(os.Args[1], os.Args[2:], env))
}

// Command changes a command that was not started yet into one that is started by a launcher, and returns what
// injects faults into it. With clock the program sees no clock of the vDSO, so that StepClock works. Close is
// to be called when the program has ended, or was not started.
func Command(cmd *exec.Cmd, clock bool) (*Injector, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the launcher: %w", err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket to the launcher: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "launcher")
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d %t", launchEnv, 2+len(cmd.ExtraFiles), clock))
	cmd.Args = append([]string{self, cmd.Path}, cmd.Args...)
	cmd.Path = self
	i := newInjector(theirs)
	go i.run(pair[0])
	return i, nil
}

// meet waits for the launcher's filter.
func meet(fd int) (listener, pid int, err error) {
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	data, oob := make([]byte, 4), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(fd, data, oob, unix.MSG_CMSG_CLOEXEC)
	for err == unix.EINTR {
		n, oobn, _, _, err = unix.Recvmsg(fd, data, oob, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return -1, 0, fmt.Errorf("wait for the launcher: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 || n != len(data) {
		return -1, 0, errors.Join(errors.New("the launcher ended before it installed its filter"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, 0, fmt.Errorf("read what the launcher sent: %w", err)
	}
	return fds[0], int(binary.NativeEndian.Uint32(data)), nil
}
