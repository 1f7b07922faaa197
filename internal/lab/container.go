package lab

import (
	"errors"
	"fmt"
	"net/netip"
)

// Publication is a port of the victim behind which a port of the container is.
type Publication struct {
	Port uint16 // clients connect to, at the victim's addresses
	To   uint16 // of the container
}

// ContainerV4 is the container's IPv4 address, behind the victim.
func ContainerV4() netip.Addr { return netip.AddrFrom4([4]byte{10, 55, 0, 2}) }

// ContainerV6 is the container's IPv6 address, behind the victim.
func ContainerV6() netip.Addr { return netip.AddrFrom16([16]byte{0xfd, 0x55, 15: 2}) }

// AddContainer adds a fourth namespace, Lab.Container, as a container engine does: a private subnet
// of each family behind the victim, which forwards packets from now on, translates connections to
// its published ports (DNAT), its own included, and hides the container's outgoing ones behind its
// own address (masquerade). The container can also be reached by its own addresses, routed and not
// translated.
//
// The rules are table inet container in the victim, and make it track connections. There is one
// container to a Lab; it goes with Lab.Close, and must not be added while that runs.
func (l *Lab) AddContainer(published ...Publication) error {
	if err := l.addContainer(published); err != nil {
		return fmt.Errorf("add the container: %w", err)
	}
	return nil
}

func (l *Lab) addContainer(published []Publication) error {
	if l.Container != nil {
		return errors.New("there is one already")
	}
	for _, p := range published {
		if p.Port == 0 || p.To == 0 {
			return fmt.Errorf("publish port %d for port %d: neither may be 0", p.Port, p.To)
		}
	}
	container, err := newNamespace("container", l.files)
	if err != nil {
		return err
	}
	l.Container = container // from here on Close ends it
	if err := container.prepare(); err != nil {
		return err
	}
	if err := containerWire(l).lay(); err != nil {
		return fmt.Errorf("join %q and %q: %w", l.Victim, container, err)
	}
	if err := l.Victim.publish(published); err != nil {
		return err
	}
	for _, name := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		if err := l.Victim.SetSysctl(name, "1"); err != nil {
			return err
		}
	}
	return nil
}

func containerWire(l *Lab) wire {
	return wire{
		victim: l.Victim, other: l.Container,
		net4: netip.PrefixFrom(ContainerV4().Prev(), 24), net6: netip.PrefixFrom(ContainerV6().Prev(), 64),
	}
}
