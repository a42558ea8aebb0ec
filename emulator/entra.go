package emulator

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

// outside answers what is not the Web API: the sign-in that Entra offers elsewhere, and a page that says what this is.
func (c *call) outside(path string) error {
	if err := c.fault.delay(c); err != nil {
		return err
	}
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch rest {
	case "oauth2/v2.0/token":
		return c.tokenEndpoint(tenant, tokenV2)
	case "oauth2/token":
		return c.tokenEndpoint(tenant, tokenV1)
	case ".well-known/openid-configuration", "v2.0/.well-known/openid-configuration":
		return c.openIDConfiguration(tenant, strings.HasPrefix(rest, "v2.0/"))
	case "discovery/keys", "discovery/v2.0/keys":
		return c.answer(http.StatusOK, []byte(`{"keys":[]}`)) // tokens are signed with a key that stays here
	}
	if strings.HasPrefix(rest, "oauth2/") {
		return c.plain(http.StatusNotFound, "Nobody can sign in here by hand: send client credentials to "+
			c.origin()+"/"+seed.TenantID+"/oauth2/v2.0/token\n")
	}
	if path == "/" && (c.r.Method == http.MethodGet || c.r.Method == http.MethodHead) {
		return c.plain(http.StatusOK, fmt.Sprintf(welcome, c.origin(), seed.TenantID, seed.ApplicationClientID))
	}
	return c.plain(http.StatusNotFound, "Nothing is here: the Web API is at "+c.origin()+"/api/data/v9.2/\n")
}

const welcome = `This is an emulator of Microsoft Dataverse, for trying out and for tests. It is not a Microsoft product.

Web API:   %[1]s/api/data/v9.2/
Sign-in:   send the emulator's token as "Authorization: Bearer <token>", or take a token from
           %[1]s/%[2]s/oauth2/v2.0/token
           with grant_type=client_credentials, client_id=%[3]s,
           client_secret=<the emulator's token> and scope=%[1]s/.default
`

func (c *call) plain(status int, text string) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.status, c.held = status, whole([]byte(text))
	return nil
}

// tokenVersion is which of Entra's two token endpoints is asked.
type tokenVersion int

const (
	tokenV1 tokenVersion = 1 // resource=, and numbers as text
	tokenV2 tokenVersion = 2 // scope=
)

// tokenEndpoint gives the demo application its token.
func (c *call) tokenEndpoint(tenant string, version tokenVersion) error {
	c.w.Header().Set("Cache-Control", "no-store, no-cache")
	if c.r.Method != http.MethodPost {
		return c.refuse(http.StatusBadRequest, "invalid_request", 900561,
			"The endpoint only accepts POST, OPTIONS requests. Received a %s request.", c.r.Method)
	}
	if err := c.r.ParseForm(); err != nil {
		return c.refuse(http.StatusBadRequest, "invalid_request", 900144,
			"The request body must contain the following parameter: 'grant_type'.")
	}
	if !strings.EqualFold(tenant, seed.TenantID) {
		return c.refuse(http.StatusBadRequest, "invalid_request", 90002,
			"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", tenant)
	}
	form := c.r.PostForm
	if id, secret, ok := c.r.BasicAuth(); ok {
		form.Set("client_id", unescape(id))
		form.Set("client_secret", unescape(secret))
	}
	if refused, err := c.checkClient(form); refused {
		return err
	}
	audience, refused, err := c.audience(form, version)
	if refused {
		return err
	}
	return c.grant(audience, version)
}

// checkClient refuses who is not the demo application.
func (c *call) checkClient(form url.Values) (refused bool, err error) {
	for _, name := range []string{"grant_type", "client_id"} {
		if form.Get(name) == "" {
			return true, c.refuse(http.StatusBadRequest, "invalid_request", 900144,
				"The request body must contain the following parameter: '%s'.", name)
		}
	}
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		return true, c.refuse(http.StatusBadRequest, "unsupported_grant_type", 70003,
			"The app requested an unsupported grant type '%s'.", grant)
	}
	id := form.Get("client_id")
	if !strings.EqualFold(id, seed.ApplicationClientID) {
		return true, c.refuse(http.StatusBadRequest, "unauthorized_client", 700016,
			"Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", id, seed.OrganizationName)
	}
	secret := form.Get("client_secret")
	if secret == "" {
		return true, c.refuse(http.StatusUnauthorized, "invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(c.token)) != 1 {
		return true, c.refuse(http.StatusUnauthorized, "invalid_client", 7000215,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", id)
	}
	return false, nil
}

// audience is the environment that the token is asked for: only this one.
func (c *call) audience(form url.Values, version tokenVersion) (audience string, refused bool, err error) {
	name := "scope"
	if version == tokenV1 {
		name = "resource"
	}
	asked := form.Get(name)
	if asked == "" {
		return "", true, c.refuse(http.StatusBadRequest, "invalid_request", 900144,
			"The request body must contain the following parameter: '%s'.", name)
	}
	resource := asked
	if version == tokenV2 {
		scope, ok := strings.CutSuffix(asked, "/.default")
		if !ok {
			return "", true, c.refuse(http.StatusBadRequest, "invalid_scope", 1002012,
				"The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", asked)
		}
		resource = scope
	}
	if resource = strings.TrimSuffix(resource, "/"); !strings.EqualFold(resource, c.origin()) {
		return "", true, c.refuse(http.StatusBadRequest, "invalid_resource", 500011,
			"The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", resource, seed.OrganizationName)
	}
	return c.origin(), false, nil
}

func (c *call) grant(audience string, version tokenVersion) error {
	token, err := c.issue(audience, c.at)
	if err != nil {
		return err
	}
	seconds := int64(tokenLifetime / time.Second)
	var o object
	o.text("token_type", "Bearer")
	if version == tokenV1 {
		o.text("expires_in", strconv.FormatInt(seconds, 10))
		o.text("ext_expires_in", strconv.FormatInt(seconds, 10))
		o.text("expires_on", strconv.FormatInt(c.at.Unix()+seconds, 10))
		o.text("not_before", strconv.FormatInt(c.at.Unix(), 10))
		o.text("resource", audience)
	} else {
		o.any("expires_in", seconds)
		o.any("ext_expires_in", seconds)
	}
	o.text("access_token", token)
	return c.entra(http.StatusOK, o)
}

// refuse answers as Entra does: code is the number of an AADSTS error.
func (c *call) refuse(status int, kind string, code int, format string, args ...any) error {
	trace := uuid.NewString()
	correlation := cmp.Or(c.r.Header.Get("client-request-id"), c.query.Get("client-request-id"), uuid.NewString())
	at := c.at.Format("2006-01-02 15:04:05Z")
	var o object
	o.text("error", kind)
	o.text("error_description", fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
		code, fmt.Sprintf(format, args...), trace, correlation, at))
	o.any("error_codes", []int{code})
	o.text("timestamp", at)
	o.text("trace_id", trace)
	o.text("correlation_id", correlation)
	o.text("error_uri", fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", code))
	return c.entra(status, o)
}

func (c *call) entra(status int, o object) error {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	_, err := c.w.Write(o.bytes())
	return err
}

// openIDConfiguration describes the sign-in.
func (c *call) openIDConfiguration(tenant string, v2 bool) error {
	if !strings.EqualFold(tenant, seed.TenantID) {
		return c.refuse(http.StatusBadRequest, "invalid_tenant", 90002, "Tenant '%s' not found.", tenant)
	}
	base := c.origin() + "/" + seed.TenantID
	endpoints, issuer, keys := base+"/oauth2", "https://sts.windows.net/"+seed.TenantID+"/", base+"/discovery/keys"
	if v2 {
		endpoints, issuer, keys = base+"/oauth2/v2.0", base+"/v2.0", base+"/discovery/v2.0/keys"
	}
	var o object
	o.text("token_endpoint", endpoints+"/token")
	o.any("token_endpoint_auth_methods_supported", []string{"client_secret_post", "client_secret_basic"})
	o.text("jwks_uri", keys)
	o.any("response_modes_supported", []string{"query", "fragment", "form_post"})
	o.any("subject_types_supported", []string{"pairwise"})
	o.any("id_token_signing_alg_values_supported", []string{"RS256"})
	o.any("response_types_supported", []string{"code", "id_token", "code id_token", "token id_token", "token"})
	o.any("scopes_supported", []string{"openid"})
	o.text("issuer", issuer)
	o.text("authorization_endpoint", endpoints+"/authorize")
	o.any("claims_supported", []string{"sub", "iss", "aud", "exp", "iat", "appid", "oid", "tid", "ver"})
	return c.entra(http.StatusOK, o)
}
