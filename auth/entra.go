package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// clouds maps the end of an environment's host to the host that signs in for it.
var clouds = []struct{ suffix, login string }{
	{".dynamics.com", "login.microsoftonline.com"}, // commercial and GCC
	{".microsoftdynamics.us", "login.microsoftonline.us"},
	{".appsplatform.us", "login.microsoftonline.us"},
	{".dynamics.cn", "login.partner.microsoftonline.cn"},
}

// oldLogins are former names of sign-in hosts that environments may still announce.
var oldLogins = map[string]string{
	"login.windows.net":      "login.microsoftonline.com",
	"login.chinacloudapi.cn": "login.partner.microsoftonline.cn",
}

// clientSecret is the client credentials grant of Entra v2: the application signs in as itself.
type clientSecret struct {
	env       *url.URL
	authority *url.URL // nil: follows from what the environment announces
	tenant    string   // "": what the environment announces
	id        string
	secret    Secret
	client    *http.Client
}

func newClientSecret(c Config, env *url.URL) (*clientSecret, error) {
	if c.ClientID == "" {
		return nil, errors.New("client secret without a client id: give the application's id (DYNAMICS_CLIENT_ID)")
	}
	if c.TenantID != "" && !isTenant(c.TenantID) {
		return nil, fmt.Errorf("tenant %q: want a directory id or a domain such as contoso.onmicrosoft.com", c.TenantID)
	}
	authority, err := chooseAuthority(c, env)
	if err != nil {
		return nil, err
	}
	return &clientSecret{
		env: env, authority: authority, tenant: c.TenantID, id: c.ClientID, secret: c.ClientSecret,
		client: &http.Client{
			Transport: c.Transport,
			// A 307 would post the secret again, to whatever host it names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// chooseAuthority takes the configured one, else the cloud's; nil when only the environment can tell.
func chooseAuthority(c Config, env *url.URL) (*url.URL, error) {
	if c.Authority != "" {
		authority, err := origin(c.Authority)
		if err != nil {
			return nil, fmt.Errorf("authority %w", err)
		}
		return authority, nil
	}
	for _, cloud := range clouds {
		if strings.HasSuffix(env.Hostname(), cloud.suffix) {
			return &url.URL{Scheme: "https", Host: cloud.login}, nil
		}
	}
	if c.TenantID != "" {
		return nil, fmt.Errorf("environment %s is in no known cloud: give the authority that signs in for it (DYNAMICS_AUTHORITY)", env)
	}
	return nil, nil
}

func (g *clientSecret) Token(ctx context.Context) (*oauth2.Token, error) {
	authority, tenant := g.authority, g.tenant
	if tenant == "" {
		var err error
		if authority, tenant, err = g.discover(ctx); err != nil {
			return nil, err
		}
	}
	config := clientcredentials.Config{
		ClientID:     g.id,
		ClientSecret: g.secret.Reveal(),
		TokenURL:     authority.JoinPath(tenant, "oauth2/v2.0/token").String(),
		Scopes:       []string{g.env.String() + "/.default"},
		AuthStyle:    oauth2.AuthStyleInParams, // guessing the style would send each wrong secret twice
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, g.client))
	if err != nil {
		return nil, g.explain(err, authority)
	}
	return token, nil
}

// explain turns a failed exchange into words.
func (g *clientSecret) explain(err error, authority *url.URL) *Error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok && errors.Is(err, context.DeadlineExceeded) {
		return &Error{Temporary: true, Err: err,
			Message: fmt.Sprintf("%s did not answer within %s", authority.Host, fetchTimeout)}
	}
	if !ok {
		return &Error{Temporary: true, Err: err,
			Message: fmt.Sprintf("%s gave no token: %s", authority.Host, g.clean(rootText(err)))}
	}
	status := refused.Response.StatusCode
	if status >= 300 && status < 400 {
		return &Error{Err: err, Message: fmt.Sprintf("%s answered with a redirect (%d), which is not followed: check the authority (DYNAMICS_AUTHORITY)", authority.Host, status)}
	}
	temporary := status >= 500 || status == http.StatusTooManyRequests || refused.ErrorCode == "temporarily_unavailable"
	if e := explainCode(refused.ErrorDescription); e != nil {
		e.Message, e.Temporary, e.Err = g.clean(e.Message), temporary, err
		return e
	}
	next := "; check the client id, secret and tenant"
	if temporary { // nothing is wrong with them
		next = ""
	}
	if refused.ErrorCode == "" {
		return &Error{Temporary: temporary, Err: err, Message: fmt.Sprintf("%s answered %d without saying why%s", authority.Host, status, next)}
	}
	return &Error{Code: refused.ErrorCode, Temporary: temporary, Err: err,
		Message: fmt.Sprintf("%s refused: %s: %s%s", authority.Host, refused.ErrorCode, g.clean(firstLine(refused.ErrorDescription)), next)}
}

// clean removes the secret, should a service ever repeat it.
func (g *clientSecret) clean(s string) string {
	secret := g.secret.Reveal()
	if len(secret) >= shortSecret {
		return strings.ReplaceAll(s, secret, redacted)
	}
	return regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(secret)+`(\W|$)`).ReplaceAllString(s, "${1}"+redacted+"${2}")
}

// shortSecret is the length below which a secret may well be part of a word.
const shortSecret = 6

// rootText leaves the URL of a *url.Error out.
func rootText(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

const lineLimit = 300

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > lineLimit {
		return string(runes[:lineLimit]) + "…"
	}
	return s
}
