package ctnetlink

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// fake is a kernel that answers request after request.
type fake struct {
	t       *testing.T
	answers []answer
	asked   [][]byte
}

type answer struct {
	bodies [][]byte
	err    error
}

var _ asker = (*fake)(nil)

// Do does what nlwire.Conn does with bodies that are refused.
func (f *fake) Do(req *nlwire.Request, each func([]byte) bool) error {
	f.asked = append(f.asked, bytes.Clone(req.Body))
	if len(f.answers) == 0 {
		f.t.Fatal("asked more often than there are answers")
	}
	a := f.answers[0]
	f.answers = f.answers[1:]
	for _, b := range a.bodies {
		if !each(b) && a.err == nil {
			a.err = nlwire.ErrMalformed
		}
	}
	return a.err
}

// Batch refuses requests one by one as the answer's bodies say: the number of one and its errno.
func (f *fake) Batch(_ uint16, bodies [][]byte, each func(int, unix.Errno)) error {
	f.asked = append(f.asked, bytes.Join(bodies, nil))
	a := f.answers[0]
	f.answers = f.answers[1:]
	for _, b := range a.bodies {
		each(int(b[0]), unix.Errno(b[1]))
	}
	return a.err
}

func (f *fake) Close() error { return nil }

var (
	dnat   = message(flow("10.66.0.1:40000", "10.77.0.1:8080", "10.55.0.2:80", "10.66.0.1:40000"))
	direct = message(flow("10.66.0.1:40001", "10.77.0.1:22", "10.77.0.1:22", "10.66.0.1:40001"))
)

// dump asks for IPv4 connections to port 8080 and returns how many there are.
func dump(c *Conn) (n int, err error) {
	err = c.Dump(Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Port: 8080}, func(*Entry) { n++ })
	return n, err
}

func TestDumpSelectsWhateverTheKernelDoes(t *testing.T) {
	nl := &fake{t: t, answers: []answer{{bodies: [][]byte{dnat, direct, dnat}}}}
	if n, err := dump(&Conn{nl: nl}); n != 2 || err != nil {
		t.Errorf("%d entries, %v; want 2", n, err)
	}
}

func TestDumpFallsBackToNoFilter(t *testing.T) {
	for _, refusal := range []unix.Errno{unix.EINVAL, unix.EOPNOTSUPP} {
		nl := &fake{t: t, answers: []answer{{err: refusal}, {bodies: [][]byte{dnat, direct}}, {bodies: [][]byte{dnat}}}}
		c := &Conn{nl: nl}
		for range 2 {
			if n, err := dump(c); n != 1 || err != nil {
				t.Errorf("%v: %d entries, %v; want 1", refusal, n, err)
			}
		}
		for i, want := range []int{40, nlwire.NetfilterHeader, nlwire.NetfilterHeader} { // the third time without asking for the filter
			if len(nl.asked) != 3 || len(nl.asked[i]) != want {
				t.Fatalf("%v: asked %x", refusal, nl.asked)
			}
		}
	}
}

func TestNoConntrack(t *testing.T) {
	c := &Conn{nl: &fake{t: t, answers: []answer{{err: unix.EINVAL}, {err: unix.EINVAL}, {err: unix.EINVAL}, {err: unix.EOPNOTSUPP}, {bodies: [][]byte{dnat}}}}}
	_, filtered := dump(c)
	whole := c.Dump(Request{}, nil)
	_, stats := c.Stats()
	for _, err := range []error{filtered, whole, stats} {
		if !errors.Is(err, ErrNoConntrack) || !strings.Contains(err.Error(), "modprobe nf_conntrack_netlink") {
			t.Errorf("got %v, want ErrNoConntrack", err)
		}
	}
	// The module was loaded: nothing is held against its filters.
	if n, err := dump(c); n != 1 || err != nil || c.plain {
		t.Errorf("%d entries, %v, plain %v", n, err, c.plain)
	}
}

func TestErrorsAreExplained(t *testing.T) {
	tests := []struct {
		name   string
		answer answer
		want   error
		text   string
	}{
		{"not permitted", answer{err: unix.EPERM}, unix.EPERM, "dump conntrack: CAP_NET_ADMIN is needed: operation not permitted"},
		{"overrun", answer{err: nlwire.ErrOverrun}, nlwire.ErrOverrun, "lost"},
		{"interrupted", answer{err: nlwire.ErrInterrupted}, nlwire.ErrInterrupted, "interrupted"},
		{"stopped", answer{err: nlwire.ErrStopped}, nlwire.ErrStopped, "stopped"},
		{"malformed", answer{bodies: [][]byte{dnat, dnat[:50], dnat}}, nlwire.ErrMalformed, "decoded"},
		{"memory", answer{err: unix.ENOMEM}, unix.ENOMEM, "dump conntrack: cannot allocate memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := dump(&Conn{nl: &fake{t: t, answers: []answer{tt.answer}}})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || errors.Is(err, ErrNoConntrack) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if tt.answer.bodies != nil && n != 2 {
				t.Errorf("%d entries beside a malformed one, want 2", n)
			}
		})
	}
}

func TestStatsDecode(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want Stats
		ok   bool
	}{
		{"OK", attrs(part{statsEntries, []byte{0, 0, 1, 0}}, part{statsMax, []byte{0, 4, 0, 0}}), Stats{256, 262144}, true},
		{"OK older kernel", attrs(part{statsEntries, []byte{0, 0, 0, 9}}), Stats{Entries: 9}, true},
		{"bad empty", nil, Stats{}, false},
		{"bad number", attrs(part{statsEntries, []byte{9}}), Stats{}, false},
		{"bad end", append(attrs(part{statsEntries, []byte{0, 0, 0, 9}}), 1), Stats{Entries: 9}, false},
	}
	for _, tt := range tests {
		got := Stats{7, 7}
		if ok := got.decode(append([]byte{0, 0, 0, 0}, tt.in...)); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
	if new(Stats).decode([]byte{0, 0, 0}) {
		t.Error("half a header was taken for an answer")
	}
}

// FuzzStats checks that an answer is taken as a whole or not at all.
func FuzzStats(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 0}, attrs(part{statsEntries, []byte{0, 0, 1, 0}})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Stats
		if s.decode(b) && len(b) < nlwire.NetfilterHeader+8 {
			t.Errorf("%d bytes were taken for an answer: %+v", len(b), s)
		}
	})
}
