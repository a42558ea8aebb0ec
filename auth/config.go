package auth

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says how to sign in to one environment. It holds exactly one of: ClientID with ClientSecret, Token,
// or TokenCommand.
type Config struct {
	URL string // the environment, https://org.crm4.dynamics.com

	TenantID     string // directory id or domain; "" asks the environment
	ClientID     string
	ClientSecret Secret
	Authority    string // sign-in service, https://login.microsoftonline.com; "" follows from URL

	Token        Secret   // an access token that somebody else got and renews
	TokenCommand []string // program and arguments; prints a token

	Transport http.RoundTripper // to the sign-in service; nil: http.DefaultTransport
	Now       func() time.Time  // nil: time.Now
}

// NewSource checks c and returns the Source for it. It reaches out to nothing: the sign-in happens with the
// first Token.
func NewSource(c Config) (*Source, error) {
	env, err := origin(c.URL)
	if err != nil {
		return nil, fmt.Errorf("environment URL %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	kinds := 0
	for _, given := range []bool{!c.ClientSecret.IsZero(), !c.Token.IsZero(), len(c.TokenCommand) > 0} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return nil, errors.New("no credentials: give a client id and client secret, a token, or a token command")
	case kinds > 1:
		return nil, errors.New("more than one kind of credentials: keep one of client secret, token and token command")
	case !c.Token.IsZero() && !isToken(c.Token.Reveal()):
		return nil, errors.New("the access token holds blanks or line breaks: give the token alone")
	case !c.Token.IsZero():
		return newSource(newStaticToken(c.Token, c.Now), c.Now), nil
	case len(c.TokenCommand) > 0:
		return newSource(&commandToken{argv: c.TokenCommand, now: c.Now}, c.Now), nil
	}
	g, err := newClientSecret(c, env)
	if err != nil {
		return nil, err
	}
	return newSource(g, c.Now), nil
}

// origin returns scheme and host of raw. Plain http is for this machine only, where no one listens in.
func origin(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%q: want https://HOST", withoutQuery(raw))
	}
	o := &url.URL{Scheme: strings.ToLower(u.Scheme), Host: canonicalHost(u)}
	if o.Scheme == "https" || o.Scheme == "http" && isLoopback(u.Hostname()) {
		return o, nil
	}
	return nil, fmt.Errorf("%q: want https (http is accepted for this machine only)", withoutQuery(raw))
}

// canonicalHost is lower case and without the scheme's own port.
func canonicalHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch strings.ToLower(u.Scheme) {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	}
	return host
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// withoutQuery keeps user names, passwords and signatures in a mistyped URL out of the message.
func withoutQuery(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	if _, after, found := strings.Cut(raw, "@"); found {
		return "…@" + after
	}
	return raw
}
