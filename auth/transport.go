package auth

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// Transport returns a RoundTripper that adds the token of source to requests to envURL's scheme and host, and
// refuses every other address: a redirect or a next link cannot carry the token away. base nil means
// http.DefaultTransport.
func Transport(source *Source, envURL string, base http.RoundTripper) (http.RoundTripper, error) {
	env, err := origin(envURL)
	if err != nil {
		return nil, fmt.Errorf("environment URL %w", err)
	}
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{source: source, env: env, base: base}, nil
}

type transport struct {
	source *Source
	env    *url.URL
	base   http.RoundTripper
}

// RoundTrip sends req with the token. After a 401 it tries once more, if there is a different token to try and
// the body can be sent again.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != t.env.Scheme || canonicalHost(req.URL) != t.env.Host || req.URL.User != nil {
		closeBody(req)
		return nil, denied(fmt.Sprintf("request to %s refused: the token is for %s only", req.URL.Host, t.env.Host))
	}
	token, err := t.source.Token(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.base.RoundTrip(withToken(req, token, req.Body))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	return t.again(req, token, resp)
}

// again answers the 401 in refused with a second try, or hands it on.
func (t *transport) again(req *http.Request, old *oauth2.Token, refused *http.Response) (*http.Response, error) {
	t.source.Drop(old)
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return refused, nil
	}
	token, err := t.source.Token(req.Context())
	if err == nil && token.AccessToken == old.AccessToken {
		return refused, nil
	}
	_, _ = io.CopyN(io.Discard, refused.Body, 4<<10) // so that the connection can be used again
	_ = refused.Body.Close()
	if err != nil {
		return nil, err
	}
	body := req.Body
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.base.RoundTrip(withToken(req, token, body))
}

// withToken copies req: a RoundTripper may not change the caller's.
func withToken(req *http.Request, token *oauth2.Token, body io.ReadCloser) *http.Request {
	out := req.Clone(req.Context())
	out.Body = body
	out.Header.Set("Authorization", "Bearer "+token.AccessToken)
	return out
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
