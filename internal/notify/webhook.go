package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ebbgate/control"
)

// maxAnswer bounds what is read of an answer, so that its connection can be used again.
const maxAnswer = 64 << 10

// maxAnswerHeader bounds the header of an answer.
const maxAnswerHeader = 64 << 10

// Webhook is a Sender that posts each notification to one address. It follows no redirect, shows neither
// path nor token in an error, and reads 64 KiB of an answer at most.
type Webhook struct {
	to      endpoint
	token   string
	secrets []string // what no text may repeat, the longest first
	format  Format
	agent   string
	client  *http.Client
}

// WebhookConfig says where and how to post.
type WebhookConfig struct {
	URL     string // https://, or http://: with a secret to this host only
	Secret  bool   // the URL came by a credential
	Token   string // sent as Authorization: Bearer; empty: none
	Format  Format
	Timeout time.Duration // of one try, from the look-up of the name to the end of the answer
	Agent   string        // User-Agent
}

// NewWebhook returns a Sender. A URL that is none, or would tell a secret to the network, is an error. The
// host's certificate is verified by the host's own authorities, and proxies are those of the environment
// (net/http.ProxyFromEnvironment).
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	to, err := parseEndpoint(c.URL, c.Secret || c.Token != "")
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
	client := &http.Client{Timeout: c.Timeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Webhook{to: to, token: c.Token, secrets: secretsOf(to.url, c.Token), format: c.Format, agent: c.Agent, client: client}, nil
}

// Send posts once. Status 408, 425, 429 and those from 500 on are temporary, like every failure of the network.
func (w *Webhook) Send(ctx context.Context, n *Notification) error {
	body, err := w.format.body(n)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.to.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post to %s: not an address", w.to.origin)
	}
	req.Header.Set("Content-Type", w.format.contentType())
	req.Header.Set("User-Agent", w.agent)
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return &Temporary{Err: fmt.Errorf("post to %s: %s", w.to.origin, w.redact(requestCause(err)))}
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what it says is for people: half of it will do
	return w.judge(resp, w.said(answer, err == nil && len(answer) < maxAnswer))
}

// judge turns an answer into an error, if it is one.
func (w *Webhook) judge(resp *http.Response, said string) error {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	if status >= 300 && status < 400 {
		return fmt.Errorf("post to %s: it answers %d, a redirect to %s, which is not followed: use the address it moved to",
			w.to.origin, status, redirected(resp))
	}
	err := fmt.Errorf("post to %s: it answers %d: \"%s\"", w.to.origin, status, said)
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
	default:
		if status < 500 {
			return err
		}
	}
	return &Temporary{Err: err, After: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
}

// redirected names the host a redirect leads to, without a path.
func redirected(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	return control.Escape(to.Scheme + "://" + to.Host)
}

// said is what an answer says for people: safe to print, without secrets, and of maxOutput bytes at most. Secrets are
// taken out before anything is cut off, and where the answer has not ended so is what may be half of one.
func (w *Webhook) said(body []byte, whole bool) string {
	text := w.redact(string(body))
	if !whole && len(w.secrets) > 0 {
		text = text[:max(0, len(text)-len(w.secrets[0]))]
	}
	var out output
	_, _ = out.Write([]byte(text))
	return out.text()
}

// secretsOf returns what must not be repeated, the longest first. Whatever is short is no secret.
func secretsOf(address, token string) []string {
	secrets := []string{token, address}
	if u, err := url.Parse(address); err == nil {
		secrets = append(secrets, u.RequestURI(), u.Path, u.RawQuery)
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < 4 })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return secrets
}

// redact takes secrets out of a text that may repeat what was sent.
func (w *Webhook) redact(text string) string {
	for _, secret := range w.secrets {
		text = strings.ReplaceAll(text, secret, "(hidden)")
	}
	return text
}

// requestCause is the text of an error of net/http without the address.
func requestCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return control.Escape(err.Error())
}

// retryAfter reads the header of RFC 9110, 10.2.3: seconds or a date. What is neither, or past, is 0; it
// is longestAfter at most.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, longestAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), longestAfter)
}
