package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrClosed is returned for anything asked of a namespace after Lab.Close.
var ErrClosed = errors.New("the laboratory is closed")

// Namespace is one anonymous network namespace of a Lab. Its methods are safe for concurrent use.
type Namespace struct {
	name  string
	fd    int
	files *fileBudget

	jobs     chan func() // unbuffered; taken by the resident thread, refused once quit is closed
	quit     chan struct{}
	resident sync.WaitGroup

	ctx    context.Context // ends with Close; the parent of every component's context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // what runs inside; joined under mu while not closed
}

// newNamespace makes a namespace and the resident thread that lives in it.
func newNamespace(name string, files *fileBudget) (*Namespace, error) {
	n := &Namespace{name: name, fd: -1, files: files, jobs: make(chan func()), quit: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	ready := make(chan error, 1)
	n.resident.Add(1)
	spawn(func() {
		defer n.resident.Done()
		fd, err := unshareNetwork()
		n.fd = fd
		ready <- err
		if err == nil {
			n.reside()
		}
	})
	if err := <-ready; err != nil {
		n.cancel()
		return nil, fmt.Errorf("create the network namespace %q: %w", name, err)
	}
	return n, nil
}

// unshareNetwork moves the calling thread into a new network namespace and returns a descriptor of
// it. See unshare(2) for the errors that are explained.
func unshareNetwork() (int, error) {
	switch err := unix.Unshare(unix.CLONE_NEWNET); {
	case errors.Is(err, unix.EPERM):
		return -1, fmt.Errorf("%w: run as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)", err)
	case errors.Is(err, unix.ENOSPC):
		return -1, fmt.Errorf("%w: user.max_net_namespaces of this host is reached, raise it", err)
	case errors.Is(err, unix.EINVAL):
		return -1, fmt.Errorf("%w: this kernel has no network namespaces (CONFIG_NET_NS)", err)
	case err != nil:
		return -1, err
	}
	const path = "/proc/thread-self/ns/net"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}

// reside serves jobs until the namespace is closed. The thread stays alive all that time, which is
// what the processes it forked depend on (see Start).
func (n *Namespace) reside() {
	for {
		select {
		case job := <-n.jobs:
			job()
		case <-n.quit:
			return
		}
	}
}

// onResident runs f on the resident thread. Others wait meanwhile: f must be short and must not
// call onResident, Start or Dial.
func (n *Namespace) onResident(f func() error) error {
	result := make(chan error, 1)
	job := func() {
		err := errGoexit
		defer func() { result <- err }()
		err = f()
	}
	select {
	case n.jobs <- job:
		return <-result
	case <-n.quit:
		return ErrClosed
	}
}

// String returns the namespace's name: "victim", "clients", "attackers" or "container".
func (n *Namespace) String() string { return n.name }

// Path returns a path to the namespace that works while the Lab is open, for a person who wants to
// look inside: nsenter --net=PATH.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.fd) }

// Do runs f on a thread inside the namespace and returns its error. Sockets that f makes stay in
// the namespace wherever they are used later; goroutines that f starts do not run in it.
// f must not start processes: the thread is discarded when f returns, so use Start.
func (n *Namespace) Do(f func() error) error {
	if err := n.enter(); err != nil {
		return err
	}
	defer n.users.Done()
	return n.inside(f)
}

// inside is Do for callers that have entered already.
func (n *Namespace) inside(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace %q: %w", n.name, err)
		}
		return f()
	})
}

// enter keeps the namespace open until users.Done.
func (n *Namespace) enter() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("use the network namespace %q: %w", n.name, ErrClosed)
	}
	n.users.Add(1)
	return nil
}

// shut refuses new users and asks the present ones to end.
func (n *Namespace) shut() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.cancel()
}

// close waits until nothing runs inside, then ends the resident thread, and with it every process
// that Start started. It is called once, after shut.
func (n *Namespace) close() error {
	n.users.Wait()
	close(n.quit)
	n.resident.Wait()
	if err := unix.Close(n.fd); err != nil {
		return fmt.Errorf("close the network namespace %q: %w", n.name, err)
	}
	return nil
}
