package enforcer

import (
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

// saying counts what the kernel says of packets to port 80 where our chain of acknowledgements stands, with
// nft's words for our expression. Another chain keeps acknowledgements back on the client's side.
const saying = `table inet saying {
	counter zero { }
	counter one { }
	counter nothing { }
	chain input {
		type filter hook input priority -310;
		tcp dport 80 socket wildcard 0 counter name zero accept
		tcp dport 80 socket wildcard 1 counter name one accept
		tcp dport 80 counter name nothing
	}
	chain output { type filter hook output priority 0; }
}
`

// said does something that sends packets to port 80, and returns what the kernel says of them.
func said(t *testing.T, do func()) string {
	t.Helper()
	read := func() map[string]string {
		all := make(map[string]string)
		for _, m := range counterLine.FindAllStringSubmatch(nft(t, "list", "counters", "table", "inet", "saying"), -1) {
			all[m[1]] = m[2]
		}
		return all
	}
	before := read()
	do()
	after := read()
	nstest.Await(t, "a packet", func() bool {
		after = read()
		return !maps.Equal(before, after)
	})
	var words []string
	for name, n := range after {
		if n != before[name] {
			words = append(words, name)
		}
	}
	slices.Sort(words)
	return strings.Join(words, " and ")
}

// TestWhatTheKernelSaysOfSockets: what forListener relies on, in every state of a connection that a client's packet
// can meet, and for every way to listen.
func TestWhatTheKernelSaysOfSockets(t *testing.T) {
	const client4, client6, server4, server6 = "10.66.0.1:1024", "[fd66::1]:1024", "10.1.0.1:80", "[fd01::1]:80"
	for _, tt := range []struct {
		listen, client, server string
		of                     string // a listener
		opts                   []nstest.Option
	}{
		{"0.0.0.0:80", client4, server4, "one", nil},
		{"[::]:80", client4, server4, "one", nil},
		{"[::]:80", client6, server6, "one", nil},
		{"[::]:80", client6, server6, "one", []nstest.Option{nstest.V6Only}},
		{"[::ffff:0.0.0.0]:80", client4, server4, "one", nil},
		{"10.1.0.1:80", client4, server4, "zero", nil},
		{"[::ffff:10.1.0.1]:80", client4, server4, "zero", nil},
		{"[fd01::1]:80", client6, server6, "zero", nil},
	} {
		t.Run(tt.listen+" "+tt.server, func(t *testing.T) {
			nstest.Enter(t)
			nstest.AnyIP(t, "10.66.0.0/16", "fd66::/48")
			nstest.Assign(t, "10.1.0.1/32")
			nstest.Assign(t, "fd01::1/128")
			nft(t, saying)
			hold := func() { nft(t, "add rule inet saying output tcp dport 80 tcp flags & (syn | ack) == ack drop") }
			listener := nstest.Listen(t, tt.listen, 8, tt.opts...)
			var c, s *nstest.Sock
			for _, step := range []struct {
				of, want string
				do       func()
			}{
				{"a SYN", tt.of, func() {
					hold()
					c = nstest.Dial(t, tt.client, tt.server)
				}},
				{"a handshake under way", "nothing", func() {
					nft(t, "flush chain inet saying output")
					c.Write([]byte("x"))
					s = listener.Accept()
				}},
				{"a connection", "zero", func() { c.Write([]byte("x")) }},
				{"a connection whose server closes", "zero", func() {
					for range 2 { // what is not read would be answered with a reset
						if err := s.Read(); err != nil {
							t.Fatal(err)
						}
					}
					s.CloseWrite()
				}},
				{"a connection in TIME_WAIT", "nothing", func() {
					s.Close()
					c.Close()
				}},
				{"a SYN that finds it in TIME_WAIT", "nothing", func() {
					hold()
					nstest.Dial(t, tt.client, tt.server)
				}},
				{"a SYN that finds nobody", "nothing", func() {
					listener.Close()
					if _, err := net.Dial("tcp", tt.server); err == nil {
						t.Error("somebody listens")
					}
				}},
			} {
				if got := said(t, step.do); got != step.want {
					t.Errorf("of %s: %q, want %q", step.of, got, step.want)
				}
			}
		})
	}
}
