package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ebbgate/daemon"
	"ebbgate/internal/survey"
	"ebbgate/observer"
	"ebbgate/policy"
)

// readPolicy returns what the policy exempts, and the policy to sort connections by if a service
// was named. An absent default policy exempts nobody. note says what to tell the operator.
func (o *closeOptions) readPolicy(c *cobra.Command, sel *survey.Selection) (exempt []netip.Prefix, only *policy.Policy, note string, err error) {
	p, _, err := daemon.ReadPolicy(o.config)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("config"):
		if o.service != "" {
			return nil, nil, "", fmt.Errorf("--service %s: there is no policy at %s: name one with --config", o.service, o.config)
		}
		return nil, nil, fmt.Sprintf("Nobody is exempt: there is no policy at %s.", o.config), nil
	case o.force && o.service == "":
		return nil, nil, fmt.Sprintf("Nobody is exempt: the policy %s could not be read.", o.config), nil
	default:
		return nil, nil, "", fmt.Errorf("%w\nWithout its policy ebbgate does not know who is exempt; --force cuts all the same", err)
	}
	if o.service == "" {
		return p.Exempt.Prefixes, nil, "", nil
	}
	svc := p.Service(o.service)
	if svc == nil {
		var names []string
		for _, s := range p.Services {
			names = append(names, s.Name)
		}
		return nil, nil, "", fmt.Errorf("--service %s: the policy has no such service, only %s", o.service, strings.Join(names, ", "))
	}
	if !svc.Traffic.Locally() {
		return nil, nil, "", fmt.Errorf("--service %s: its connections are passed on to others, and this host has no socket to cut", o.service)
	}
	if len(sel.Ports) == 0 {
		sel.Ports = svc.Ports
	}
	return p.Exempt.Prefixes, &policy.Policy{Services: []policy.Service{*svc}, Observe: p.Observe}, "", nil
}

// refuseExempt refuses a source that is exempt as a whole: who names it means somebody else.
func (o *closeOptions) refuseExempt(sel *survey.Selection, exempt []netip.Prefix) error {
	var named []string
	for _, src := range sel.Sources {
		if policy.Covers(exempt, src) {
			named = append(named, sourceText(src))
		}
	}
	if len(named) == 0 || o.force {
		return nil
	}
	return fmt.Errorf("%s: exempt by the policy %s; nothing was cut. --force cuts all the same", strings.Join(named, ", "), o.config)
}

// spare collects what is left alone.
func (o *closeOptions) spare(ctx context.Context, exempt []netip.Prefix) (survey.Spare, error) {
	if o.force {
		return survey.Spare{Nothing: true}, nil
	}
	host, err := observer.HostAddresses()
	if err != nil {
		return survey.Spare{}, err
	}
	session, err := o.lineage(ctx)
	if err != nil {
		return survey.Spare{}, err
	}
	return survey.Spare{Exempt: exempt, Host: host, Session: session, SSH: sshConnection(os.Getenv("SSH_CONNECTION"))}, nil
}

// sshConnection reads the ends of a connection from what sshd(8) puts into the environment:
// client address, client port, server address, server port. The zero value is none.
func sshConnection(text string) [2]netip.AddrPort {
	f := strings.Fields(text)
	if len(f) != 4 {
		return [2]netip.AddrPort{}
	}
	end := func(addr, port string) netip.AddrPort {
		a, err := netip.ParseAddrPort(net.JoinHostPort(addr, port))
		if err != nil {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
	}
	return [2]netip.AddrPort{end(f[0], f[1]), end(f[2], f[3])}
}
