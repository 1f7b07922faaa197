package lab

import (
	"errors"
	"fmt"
	"sync"
)

// Lab is three joined network namespaces. See the package comment for their addresses.
type Lab struct {
	Victim    *Namespace
	Clients   *Namespace
	Attackers *Namespace
	Container *Namespace // nil until AddContainer

	files *fileBudget
	close func() error
}

// New builds the laboratory. It returns when packets flow; there is nothing to wait for.
// The error says which privilege or kernel feature is missing, and matches unix.EPERM for the
// former; nothing is left behind then.
func New() (*Lab, error) {
	files, err := newFileBudget()
	if err != nil {
		return nil, fmt.Errorf("build the laboratory: %w", err)
	}
	l := &Lab{files: files}
	l.close = sync.OnceValue(l.tearDown)
	if err := l.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the laboratory: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) build() (err error) {
	for _, n := range []struct {
		name string
		at   **Namespace
	}{{"victim", &l.Victim}, {"clients", &l.Clients}, {"attackers", &l.Attackers}} {
		if *n.at, err = newNamespace(n.name, l.files); err != nil {
			return err
		}
		if err := (*n.at).prepare(); err != nil {
			return err
		}
	}
	for _, w := range []wire{clientsWire(l), attackersWire(l)} {
		if err := w.lay(); err != nil {
			return fmt.Errorf("join %q and %q: %w", w.victim, w.other, err)
		}
	}
	return nil
}

// Close stops every component, kills every process that was started inside, and lets the kernel
// remove the namespaces. Further calls return the same error.
func (l *Lab) Close() error { return l.close() }

func (l *Lab) tearDown() error {
	var errs []error
	for _, end := range []func(*Namespace) error{
		func(n *Namespace) error { n.shut(); return nil },
		(*Namespace).close,
	} {
		for _, n := range []*Namespace{l.Clients, l.Attackers, l.Container, l.Victim} {
			if n != nil {
				errs = append(errs, end(n))
			}
		}
	}
	return errors.Join(errs...)
}
