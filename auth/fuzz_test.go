package auth

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func FuzzAnnouncedSignInService(f *testing.F) {
	for _, s := range []string{
		"https://login.microsoftonline.com/t1/oauth2/authorize", "https://login.windows.net/t1/x", "https://login.microsoftonline.com@evil.example/t1",
		"https://login.microsoftonline.com:444/t1", "https://login.microsoftonline.us/..%2f/x", "//login.microsoftonline.com/t",
	} {
		f.Add(s)
	}
	known := []string{"https://login.microsoftonline.com", "https://login.microsoftonline.us", "https://login.partner.microsoftonline.cn"}
	f.Fuzz(func(t *testing.T, announced string) {
		g := &clientSecret{env: &url.URL{Scheme: "https", Host: "crm.custom.example"}}
		authority, tenant, err := g.accept(announced)
		if err != nil {
			return
		}
		if !slices.Contains(known, authority.String()) || strings.ContainsAny(tenant, "/\\?#%@:") {
			t.Errorf("%q: accepted %s with tenant %q", announced, authority, tenant)
		}
	})
}

func FuzzTokenCommandOutput(f *testing.F) {
	for _, s := range []string{"abc", `"abc"`, `{"accessToken":"a","expires_on":1}`, `{"access_token":"a","expires_in":"9"}`, "a\r\nb: c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, out string) {
		c := &commandToken{now: time.Now}
		token, err := c.parse(out)
		if err != nil {
			return
		}
		if token.AccessToken == "" || strings.ContainsAny(token.AccessToken, " \r\n\t\x00") || token.Expiry.IsZero() {
			t.Errorf("%q: token %q until %s", out, token.AccessToken, token.Expiry)
		}
	})
}
