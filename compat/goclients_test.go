package compat

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0/go-auth0/authentication"
	"github.com/auth0/go-auth0/authentication/mfa"
	"github.com/auth0/go-auth0/authentication/oauth"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// multiFactor is what a client asks for in acr_values.
const multiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

// TestGoClients lets the client libraries for Go do what they are made for.
func TestGoClients(t *testing.T) {
	machine := machineToken(t)
	withFactor(t, machine)
	for module, run := range map[string]func(*testing.T, relying, func(string, func(*testing.T))){
		"github.com/auth0/go-auth0": runGoAuth0, "github.com/coreos/go-oidc/v3": runGoOIDC, "github.com/zitadel/oidc/v3": runZitadel,
	} {
		t.Run(module[strings.Index(module, "/")+1:], func(t *testing.T) {
			var did []string
			run(t, newRelying(t, machine), func(what string, try func(*testing.T)) {
				if t.Failed() || !t.Run(what, try) {
					t.FailNow()
				}
				did = append(did, what)
			})
			for i, c := range did[:len(did)-1] {
				if slices.Contains(did[i+1:], c) {
					t.Errorf("%s twice", c)
				}
			}
			listed(t, module+" "+moduleVersion(t, module), did)
		})
	}
}

// moduleVersion reads the version of a module in go.mod.
func moduleVersion(t *testing.T, module string) string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	ok(t, err)
	m := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("go.mod does not name %s", module)
	}
	return string(m[1])
}

// authorizeURL is an address of a code flow with PKCE, for libraries that make none.
func (r relying) authorizeURL(more ...string) (address, verifier, nonce string) {
	verifier, nonce = oauth2.GenerateVerifier(), rand.Text()
	query := url.Values{
		"response_type": {"code"}, "client_id": {r.ClientID}, "redirect_uri": {r.RedirectURI}, "state": {rand.Text()}, "nonce": {nonce}, "audience": {r.Audience},
		"scope": {"openid profile email offline_access read:songs"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return "https://" + r.Domain + "/authorize?" + query.Encode(), verifier, nonce
}

// runGoAuth0: the SDK has no page of its own and no logout; a second factor is asked for at the token endpoint.
func runGoAuth0(t *testing.T, r relying, can func(string, func(*testing.T))) {
	api, who := goAuthentication(t, r.ClientID, r.ClientSecret), newPerson(t, r.Person)
	var tokens *oauth.TokenSet
	login := func(t *testing.T, more ...string) *oauth.TokenSet {
		t.Helper()
		address, verifier, nonce := r.authorizeURL(more...)
		code := who.visit(address, r.RedirectURI).Get("code")
		out, err := api.OAuth.LoginWithAuthCodeWithPKCE(t.Context(), oauth.LoginWithAuthCodeWithPKCERequest{Code: code, CodeVerifier: verifier, RedirectURI: r.RedirectURI}, oauth.IDTokenValidationOptions{Nonce: nonce})
		ok(t, err)
		return out
	}
	can("sign in", func(t *testing.T) { tokens = login(t) })
	can("single sign-on", func(t *testing.T) {
		before := who.asks
		if login(t, "prompt", "none"); who.asks != before {
			t.Error("a page asked for something")
		}
	})
	can("userinfo", func(t *testing.T) {
		info, err := api.UserInfo(t.Context(), tokens.AccessToken)
		ok(t, err)
		if info.Email != r.Person.Email || info.Sub != r.Person.UserID {
			t.Errorf("%+v", info)
		}
	})
	can("renew", func(t *testing.T) {
		next, err := api.OAuth.RefreshToken(t.Context(), oauth.RefreshTokenRequest{RefreshToken: tokens.RefreshToken}, oauth.IDTokenValidationOptions{})
		ok(t, err)
		if next.AccessToken == "" || next.IDToken == "" {
			t.Errorf("%+v", next)
		}
	})
	can("step up", func(t *testing.T) { stepUpAtTheTokenEndpoint(t, api, r) })
	can("revoke", func(t *testing.T) {
		ok(t, api.OAuth.RevokeRefreshToken(t.Context(), oauth.RevokeRefreshTokenRequest{Token: tokens.RefreshToken}))
		_, err := api.OAuth.RefreshToken(t.Context(), oauth.RefreshTokenRequest{RefreshToken: tokens.RefreshToken}, oauth.IDTokenValidationOptions{})
		refused(t, err, http.StatusForbidden, "Unknown or invalid refresh token.")
	})
}

// stepUpAtTheTokenEndpoint: a rule asks for a factor, the SDK sets an app up and gives its code, and then another one.
func stepUpAtTheTokenEndpoint(t *testing.T, api *authentication.Authentication, r relying) {
	t.Helper()
	asksForFactor(t, machineToken(t), r)
	var app *authenticator
	for range 2 {
		asked := r.asked(t, api)
		if app == nil {
			added, err := api.MFA.AddAuthenticator(t.Context(), asked, mfa.AddAuthenticatorRequest{AuthenticatorTypes: []string{"otp"}})
			ok(t, err)
			app = &authenticator{secret: added.Secret}
		} else {
			challenge, err := api.MFA.Challenge(t.Context(), mfa.ChallengeRequest{MFAToken: asked, ChallengeType: "otp"})
			ok(t, err)
			if challenge.ChallengeType != "otp" {
				t.Errorf("%+v", challenge)
			}
		}
		tokens, err := api.MFA.VerifyWithOTP(t.Context(), mfa.VerifyWithOTPRequest{MFAToken: asked, OTP: app.code()})
		ok(t, err)
		if tokens.IDToken == "" {
			t.Errorf("%+v", tokens)
		}
	}
}

// runGoOIDC: go-oidc verifies, golang.org/x/oauth2 exchanges and renews.
func runGoOIDC(t *testing.T, r relying, can func(string, func(*testing.T))) {
	ctx, who := t.Context(), newPerson(t, r.Person)
	provider, err := oidc.NewProvider(ctx, "https://"+r.Domain+"/")
	ok(t, err)
	config := oauth2.Config{ClientID: r.ClientID, ClientSecret: r.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: r.RedirectURI, Scopes: []string{"openid", "email", "offline_access"}}
	verifier := provider.Verifier(&oidc.Config{ClientID: r.ClientID})
	type claims struct {
		Email, ACR string
		AMR        []string
	}
	var tokens *oauth2.Token
	login := func(t *testing.T, options ...oauth2.AuthCodeOption) (c claims, id string) {
		t.Helper()
		secret, nonce, state := oauth2.GenerateVerifier(), rand.Text(), rand.Text()
		back := who.visit(config.AuthCodeURL(state, append(options, oauth2.S256ChallengeOption(secret), oidc.Nonce(nonce))...), r.RedirectURI)
		if back.Get("state") != state {
			t.Fatal(back)
		}
		var err error
		tokens, err = config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(secret))
		ok(t, err)
		id = tokens.Extra("id_token").(string)
		token, err := verifier.Verify(ctx, id)
		ok(t, err)
		if token.Nonce != nonce || token.Subject != r.Person.UserID {
			t.Fatalf("%+v", token)
		}
		ok(t, token.Claims(&c))
		return c, id
	}
	can("sign in", func(t *testing.T) {
		if c, _ := login(t); c.Email != r.Person.Email || tokens.RefreshToken == "" {
			t.Errorf("%+v", c)
		}
	})
	can("userinfo", func(t *testing.T) {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		ok(t, err)
		if info.Email != r.Person.Email || !info.EmailVerified || info.Subject != r.Person.UserID {
			t.Errorf("%+v", info)
		}
	})
	can("renew", func(t *testing.T) {
		old := *tokens
		old.Expiry = time.Now().Add(-time.Hour)
		next, err := config.TokenSource(ctx, &old).Token()
		ok(t, err)
		if _, err := verifier.Verify(ctx, next.Extra("id_token").(string)); err != nil || next.AccessToken == old.AccessToken {
			t.Errorf("%v %v", err, next)
		}
	})
	can("single sign-on", func(t *testing.T) {
		before := who.asks
		if login(t, oauth2.SetAuthURLParam("prompt", "none")); who.asks != before {
			t.Error("a page asked for something")
		}
	})
	id := ""
	can("step up", func(t *testing.T) {
		var c claims
		if c, id = login(t, oauth2.SetAuthURLParam("acr_values", multiFactor)); c.ACR != multiFactor || !slices.Equal(c.AMR, []string{"mfa"}) {
			t.Errorf("%+v", c)
		}
	})
	can("sign out", func(t *testing.T) {
		var metadata struct {
			EndSession string `json:"end_session_endpoint"`
		}
		ok(t, provider.Claims(&metadata))
		who.visit(metadata.EndSession+"?"+url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {r.LogoutURI}}.Encode(), r.LogoutURI)
		if back := who.visit(config.AuthCodeURL("x", oauth2.SetAuthURLParam("prompt", "none")), r.RedirectURI); back.Get("error") != "login_required" {
			t.Errorf("%v", back)
		}
	})
}

// runZitadel: a relying party that follows the standards to the letter.
func runZitadel(t *testing.T, r relying, can func(string, func(*testing.T))) {
	ctx, who := t.Context(), newPerson(t, r.Person)
	party, err := rp.NewRelyingPartyOIDC(ctx, "https://"+r.Domain+"/", r.ClientID, r.ClientSecret, r.RedirectURI, []string{"openid", "email", "offline_access"},
		rp.WithVerifierOpts(rp.WithIssuedAtOffset(5*time.Second)))
	ok(t, err)
	var tokens *zitadel.Tokens[*zitadel.IDTokenClaims]
	login := func(t *testing.T, options ...rp.AuthURLOpt) {
		t.Helper()
		state, verifier := rand.Text(), oauth2.GenerateVerifier()
		back := who.visit(rp.AuthURL(state, party, append(options, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier)))...), r.RedirectURI)
		if back.Get("state") != state {
			t.Fatal(back)
		}
		var err error
		tokens, err = rp.CodeExchange[*zitadel.IDTokenClaims](ctx, back.Get("code"), party, rp.WithCodeVerifier(verifier))
		ok(t, err)
	}
	can("sign in", func(t *testing.T) {
		if login(t); tokens.IDTokenClaims.Email != r.Person.Email || tokens.RefreshToken == "" {
			t.Errorf("%+v", tokens.IDTokenClaims)
		}
	})
	can("userinfo", func(t *testing.T) {
		info, err := rp.Userinfo[*zitadel.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, party)
		ok(t, err)
		if info.Email != r.Person.Email || !bool(info.EmailVerified) {
			t.Errorf("%+v", info)
		}
	})
	can("renew", func(t *testing.T) {
		next, err := rp.RefreshTokens[*zitadel.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
		ok(t, err)
		if next.IDTokenClaims.Subject != r.Person.UserID {
			t.Errorf("%+v", next)
		}
	})
	can("single sign-on", func(t *testing.T) {
		before := who.asks
		if login(t, rp.WithPrompt("none")); who.asks != before {
			t.Error("a page asked for something")
		}
	})
	can("step up", func(t *testing.T) {
		login(t, func() []oauth2.AuthCodeOption {
			return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("acr_values", multiFactor)}
		})
		if c := tokens.IDTokenClaims; c.AuthenticationContextClassReference != multiFactor || !slices.Equal(c.AuthenticationMethodsReferences, []string{"mfa"}) {
			t.Errorf("%+v", c)
		}
	})
	can("revoke", func(t *testing.T) {
		ok(t, rp.RevokeToken(ctx, party, tokens.RefreshToken, "refresh_token"))
		if _, err := rp.RefreshTokens[*zitadel.IDTokenClaims](ctx, party, tokens.RefreshToken, "", ""); err == nil {
			t.Error("a revoked token renews")
		}
	})
	can("sign out", func(t *testing.T) {
		to, err := rp.EndSession(ctx, party, tokens.IDToken, r.LogoutURI, "bye", "", nil)
		ok(t, err)
		if to == nil || to.Query().Get("state") != "bye" || !strings.HasPrefix(to.String(), r.LogoutURI) {
			t.Errorf("%v", to)
		}
		who.visit(party.GetEndSessionEndpoint()+"?"+url.Values{"id_token_hint": {tokens.IDToken}, "post_logout_redirect_uri": {r.LogoutURI}}.Encode(), r.LogoutURI)
		if back := who.visit(rp.AuthURL("x", party, rp.WithPrompt("none")), r.RedirectURI); back.Get("error") != "login_required" {
			t.Errorf("%v", back)
		}
	})
}
