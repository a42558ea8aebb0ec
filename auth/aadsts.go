package auth

import (
	"fmt"
	"regexp"
)

var aadstsPattern = regexp.MustCompile(`AADSTS\d{4,}`)

// explainCode finds an AADSTS code in text and says what it means; nil when text has none that is known.
// Codes are for words only: Entra may change them, so nothing else depends on one.
func explainCode(text string) *Error {
	code := aadstsPattern.FindString(text)
	if code == "" {
		return nil
	}
	help, ok := aadstsHelp[code]
	if !ok {
		return &Error{Code: code, Message: fmt.Sprintf("%s (see https://login.microsoftonline.com/error?code=%s)",
			firstLine(text), code[len("AADSTS"):])}
	}
	return &Error{Code: code, Message: fmt.Sprintf("%s (%s): %s", help.what, code, help.next)}
}

// aadstsHelp says in plain words what went wrong and what to do next.
var aadstsHelp = map[string]struct{ what, next string }{
	"AADSTS50020":   {"the account belongs to another directory", "use an account of the environment's tenant, or have it invited as a guest"},
	"AADSTS50034":   {"the account does not exist in this tenant", "check the user name and the tenant id"},
	"AADSTS50053":   {"the account is locked, or the sign-in came from a blocked address", "wait a few minutes, then ask an administrator to unblock it"},
	"AADSTS50055":   {"the password has expired", "change it at https://mysignins.microsoft.com, then sign in again"},
	"AADSTS50057":   {"the account is disabled", "ask an administrator to enable it"},
	"AADSTS50058":   {"nobody is signed in", "sign in first, for example with: az login"},
	"AADSTS50059":   {"no tenant was named", "set the tenant id of the environment"},
	"AADSTS50076":   {"multi-factor authentication is required", "sign in interactively, for example with: az login"},
	"AADSTS50079":   {"the account must first register for multi-factor authentication", "sign in once in a browser and finish the registration"},
	"AADSTS50105":   {"the account is not assigned to the application", "have an administrator assign it under Enterprise applications"},
	"AADSTS50126":   {"the user name or password is wrong", "check both, and use a work account of this tenant"},
	"AADSTS50173":   {"the sign-in was revoked, often by a password change", "sign in again, for example with: az login"},
	"AADSTS53000":   {"a Conditional Access policy requires a managed device", "sign in from a compliant device"},
	"AADSTS53003":   {"a Conditional Access policy blocks this sign-in", "ask an administrator which policy applies, or sign in from an allowed place"},
	"AADSTS530003":  {"a Conditional Access policy requires a managed device", "sign in from a registered device"},
	"AADSTS530036":  {"a Conditional Access policy blocks device code sign-in", "sign in with a browser instead"},
	"AADSTS65001":   {"nobody has consented to the application's permissions", "have an administrator grant consent under API permissions"},
	"AADSTS65002":   {"this Microsoft application may not ask for that resource", "register an application of your own and use its client id"},
	"AADSTS65004":   {"the consent was declined", "sign in again and accept, or ask an administrator for consent"},
	"AADSTS70011":   {"the scope is not valid", "check the environment URL: scheme and host only, as in https://org.crm4.dynamics.com"},
	"AADSTS70016":   {"the device code has not been entered yet", "enter it in the browser"},
	"AADSTS70020":   {"the device code has run out", "start the sign-in again"},
	"AADSTS90002":   {"the tenant does not exist in this cloud", "check the tenant id, and the authority if the environment is in a national cloud"},
	"AADSTS90094":   {"an administrator must consent to the application first", "have one grant consent under API permissions"},
	"AADSTS500011":  {"no environment with this URL is known in the tenant", "check the environment URL and that the tenant is its own"},
	"AADSTS500131":  {"the incoming token is for another audience", "ask for a token whose audience is this application"},
	"AADSTS500133":  {"the incoming token has expired", "sign in again"},
	"AADSTS700016":  {"the tenant has no application with this client id", "check the client id, and that the application is registered or consented to in this tenant"},
	"AADSTS700024":  {"the client assertion is outside its time", "check this machine's clock"},
	"AADSTS700027":  {"the certificate is not one of the application's", "upload it under Certificates & secrets, or use the one that is there"},
	"AADSTS700082":  {"the refresh token has expired", "sign in again, for example with: az login"},
	"AADSTS700084":  {"the refresh token has expired", "sign in again"},
	"AADSTS700213":  {"no federated credential matches the assertion", "compare issuer, subject and audience under Federated credentials"},
	"AADSTS900144":  {"the request lacks a field", "check that client id and secret are both set"},
	"AADSTS901002":  {"the resource parameter is not accepted", "use a scope instead of a resource"},
	"AADSTS7000215": {"the client secret is wrong", "copy the secret's Value, not its Secret ID, from Certificates & secrets"},
	"AADSTS7000218": {"the application needs a client secret", "set the client secret, or register the application as a public client"},
	"AADSTS7000222": {"the client secret has expired", "make a new one under Certificates & secrets and set it here"},
	"AADSTS9010010": {"resource and scope name different things", "use the environment URL for both"},
}
