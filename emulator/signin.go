package emulator

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// tokenLifetime is what Entra gives an application: an hour less a second.
const tokenLifetime = 3599 * time.Second

// claims are those of an application's access token.
type claims struct {
	jwt.RegisteredClaims
	AppID    string `json:"appid"`
	ObjectID string `json:"oid"`
	TenantID string `json:"tid"`
	Version  string `json:"ver"`
}

// issue signs a token for the demo application. Audience is the environment that it opens.
func (e *Emulator) issue(audience string, at time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Audience: jwt.ClaimStrings{audience}, Issuer: "https://sts.windows.net/" + seed.TenantID + "/",
			IssuedAt: jwt.NewNumericDate(at), NotBefore: jwt.NewNumericDate(at),
			ExpiresAt: jwt.NewNumericDate(at.Add(tokenLifetime)), Subject: seed.ObjectID(seed.ApplicationUserID),
			ID: uuid.NewString(),
		},
		AppID: seed.ApplicationClientID, ObjectID: seed.ObjectID(seed.ApplicationUserID), TenantID: seed.TenantID,
		Version: "1.0",
	})
	return token.SignedString(e.key)
}

// authenticate finds out who calls, and for whom.
func (c *call) authenticate() error {
	user, err := c.tokenUser()
	if err != nil {
		return err
	}
	actual, err := c.systemUser("systemuserid", user)
	if err != nil {
		return err
	}
	if actual == nil {
		return fail(http.StatusForbidden, codeNotMember, "The user is not a member of the organization.")
	}
	if actual.disabled {
		return fail(http.StatusForbidden, codeUserDisabled,
			"The specified user(Id = %s) is disabled. Consider enabling this user.", user)
	}
	c.caller = actual.caller
	return c.impersonate()
}

// tokenUser is the systemuserid that the bearer token stands for.
func (c *call) tokenUser() (string, error) {
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", c.unauthorized("")
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(c.token)) == 1 {
		return seed.AdministratorID, nil
	}
	_, err := jwt.ParseWithClaims(token, &claims{}, func(*jwt.Token) (any, error) { return c.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithTimeFunc(c.now), jwt.WithAudience(c.origin()),
		jwt.WithExpirationRequired())
	if err != nil {
		return "", c.unauthorized(invalidToken)
	}
	return seed.ApplicationUserID, nil
}

const invalidToken = "error=invalid_token, error_description=Error during token validation!, "

// unauthorized is the answer without a valid token. Its challenge tells where to sign in: clients discover the tenant
// from it.
func (c *call) unauthorized(reason string) *Error {
	return &Error{Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {fmt.Sprintf(
		"Bearer %sauthorization_uri=%s/%s/oauth2/authorize, resource_id=%[2]s/", reason, c.origin(), seed.TenantID)}}}
}

// systemUser is a user as sign-in sees one.
type systemUser struct {
	caller
	disabled bool
}

// systemUser finds a user by the value of a column, nil if there is none.
func (c *call) systemUser(column, value string) (*systemUser, error) {
	var u systemUser
	query := "SELECT systemuserid, coalesce(businessunitid, ''), coalesce(isdisabled, 0) FROM systemuser WHERE " +
		store.Quote(column) + " = ?"
	err := c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query, strings.ToLower(value)).Scan(&u.user, &u.businessUnit, &u.disabled)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &u, err
}

// impersonate lets the caller act as the user that a header names: CallerObjectId by Entra's id, which wins, or
// MSCRMCallerID by Dataverse's.
func (c *call) impersonate() error {
	column, value := "azureactivedirectoryobjectid", c.r.Header.Get("CallerObjectId")
	if value == "" {
		column, value = "systemuserid", c.r.Header.Get("MSCRMCallerID")
	}
	if value == "" {
		return nil
	}
	id, err := uuid.Parse(strings.Trim(value, "{}"))
	if err != nil {
		return fail(http.StatusBadRequest, codeInvalidArgument,
			"Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).")
	}
	user, err := c.systemUser(column, id.String())
	if err != nil {
		return err
	}
	if user == nil {
		return fail(http.StatusForbidden, codeUnknownUser, "SystemUser With Id = %s Does Not Exist", id)
	}
	if user.disabled {
		return fail(http.StatusForbidden, codeUserDisabled,
			"The specified user(Id = %s) is disabled. Consider enabling this user.", user.user)
	}
	if user.user == c.caller.user {
		return nil
	}
	user.onBehalfOf = c.caller.user
	c.caller = user.caller
	return nil
}
