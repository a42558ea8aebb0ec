package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// grantFunc is a grant of a test's own making.
type grantFunc func(context.Context) (*oauth2.Token, error)

func (f grantFunc) Token(ctx context.Context) (*oauth2.Token, error) { return f(ctx) }

func TestTokenIsRenewedFiveMinutesEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		s := newSource(grantFunc(func(context.Context) (*oauth2.Token, error) {
			fetched++
			return bearer(strings.Repeat("t", fetched), time.Now().Add(time.Hour)), nil
		}), time.Now)
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {54 * time.Minute, 1}, {time.Minute, 2}, {54 * time.Minute, 2}, {2 * time.Hour, 3}} {
			time.Sleep(step.wait)
			if _, err := s.Token(t.Context()); err != nil || fetched != step.want {
				t.Errorf("after %s more: %d sign-ins, want %d (%v)", step.wait, fetched, step.want, err)
			}
		}
	})
}

func TestOldTokenServesWhileSignInIsDown(t *testing.T) {
	for _, test := range []struct {
		name   string
		err    error
		serves bool
	}{
		{"out of reach", &Error{Temporary: true, Message: "down"}, true},
		{"command failed", &Error{Message: "exit status 1"}, true},
		{"refused", &Error{Code: "AADSTS7000222", Message: "expired secret"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var failing bool
			s := newSource(grantFunc(func(context.Context) (*oauth2.Token, error) {
				if failing {
					return nil, test.err
				}
				return bearer("old", time.Now().Add(time.Hour)), nil
			}), time.Now)
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			failing = true
			time.Sleep(56 * time.Minute)
			token, err := s.Token(t.Context())
			if served := err == nil && token.AccessToken == "old"; served != test.serves {
				t.Errorf("%s: old token served %v (%v), want %v", test.name, served, err, test.serves)
			}
			time.Sleep(5 * time.Minute)
			if _, err := s.Token(t.Context()); !errors.Is(err, test.err) {
				t.Errorf("%s, after the end: got %v, want %v", test.name, err, test.err)
			}
		})
	}
}

func TestRefusedSignInIsNotRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := newSource(grantFunc(func(context.Context) (*oauth2.Token, error) {
			asked++
			return nil, &Error{Code: "x", Message: "no"}
		}), time.Now)
		for range 5 {
			if _, err := s.Token(t.Context()); err == nil {
				t.Fatal("got a token")
			}
		}
		time.Sleep(holdFailure)
		_, _ = s.Token(t.Context())
		if asked != 2 {
			t.Errorf("asked %d times, want 2", asked)
		}
	})
}

func TestCallersShareOneSignInAndMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		s := newSource(grantFunc(func(ctx context.Context) (*oauth2.Token, error) {
			asked.Add(1)
			time.Sleep(3 * time.Second)
			return bearer("t", time.Now().Add(time.Hour)), ctx.Err()
		}), time.Now)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := s.Token(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("impatient: got %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			group.Go(func() {
				if _, err := s.Token(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if asked.Load() != 1 {
			t.Errorf("%d sign-ins, want 1", asked.Load())
		}
	})
}

func TestWhoLeavesASignInIsToldThatNothingWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource(grantFunc(func(context.Context) (*oauth2.Token, error) {
			time.Sleep(time.Minute)
			return bearer("t", time.Now().Add(time.Hour)), nil
		}), time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := s.Token(ctx)
		if !isTemporary(err) || !errors.Is(err, context.Canceled) || err.Error() != "sign-in: not finished when the request was cancelled" {
			t.Errorf("got %v, want a sign-in that was cancelled", err)
		}
		time.Sleep(time.Minute) // the sign-in goes on for others
	})
}

func TestExpiredStaticTokenIsNoticed(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	s := newTestSource(t, Config{URL: "https://o.crm.dynamics.com", Token: NewSecret(jwtFor(t, now.Add(time.Minute))), Now: clock})
	if _, err := s.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(3 * time.Hour)
	_, err := s.Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "expired 2 hours ago") || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("got %v", err)
	}
	opaque := newTestSource(t, Config{URL: "https://o.crm.dynamics.com", Token: NewSecret("demo")})
	if token, err := opaque.Token(t.Context()); err != nil || token.AccessToken != "demo" {
		t.Errorf("a token that is no JWT: got %v, %v", token, err)
	}
}

func TestTokenCommandOutputIsRead(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := &commandToken{now: func() time.Time { return now }}
	exp := now.Add(time.Hour)
	token := jwtFor(t, exp)
	for out, want := range map[string]time.Time{
		"opaque\n": now.Add(unknownLife),
		token:      exp,
		`"opaque"`: now.Add(unknownLife),
		`{"accessToken":"a","expires_on":1795266000,"expiresOn":"2026-11-21 14:00:00.000000"}`: time.Unix(1795266000, 0),
		`{"access_token":"a","expires_in":"60"}`:                                               now.Add(time.Minute),
		`{"token":"a","expiresOn":"2026-11-21T13:00:00Z"}`:                                     exp,
		`{"accessToken":"a","expiresOn":"2026-11-21 13:00:00.000000"}`:                         time.Date(2026, 11, 21, 13, 0, 0, 0, time.Local),
	} {
		got, err := c.parse(out)
		if err != nil || !got.Expiry.Equal(want) {
			t.Errorf("%s: got %v, %v, want expiry %v", out, got, err, want)
		}
	}
	for _, out := range []string{"", "{", "{}", "two words", "a\nb", `"`} {
		if got, err := c.parse(out); err == nil {
			t.Errorf("%q: got token %q", out, got.AccessToken)
		}
	}
}

func TestTokenCommandFailureIsToldWithoutToken(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"exit code and reason", "echo no subscription >&2; exit 3", "exit status 3: no subscription"},
		{"known code", "echo 'ERROR: AADSTS50076: Due to a configuration change' >&2; exit 1", "az login"},
		{"token in the reason", "echo 'bad " + jwtFor(t, time.Now()) + "' >&2; echo " + canary + "; exit 1", "bad [redacted]"},
		{"nothing printed", "true", "printed no token"},
		{"already expired", "echo " + jwtFor(t, time.Now().Add(-time.Hour)), "expired at"},
	} {
		s := newTestSource(t, Config{URL: "https://o.crm.dynamics.com", TokenCommand: []string{"sh", "-c", test.script}})
		_, err := s.Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	s := newTestSource(t, Config{URL: "https://o.crm.dynamics.com", TokenCommand: []string{"no-such-program-here"}})
	if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "not on the PATH") {
		t.Errorf("missing program: got %v", err)
	}
}

func TestTokenCommandIsEndedAtItsTimeLimit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c := &commandToken{argv: []string{"sh", "-c", "sleep 30"}, now: time.Now}
	start := time.Now()
	if _, err := c.Token(ctx); !isTemporary(err) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}

func TestTokenCommandIsSplitWithoutAShell(t *testing.T) {
	for in, want := range map[string]string{
		"az account get-access-token --resource https://o.crm4.dynamics.com": "az|account|get-access-token|--resource|https://o.crm4.dynamics.com",
		`my-tool --name "two words" 'a b'`:                                   "my-tool|--name|two words|a b",
		`["C:\\bin\\az.cmd", "a b"]`:                                         `C:\bin\az.cmd|a b`,
		`echo $HOME`:                                                         "echo|$HOME",
	} {
		if got, err := ParseCommand(in); err != nil || strings.Join(got, "|") != want {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "  ", "[]", `["az", 1]`, `[""]`, `az "open`} {
		if got, err := ParseCommand(in); err == nil {
			t.Errorf("%q: got %q, want an error", in, got)
		}
	}
}
