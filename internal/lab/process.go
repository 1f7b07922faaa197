package lab

import (
	"fmt"
	"os/exec"
	"syscall"
)

// Start starts cmd inside the namespace; the caller waits for it as usual. The process sees its
// namespace as its own: /proc/self/net, /proc/sys/net and netlink all show it.
//
// The process is killed (SIGKILL) by the kernel when this process ends in whatever way, and by
// Lab.Close. The signal of prctl(2) PR_SET_PDEATHSIG is tied to the thread that forked, so the fork
// happens on the namespace's resident thread, which lives as long as the namespace. Two limits: the
// kernel forgets the signal when a program with set-user-ID or file capabilities is executed, and
// the process's own children do not inherit it.
//
// Start sets cmd.SysProcAttr.Pdeathsig and leaves the other attributes as they are.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	if err := n.enter(); err != nil {
		return err
	}
	defer n.users.Done()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := n.onResident(cmd.Start); err != nil {
		return fmt.Errorf("start %s in the network namespace %q: %w", cmd.Path, n.name, err)
	}
	return nil
}
