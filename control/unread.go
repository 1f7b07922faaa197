package control

import (
	"context"
	"fmt"
	"sync"
)

const (
	// maxHeld bounds the bytes of the answers that are under way. A client that does not read holds what he
	// is sent until he is cut, and with 100,000 limited sources a ruleset is 10 MB and another one each turn.
	maxHeld = 96 << 20
	// viewersHeld of them are for viewers: none can keep an answer from who may act.
	viewersHeld = 64 << 20
	// smallAnswer is what is never refused: the kernel's buffer takes most of it.
	smallAnswer = 64 << 10
)

// unread counts the answers under way. One that many are sent at once is in memory once, and counts once.
type unread struct {
	mu     sync.Mutex
	bodies map[*byte]int // how many are sent it
	bytes  int
}

// take makes room for an answer, or says that there is none. The first is always let through.
func (h *unread) take(body []byte, viewer bool) (release func(), refusal *Error) {
	if len(body) <= smallAnswer {
		return func() {}, nil
	}
	most := maxHeld
	if viewer {
		most = viewersHeld
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bodies == nil {
		h.bodies = make(map[*byte]int)
	}
	key := &body[0]
	if h.bodies[key] == 0 {
		if h.bytes > 0 && h.bytes+len(body) > most {
			return nil, &Error{Kind: KindBusy, Message: fmt.Sprintf("answers of %d MiB wait for clients who do not read them: try again in some seconds", h.bytes>>20)}
		}
		h.bytes += len(body)
	}
	h.bodies[key]++
	return func() { h.release(body) }, nil
}

func (h *unread) release(body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := &body[0]
	if h.bodies[key]--; h.bodies[key] == 0 {
		delete(h.bodies, key)
		h.bytes -= len(body)
	}
}

type heldKey struct{}

// withHeld returns a context by which a request finds where its answer counts.
func withHeld(ctx context.Context, h *unread) context.Context {
	return context.WithValue(ctx, heldKey{}, h)
}

// hold counts an answer where the request's context says; nowhere if it does not.
func hold(ctx context.Context, body []byte, viewer bool) (release func(), refusal *Error) {
	if h, ok := ctx.Value(heldKey{}).(*unread); ok {
		return h.take(body, viewer)
	}
	return func() {}, nil
}
