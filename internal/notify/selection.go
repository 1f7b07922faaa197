package notify

import (
	"fmt"
	"slices"
	"strings"

	"ebbgate/control"
	"ebbgate/policy"
)

// Selection says which events are told. The zero value tells of none.
type Selection struct {
	classes  []Class
	kinds    []policy.EventKind
	services []string // empty: all
}

// DefaultEvents is what is told unless somebody chooses.
func DefaultEvents() []string { return []string{string(Attacks), string(Changes), string(Health)} }

// Select makes a selection of names of classes or of kinds of events, or "all", and of services: none
// means all of them. What has to do with no service is always told. A name that is neither is an error,
// which lists the classes; kinds are taken in any case, if they look like one.
func Select(events, services []string) (Selection, error) {
	s := Selection{services: services}
	for _, name := range events {
		switch class := Class(name); {
		case name == "all":
			s.classes = Classes()
		case slices.Contains(Classes(), class):
			s.classes = append(s.classes, class)
		case strings.Contains(name, "-") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == "":
			s.kinds = append(s.kinds, policy.EventKind(name))
		default:
			return Selection{}, fmt.Errorf("%q is no kind of event: must be all, %s, or one like attack-began", name, classNames())
		}
	}
	if len(events) == 0 {
		return Selection{}, fmt.Errorf("no events are selected: must be all, %s, or some like attack-began", classNames())
	}
	return s, nil
}

func classNames() string {
	var names []string
	for _, c := range Classes() {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

// has reports whether an event is told.
func (s *Selection) has(e *control.Event) bool {
	if len(s.services) > 0 && e.Service != "" && !slices.Contains(s.services, e.Service) {
		return false
	}
	return slices.Contains(s.classes, rankOf(e).class) || slices.Contains(s.kinds, e.Event)
}
