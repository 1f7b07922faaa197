package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Kind names what is wrong with a request, for scripts.
type Kind string

// The kinds of error and the HTTP status each is answered with.
const (
	KindInvalid   Kind = "invalid"            // 400: the message says what is allowed
	KindForbidden Kind = "forbidden"          // 403
	KindNotFound  Kind = "not_found"          // 404
	KindMethod    Kind = "method_not_allowed" // 405
	KindFull      Kind = "full"               // 409: there is no room for one more
	KindRefused   Kind = "refused"            // 409: something else has to be changed first; the message says what
	KindTooLarge  Kind = "too_large"          // 413
	KindInternal  Kind = "internal"           // 500
	KindStarting  Kind = "starting"           // 503: nothing was published yet
	KindBusy      Kind = "busy"               // 503: too much waits already; nothing was changed
	KindTimeout   Kind = "timeout"            // 504: the message says whether anything was changed
)

func (k Kind) status() int {
	switch k {
	case KindInvalid:
		return http.StatusBadRequest
	case KindForbidden:
		return http.StatusForbidden
	case KindNotFound:
		return http.StatusNotFound
	case KindMethod:
		return http.StatusMethodNotAllowed
	case KindFull, KindRefused:
		return http.StatusConflict
	case KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case KindStarting, KindBusy:
		return http.StatusServiceUnavailable
	case KindTimeout:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

// ErrForbidden is matched by every error that says the caller may not do what he asked, whether
// the socket file's mode or the daemon said so.
var ErrForbidden = errors.New("not permitted")

// Error is the daemon's answer when it refuses a request.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
}

// Error returns the message, safe to print on a terminal.
func (e *Error) Error() string { return Escape(e.Message) }

// Is makes a forbidden answer match ErrForbidden.
func (e *Error) Is(target error) bool { return target == ErrForbidden && e.Kind == KindForbidden }

// envelope is the one form of answer: exactly one of the two is set.
type envelope[T any] struct {
	Result *T     `json:"result,omitempty"`
	Error  *Error `json:"error,omitempty"`
}

// maxAnswer bounds what a client reads: two rulesets with 100,000 elements each fit.
const maxAnswer = 64 << 20

// decodeAnswer reads one envelope of at most limit bytes. Unknown fields are left alone, since a
// newer daemon may send them; anything after the envelope, and an envelope with neither or both
// parts, is an error.
func decodeAnswer[T any](r io.Reader, limit int64) (*T, error) {
	limited := &io.LimitedReader{R: r, N: limit + 1}
	dec := json.NewDecoder(limited)
	var e envelope[T]
	err := dec.Decode(&e)
	if limited.N <= 0 {
		return nil, fmt.Errorf("decode answer: longer than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("decode answer: more follows the first object")
	}
	switch {
	case e.Error != nil && e.Result == nil:
		return nil, e.Error
	case e.Error == nil && e.Result != nil:
		return e.Result, nil
	default:
		return nil, errors.New(`decode answer: want exactly one of "result" and "error"`)
	}
}
