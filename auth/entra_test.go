package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const canary = "s3cret-canary-7Hq"

// entra is a sign-in service on this machine that numbers the tokens it gives.
type entra struct {
	*httptest.Server
	exchanges atomic.Int32
	last      atomic.Pointer[http.Request]
	answer    atomic.Pointer[http.HandlerFunc] // nil: a token
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func startEntra(t *testing.T) *entra {
	t.Helper()
	e := &entra{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // the environment, asked without a token
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(
				"Bearer authorization_uri=%s/contoso.example/oauth2/authorize, resource_id=%s/", e.URL, e.URL))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = r.ParseForm()
		e.last.Store(r)
		n := e.exchanges.Add(1)
		if answer := e.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"token-%d"}`, n)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *entra) refuse(status int, body string) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	e.answer.Store(&answer)
}

func (e *entra) config() Config {
	return Config{URL: e.URL, Authority: e.URL, TenantID: "contoso.example", ClientID: "app", ClientSecret: NewSecret(canary)}
}

func newTestSource(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := NewSource(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func aadsts(code, text string) string {
	b, _ := json.Marshal(map[string]string{"error": "invalid_client", "error_description": code + ": " + text + "\r\nTrace ID: 1"})
	return string(b)
}

func TestClientSecretIsSentOnceInTheForm(t *testing.T) {
	e := startEntra(t)
	token, err := newTestSource(t, e.config()).Token(t.Context())
	if err != nil || token.AccessToken != "token-1" {
		t.Fatalf("Token: got %v, %v", token, err)
	}
	r := e.last.Load()
	want := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {canary}, "scope": {e.URL + "/.default"}}
	if r.URL.Path != "/contoso.example/oauth2/v2.0/token" || r.PostForm.Encode() != want.Encode() {
		t.Errorf("exchange: got %s %s", r.URL.Path, r.PostForm.Encode())
	}
	e.refuse(http.StatusUnauthorized, aadsts("AADSTS7000215", "Invalid client secret provided."))
	before := e.exchanges.Load()
	if _, err := newTestSource(t, e.config()).Token(t.Context()); err == nil {
		t.Fatal("a refused exchange gave a token")
	}
	if got := e.exchanges.Load() - before; got != 1 {
		t.Errorf("a refused exchange was sent %d times, want 1", got)
	}
}

func TestTenantIsDiscoveredFromTheEnvironment(t *testing.T) {
	e := startEntra(t)
	c := e.config()
	c.TenantID = ""
	if _, err := newTestSource(t, c).Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := e.last.Load().URL.Path; got != "/contoso.example/oauth2/v2.0/token" {
		t.Errorf("token path: got %s", got)
	}
}

func TestDiscoveryAcceptsOnlyTheEnvironmentsCloud(t *testing.T) {
	for _, test := range []struct{ env, configured, announced, want string }{
		{"https://o.crm4.dynamics.com", "", "https://login.microsoftonline.com/t1/oauth2/authorize", "https://login.microsoftonline.com t1"},
		{"https://o.crm4.dynamics.com", "", "https://login.windows.net/t1/oauth2/authorize", "https://login.microsoftonline.com t1"},
		{"https://crm.custom.example", "", "https://login.microsoftonline.us/t1/oauth2/authorize", "https://login.microsoftonline.us t1"},
		{"https://o.crm4.dynamics.com", "https://sso.example", "https://sso.example/t1/x", "https://sso.example t1"},
		{"https://o.crm4.dynamics.com", "", "https://login.microsoftonline.us/t1/x", ""},
		{"https://o.crm4.dynamics.com", "", "http://login.microsoftonline.com/t1/x", ""},
		{"https://o.crm4.dynamics.com", "", "https://login.microsoftonline.com.evil.example/t1/x", ""},
		{"https://crm.custom.example", "", "https://evil.example/t1/x", ""},
		{"https://o.crm4.dynamics.com", "https://sso.example", "https://login.microsoftonline.com/t1/x", ""},
		{"https://o.crm4.dynamics.com", "", "https://login.microsoftonline.com/common/oauth2/authorize", ""},
		{"https://o.crm4.dynamics.com", "", "https://login.microsoftonline.com/%2e%2e/x", ""},
	} {
		env, err := origin(test.env)
		if err != nil {
			t.Fatal(err)
		}
		g, err := newClientSecret(Config{URL: test.env, ClientID: "app", Authority: test.configured}, env)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if authority, tenant, err := g.accept(test.announced); err == nil {
			got = authority.String() + " " + tenant
		}
		if got != test.want {
			t.Errorf("%s, authority %q, announced %s: got %q, want %q", test.env, test.configured, test.announced, got, test.want)
		}
	}
}

func TestAuthorityFollowsTheCloud(t *testing.T) {
	for host, want := range map[string]string{
		"org.crm4.dynamics.com":        "login.microsoftonline.com",
		"org.crm9.dynamics.com":        "login.microsoftonline.com",
		"org.crm.microsoftdynamics.us": "login.microsoftonline.us",
		"org.crm.appsplatform.us":      "login.microsoftonline.us",
		"org.crm.dynamics.cn":          "login.partner.microsoftonline.cn",
	} {
		authority, err := chooseAuthority(Config{TenantID: "t"}, &url.URL{Scheme: "https", Host: host})
		if err != nil || authority.Host != want {
			t.Errorf("%s: got %v, %v, want %s", host, authority, err, want)
		}
	}
	if _, err := chooseAuthority(Config{TenantID: "t"}, &url.URL{Scheme: "https", Host: "crm.dynamics.com.example"}); err == nil {
		t.Error("an unknown host was given an authority")
	}
}

func TestRefusedSignInSaysWhatToDo(t *testing.T) {
	for code, help := range aadstsHelp {
		e := explainCode("invalid_client " + code + ": Whatever the service says.")
		if e == nil || e.Code != code || !strings.Contains(e.Message, help.next) || !strings.Contains(e.Message, code) {
			t.Errorf("%s: got %v", code, e)
		}
	}
	e := startEntra(t)
	for _, test := range []struct {
		status int
		body   string
		denied bool
		want   string
	}{
		{401, aadsts("AADSTS7000215", "Invalid client secret provided."), true, "copy the secret's Value"},
		{400, aadsts("AADSTS99999", "Something new, with "+canary), true, "error?code=99999"},
		{400, `{"error":"invalid_scope","error_description":"no ` + canary + `"}`, true, "invalid_scope: no [redacted]; check the client id, secret and tenant"},
		{400, `{}`, true, "answered 400 without saying why; check the client id, secret and tenant"},
		{503, `busy`, false, "answered 503"},
		{429, `{"error":"temporarily_unavailable"}`, false, "temporarily_unavailable"},
		{200, `{"token_type":"Bearer"}`, false, "gave no token"},
	} {
		e.refuse(test.status, test.body)
		_, err := newTestSource(t, e.config()).Token(t.Context())
		refusal, ok := errors.AsType[*Error](err)
		if !ok || refusal.Denied() != test.denied || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d %s: got %v", test.status, test.body, err)
			continue
		}
		if strings.Contains(fmt.Sprint(err), canary) {
			t.Errorf("%d: the secret is in %q", test.status, err)
		}
	}
}

func TestTokenExchangeFollowsNoRedirect(t *testing.T) {
	var reached atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer thief.Close()
	e := startEntra(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, status) })
		e.answer.Store(&answer)
		_, err := newTestSource(t, e.config()).Token(t.Context())
		if err == nil || reached.Load() {
			t.Errorf("%d: err %v, redirect followed %v", status, err, reached.Load())
		}
	}
}

func TestUnreachableSignInMayBeTriedAgain(t *testing.T) {
	e := startEntra(t)
	c := e.config()
	e.Close()
	for _, tenant := range []string{"contoso.example", ""} {
		c.TenantID = tenant
		_, err := newTestSource(t, c).Token(t.Context())
		if !isTemporary(err) {
			t.Errorf("tenant %q: got %v, want a temporary failure", tenant, err)
		}
	}
}

func TestConfigIsCheckedBeforeUse(t *testing.T) {
	good := Config{URL: "https://o.crm4.dynamics.com", TenantID: "t", ClientID: "a", ClientSecret: NewSecret("s")}
	for name, change := range map[string]func(*Config){
		"no credentials":      func(c *Config) { c.ClientSecret = Secret{} },
		"more than one kind":  func(c *Config) { c.Token = NewSecret("x") },
		"without a client id": func(c *Config) { c.ClientID = "" },
		"want https":          func(c *Config) { c.URL = "http://o.crm4.dynamics.com" },
		"want https://HOST":   func(c *Config) { c.URL = "o.crm4.dynamics.com" },
		"tenant \"common\"":   func(c *Config) { c.TenantID = "common" },
		"tenant \"a/b\"":      func(c *Config) { c.TenantID = "a/b" },
		"authority":           func(c *Config) { c.Authority = "http://login.example" },
		"no known cloud":      func(c *Config) { c.URL = "https://crm.example" },
	} {
		c := good
		change(&c)
		if _, err := NewSource(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := NewSource(good); err != nil {
		t.Errorf("good: %v", err)
	}
}

func TestShortSecretIsHiddenAsAWordOnly(t *testing.T) {
	for _, test := range []struct{ secret, text, want string }{
		{"demo", "the demonstration of 'demo' failed", "the demonstration of '[redacted]' failed"},
		{"a.b", "axb a.b", "axb [redacted]"},
		{"s3cret", "thes3cret's", "the[redacted]'s"},
	} {
		g := &clientSecret{secret: NewSecret(test.secret)}
		if got := g.clean(test.text); got != test.want {
			t.Errorf("%s in %s: got %s, want %s", test.secret, test.text, got, test.want)
		}
	}
}

func TestSignInThatHangsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		for tenant, want := range map[string]string{
			"contoso.example": "login.microsoftonline.com did not answer within 20s",
			"":                "org.crm4.dynamics.com did not answer within 20s, so its tenant is unknown",
		} {
			s, err := NewSource(Config{URL: "https://org.crm4.dynamics.com", TenantID: tenant, ClientID: "app", ClientSecret: NewSecret("s3cret"), Transport: hang})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Token(t.Context()); err == nil || err.Error() != "sign-in: "+want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
}

func TestSecretNeverShows(t *testing.T) {
	c := Config{ClientSecret: NewSecret(canary), Token: NewSecret(canary), URL: "https://x.crm.dynamics.com", ClientID: "a"}
	shown := []string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, c.Token), fmt.Sprintf(verb, &c.Token))
	}
	c.Token = Secret{}
	s := newTestSource(t, c)
	shown = append(shown, fmt.Sprintf("%+v %#v", s.grant, s.grant))
	b, err := json.Marshal(map[string]any{"s": NewSecret(canary)})
	if err != nil || string(b) != `{"s":"[redacted]"}` {
		t.Errorf("JSON: got %s, %v", b, err)
	}
	for _, line := range shown {
		if strings.Contains(line, canary) || strings.Contains(line, fmt.Sprintf("%x", canary)) {
			t.Errorf("the secret is in %q", line)
		}
	}
}

func jwtFor(t *testing.T, exp time.Time) string {
	t.Helper()
	return "eyJhbGciOiJub25lIn0." + b64(fmt.Sprintf(`{"exp":%d}`, exp.Unix())) + ".c2lnbmF0dXJl"
}
