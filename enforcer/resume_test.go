package enforcer

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nftwire"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func TestATableIsTakenOver(t *testing.T) {
	p := onePolicy(web())
	tb := firstRun(t)
	if tb.Have().Present {
		t.Error("a new table is inherited")
	}
	apply(t, tb, p, flood("web", boottime.Now()+300*second))
	before := listed(t)
	stored := crash(t, tb)
	tb = resume(t, stored)
	if !tb.Owned() || !tb.Have().Present || tb.FD() != stored {
		t.Fatalf("owned %t, present %t, descriptor %d of %d", tb.Owned(), tb.Have().Present, tb.FD(), stored)
	}
	if diff := cmp.Diff(normal(before), normal(listed(t))); diff != "" {
		t.Errorf("taking the table over changed it (-before +after):\n%s", diff)
	}
	if c, err := tb.Look(true); err != nil || c.Lost {
		t.Errorf("Look = %+v, %v", c, err)
	}
	plan := apply(t, tb, p, flood("web", boottime.Now()+300*second))
	if tb.Have().Known && plan.Replaces() {
		t.Errorf("what is as wanted is replaced:\n%s", plan.String())
	}
	apply(t, tb, p, &policy.Decision{})
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
}

// TestATableGoesWithTheLastOfItsSocket: when its daemon stops it stays as long as the store holds the socket,
// which a restart of the service outlives and its end does not.
func TestATableGoesWithTheLastOfItsSocket(t *testing.T) {
	tb := firstRun(t)
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
	stored := crash(t, tb)
	kept, err := unix.FcntlInt(uintptr(stored), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Open(); !errors.Is(err, ErrTableHeld) {
		t.Errorf("Open beside the store's socket: %+v, %v; want ErrTableHeld", second, err)
	}
	tb, err = Resume(stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.Close(); err != nil {
		t.Fatal(err)
	}
	if got := nft(t, "list", "ruleset"); !strings.Contains(got, "198.51.100.7") {
		t.Errorf("with the socket in store the kernel has\n%s", got)
	}
	if err := unix.Close(kept); err != nil {
		t.Fatal(err)
	}
	if got := nft(t, "list", "ruleset"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
}

func TestAStoredSocketThatOwnsNothingIsUsed(t *testing.T) {
	stored := crash(t, firstRun(t))
	tb := resume(t, stored)
	if tb.Have().Present || tb.FD() != stored || !tb.Owned() || !tb.Have().Known {
		t.Errorf("descriptor %d of %d, have %+v", tb.FD(), stored, tb.Have())
	}
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
}

func TestAStoredDescriptorOfNoUseIsClosed(t *testing.T) {
	nstest.Enter(t)
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	tb := resume(t, stored)
	var st unix.Stat_t
	if err := unix.Fstat(stored, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR {
		t.Error("the file is still open")
	}
	if tb.FD() == stored {
		t.Error("it passes for taken over")
	}
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
}

// TestARefusalNamesTheOperation: and the element, where there are many.
func TestARefusalNamesTheOperation(t *testing.T) {
	tb := open(t)
	p := onePolicy(web())
	apply(t, tb, p, flood("web", boottime.Now()+300*second))
	set := *findSet(&tb.have.Ruleset, "web_refuse4")
	missing := []Element{{Key: addrKey(lastAddr(prefixes("203.0.113.9/32")[0]))}}
	for _, tt := range []struct {
		name string
		op   Op
		want []string
		err  error
	}{
		{"chain", Op{Verb: Delete, Object: ObjectChain, Chain: Chain{Name: "nowhere"}}, []string{"delete chain inet ebbgate nowhere"}, unix.ENOENT},
		{"element", Op{Verb: Delete, Object: ObjectElements, Set: set, Elements: missing}, []string{`delete 1 elements of set "web_refuse4"`, "203.0.113.9"}, unix.ENOENT},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good := Op{Verb: Add, Object: ObjectChain, Chain: Chain{Name: "harmless"}}
			err := tb.commit(&Plan{Ops: []Op{good, tt.op, good}})
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if strings.Contains(nft(t, "list", "ruleset"), "harmless") {
				t.Error("a part of the refused transaction holds")
			}
		})
	}
}

// TestBlameFindsTheOperation: operations have any number of messages, none included.
func TestBlameFindsTheOperation(t *testing.T) {
	p := Plan{Ops: []Op{
		{Verb: Add, Object: ObjectTable},
		{Verb: Destroy, Object: ObjectElements, Set: Set{Name: "none"}},
		{Verb: Add, Object: ObjectElements, Set: Set{Name: "many"}},
		{Verb: Flush, Object: ObjectChain, Chain: Chain{Name: "last"}},
	}}
	e := encoder{batch: new(nftwire.Batch), ends: []int{1, 1, 4, 5}}
	for message, want := range map[int]string{-1: "", 0: "add table", 1: `"many"`, 3: `"many"`, 4: "last", 5: ""} {
		if got := e.blame(&p, &nftwire.Refusal{Message: message}); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("message %d: blamed is %q, want %q", message, got, want)
		}
	}
}

// TestDestroyingWhatIsNotThere is taken by a kernel that knows how, and left out for one that does not.
func TestDestroyingWhatIsNotThere(t *testing.T) {
	tb := open(t)
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
	set := *findSet(&tb.have.Ruleset, "web_refuse4")
	gone := Op{Verb: Destroy, Object: ObjectElements, Set: set, Elements: append(set.Elements, Element{Key: Key{length: 4}})}
	for _, older := range []bool{true, !tb.features.Destroy} {
		tb.features.Destroy = !older
		if err := tb.commit(&Plan{Ops: []Op{gone, gone}}); err != nil {
			t.Fatal(err)
		}
		if got := nft(t, "list", "set", "inet", TableName, "web_refuse4"); strings.Contains(got, "198.51.100.7") != older {
			t.Errorf("older kernel %t:\n%s", older, got)
		}
	}
}

// TestAHighDescriptorWillDo: the socket knows no limit of 1,024.
func TestAHighDescriptorWillDo(t *testing.T) {
	tb := firstRun(t)
	high, err := unix.FcntlInt(uintptr(tb.FD()), unix.F_DUPFD_CLOEXEC, 1500)
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.close(); err != nil {
		t.Fatal(err)
	}
	tb = resume(t, high)
	if tb.FD() != high {
		t.Fatalf("descriptor %d, want %d", tb.FD(), high)
	}
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
}
