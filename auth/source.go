// Package auth signs in to a Dataverse environment and adds the access token to each request.
//
// A Source keeps one token and renews it in good time; a Transport puts it on requests to one environment
// and on nothing else. The package does not know Dataverse: the two meet in an http.RoundTripper.
package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	early        = 5 * time.Minute  // a token is renewed this long before it runs out
	holdFailure  = 10 * time.Second // so that a burst of calls does not repeat a refused sign-in
	fetchTimeout = 20 * time.Second // shorter than a request, so that the sign-in is named as what hung
)

// grant gets a new token each time; clientcredentials.Config is one.
type grant interface {
	Token(context.Context) (*oauth2.Token, error)
}

// Source keeps one access token and renews it five minutes before it runs out. While that fails it serves the
// old token until that really expires, unless the sign-in service said no. It is safe for concurrent use; callers that ask
// at the same time share one sign-in, and each may leave when its own context ends.
type Source struct {
	grant  grant
	now    func() time.Time
	flight singleflight.Group

	mu      sync.Mutex
	token   *oauth2.Token
	renewAt time.Time // zero: never
	failure error     // the last failure, repeated until retryAt
	retryAt time.Time
}

func newSource(g grant, now func() time.Time) *Source { return &Source{grant: g, now: now} }

// Token returns an access token that has not expired. Failures are of type *Error.
func (s *Source) Token(ctx context.Context) (*oauth2.Token, error) {
	if token, err, done := s.held(); done {
		return token, err
	}
	// Detached: the first caller leaving must not fail the others.
	fetch := s.flight.DoChan("", func() (any, error) {
		return s.renew(context.WithoutCancel(ctx))
	})
	select {
	case <-ctx.Done():
		// Not ctx's own error: the environment would be blamed, and thought to have been asked.
		waited := &Error{Temporary: true, Err: context.Cause(ctx), Message: "not finished when the request was cancelled"}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			waited.Message = "not finished when the time of the request was over"
		}
		return nil, waited
	case result := <-fetch:
		token, _ := result.Val.(*oauth2.Token)
		return token, result.Err
	}
}

// Drop forgets token, which the service refused, unless a newer one has taken its place.
func (s *Source) Drop(token *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && s.token.AccessToken == token.AccessToken {
		s.token, s.retryAt = nil, time.Time{}
	}
}

// held returns what can be answered without a sign-in.
func (s *Source) held() (token *oauth2.Token, err error, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.valid(now) && (s.renewAt.IsZero() || now.Before(s.renewAt)) {
		return s.token, nil, true
	}
	if !now.Before(s.retryAt) {
		return nil, nil, false
	}
	if s.valid(now) {
		return s.token, nil, true
	}
	return nil, s.failure, s.failure != nil
}

func (s *Source) valid(now time.Time) bool {
	return s.token != nil && (s.token.Expiry.IsZero() || now.Before(s.token.Expiry))
}

func (s *Source) renew(ctx context.Context) (*oauth2.Token, error) {
	if token, err, done := s.held(); done { // the flight before this one may have just landed
		return token, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	token, err := s.grant.Token(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if err == nil {
		s.token, s.renewAt, s.failure, s.retryAt = token, renewal(token, now), nil, time.Time{}
		return token, nil
	}
	if isRefusal(err) {
		s.token = nil
	}
	s.failure = err
	if s.valid(now) {
		s.retryAt = now.Add(holdFailure)
		return s.token, nil
	}
	if !isTemporary(err) {
		s.retryAt = now.Add(holdFailure)
	}
	return nil, err
}

// renewal is five minutes before the end, or a tenth of the life of a token that lives shorter than that allows.
func renewal(token *oauth2.Token, now time.Time) time.Time {
	if token.Expiry.IsZero() {
		return time.Time{}
	}
	return token.Expiry.Add(-min(early, token.Expiry.Sub(now)/10))
}
