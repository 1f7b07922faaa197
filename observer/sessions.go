package observer

import (
	"slices"
	"time"

	"ebbgate/internal/login"
	"ebbgate/policy"
)

// sessionsEvery is the least time between two readings of who is logged in.
const sessionsEvery = time.Second

// sessions reports who is logged in from elsewhere, where a service's listener is sshd's: elsewhere
// nobody is exempt for it.
type sessions struct {
	reader *login.Reader
	at     policy.Instant // of the last reading
	read   bool           // at is set
	last   []policy.Session
	err    error
}

// observe adds to an observation with listeners. Between two readings it repeats the last one.
func (s *sessions) observe(obs *policy.Observation, t *target) {
	if !slices.ContainsFunc(obs.Listeners, func(l policy.Listener) bool { return l.SSH }) {
		s.last, s.err, s.read = nil, nil, false
		return
	}
	if !s.read || obs.At.Sub(s.at) >= sessionsEvery {
		s.last, s.err = s.reader.Sessions(t.sshGroups)
		s.at, s.read = obs.At, true
	}
	obs.Sessions = slices.Clone(s.last)
	if s.err != nil {
		obs.Faults = append(obs.Faults, policy.Fault{Part: "sessions", Text: s.err.Error()})
	}
}
