package lab

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Here returns the network namespace the process was started in, as a Namespace of its own, so that
// components can be started in a process which another one put there with Namespace.Start. name is
// for messages. close stops every component, and kills every process that was started through it;
// the network namespace itself stays as it is. Further calls of close return the same error.
func Here(name string) (n *Namespace, close func() error, err error) {
	files, err := newFileBudget()
	if err != nil {
		return nil, nil, fmt.Errorf("use the network namespace %q: %w", name, err)
	}
	fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("use the network namespace %q: open /proc/self/ns/net: %w", name, err)
	}
	n = &Namespace{name: name, fd: fd, files: files, jobs: make(chan func()), quit: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.resident.Add(1)
	spawn(func() {
		defer n.resident.Done()
		n.reside()
	})
	return n, sync.OnceValue(func() error {
		n.shut()
		return n.close()
	}), nil
}
