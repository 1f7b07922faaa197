package notify

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const token = "s3cret-t0ken"

// webhookTo returns a Sender for a test server that trusts its certificate.
func webhookTo(t *testing.T, s *httptest.Server, c WebhookConfig) *Webhook {
	t.Helper()
	if c.URL == "" {
		c.URL = s.URL + "/services/PATHSECRET?key=QUERYSECRET"
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	c.Agent = "ebbgate/test"
	if c.Format == "" {
		c.Format = JSON
	}
	w, err := NewWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	if s.TLS != nil {
		pool := x509.NewCertPool()
		pool.AddCert(s.Certificate())
		trusting := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		trusting.RootCAs = pool
		w.client.Transport.(*http.Transport).TLSClientConfig = trusting
	}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

// hidden fails if an error tells a secret.
func hidden(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "PATHSECRET") || strings.Contains(err.Error(), "QUERYSECRET")) {
		t.Errorf("the error tells a secret: %v", err)
	}
}

func TestWebhookPosts(t *testing.T) {
	var calls atomic.Int32
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		var n Notification
		err := json.NewDecoder(r.Body).Decode(&n)
		if err != nil || r.Method != http.MethodPost || n.Service != "web" || n.Host != "victim" {
			t.Errorf("%s: %+v, %v", r.Method, n, err)
		}
		for name, want := range map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json", "User-Agent": "ebbgate/test"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	for _, s := range []*httptest.Server{httptest.NewServer(handler), httptest.NewTLSServer(handler)} {
		t.Cleanup(s.Close)
		if err := webhookTo(t, s, WebhookConfig{Token: token}).Send(t.Context(), note()); err != nil {
			t.Error(err)
		}
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestWebhookRefused(t *testing.T) {
	for _, tt := range []struct {
		status    int
		after     string
		temporary bool
		wait      time.Duration
	}{
		{400, "", false, 0}, {401, "9", false, 0}, {404, "", false, 0}, {410, "", false, 0},
		{408, "", true, 0}, {429, "7", true, 7 * time.Second}, {500, "", true, 0}, {503, "999999", true, longestAfter}, {502, "soon", true, 0},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tt.after != "" {
				w.Header().Set("Retry-After", tt.after)
			}
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, "\x1b[2J you sent "+r.Header.Get("Authorization")+" to "+r.URL.String()+" "+r.URL.RawQuery+strings.Repeat(" no", 2000))
		}))
		err := webhookTo(t, s, WebhookConfig{Token: token, Secret: true}).Send(t.Context(), note())
		s.Close()
		var temporary *Temporary
		if is := errors.As(err, &temporary); err == nil || is != tt.temporary || is && temporary.After != tt.wait {
			t.Errorf("%d: temporary %t, %+v, %v", tt.status, is, temporary, err)
			continue
		}
		hidden(t, err)
		if strings.Contains(err.Error(), "\x1b") || len(err.Error()) > maxOutput+300 || !strings.Contains(err.Error(), "you sent") {
			t.Errorf("%d: %q", tt.status, err)
		}
	}
}

// TestWebhookHidesBeforeItCuts has a secret lie across each place where an answer is cut off: of what is shown of
// it, and of what is read.
func TestWebhookHidesBeforeItCuts(t *testing.T) {
	long := strings.Repeat("LONGSECRET", 400)
	for name, tt := range map[string]struct{ token, answer string }{
		"shown":      {token, strings.Repeat("x", maxOutput-5) + token},
		"read":       {long, strings.Repeat(long, maxAnswer/len(long)+1)},
		"one before": {token, token + strings.Repeat("x", maxOutput-len("(hidden)")-5) + token + token},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, tt.answer)
		}))
		err := webhookTo(t, s, WebhookConfig{Token: tt.token}).Send(t.Context(), note())
		s.Close()
		if err == nil || !strings.Contains(err.Error(), "it answers 400") || strings.Contains(err.Error(), tt.token[:4]) || len(err.Error()) > maxOutput+300 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWebhookFollowsNoRedirect(t *testing.T) {
	var calls atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/elsewhere/PATHSECRET", status)
		}))
		err := webhookTo(t, s, WebhookConfig{Token: token}).Send(t.Context(), note())
		s.Close()
		var temporary *Temporary
		if err == nil || errors.As(err, &temporary) || !strings.Contains(err.Error(), other.URL) {
			t.Errorf("%d: %v", status, err)
		}
		hidden(t, err)
	}
	if calls.Load() != 0 {
		t.Errorf("%d redirects were followed", calls.Load())
	}
}

// TestWebhookOutlastsItsServer is about servers that do not answer as they should: each costs the time-out at
// most, and little memory.
func TestWebhookOutlastsItsServer(t *testing.T) {
	release := make(chan struct{})
	endless := func(w io.Writer) {
		for block := make([]byte, 64<<10); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		timeout time.Duration
		fails   bool
	}{
		"it never answers":      {func(http.ResponseWriter, *http.Request) { <-release }, 100 * time.Millisecond, true},
		"its answer is endless": {func(w http.ResponseWriter, _ *http.Request) { endless(w) }, time.Minute, false},
		"its refusal is endless": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			endless(w)
		}, time.Minute, true},
		"its answer stands still": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-release
		}, 100 * time.Millisecond, false},
		"its header is endless": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			endless(c)
		}, time.Minute, true},
		"it hangs up": {func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		}, time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(tt.handler)
			err := webhookTo(t, s, WebhookConfig{Token: token, Timeout: tt.timeout}).Send(t.Context(), note())
			var temporary *Temporary
			if (err != nil) != tt.fails || tt.fails && !errors.As(err, &temporary) {
				t.Errorf("got %v", err)
			}
			hidden(t, err)
			s.CloseClientConnections()
		})
	}
	close(release)
}

func TestWebhookVerifiesCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was trusted") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	w := webhookTo(t, s, WebhookConfig{Token: token})
	w.client.Transport.(*http.Transport).TLSClientConfig = nil
	err := w.Send(t.Context(), note())
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	hidden(t, err)
}

func TestEndpoint(t *testing.T) {
	for _, tt := range []struct {
		url    string
		secret bool
		ok     bool
	}{
		{"https://chat.example.org/hook", true, true},
		{"http://chat.example.org/hook", false, true},
		{"http://chat.example.org/hook", true, false},
		{"http://127.0.0.1:8080/x", true, true},
		{"http://[::1]/x", true, true},
		{"http://localhost/x", true, true},
		{"http://localhost.example.org/x", true, false},
		{"http://127.0.0.1.example.org/x", true, false},
		{"https://user:PATHSECRET@chat.example.org/", true, false},
		{"https:///PATHSECRET", true, false},
		{"chat.example.org/PATHSECRET", true, false},
		{"ftp://chat.example.org/PATHSECRET", false, false},
		{"file:///etc/passwd", false, false},
		{"https://chat.example.org/#PATHSECRET", false, false},
		{"https://a b/PATHSECRET", false, false},
		{"", false, false},
	} {
		_, err := parseEndpoint(tt.url, tt.secret)
		if (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.url, err)
		}
		hidden(t, err)
	}
}

func FuzzEndpoint(f *testing.F) {
	for _, u := range []string{"https://h/p", "http://127.0.0.1", "http://[::ffff:127.0.0.1]:1/", "https://u:p@h/", "http://1", "https://%41/"} {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := parseEndpoint(text, true)
		if err != nil {
			return
		}
		req, err := http.NewRequest(http.MethodPost, to.url, nil)
		if err != nil {
			t.Fatalf("%q is taken, and is no address: %v", text, err)
		}
		if req.URL.Scheme != "https" && !loopback(req.URL.Hostname()) || req.URL.User != nil {
			t.Errorf("%q is taken with a secret", text)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "7", "-1", "99999999999999999999", "Sun, 01 Mar 2026 03:00:10 GMT", "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d := retryAfter(text, t0); d < 0 || d > longestAfter {
			t.Errorf("%q: %s", text, d)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "1e3": 0, "999999": longestAfter,
		"Sun, 01 Mar 2026 03:00:10 GMT": 10 * time.Second, "Sun, 01 Mar 2026 02:00:00 GMT": 0} {
		if got := retryAfter(text, t0); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
