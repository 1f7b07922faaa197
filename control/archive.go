package control

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Archive is what is kept of attacks on a disk. Its methods may be called by any goroutine and may wait for
// the disk.
type Archive interface {
	// Attacks returns up to most of those that are wanted and have numbers less than before, the newest first,
	// and whether there are more.
	Attacks(before uint64, most int, wanted func(*Attack) bool) (list []Attack, more bool, err error)
	Attack(id uint64) (*Attack, error)   // nil: it is not kept
	Samples(id uint64) (*Samples, error) // nil: they are not kept
}

// Archive lets the server answer from an archive what is not published any more. It is called before Run, if
// at all. One question at a time is put to the archive.
func (s *Server) Archive(a Archive) { s.archive = a }

// MaxListed bounds the attacks of one answer to a request for some of them.
const MaxListed = 1000

// listAttacks answers a request for some of the attacks: from what is published, and then from the archive.
func (s *Server) listAttacks(r *http.Request, request AttacksRequest, published *Attacks) ([]byte, error) {
	out := published.Select(request)
	most := cmp.Or(request.Limit, MaxListed)
	if s.archive != nil && !request.Open {
		leave, err := enter(r.Context(), s.disk, "what is on the disk")
		if err != nil {
			return nil, err
		}
		old, more, err := s.archive.Attacks(cmp.Or(request.Before, math.MaxUint64), most, func(a *Attack) bool {
			return request.wants(a) && !slices.ContainsFunc(published.Attacks, func(p Attack) bool { return p.ID == a.ID })
		})
		leave()
		if err != nil {
			return nil, &Error{Kind: KindInternal, Message: err.Error()}
		}
		out.Attacks, out.More = append(out.Attacks, boundedAttacks(old)...), more
	}
	slices.SortStableFunc(out.Attacks, func(a, b Attack) int { return cmp.Compare(b.number(), a.number()) })
	if len(out.Attacks) > most {
		out.Attacks, out.More = out.Attacks[:most], true
	}
	return json.Marshal(envelope[Attacks]{Result: out})
}

// number is the number of an attack, and 0 if it has none.
func (a *Attack) number() uint64 {
	n, err := ParseAttackID(a.ID)
	if err != nil {
		return 0
	}
	return n
}

// archived returns what the archive has of a number, or nil.
func archived[T any](s *Server, r *http.Request, id uint64, ask func(uint64) (*T, error)) (*T, error) {
	leave, err := enter(r.Context(), s.disk, "what is on the disk")
	if err != nil {
		return nil, err
	}
	defer leave()
	found, err := ask(id)
	if err != nil {
		return nil, &Error{Kind: KindInternal, Message: err.Error()}
	}
	return found, nil
}

// answerSamples answers how the attack of the query went.
func (s *Server) answerSamples(r *http.Request) ([]byte, error) {
	id, err := queryAttackID(r.URL.Query(), "id")
	if err != nil {
		return nil, err
	}
	if s.archive == nil {
		return nil, &Error{Kind: KindNotFound, Message: "no history is kept: history.path is empty in the policy the daemon was started with"}
	}
	found, err := archived(s, r, id, s.archive.Samples)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, &Error{Kind: KindNotFound, Message: "how attack " + strconv.FormatUint(id, 10) + " went is not kept: it is not known, ended too long ago, or began seconds ago"}
	}
	found.Samples = notNil(found.Samples)
	return json.Marshal(envelope[Samples]{Result: found})
}

// ParseAttackID reads the ID of an attack.
func ParseAttackID(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not the ID of an attack; it must be a number of 1 or more, as ebbgate attacks shows", clip(text))
	}
	return n, nil
}

// queryAttackID reads a parameter that is the ID of an attack.
func queryAttackID(q url.Values, name string) (uint64, error) {
	n, err := ParseAttackID(q.Get(name))
	if err != nil {
		return 0, invalid("%s: %v", name, err)
	}
	return n, nil
}
