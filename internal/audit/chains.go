package audit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"ebbgate/internal/escape"
)

// ourTable is the table of ebbgate itself, in family inet.
const ourTable = "ebbgate"

// maxChains bounds the base chains kept.
const maxChains = 1024

// readChains lists the base chains of all tables but ours.
func (f *Facts) readChains() {
	if err := f.listChains(); err != nil {
		reason := err.Error()
		if errors.Is(err, unix.EPERM) {
			reason = "CAP_NET_ADMIN is needed to list them; run as root"
		}
		f.unread("nf_tables chains", reason)
		return
	}
	f.ChainsKnown = true
}

func (f *Facts) listChains() error {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return fmt.Errorf("open nf_tables: %w", err)
	}
	defer conn.CloseLasting()
	tables, err := conn.ListTables()
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	type key struct {
		family nftables.TableFamily
		name   string
	}
	dormant := make(map[key]bool)
	for _, t := range tables {
		dormant[key{t.Family, t.Name}] = t.Flags&unix.NFT_TABLE_F_DORMANT != 0
	}
	chains, err := conn.ListChains()
	if err != nil {
		return fmt.Errorf("list chains: %w", err)
	}
	for _, c := range chains {
		if c.Hooknum == nil || c.Priority == nil || c.Table == nil || dormant[key{c.Table.Family, c.Table.Name}] {
			continue
		}
		if c.Table.Family == nftables.TableFamilyINet && c.Table.Name == ourTable {
			continue
		}
		if len(f.Chains) >= maxChains {
			f.unread("nf_tables chains", fmt.Sprintf("more than %d base chains; the rest was not looked at", maxChains))
			break
		}
		f.Chains = append(f.Chains, Chain{Family: familyName(c.Table.Family), Table: escape.Terminal(c.Table.Name), Name: escape.Terminal(c.Name),
			Hook: hookName(c.Table.Family, uint32(*c.Hooknum)), Priority: int(*c.Priority)})
	}
	slices.SortFunc(f.Chains, func(a, b Chain) int {
		return cmp.Or(cmp.Compare(a.Hook, b.Hook), a.Priority-b.Priority, cmp.Compare(a.Family, b.Family), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Name, b.Name))
	})
	return nil
}

func familyName(f nftables.TableFamily) string {
	switch f {
	case nftables.TableFamilyINet:
		return "inet"
	case nftables.TableFamilyIPv4:
		return "ip"
	case nftables.TableFamilyIPv6:
		return "ip6"
	case nftables.TableFamilyARP:
		return "arp"
	case nftables.TableFamilyNetdev:
		return "netdev"
	case nftables.TableFamilyBridge:
		return "bridge"
	}
	return fmt.Sprintf("family-%d", f)
}

// hookName names a hook by its number in linux/netfilter.h: the families of IP share one
// numbering (enum nf_inet_hooks), netdev has its own.
func hookName(f nftables.TableFamily, n uint32) string {
	names := []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}
	switch f {
	case nftables.TableFamilyNetdev:
		names = []string{"ingress", "egress"}
	case nftables.TableFamilyARP:
		names = []string{"input", "output"}
	}
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("hook-%d", n)
}
