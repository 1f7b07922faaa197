package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
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

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ebbgate"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask ebbgate: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	v, err := decodeAnswer[T](resp.Body, maxAnswer)
	var refusal *Error
	var broken net.Error
	switch {
	case err == nil || errors.As(err, &refusal):
		return v, err
	case errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil:
		return nil, c.explain(ctx, err)
	default:
		return nil, fmt.Errorf("ask ebbgate at %q (HTTP status %d): %w; is it another program's socket?", c.path, resp.StatusCode, err)
	}
}

// explain turns a failure to get an answer into what the caller can act on.
func (c *Client) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("ask ebbgate: %w", ctx.Err())
	case errors.Is(err, fs.ErrPermission):
		return deniedAt(c.path)
	default:
		return &UnreachableError{Path: c.path, Cause: cause(err)}
	}
}
