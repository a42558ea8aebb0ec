package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

const whoAmIAdministrator = `{"@odata.context":"http://org/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",` +
	`"BusinessUnitId":"` + seed.RootBusinessUnitID + `","UserId":"` + seed.AdministratorID + `","OrganizationId":"` + seed.OrganizationID + `"}`

func TestTheStaticTokenIsTheAdministrator(t *testing.T) {
	s := emulator.Start(t)
	for _, path := range []string{"WhoAmI", "WhoAmI()", "whoami"} {
		got := get(t, s, path)
		if diff := cmp.Diff(whoAmIAdministrator, got.body); got.status != http.StatusOK || diff != "" {
			t.Errorf("%s: status %d, body (-want +got):\n%s", path, got.status, diff)
		}
	}
}

func TestWithoutAValidTokenTheChallengeNamesTheAuthority(t *testing.T) {
	s := emulator.Start(t)
	where := "authorization_uri=" + s.URL + "/" + seed.TenantID + "/oauth2/authorize, resource_id=" + s.URL + "/"
	for header, want := range map[string]string{
		"Authorization: ":               "Bearer " + where,
		"Authorization: Basic ZGVtbw==": "Bearer " + where,
		"Authorization: Bearer demi":    "Bearer error=invalid_token, error_description=Error during token validation!, " + where,
	} {
		got := send(t, s, http.MethodGet, "WhoAmI", "", header)
		if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != want || got.body != "" {
			t.Errorf("%s: got %d %q %q, want 401 %q and no body", header, got.status, got.header.Get("WWW-Authenticate"), got.body, want)
		}
	}
}

func token(t *testing.T, s *emulator.Server, path string, form url.Values) reply {
	t.Helper()
	return send(t, s, http.MethodPost, path, form.Encode(), "Content-Type: application/x-www-form-urlencoded", "Authorization: ")
}

func application(s *emulator.Server) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {seed.ApplicationClientID},
		"client_secret": {s.Token}, "scope": {s.URL + "/.default"}}
}

func TestAnApplicationSignsInWithItsSecret(t *testing.T) {
	s := emulator.Start(t)
	v1 := application(s)
	v1.Del("scope")
	v1.Set("resource", s.URL+"/")
	for path, form := range map[string]url.Values{"oauth2/v2.0/token": application(s), "oauth2/token": v1} {
		got := token(t, s, "/"+seed.TenantID+"/"+path, form)
		var answer struct {
			Type  string `json:"token_type"`
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != http.StatusOK || answer.Type != "Bearer" {
			t.Fatalf("%s: got %d %s", path, got.status, got.body)
		}
		who := send(t, s, http.MethodGet, "WhoAmI", "", "Authorization: Bearer "+answer.Token)
		if !strings.Contains(who.body, `"UserId":"`+seed.ApplicationUserID+`"`) {
			t.Errorf("%s: the token is for %s", path, who.body)
		}
	}
}

func TestATokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := emulator.New(t.Context(), emulator.Options{Empty: true})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		client := http.Client{Transport: emulator.Transport(e)}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {seed.ApplicationClientID},
			"client_secret": {emulator.DefaultToken}, "scope": {"http://org/.default"}}
		granted, err := client.PostForm("http://org/"+seed.TenantID+"/oauth2/v2.0/token", form)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Token   string `json:"access_token"`
			Expires int    `json:"expires_in"`
		}
		if err := json.NewDecoder(granted.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			host  string
			sleep time.Duration
			want  int
		}{
			{"http://org", 0, http.StatusOK},
			{"http://other", 0, http.StatusUnauthorized},
			{"http://org", time.Duration(answer.Expires-1) * time.Second, http.StatusOK},
			{"http://org", 2 * time.Second, http.StatusUnauthorized},
		} {
			time.Sleep(step.sleep)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, step.host+"/api/data/v9.2/WhoAmI", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+answer.Token)
			got, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != step.want {
				t.Errorf("%s after %v: status %d, want %d", step.host, step.sleep, got.StatusCode, step.want)
			}
		}
	})
}

func TestSignInRefusesAsEntraDoes(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon))
	for _, test := range []struct {
		name, tenant string
		change       map[string]string
		status       int
		kind, text   string
		code         int
	}{
		{"wrong secret", seed.TenantID, map[string]string{"client_secret": "x"}, 401, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '" + seed.ApplicationClientID + "'.", 7000215},
		{"no secret", seed.TenantID, map[string]string{"client_secret": ""}, 401, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", 7000218},
		{"unknown client", seed.TenantID, map[string]string{"client_id": "x"}, 400, "unauthorized_client", "Application with identifier 'x' was not found in the directory 'contoso'.", 700016},
		{"unknown tenant", "fabrikam", nil, 400, "invalid_request", "Tenant 'fabrikam' not found.", 90002},
		{"no grant", seed.TenantID, map[string]string{"grant_type": ""}, 400, "invalid_request", "The request body must contain the following parameter: 'grant_type'.", 900144},
		{"other grant", seed.TenantID, map[string]string{"grant_type": "password"}, 400, "unsupported_grant_type", "The app requested an unsupported grant type 'password'.", 70003},
		{"no scope", seed.TenantID, map[string]string{"scope": ""}, 400, "invalid_request", "The request body must contain the following parameter: 'scope'.", 900144},
		{"scope of a user", seed.TenantID, map[string]string{"scope": "http://org/user_impersonation"}, 400, "invalid_scope", "The provided value for scope http://org/user_impersonation is not valid.", 1002012},
		{"other resource", seed.TenantID, map[string]string{"scope": "https://nowhere/.default"}, 400, "invalid_resource", "The resource principal named https://nowhere was not found in the tenant named contoso.", 500011},
	} {
		form := application(s)
		for name, value := range test.change {
			form.Set(name, value)
		}
		got := token(t, s, "/"+test.tenant+"/oauth2/v2.0/token", form)
		var answer struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
			Codes       []int  `json:"error_codes"`
			Timestamp   string `json:"timestamp"`
			Trace       string `json:"trace_id"`
			Correlation string `json:"correlation_id"`
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
			t.Fatalf("%s: %v in %s", test.name, err, got.body)
		}
		if got.status != test.status || answer.Error != test.kind || len(answer.Codes) != 1 || answer.Codes[0] != test.code ||
			!strings.Contains(answer.Description, test.text) || answer.Timestamp != "2026-03-02 12:00:00Z" ||
			answer.Trace == "" || answer.Correlation == "" {
			t.Errorf("%s: got %d %s", test.name, got.status, got.body)
		}
	}
}

func TestImpersonationActsAsTheOtherUser(t *testing.T) {
	s := emulator.Start(t)
	for header, want := range map[string]string{
		"MSCRMCallerID: " + seed.ApplicationUserID:                 seed.ApplicationUserID,
		"CallerObjectId: " + seed.ObjectID(seed.ApplicationUserID): seed.ApplicationUserID,
		"MSCRMCallerID: " + seed.AdministratorID:                   seed.AdministratorID,
	} {
		got := send(t, s, http.MethodGet, "WhoAmI", "", header)
		if !strings.Contains(got.body, `"UserId":"`+want+`"`) {
			t.Errorf("%s: got %s", header, got.body)
		}
	}
	got := send(t, s, http.MethodGet, "WhoAmI", "", "MSCRMCallerID: 00000000-0000-0000-0000-00000000000a")
	want := `{"error":{"code":"0x80041d1f","message":"SystemUser With Id = 00000000-0000-0000-0000-00000000000a Does Not Exist"}}`
	if got.status != http.StatusForbidden || got.body != want {
		t.Errorf("an unknown user: got %d %s, want 403 %s", got.status, got.body, want)
	}
}

func TestOutsideTheWebAPIStandsWhatItIs(t *testing.T) {
	s := emulator.Start(t)
	if got := get(t, s, "/"); got.status != http.StatusOK || !strings.Contains(got.body, "http://org/api/data/v9.2/") {
		t.Errorf("/: got %d %s", got.status, got.body)
	}
	want := "Nothing is here: the Web API is at http://org/api/data/v9.2/\n"
	if got := get(t, s, "/main.aspx"); got.status != http.StatusNotFound || got.body != want {
		t.Errorf("/main.aspx: got %d %q, want 404 %q", got.status, got.body, want)
	}
	want = "Nobody can sign in here by hand: send client credentials to http://org/" + seed.TenantID + "/oauth2/v2.0/token\n"
	if got := get(t, s, "/"+seed.TenantID+"/oauth2/authorize"); got.status != http.StatusNotFound || got.body != want {
		t.Errorf("authorize: got %d %q, want 404 %q", got.status, got.body, want)
	}
	got := get(t, s, "/"+seed.TenantID+"/v2.0/.well-known/openid-configuration")
	if !strings.Contains(got.body, `"token_endpoint":"http://org/`+seed.TenantID+`/oauth2/v2.0/token"`) {
		t.Errorf("openid-configuration: got %d %s", got.status, got.body)
	}
}

func TestBehindAProxyThatSpeaksHTTPSAddressesAreHTTPS(t *testing.T) {
	s := emulator.Start(t)
	got := send(t, s, http.MethodGet, "WhoAmI", "", "X-Forwarded-Proto: https")
	if want := `{"@odata.context":"https://` + strings.TrimPrefix(s.URL, "http://") + `/api/data/v9.2/`; !strings.HasPrefix(got.body, want) {
		t.Errorf("got %s, want %s…", got.body, want)
	}
}
