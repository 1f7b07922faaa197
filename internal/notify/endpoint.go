package notify

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
)

// endpoint is where a webhook is. Its path may be a secret: only origin is for people.
type endpoint struct {
	url    string
	origin string // scheme and host
}

// parseEndpoint reads an address. With a secret in it or beside it, plain HTTP is for this host alone. No
// error has more of it than scheme and host.
func parseEndpoint(text string, secret bool) (endpoint, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return endpoint{}, errors.New("webhook: not an address; must be like https://chat.example.org/hook")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return endpoint{}, errors.New("webhook: must begin with https:// and a host, or with http://")
	case u.User != nil:
		return endpoint{}, fmt.Errorf("webhook at %s: must not have a user or password in it; a token can be a credential", u.Host)
	case u.Fragment != "":
		return endpoint{}, fmt.Errorf("webhook at %s: must not have a fragment, which is never sent", u.Host)
	case u.Scheme == "http" && secret && !loopback(u.Hostname()):
		return endpoint{}, fmt.Errorf("webhook at http://%s: a credential is sent by https:// only, or to this host", u.Host)
	}
	return endpoint{url: u.String(), origin: u.Scheme + "://" + u.Host}, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
