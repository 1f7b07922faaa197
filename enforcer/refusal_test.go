package enforcer

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nftwire"
	"ebbgate/policy"
)

// failing has the socket refuse n transactions.
func failing(tb *Table, n int, err error) {
	real := tb.send
	tb.send = func(b *nftwire.Batch) error {
		if n--; n < 0 {
			return real(b)
		}
		return err
	}
}

// TestEachRefusalIsNamedAndMended: whatever the kernel answers, the error says what was refused, why, and
// what to do, and the next difference is made from what the kernel has and taken.
func TestEachRefusalIsNamedAndMended(t *testing.T) {
	for _, tt := range []struct {
		err       error
		errno     unix.Errno
		transient bool
		says      string
	}{
		{&nftwire.Refusal{Message: 0, Errno: unix.EBUSY}, unix.EBUSY, true, "still in use"},
		{&nftwire.Refusal{Message: -1, Errno: unix.ENOBUFS}, unix.ENOBUFS, true, "short of memory"},
		{nftwire.ErrNoVerdict, 0, true, "short of memory"},
		{&nftwire.Refusal{Message: -1, Errno: unix.ERESTART}, unix.ERESTART, true, "others changed rules"},
		{fmt.Errorf("send transaction: %w", unix.EINTR), unix.EINTR, true, "others changed rules"},
		{fmt.Errorf("send transaction: %w", unix.EAGAIN), unix.EAGAIN, true, "others changed rules"},
		{&nftwire.Refusal{Message: 0, Errno: unix.ENFILE}, unix.ENFILE, false, "observe.max_sources"},
		{&nftwire.Refusal{Message: 0, Errno: unix.EEXIST}, unix.EEXIST, false, "there already"},
		{&nftwire.Refusal{Message: 0, Errno: unix.ENOENT}, unix.ENOENT, false, "somebody removed"},
		{&nftwire.Refusal{Message: -1, Errno: unix.EPERM}, unix.EPERM, false, "CAP_NET_ADMIN"},
		{&nftwire.Refusal{Message: 0, Errno: unix.ENOMEM}, unix.ENOMEM, false, "limits.max_blocks"},
		{fmt.Errorf("send transaction of 9 bytes: %w", unix.EMSGSIZE), unix.EMSGSIZE, false, "net.core.wmem_max"},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			tb := open(t)
			apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
			want := Compile(onePolicy(web()), flood("web", boottime.Now()+3000*second), tb.Environment())
			failing(tb, 1, tt.err)
			err := tb.Apply(Diff(tb.Have(), want, boottime.Now()))
			var r *Refusal
			if !errors.As(err, &r) || r.Errno != tt.errno || r.Transient() != tt.transient || Transient(err) != tt.transient {
				t.Fatalf("got %v, want a refusal with errno %d, transient %t", err, tt.errno, tt.transient)
			}
			if text := err.Error(); !strings.Contains(text, tt.says) || !strings.HasPrefix(text, "change table inet ebbgate: ") {
				t.Errorf("%q does not say %q", text, tt.says)
			}
			var message *nftwire.Refusal
			if named := errors.As(tt.err, &message) && message.Message >= 0; named != (r.Op != "") {
				t.Errorf("the operation at fault is %q", r.Op)
			}
			plan := Diff(tb.Have(), want, boottime.Now())
			if plan.Replaces() || plan.Empty() {
				t.Errorf("want the rest to be sent and no more:\n%s", plan.String())
			}
			if err := tb.Apply(plan); err != nil {
				t.Fatal(err)
			}
			listsWhatItHas(t, tb)
		})
	}
}

// TestWhatWasListedAndRefusedAgainIsReplaced: a list that does not help is not tried twice in a row.
func TestWhatWasListedAndRefusedAgainIsReplaced(t *testing.T) {
	tb := open(t)
	p, d := onePolicy(web()), flood("web", boottime.Now()+300*second)
	apply(t, tb, p, d)
	want := Compile(p, flood("web", boottime.Now()+3000*second), tb.Environment())
	failing(tb, 3, &nftwire.Refusal{Message: 0, Errno: unix.EINVAL})
	for try, known := range []bool{true, false, true} {
		if err := tb.Apply(Diff(tb.Have(), want, boottime.Now())); err == nil {
			t.Fatal("not refused")
		}
		if have := tb.Have(); have.Known != known || !have.Present {
			t.Errorf("after refusal %d: known %t, present %t", try+1, have.Known, have.Present)
		}
	}
	if err := tb.Apply(Diff(tb.Have(), want, boottime.Now())); err != nil {
		t.Fatal(err)
	}
	if tb.relisted {
		t.Error("a transaction that held does not end what was refused")
	}
}

// TestALeaseThatEndedIsNotSent: a plan that took too long to be sent must not turn a lease into an element
// for ever, nor fail for what needs not be added any more.
func TestALeaseThatEndedIsNotSent(t *testing.T) {
	tb := open(t)
	p := onePolicy(web())
	plan := Diff(tb.Have(), Compile(p, flood("web", boottime.Now()+second), tb.Environment()), boottime.Now()-100*second)
	for i := range plan.Ops {
		for j := range plan.Ops[i].Elements {
			if e := &plan.Ops[i].Elements[j]; e.Until != 0 {
				e.Until = 1
			}
		}
	}
	if err := tb.Apply(plan); err != nil {
		t.Fatal(err)
	}
	if got := nft(t, "list", "table", "inet", TableName); strings.Contains(got, "198.51.100.7") || strings.Contains(got, "jump web_refuse }") {
		t.Errorf("leases that ended are in the kernel:\n%s", got)
	}
}

// TestRefusalsOfTheKernel provokes what can be provoked. None of it keeps the table from holding what
// is wanted next.
func TestRefusalsOfTheKernel(t *testing.T) {
	p := onePolicy(web())
	for _, tt := range []struct {
		name  string
		errno unix.Errno
		plan  func(t *testing.T, tb *Table) Plan
	}{
		{"a set smaller than what it is to hold", unix.ENFILE, func(t *testing.T, tb *Table) Plan {
			s := *findSet(&tb.have.Ruleset, "web_refuse4")
			var many []Element
			for i := range int(s.Size) + 1 {
				many = append(many, Element{Key: Key{bytes: [16]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}, length: 4}, Until: boottime.Now() + 60*second})
			}
			return Plan{Ops: []Op{{Verb: Add, Object: ObjectElements, Set: s, Elements: many}}}
		}},
		{"a set that is there with another definition", unix.EEXIST, func(t *testing.T, tb *Table) Plan {
			s := *findSet(&tb.have.Ruleset, "web_refuse4")
			s.Timeout, s.Elements, s.Interval = false, nil, true
			return Plan{Ops: []Op{{Verb: Add, Object: ObjectSet, Set: s}}}
		}},
		{"what is not there", unix.ENOENT, func(t *testing.T, tb *Table) Plan {
			return Plan{Ops: []Op{{Verb: Delete, Object: ObjectChain, Chain: Chain{Name: "nowhere"}}}}
		}},
		{"a chain that is jumped to", unix.EBUSY, func(t *testing.T, tb *Table) Plan {
			return Plan{Ops: []Op{{Verb: Flush, Object: ObjectChain, Chain: Chain{Name: "web_refuse"}}, {Verb: Delete, Object: ObjectChain, Chain: Chain{Name: "web_refuse"}}}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tb := open(t)
			apply(t, tb, p, flood("web", boottime.Now()+300*second))
			err := tb.Apply(tt.plan(t, tb))
			var r *Refusal
			if !errors.As(err, &r) || r.Errno != tt.errno || r.Op == "" || r.Hint == "" {
				t.Fatalf("got %+v, want errno %v, with the operation and a hint", err, tt.errno)
			}
			if !tb.Have().Known {
				t.Fatal("the table was not listed")
			}
			if plan := apply(t, tb, p, flood("web", boottime.Now()+3000*second)); plan.Replaces() {
				t.Error("the table was replaced")
			}
			listsWhatItHas(t, tb)
		})
	}
}

// TestForeignDeletionIsMended: on a kernel without ownership others can delete what we rely on.
func TestForeignDeletionIsMended(t *testing.T) {
	tb := open(t)
	tb.owned = false
	p := onePolicy(web())
	apply(t, tb, p, flood("web", boottime.Now()+300*second))
	nft(t, "delete element inet ebbgate web_refuse4 { 198.51.100.7 }; flush chain inet ebbgate pre")
	err := tb.Apply(Diff(tb.Have(), Compile(p, flood("web", boottime.Now()+3000*second), tb.Environment()), boottime.Now()))
	var r *Refusal
	if !errors.As(err, &r) || r.Errno != unix.ENOENT || !strings.Contains(r.Op, "web_refuse4") {
		t.Fatalf("got %v, want ENOENT of web_refuse4", err)
	}
	if plan := apply(t, tb, p, flood("web", boottime.Now()+3000*second)); plan.Replaces() {
		t.Error("the table was replaced")
	}
	listsWhatItHas(t, tb)
}

// TestWhatWeDidNotWriteIsReplaced: P8, nothing is built on what we do not understand.
func TestWhatWeDidNotWriteIsReplaced(t *testing.T) {
	for _, by := range []string{
		"add rule inet ebbgate pre meta l4proto udp drop",
		"add chain inet ebbgate theirs { type filter hook input priority 0; policy drop; }",
		"add chain inet ebbgate theirs { type filter hook forward priority 0; }",
		"add set inet ebbgate theirs { type mark; }",
		"add set inet ebbgate theirs { type ipv4_addr; flags dynamic; }",
		"add quota inet ebbgate theirs { 1 mbytes }",
		"add element inet ebbgate web_refuselease { ipv4 : drop }",
	} {
		t.Run(by, func(t *testing.T) {
			tb := open(t)
			tb.owned = false
			p := onePolicy(web())
			apply(t, tb, p, flood("web", boottime.Now()+300*second))
			if strings.Contains(by, "web_refuselease") {
				nft(t, "delete element inet ebbgate web_refuselease { ipv4 }")
			}
			nft(t, by)
			if r, err := tb.readBack(); !errors.Is(err, errNotOurs) && !strings.Contains(fmt.Sprint(err), "not ours") {
				t.Fatalf("it was listed as ours, %v:\n%s", err, r.Format(0))
			}
			if tb.Apply(Plan{Ops: []Op{{Verb: Delete, Object: ObjectChain, Chain: Chain{Name: "nowhere"}}}}) == nil {
				t.Fatal("not refused")
			}
			if plan := apply(t, tb, p, flood("web", boottime.Now()+300*second)); !plan.Replaces() {
				t.Errorf("the table was not replaced:\n%s", plan.String())
			}
			listsWhatItHas(t, tb)
		})
	}
}

// TestWithoutTheCapability: the thread gives CAP_NET_ADMIN up, and does not live on.
func TestWithoutTheCapability(t *testing.T) {
	tb := open(t)
	p := onePolicy(web())
	plan := Diff(tb.Have(), Compile(p, flood("web", boottime.Now()+300*second), tb.Environment()), boottime.Now())
	got := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			got <- err
			return
		}
		got <- tb.Apply(plan)
	}()
	err := <-got
	var r *Refusal
	if !errors.As(err, &r) || r.Errno != unix.EPERM || r.Transient() || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
		t.Errorf("got %v, want EPERM and what is needed", err)
	}
	apply(t, tb, p, &policy.Decision{})
}
