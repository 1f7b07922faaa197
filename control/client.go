package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// answerTimeout bounds one request when the caller's context does not.
const answerTimeout = 10 * time.Second

// Client asks a daemon. It may be used by several goroutines.
type Client struct {
	path string
	http *http.Client
}

// Dial returns a client for the daemon whose socket is at path. It connects with the first
// request, and again when the daemon was restarted.
func Dial(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: &http.Client{
		Timeout: answerTimeout,
		Transport: &http.Transport{
			DialContext:            dial,
			DisableCompression:     true,
			MaxIdleConns:           1,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeader,
		},
	}}
}

// Close drops idle connections. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks for the daemon's latest status. Errors match ErrUnreachable when no daemon
// answers, ErrForbidden when the caller may not ask, and are an *Error when it refuses.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return get[Status](ctx, c, "/v1/status")
}

// Ruleset asks for the rules in force; errors are those of Status.
func (c *Client) Ruleset(ctx context.Context) (*Ruleset, error) {
	return get[Ruleset](ctx, c, "/v1/ruleset")
}

// Attacks asks for the attacks that are open and those that ended last; errors are those of Status.
func (c *Client) Attacks(ctx context.Context) (*Attacks, error) {
	return get[Attacks](ctx, c, "/v1/attacks")
}

// AttacksOf asks for some of them; errors are those of Status.
func (c *Client) AttacksOf(ctx context.Context, r AttacksRequest) (*Attacks, error) {
	return get[Attacks](ctx, c, "/v1/attacks?"+r.query().Encode())
}

// Attack asks for one attack by its id; errors are those of Status. That there is none is an *Error
// of KindNotFound.
func (c *Client) Attack(ctx context.Context, id string) (*Attack, error) {
	return get[Attack](ctx, c, "/v1/attacks?id="+url.QueryEscape(id))
}

// Samples asks how an attack went; errors are those of Attack.
func (c *Client) Samples(ctx context.Context, id string) (*Samples, error) {
	return get[Samples](ctx, c, "/v1/samples?id="+url.QueryEscape(id))
}

// Explain asks what holds for an address; errors are those of Status.
func (c *Client) Explain(ctx context.Context, addr netip.Addr) (*Explanation, error) {
	return get[Explanation](ctx, c, "/v1/explain?address="+url.QueryEscape(addr.String()))
}

// Exempt asks for an exemption and returns when it is in force. Errors are those of Status; only
// root may.
func (c *Client) Exempt(ctx context.Context, r ExemptRequest) (*Exempted, error) {
	return post[Exempted](ctx, c, "/v1/exempt", r)
}

// Unexempt ends an exemption and returns the one that was ended. Errors are those of Exempt; that
// there is none is an *Error of KindNotFound.
func (c *Client) Unexempt(ctx context.Context, r UnexemptRequest) (*Exempted, error) {
	return post[Exempted](ctx, c, "/v1/unexempt", r)
}

// Reload asks the daemon to load its policy file again, and returns what came of it when the kernel
// knows; Refusal says whether that is a bad policy. Errors are those of Status; only root may, and
// the user the daemon runs as.
func (c *Client) Reload(ctx context.Context) (*Reload, error) {
	return post[Reload](ctx, c, "/v1/reload", struct{}{})
}

// ReloadFor is Reload of a policy that is on trial for so long: then the one before it is in force again,
// unless Confirm was called. 0 is for good.
func (c *Client) ReloadFor(ctx context.Context, trial time.Duration) (*Reload, error) {
	return post[Reload](ctx, c, "/v1/reload", ReloadRequest{For: Duration(trial)})
}

// Confirm lets everything stay that is on trial. Errors are those of Exempt; that nothing is on trial is an
// *Error of KindNotFound.
func (c *Client) Confirm(ctx context.Context) (*Confirmed, error) {
	return post[Confirmed](ctx, c, "/v1/confirm", struct{}{})
}

// Sources asks who holds connections, and what holds for them; errors are those of Status.
func (c *Client) Sources(ctx context.Context, r SourcesRequest) (*Sources, error) {
	return get[Sources](ctx, c, "/v1/sources?"+r.query().Encode())
}

// Events asks for the events after one, and waits for the first to come: for at most so long, and no longer
// than LongestWait. Of 0 it asks for those that are kept. Errors are those of Status; that too many wait
// already is an *Error of KindBusy.
func (c *Client) Events(ctx context.Context, after uint64, wait time.Duration) (*Events, error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}}
	if wait > 0 {
		q.Set("wait", strconv.FormatFloat(min(wait, LongestWait).Seconds(), 'f', -1, 64))
	}
	return get[Events](ctx, c, "/v1/events?"+q.Encode())
}

// Block asks for a block and returns when it is in force. Errors are those of Exempt.
func (c *Client) Block(ctx context.Context, r BlockRequest) (*Blocked, error) {
	return post[Blocked](ctx, c, "/v1/block", r)
}

// Unblock ends what blocks or limits a prefix, and returns what was ended. Errors are those of Exempt; that
// there is nothing is an *Error of KindNotFound.
func (c *Client) Unblock(ctx context.Context, r UnblockRequest) (*Blocked, error) {
	return post[Blocked](ctx, c, "/v1/unblock", r)
}

// Mode changes the mode of services and returns when it is in force. Errors are those of Exempt.
func (c *Client) Mode(ctx context.Context, r ModeRequest) (*Moded, error) {
	return post[Moded](ctx, c, "/v1/mode", r)
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	return request[T](ctx, c, http.MethodGet, path, nil)
}

func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("ask ebbgate: %w", err)
	}
	return request[T](ctx, c, http.MethodPost, path, b)
}

func request[T any](ctx context.Context, c *Client, method, path string, body []byte) (*T, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://ebbgate"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask ebbgate: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(ctx, method, err)
	}
	defer func() { _ = resp.Body.Close() }()
	v, err := decodeAnswer[T](resp.Body, maxAnswer)
	var refusal *Error
	var broken net.Error
	switch {
	case err == nil || errors.As(err, &refusal):
		return v, err
	case errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil:
		return nil, c.explain(ctx, method, err)
	default:
		return nil, fmt.Errorf("ask ebbgate at %q (HTTP status %d): %w; is it another program's socket?", c.path, resp.StatusCode, err)
	}
}

// explain turns a failure to get an answer into what the caller can act on. A group that may connect may
// still not change anything.
func (c *Client) explain(ctx context.Context, method string, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && method == http.MethodGet:
		return &UnreachableError{Path: c.path, Cause: errors.New("it does not answer")}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &UnreachableError{Path: c.path, Cause: errors.New("it does not answer, and what it was told may be carried out later")}
	case ctx.Err() != nil:
		return fmt.Errorf("ask ebbgate: %w", ctx.Err())
	case errors.Is(err, fs.ErrPermission) && method == http.MethodGet:
		return deniedAt(c.path)
	case errors.Is(err, fs.ErrPermission):
		return &DeniedError{Path: c.path}
	default:
		return &UnreachableError{Path: c.path, Cause: cause(err)}
	}
}
