package observer

import (
	"errors"
	"slices"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// tallyFactor is how many times observe.max_sources are told apart while endings are counted, so
// that what the tally drops when it is full are not sources that would have been kept.
const tallyFactor = 2

// scene is what ended connections are sorted by: the services and their listeners. It is
// immutable, so that the reader may use it while a Tick makes the next.
type scene struct {
	target    *target
	listeners []listening // without their queues
}

// newScene takes what it needs of a dump.
func newScene(t *target, all []listening) *scene {
	s := &scene{target: t, listeners: slices.Clone(all)}
	for i := range s.listeners {
		s.listeners[i].queue, s.listeners[i].backlog = 0, 0
	}
	return s
}

// shows reports whether s is what newScene would make of the same.
func (s *scene) shows(t *target, all []listening) bool {
	return s != nil && s.target == t && slices.EqualFunc(s.listeners, all, func(a, b listening) bool {
		b.queue, b.backlog = 0, 0
		return a == b
	})
}

// endingCount counts ended connections by service and source, by the rules of the census.
type endingCount struct {
	doors    doors
	grouping *grouping
	tally    tally
	ended    []int // by service, of all sources
}

// begin starts a count for a scene whose doors are built.
func (c *endingCount) begin(s *scene, g *grouping) {
	c.grouping = g
	c.tally.reset(len(s.target.services), tallyFactor*s.target.maxSources)
	c.ended = append(c.ended[:0], make([]int, len(s.target.services))...)
}

// add counts one ended connection and reports whether it was one to a service.
func (c *endingCount) add(s *inetdiag.Socket) bool {
	local, remote := addressFrom16(&s.LocalAddr), addressFrom16(&s.RemoteAddr)
	if local == any6 && remote.is4() {
		// The kernel has wiped the address of a dual-stack listener's connection: it was IPv4.
		local = any4
	}
	service := c.doors.find(local, s.LocalPort)
	if service == noService {
		return false
	}
	c.ended[service]++
	c.tally.add(c.grouping, service, remote, true)
	return true
}

// services returns the counts, one entry for each service of the scene.
func (c *endingCount) services(s *scene) []policy.ServiceEndings {
	lists, rests := c.tally.sources(len(s.target.services), s.target.maxSources)
	out := make([]policy.ServiceEndings, len(s.target.services))
	for i := range out {
		out[i] = policy.ServiceEndings{
			Service: s.target.services[i].Name,
			Ended:   c.ended[i],
			Rest:    policy.EndingsRest{Sources: rests[i].Sources, Ended: rests[i].Held},
		}
		if len(lists[i]) > 0 {
			out[i].Sources = make([]policy.SourceEndings, len(lists[i]))
		}
		for j, source := range lists[i] {
			out[i].Sources[j] = policy.SourceEndings{Source: source.Source, Ended: source.Held}
		}
	}
	return out
}

// usable reports whether a dump of listeners that ended with err is good enough to sort by: one
// that is not whole would shut doors that are open.
func usable(err error) bool { return err == nil || errors.Is(err, errManyListeners) }
