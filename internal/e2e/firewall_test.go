package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// firewall is a table such as many hosts have: whatever is not established must be allowed by
// name. It breaks as soon as somebody keeps packets away from conntrack.
const firewall = `table inet fw {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif "lo" accept
		meta l4proto ipv6-icmp accept
		tcp dport 8080 accept
	}
}
`

// TestBesideAFirewall floods a host whose own table relies on conntrack, from the start or from
// the middle of the attack.
func TestBesideAFirewall(t *testing.T) {
	for _, midway := range []bool{false, true} {
		t.Run(fmt.Sprintf("loaded midway %t", midway), func(t *testing.T) {
			s := newStage(t)
			if !midway {
				s.nft(firewall)
			}
			server := s.server(everywhere(), capacity)
			talk := s.talk()
			clients := s.clients(v4())
			d := s.daemon(policyFile{})
			flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
			s.awaitTable(true)
			s.awaitLimited(perSource, server, flood)
			if err := talk.once(); err != nil {
				t.Errorf("the host's own connection under attack: %v", err)
			}
			if midway {
				loaded := time.Now()
				s.nft(firewall)
				await(t, 5*time.Second, "our table lets conntrack see all packets", s.withoutNotrack)
				t.Logf("no notrack %v after another table began to use conntrack (goal: under 1s)", time.Since(loaded).Round(time.Millisecond))
			}
			s.checkOthersTrack(d)
			from := time.Now()
			for range 5 {
				if err := talk.once(); err != nil {
					t.Errorf("the host's own connection beside the firewall: %v", err)
				}
			}
			s.awaitLimited(perSource, server, flood)
			s.checkClients(clients, from)
			s.stop(flood)
			s.awaitTable(false)
			if rules := s.rules(); !strings.Contains(rules, "table inet fw") || strings.Contains(rules, "ebbgate") {
				t.Errorf("rules after the attack:\n%s", rules)
			}
		})
	}
}

// checkOthersTrack checks that the daemon leaves conntrack alone, and says why.
func (s *stage) checkOthersTrack(d *daemon) {
	s.t.Helper()
	if err := s.withoutNotrack(); err != nil {
		s.t.Error(err)
	}
	d.awaitStatus("the daemon knows who tracks", func(status *control.Status) error {
		if status.Table.Conntrack != control.ConntrackOthers {
			return fmt.Errorf("conntrack %q", status.Table.Conntrack)
		}
		return healthy(status)
	})
}

// prods are the rules for what is sent in the name of a source that is turned away, which nobody but the
// daemon does, to have a server end a cut connection.
var prods = regexp.MustCompile(`(?m)^\s*ip6? saddr .*@\S+ notrack$`)

// withoutNotrack is a condition: our table is there and keeps nobody's packets from conntrack.
func (s *stage) withoutNotrack() error {
	rules := prods.ReplaceAllString(s.rules(), "")
	switch {
	case !strings.Contains(rules, "table inet ebbgate"):
		return errors.New("our table is gone")
	case strings.Contains(rules, "notrack"):
		return errors.New("there is a notrack rule")
	}
	return nil
}

// conversation is a connection from the victim to a server elsewhere. Its answers come in only
// where the firewall sees that it is established.
type conversation struct {
	conn net.Conn
	in   *bufio.Reader
}

func (s *stage) talk() *conversation {
	s.t.Helper()
	far := netip.AddrPortFrom(lab.ClientV4(), outgoingPort)
	if _, err := lab.StartServer(s.t.Context(), s.Clients, lab.ServerConfig{Listen: []netip.AddrPort{far}, Capacity: 10}); err != nil {
		s.t.Fatal(err)
	}
	conn, err := s.dial(s.Victim, lab.VictimV4(), far)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &conversation{conn: conn, in: bufio.NewReader(conn)}
	if err := c.once(); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// once asks and waits for the answer.
func (c *conversation) once() error {
	if err := c.conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(c.conn, "GET / HTTP/1.1\r\nHost: far\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
