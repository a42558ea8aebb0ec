package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	announcedURI  = regexp.MustCompile(`(?i)\bauthorization_uri\s*=\s*"?([^",\s]+)`)
	tenantPattern = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?$`)
)

// isTenant refuses the names that stand for any tenant: an application signs in to one.
func isTenant(s string) bool {
	return tenantPattern.MatchString(s) &&
		!slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(s))
}

// discover asks the environment, without a token, which sign-in service and tenant it belongs to.
func (g *clientSecret) discover(ctx context.Context) (authority *url.URL, tenant string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.env.JoinPath("api/data/v9.2/WhoAmI").String(), http.NoBody)
	if err != nil {
		return nil, "", err
	}
	resp, err := g.client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, "", &Error{Temporary: true, Err: err, Message: fmt.Sprintf(
			"%s did not answer within %s, so its tenant is unknown", g.env.Host, fetchTimeout)}
	}
	if err != nil {
		return nil, "", &Error{Temporary: true, Err: err, Message: fmt.Sprintf(
			"%s is out of reach, so its tenant is unknown: %s", g.env.Host, rootText(err))}
	}
	_ = resp.Body.Close()
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if m := announcedURI.FindStringSubmatch(challenge); m != nil {
			return g.accept(m[1])
		}
	}
	return nil, "", &Error{Temporary: resp.StatusCode >= 500, Message: fmt.Sprintf(
		"%s answered %d and named no tenant: check the environment URL, or give the tenant id (DYNAMICS_TENANT_ID)", g.env.Host, resp.StatusCode)}
}

// accept takes the announcement only when its host is the one that this environment's cloud, or the
// configuration, names: anyone else would be handed the secret.
func (g *clientSecret) accept(announced string) (authority *url.URL, tenant string, err error) {
	u, err := url.Parse(announced)
	if err != nil || u.Host == "" {
		return nil, "", denied(fmt.Sprintf("%s announced a sign-in address that is no URL: give the tenant id (DYNAMICS_TENANT_ID)", g.env.Host))
	}
	tenant, _, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	host := canonicalHost(u)
	if current, ok := oldLogins[host]; ok {
		host = current
	}
	authority = g.authority
	if authority == nil && isLogin(host) {
		authority = &url.URL{Scheme: "https", Host: host}
	}
	if authority == nil || authority.Host != host || authority.Scheme != strings.ToLower(u.Scheme) {
		return nil, "", denied(fmt.Sprintf(
			"%s announced the sign-in service %s, which is not its cloud's: set the authority (DYNAMICS_AUTHORITY) if that is right", g.env.Host, u.Host))
	}
	if !isTenant(tenant) {
		return nil, "", denied(fmt.Sprintf("%s announced no tenant of its own (%q): give the tenant id (DYNAMICS_TENANT_ID)", g.env.Host, tenant))
	}
	return authority, tenant, nil
}

func isLogin(host string) bool {
	for _, cloud := range clouds {
		if cloud.login == host {
			return true
		}
	}
	return false
}
