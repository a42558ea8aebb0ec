package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
)

// staticToken is a grant that has its one token already.
type staticToken struct {
	token *oauth2.Token
	now   func() time.Time
}

func newStaticToken(s Secret, now func() time.Time) staticToken {
	return staticToken{token: bearer(s.Reveal(), jwtExpiry(s.Reveal())), now: now}
}

func (s staticToken) Token(context.Context) (*oauth2.Token, error) {
	if end := s.token.Expiry; !end.IsZero() && !s.now().Before(end) {
		return nil, &Error{Code: "token_expired", Message: fmt.Sprintf(
			"the access token expired %s (%s): set a new one, or use a token command, which is run again whenever a token runs out",
			humanize.RelTime(end, s.now(), "ago", "from now"), end.UTC().Format(time.RFC3339))}
	}
	return s.token, nil
}

func bearer(token string, expiry time.Time) *oauth2.Token {
	return &oauth2.Token{AccessToken: token, TokenType: "Bearer", Expiry: expiry}
}

// jwtExpiry reads the exp claim; zero for a token that is no JWT. The signature is the service's business.
func jwtExpiry(token string) time.Time {
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil || claims.ExpiresAt == nil {
		return time.Time{}
	}
	return claims.ExpiresAt.Time
}
