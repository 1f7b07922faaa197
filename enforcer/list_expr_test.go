package enforcer

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// marshalled returns a rule's expressions as they go to the kernel.
func marshalled(t testing.TB, exprs []expr.Any) []byte {
	t.Helper()
	var list []netlink.Attribute
	for _, e := range exprs {
		b, err := expr.Marshal(unix.NFPROTO_INET, e)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, netlink.Attribute{Type: unix.NFTA_LIST_ELEM, Data: b})
	}
	b, err := netlink.MarshalAttributes(list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// everyRule returns the rules of all golden rulesets, each text once.
func everyRule() []Rule {
	seen := make(map[string]bool)
	var rules []Rule
	for _, g := range goldens() {
		r := Compile(g.p, g.d, g.env)
		for _, c := range r.Chains {
			for _, rule := range c.Rules {
				if !seen[rule.Text] {
					seen[rule.Text] = true
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules
}

// TestEveryRuleIsReadFromItsExpressions: the clauses found are those it was built from.
func TestEveryRuleIsReadFromItsExpressions(t *testing.T) {
	for _, want := range everyRule() {
		exprs, err := expressions(marshalled(t, want.exprs))
		if err != nil {
			t.Errorf("%s: %v", want.Text, err)
			continue
		}
		got, ok := read(exprs)
		if !ok || got.Text != want.Text || !reflect.DeepEqual(got.exprs, want.exprs) {
			t.Errorf("%s\nis read, %t, as\n%s", want.Text, ok, got.Text)
		}
	}
}

// TestARuleThatDiffersIsAnotherOrNone: no change of an expression goes unnoticed.
func TestARuleThatDiffersIsAnotherOrNone(t *testing.T) {
	rules := everyRule()
	for n := 0; n < len(rules); n += 7 { // each of them takes a while
		r := rules[n]
		b := marshalled(t, r.exprs)
		for i := range b {
			b[i] ^= 4
			if exprs, err := expressions(b); err == nil {
				if got, ok := read(exprs); ok && got.Text == r.Text && !sameBut(t, b, got, i) {
					t.Fatalf("byte %d changed, and it is still read as %s", i, r.Text)
				}
			}
			b[i] ^= 4
		}
	}
}

// sameBut reports whether a change says nothing: it is in a header's flags or padding, or in a value that is
// not there for the kernel.
func sameBut(t *testing.T, b []byte, got Rule, i int) bool {
	want := marshalled(t, got.exprs)
	return len(want) == len(b) && want[i]^b[i] == 4
}

func TestExpressionsThatAreNotOurs(t *testing.T) {
	for name, exprs := range map[string][]expr.Any{
		"a quota":                  {&expr.Quota{Bytes: 1}},
		"a counter of its own":     {&expr.Counter{}},
		"another register":         {&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 2}, &expr.Cmp{Register: 2, Data: []byte{2}}},
		"half of a clause":         opening().exprs[:3],
		"an address of no family":  {network(12, 4), member("exempt4")},
		"another mask":             append(isFamily(families[0]), network(12, 4), and([]byte{255, 0, 255, 0}), member("web_refuse4")),
		"a jump to a kernel queue": {&expr.Queue{Num: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := expressions(marshalled(t, exprs))
			if err == nil {
				if r, ok := read(list); ok {
					t.Errorf("it is taken for %q", r.Text)
				}
			} else if !strings.Contains(err.Error(), "not ours") {
				t.Error(err)
			}
		})
	}
}

// FuzzExpressions: whatever the kernel may say, what is taken for a rule of ours is one.
func FuzzExpressions(f *testing.F) {
	for _, r := range everyRule() {
		f.Add(marshalled(f, r.exprs))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		exprs, err := expressions(b)
		if err != nil {
			return
		}
		r, ok := read(exprs)
		if !ok {
			return
		}
		if !reflect.DeepEqual(r.exprs, exprs) {
			t.Fatalf("%s has other expressions than were read", r.Text)
		}
		again, err := expressions(marshalled(t, r.exprs))
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", r.Text, err)
		}
		if same, ok := read(again); !ok || same.Text != r.Text {
			t.Fatalf("%s is read again as %s", r.Text, same.Text)
		}
	})
}
