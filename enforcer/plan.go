package enforcer

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// Plan is one transaction: operations in the order the kernel needs them, and the ruleset that
// holds once it is committed. A Plan without operations is not sent.
type Plan struct {
	Ops   []Op
	After Ruleset
	Again policy.Instant // when an element that could not be renewed will be gone, so that another can be added; 0: there is none
	at    policy.Instant // when timeouts are measured from
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Ops) == 0 }

// Replaces reports whether the plan removes the table that is there, and its counters with it.
func (p *Plan) Replaces() bool {
	return len(p.Ops) > 0 && p.Ops[0].Object == ObjectTable && p.Ops[0].Verb == Delete
}

// String returns the plan in nft syntax, a command a line, as nft -f would take it.
func (p *Plan) String() string {
	var b strings.Builder
	for _, op := range p.Ops {
		b.WriteString(op.text(p.at))
		b.WriteByte('\n')
	}
	return b.String()
}

// Verb is what an operation does with its object.
type Verb string

// The verbs of a transaction, as nft names them.
const (
	Add    Verb = "add"
	Delete Verb = "delete"
	Flush  Verb = "flush"
	// Destroy deletes elements that may not be there. Kernels before Linux 6.3 do not know it; there it is
	// left out.
	Destroy Verb = "destroy"
)

// Object is the kind of thing an operation acts on.
type Object uint8

// The objects of a transaction.
const (
	ObjectTable Object = iota
	ObjectCounter
	ObjectSet
	ObjectChain
	ObjectRule
	ObjectElements
)

// Op is one operation. Which fields count depends on Object.
type Op struct {
	Verb     Verb
	Object   Object
	Counter  string
	Set      Set // of ObjectSet and ObjectElements: its definition
	Chain    Chain
	Rule     Rule // of ObjectRule: appended to Chain
	Elements []Element
}

// summary names an operation in an error: its text may hold 100,000 elements.
func (o *Op) summary() string {
	if o.Object == ObjectElements {
		return fmt.Sprintf("%s %d elements of set %q", o.Verb, len(o.Elements), o.Set.Name)
	}
	return o.text(0)
}
