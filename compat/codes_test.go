package compat

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/auth0/go-auth0/authentication"
	"github.com/auth0/go-auth0/authentication/mfa"
	"github.com/auth0/go-auth0/authentication/oauth"
	"github.com/auth0/go-auth0/authentication/passwordless"
)

// withCodes lets a client's people sign in with codes by mail and by text message.
func withCodes(t *testing.T, machine string, r relying) {
	t.Helper()
	for _, name := range []string{"email", "sms"} {
		var all []struct{ ID string }
		if get(t, "/connections?strategy="+name, machine, &all); len(all) == 0 {
			all = append(all, struct{ ID string }{})
			admin(t, machine, http.MethodPost, "/connections", map[string]any{"name": name, "strategy": name}, &all[0])
			t.Cleanup(func() { admin(t, machine, http.MethodDelete, "/connections/"+all[0].ID, nil, nil) })
		}
		admin(t, machine, http.MethodPatch, "/connections/"+all[0].ID+"/clients", []map[string]any{{"client_id": r.ClientID, "status": true}}, nil)
	}
	var database struct{ ID string }
	admin(t, machine, http.MethodPost, "/connections", map[string]any{
		"name": "codes-" + strings.ToLower(rand.Text()[:8]), "strategy": "auth0", "enabled_clients": []string{r.ClientID}, "realms": []string{codesRealm},
		"options": map[string]any{"authentication_methods": map[string]any{"password": map[string]any{"enabled": true}, "email_otp": map[string]any{"enabled": true}}, "attributes": map[string]any{"email": map[string]any{"identifier": map[string]any{"active": true}}}},
	}, &database)
	t.Cleanup(func() { admin(t, machine, http.MethodDelete, "/connections/"+database.ID, nil, nil) })
}

// codesRealm is the name by which a database is asked for whose people sign in with codes.
const codesRealm = "codes"

var (
	inboxEntry = regexp.MustCompile(`(?s)<a href="(/u/inbox/[^"]+)">(.*?)</a>`)
	inboxText  = regexp.MustCompile(`(?s)<pre class="text"[^>]*>(.*?)</pre>`)
	sixDigits  = regexp.MustCompile(`\b[0-9]{6}\b`)
)

// codeTo reads the newest message to an address in the development inbox and returns the code in it.
func codeTo(t *testing.T, to string) string {
	t.Helper()
	page := func(path string) string {
		t.Helper()
		response, err := http.Get(demo.HTTPURL + path)
		ok(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		ok(t, err)
		return string(body)
	}
	for _, m := range inboxEntry.FindAllStringSubmatch(page("/u/inbox"), -1) {
		if strings.Contains(html.UnescapeString(m[2]), to) {
			return sixDigits.FindString(inboxText.FindString(page(html.UnescapeString(m[1]))))
		}
	}
	t.Fatalf("no message to %s", to)
	return ""
}

func freshPhone() string { return fmt.Sprintf("+4915%09d", mathrand.IntN(1e9)) }

// TestPasswordless_GoAuth0: the SDK asks for codes by mail and by text message, and gives them back for tokens.
func TestPasswordless_GoAuth0(t *testing.T) {
	machine := machineToken(t)
	r := newRelying(t, machine)
	withCodes(t, machine, r)
	api, ctx := goAuthentication(t, r.ClientID, r.ClientSecret), t.Context()
	email, phone := strings.ToLower(rand.Text())+"@codes.example", freshPhone()

	sent, err := api.Passwordless.SendEmail(ctx, passwordless.SendEmailRequest{Connection: "email", Email: email, Send: "code"})
	ok(t, err)
	if sent.ID == "" || sent.Email != email {
		t.Errorf("%+v", sent)
	}
	_, err = api.Passwordless.LoginWithEmail(ctx, passwordless.LoginWithEmailRequest{Email: email, Code: "nothing", Scope: "openid email"}, oauth.IDTokenValidationOptions{})
	refused(t, err, http.StatusForbidden, "Wrong email or verification code.")
	tokens, err := api.Passwordless.LoginWithEmail(ctx, passwordless.LoginWithEmailRequest{Email: email, Code: codeTo(t, email), Scope: "openid email"}, oauth.IDTokenValidationOptions{})
	ok(t, err)
	info, err := api.UserInfo(ctx, tokens.AccessToken)
	ok(t, err)
	if tokens.IDToken == "" || info.Email != email || !info.EmailVerified {
		t.Errorf("%+v %+v", tokens, info)
	}

	texted, err := api.Passwordless.SendSMS(ctx, passwordless.SendSMSRequest{Connection: "sms", PhoneNumber: phone})
	ok(t, err)
	if texted.ID == "" || texted.PhoneNumber != phone {
		t.Errorf("%+v", texted)
	}
	tokens, err = api.Passwordless.LoginWithSMS(ctx, passwordless.LoginWithSMSRequest{PhoneNumber: phone, Code: codeTo(t, phone), Scope: "openid profile", Audience: r.Audience}, oauth.IDTokenValidationOptions{})
	ok(t, err)
	if tokens.IDToken == "" || strings.Count(tokens.AccessToken, ".") != 2 {
		t.Errorf("%+v", tokens)
	}
}

// TestPasswordless_NodeAuth0: the same with the SDK for Node.js. It has no calls for second factors.
func TestPasswordless_NodeAuth0(t *testing.T) {
	machine := machineToken(t)
	r := newRelying(t, machine)
	withCodes(t, machine, r)
	setting, err := json.Marshal(r)
	ok(t, err)
	t.Setenv("STAGEDOOR_CLIENT", string(setting))
	runNode(t, "passwordless")
}

// TestSecondFactors_GoAuth0: the SDK sets up a phone at the token endpoint, gives codes of text messages, and a recovery code.
func TestSecondFactors_GoAuth0(t *testing.T) {
	machine := machineToken(t)
	for _, factor := range []string{"sms", "recovery-code"} {
		admin(t, machine, http.MethodPut, "/guardian/factors/"+factor, map[string]any{"enabled": true}, nil)
		t.Cleanup(func() {
			admin(t, machine, http.MethodPut, "/guardian/factors/"+factor, map[string]any{"enabled": false}, nil)
		})
	}
	r := newRelying(t, machine)
	asksForFactor(t, machine, r)
	api, ctx, phone := goAuthentication(t, r.ClientID, r.ClientSecret), t.Context(), freshPhone()

	first := r.asked(t, api)
	added, err := api.MFA.AddAuthenticator(ctx, first, mfa.AddAuthenticatorRequest{AuthenticatorTypes: []string{"oob"}, OOBChannels: []string{"sms"}, PhoneNumber: phone})
	ok(t, err)
	if added.AuthenticatorType != "oob" || added.BindingMethod != "prompt" || len(added.RecoveryCodes) != 1 {
		t.Fatalf("%+v", added)
	}
	_, err = api.MFA.VerifyWithOOB(ctx, mfa.VerifyWithOOBRequest{MFAToken: first, OOBCode: added.OOBCode, BindingCode: "nothing"})
	refused(t, err, http.StatusForbidden, "")
	tokens, err := api.MFA.VerifyWithOOB(ctx, mfa.VerifyWithOOBRequest{MFAToken: first, OOBCode: added.OOBCode, BindingCode: codeTo(t, phone)})
	ok(t, err)
	if tokens.IDToken == "" {
		t.Errorf("%+v", tokens)
	}

	second := r.asked(t, api)
	list, err := api.MFA.ListAuthenticators(ctx, second)
	ok(t, err)
	id := ""
	for _, a := range list {
		if a.AuthenticatorType == "oob" && a.Active {
			id = a.ID
		}
	}
	challenge, err := api.MFA.Challenge(ctx, mfa.ChallengeRequest{MFAToken: second, ChallengeType: "oob", AuthenticatorID: id})
	ok(t, err)
	_, err = api.MFA.VerifyWithOOB(ctx, mfa.VerifyWithOOBRequest{MFAToken: second, OOBCode: challenge.OOBCode, BindingCode: codeTo(t, phone)})
	ok(t, err)

	recovered, err := api.MFA.VerifyWithRecoveryCode(ctx, mfa.VerifyWithRecoveryCodeRequest{MFAToken: r.asked(t, api), RecoveryCode: added.RecoveryCodes[0]})
	ok(t, err)
	if recovered.IDToken == "" || recovered.RecoveryCode == "" || recovered.RecoveryCode == added.RecoveryCodes[0] {
		t.Errorf("%+v", recovered)
	}
	_, err = api.MFA.VerifyWithRecoveryCode(ctx, mfa.VerifyWithRecoveryCodeRequest{MFAToken: r.asked(t, api), RecoveryCode: added.RecoveryCodes[0]})
	refused(t, err, http.StatusForbidden, "")
}

// asksForFactor: a rule asks whoever signs in to the client with a password at the token endpoint.
func asksForFactor(t *testing.T, machine string, r relying) {
	t.Helper()
	var rule struct{ ID string }
	admin(t, machine, http.MethodPost, "/rules", map[string]any{"name": "Asks " + rand.Text()[:8], "enabled": true, "script": `function (user, context, callback) {
		if (context.clientID === '` + r.ClientID + `' && context.protocol === 'oauth2-password') context.multifactor = {provider: 'any'};
		callback(null, user, context);
	}`}, &rule)
	t.Cleanup(func() { admin(t, machine, http.MethodDelete, "/rules/"+rule.ID, nil, nil) })
}

// asked gives the person's password and returns the token with which a second factor is to be given.
func (r relying) asked(t *testing.T, api *authentication.Authentication) string {
	t.Helper()
	_, err := api.OAuth.LoginWithPassword(t.Context(), oauth.LoginWithPasswordRequest{Username: r.Person.Email, Password: r.Person.Password, Realm: userDatabase, Scope: "openid"}, oauth.IDTokenValidationOptions{})
	var asked *authentication.Error
	if !errors.As(err, &asked) || asked.Err != "mfa_required" || asked.MFAToken == "" {
		t.Fatalf("%v", err)
	}
	return asked.MFAToken
}
