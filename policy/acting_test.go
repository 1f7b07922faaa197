package policy

import "testing"

// The policy that holds is another one only if something about it changed: rules are compiled anew then.
func TestActing(t *testing.T) {
	p := mustParse(t, "mode = \"enforce\"\n[[service]]\nname = \"web\"\nports = [80]\n")
	if acts := new(State).Acting(); acts != nil {
		t.Errorf("before the first step %+v acts", acts)
	}
	s, _ := Step(p, State{}, Observation{At: 1})
	if s.Acting() != p {
		t.Error("without modes by hand another policy acts than that of the file")
	}
	s, d := Step(p, s, Observation{At: 2, Orders: []Order{{Kind: OrderMode, Mode: HandMode{Service: "web", Mode: Shadow, Until: 10}}}})
	by := s.Acting()
	if by.Service("web").Mode != Shadow || p.Service("web").Mode != Enforce || len(d.Events) == 0 {
		t.Error("what acts is not in the mode, the policy of the file is, or nobody is told")
	}
	if s, _ = Step(p, s, Observation{At: 3}); s.Acting() != by {
		t.Error("made anew, though nothing changed")
	}
	q := *p
	if after, _ := Step(&q, s, Observation{At: 4}); after.Acting() == by || after.Acting().Service("web").Mode != Shadow {
		t.Error("another policy was read, and what acts is of the former, or forgets the mode")
	}
	if s, d = Step(p, s, Observation{At: 10}); s.Acting() != p || len(d.Events) == 0 {
		t.Error("after its time the mode still holds, or nobody is told of its end")
	}
}
