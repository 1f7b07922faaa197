package enforcer

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nftwire"
	"ebbgate/internal/nstest"
)

// TestProbingLeavesNothing: not even a new generation of the rules, so that nobody who looks meanwhile sees a
// table, and conntrack stays off.
func TestProbingLeavesNothing(t *testing.T) {
	tb := open(t)
	before, err := tb.generation()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tb.probe(), tb.findFeatures()); err != nil {
		t.Fatal(err)
	}
	if after, err := tb.generation(); after != before || err != nil {
		t.Errorf("generation %d after probing, %v; want %d", after, err, before)
	}
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Errorf("probing left:\n%s", got)
	}
}

// TestProbingBesideATable: a table that was taken over is probed beside, and not touched.
func TestProbingBesideATable(t *testing.T) {
	tb := open(t)
	found := tb.Features()
	apply(t, tb, prefixed(), ladder(boottime.Now()))
	before := nft(t, "-s", "list", "ruleset")
	if err := tb.findFeatures(); err != nil {
		t.Fatal(err)
	}
	if tb.Features() != found {
		t.Errorf("beside a table the kernel can %+v, without one %+v", tb.Features(), found)
	}
	if after := nft(t, "-s", "list", "ruleset"); len(normal(after)) != len(normal(before)) {
		t.Errorf("probing left another table:\n%s\nit was:\n%s", after, before)
	}
}

// TestWhatTheKernelDoesNotKnowIsLacking: with the answers kernels give that lack a part.
func TestWhatTheKernelDoesNotKnowIsLacking(t *testing.T) {
	if oldKernel {
		t.Log("nothing is asked in this build")
		return
	}
	tb := open(t)
	for _, tt := range []struct {
		name   string
		errno  unix.Errno
		socket unix.Errno // to the last question, which is asked where there is synproxy
		want   Features   // of those that are asked of nf_tables with the last message but one
	}{
		{"types of expressions are missing", unix.ENOENT, unix.ENOENT, Features{}},
		{"the message is unknown, or the expression incomplete", unix.EINVAL, 0, Features{Connlimit: true, SYNProxy: true}},
		{"flags are unknown", unix.EOPNOTSUPP, 0, Features{SYNProxy: true}},
		{"sockets cannot be looked for", unix.EINVAL, unix.ENOENT, Features{Connlimit: true}},
		{"of a socket it cannot be told where it listens (before Linux 5.10)", unix.EINVAL, unix.EOPNOTSUPP, Features{Connlimit: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			real, asked := tb.send, 0
			defer func() { tb.send = real }()
			tb.send = func(b *nftwire.Batch) error {
				asked++
				switch {
				case asked < 4:
					return &nftwire.Refusal{Message: b.Len() - 2, Errno: tt.errno}
				case tt.socket != 0:
					return &nftwire.Refusal{Message: b.Len() - 2, Errno: tt.socket}
				}
				return &nftwire.Refusal{Message: b.Len() - 1, Errno: unix.ENOENT}
			}
			got := Features{}
			if err := tb.probeTable(&got); err != nil {
				t.Fatal(err)
			}
			tt.want.Count = true
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	real := tb.send
	defer func() { tb.send = real }()
	tb.send = func(b *nftwire.Batch) error { return &nftwire.Refusal{Message: 0, Errno: unix.EPERM} }
	if err := tb.findFeatures(); err == nil || !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("a probe that is not permitted: %v", err)
	}
}

func TestEachFeatureIsNamedOnce(t *testing.T) {
	all := Features{Owner: true, Destroy: true, Count: true, Connlimit: true, SYNProxy: true, Close: true, Endings: true}
	none := Features{}
	if n := len(all.Has()); n != 7 || len(all.Lacking()) != 0 {
		t.Errorf("with everything: has %q, lacks %q", all.Has(), all.Lacking())
	}
	if n := len(none.Lacking()); n != 7 || len(none.Has()) != 0 {
		t.Errorf("with nothing: has %q, lacks %q", none.Has(), none.Lacking())
	}
	for _, one := range none.Lacking() {
		if what, instead, ok := strings.Cut(one, ": "); !ok || !strings.HasPrefix(what, "no ") || instead == "" {
			t.Errorf("%q does not say what happens instead", one)
		}
	}
}

// TestFeaturesOfThisKernel: what Open finds is what the rules rely on in the other tests.
func TestFeaturesOfThisKernel(t *testing.T) {
	tb := open(t)
	f := tb.Features()
	if oldKernel && (f.Owner || f.Destroy || f.Count || f.SYNProxy) {
		t.Errorf("an old kernel is taken to have %q", f.Has())
	}
	if !f.Connlimit {
		t.Errorf("this kernel lacks what we cannot do without: %q", f.Lacking())
	}
	if f.Owner != tb.Owned() {
		t.Errorf("owned: %t, and found to be possible: %t", tb.Owned(), f.Owner)
	}
	t.Logf("has %q, lacks %q", f.Has(), f.Lacking())
}

// TestFeaturesSinceTheirLinux: a kernel has what its version promises; Debian's may have more.
func TestFeaturesSinceTheirLinux(t *testing.T) {
	if oldKernel {
		t.Skip("the kernel is taken for an old one")
	}
	f := open(t).Features()
	for _, since := range []struct {
		major, minor int
		has          bool
		what         string
	}{
		{5, 12, f.Owner, "tables owned by a socket"},
		{6, 3, f.Destroy, "destroying elements"},
		{6, 16, f.Count, "sizes of sets"},
		{4, 5, f.Endings, "notices of ended connections"},
	} {
		if nstest.Linux(t, since.major, since.minor) && !since.has {
			t.Errorf("this kernel is found to lack what came with Linux %d.%d: %s", since.major, since.minor, since.what)
		}
	}
}
