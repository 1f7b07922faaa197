package control

import (
	"fmt"
	"sync"
)

const (
	// maxUnread bounds the bytes of the answers that are under way. A client that does not read keeps what he
	// is sent until he is cut, and with 100,000 limited sources a ruleset is 10 MB and another one each turn.
	maxUnread = 96 << 20
	// viewersUnread of them are for viewers: none can keep an answer from who may act.
	viewersUnread = 64 << 20
	// smallAnswer is what is never refused: the kernel's buffer takes most of it.
	smallAnswer = 64 << 10
)

// unread counts the answers under way. One that many are sent at once is in memory once, and counts once.
type unread struct {
	mu     sync.Mutex
	bodies map[*byte]int // how many are sent it
	bytes  int
}

// take makes room for an answer, or says that there is none. The first is always let througu.
func (u *unread) take(body []byte, viewer bool) (release func(), refusal *Error) {
	if len(body) <= smallAnswer {
		return func() {}, nil
	}
	most := maxUnread
	if viewer {
		most = viewersUnread
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bodies == nil {
		u.bodies = make(map[*byte]int)
	}
	key := &body[0]
	if u.bodies[key] == 0 {
		if u.bytes > 0 && u.bytes+len(body) > most {
			return nil, &Error{Kind: KindBusy, Message: fmt.Sprintf("answers of %d MiB wait for clients who do not read them: try again in some seconds", u.bytes>>20)}
		}
		u.bytes += len(body)
	}
	u.bodies[key]++
	return func() { u.release(body) }, nil
}

func (u *unread) release(body []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := &body[0]
	if u.bodies[key]--; u.bodies[key] == 0 {
		delete(u.bodies, key)
		u.bytes -= len(body)
	}
}
