package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func client(t *testing.T, s *Source, env string) *http.Client {
	t.Helper()
	rt, err := Transport(s, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: rt}
}

// numbered gives token "1", then "2", and so on.
func numbered() *Source {
	n := 0
	return newSource(grantFunc(func(context.Context) (*oauth2.Token, error) {
		n++
		return bearer(string(rune('0'+n)), time.Now().Add(time.Hour)), nil
	}), time.Now)
}

func TestTokenGoesToTheEnvironmentOnly(t *testing.T) {
	var seen []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, "thief "+r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	env := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, "env "+r.Header.Get("Authorization"))
		if r.URL.Path == "/away" {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer env.Close()
	c := client(t, numbered(), env.URL)
	for _, url := range []string{env.URL + "/away", thief.URL, strings.Replace(env.URL, "http:", "https:", 1),
		strings.Replace(env.URL, "http://", "http://u@", 1), env.URL + ".evil.example/x"} {
		if resp, err := c.Get(url); err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: got %s, want a refusal", url, resp.Status)
		} else if refusal, ok := errors.AsType[*Error](err); !ok || !refusal.Denied() {
			// A URL that net/http cannot parse never reaches the transport.
			if !strings.Contains(err.Error(), "invalid port") {
				t.Errorf("%s: got %v, want *Error", url, err)
			}
		}
	}
	if got := strings.Join(seen, ","); got != "env Bearer 1" {
		t.Errorf("requests seen: %s", got)
	}
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	var seen []string
	env := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		seen = append(seen, token+" "+string(body))
		if token != "2" || r.URL.Path == "/never" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer env.Close()
	static := func() *Source { return newTestSource(t, Config{URL: env.URL, Token: NewSecret("demo")}) }
	for _, test := range []struct {
		name   string
		source *Source
		path   string
		body   io.Reader
		want   string
		status int
	}{
		{"replayable body", numbered(), "/", strings.NewReader("b"), "1 b,2 b", 200},
		{"no body", numbered(), "/", nil, "1 ,2 ", 200},
		{"one-way body", numbered(), "/", io.MultiReader(strings.NewReader("b")), "1 b", 401},
		{"refused again", numbered(), "/never", nil, "1 ,2 ", 401},
		{"no other token", static(), "/", nil, "demo ", 401},
	} {
		seen = nil
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env.URL+test.path, test.body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client(t, test.source, env.URL).Do(req)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		_ = resp.Body.Close()
		if got := strings.Join(seen, ","); got != test.want || resp.StatusCode != test.status {
			t.Errorf("%s: sent %q, status %d, want %q, %d", test.name, got, resp.StatusCode, test.want, test.status)
		}
		if req.Header.Get("Authorization") != "" {
			t.Errorf("%s: the caller's request was changed", test.name)
		}
	}
}
