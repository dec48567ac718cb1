package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// socials is each provider with a connection to it, and what comes of its person.
var socials = []struct {
	name, strategy string
	options        map[string]any
	id             string // of the user
	email          string
	verified       bool
	more           map[string]string // attributes, as JSON
	asks           map[string]string // parameters of the authorization request
}{
	{
		name: "google-oauth2", strategy: "google-oauth2", options: map[string]any{"scope": []string{"email", "profile", "https://www.googleapis.com/auth/calendar"}, "offline_access": true},
		id: "google-oauth2|1234", email: "kim@corp.example", verified: true, asks: map[string]string{"scope": "openid email profile https://www.googleapis.com/auth/calendar", "access_type": "offline", "code_challenge_method": "S256"},
	},
	{
		name: "apple", strategy: "apple", options: map[string]any{"email": true, "name": true, "team_id": "TEAM123456", "kid": "KEY1234567"},
		id: "apple|1234", email: "kim@corp.example", verified: true, asks: map[string]string{"scope": "email name", "response_mode": "form_post"},
	},
	{
		name: "github", strategy: "github", options: map[string]any{"read_org": true, "read_user": true},
		id: "github|1234", email: "kim@corp.example", verified: true, more: map[string]string{"html_url": `"https://github.com/kimmy"`}, asks: map[string]string{"scope": "user:email read:org read:user"},
	},
	{
		name: "facebook", strategy: "facebook", options: map[string]any{"scope": "email,public_profile", "user_birthday": true},
		id: "facebook|1234", email: "kim@corp.example", verified: true, asks: map[string]string{"scope": "public_profile,email,user_birthday"},
	},
	{
		name: "windowslive", strategy: "windowslive", options: map[string]any{"signin": true, "strategy_version": 2},
		id: "windowslive|1234", email: "kim@corp.example", asks: map[string]string{"scope": "User.Read"},
	},
	{
		name: "linkedin", strategy: "linkedin", options: map[string]any{"scope": []string{"r_liteprofile"}},
		id: "linkedin|1234", email: "kim@corp.example", verified: true, asks: map[string]string{"scope": "openid profile email"},
	},
	{
		name: "twitter", strategy: "twitter", options: map[string]any{"protocol": "oauth2", "offline_access": true},
		id: "twitter|1234", more: map[string]string{"screen_name": `"kimmy"`}, asks: map[string]string{"scope": "users.read tweet.read offline.access"},
	},
	{name: "gitlab", strategy: "oauth2", id: "oauth2|gitlab|1234", email: "kim@corp.example", verified: true},
	{name: "discord", strategy: "oauth2", id: "oauth2|discord|1234", email: "kim@corp.example", verified: true, asks: map[string]string{"scope": "identify email"}},
	{name: "sign-in-with-slack", strategy: "oauth2", id: "oauth2|sign-in-with-slack|1234", email: "kim@corp.example", verified: true, more: map[string]string{"https://slack.com/user_id": ""}},
	{name: "spotify", strategy: "oauth2", id: "oauth2|spotify|1234", email: "kim@corp.example", more: map[string]string{"country": `"SE"`}},
}

// social is the person as providers know them.
var social = standin.Person{
	Subject: "1234", Email: "kim@corp.example", EmailVerified: true, Name: "Kim Corp", GivenName: "Kim", FamilyName: "Corp", Nickname: "kimmy", Picture: "https://corp.example/kim.png",
}

func appleKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// TestSocialProviders: each provider of the table lets its person in, in the form that it documents.
func TestSocialProviders(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Choose(&social)
	for _, c := range socials {
		t.Run(c.name, func(t *testing.T) {
			w.T = t
			if c.name == "apple" {
				c.options["app_secret"] = appleKey(t)
			}
			w.upstream(c.name, c.strategy, c.options)
			w.in(c.name)
			u, err := w.st.User(t.Context(), c.id)
			if err != nil {
				t.Fatal(err)
			}
			if u.Email != c.email || u.EmailVerified != c.verified || u.Name != "Kim Corp" {
				t.Errorf("%+v", u)
			}
			if i := u.Identities[0]; !i.IsSocial || i.Provider != c.strategy || i.Connection != c.name || i.FullID() != c.id {
				t.Errorf("%+v", i)
			}
			for name, want := range c.more {
				if got := string(u.Attributes[name]); got != want {
					t.Errorf("%s is %s", name, got)
				}
			}
			for name, want := range c.asks {
				if got := w.standin.Asked().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			w.in(c.name)
			if u, err = w.st.User(t.Context(), c.id); err != nil || u.LoginsCount != 2 {
				t.Errorf("%+v %v", u, err)
			}
			w.standin.Misbehave(standin.TokenError)
			w.out(c.name, "The identity provider gave no token", "400")
			w.standin.Choose(&social)
		})
	}
	w.T = t
	// The page has a button for each, under the name that people know, and an own mark.
	page := w.browser().begin().want(http.StatusOK)
	for _, name := range []string{"Google", "Apple", "GitHub", "Facebook", "Microsoft", "LinkedIn", "X", "GitLab", "Discord", "Slack", "Spotify"} {
		page.button(name)
	}
	// GitHub, Slack and Facebook have forms of their own for what goes wrong.
	for _, name := range []string{"github", "facebook", "sign-in-with-slack"} {
		w.set(w.connection(name), "client_secret", "wrong")
		w.out(name, "The identity provider gave no token", "The identity provider gave no token")
	}
	w.logs("The code passed is incorrect or expired.", "This authorization code has been used.")
	// Apple's secret is made for each request: of the team, for the client, with ES256.
	w.in("apple")
	header, claims, err := jose.Peek(w.standin.Exchanged().Get("client_secret"))
	if err != nil || header.Algorithm != "ES256" || header.KeyID != "KEY1234567" || claims.Issuer != "TEAM123456" || claims.Subject != "stagedoor" || claims.Audience[0] != "https://appleid.apple.com" || claims.ExpiresAt.After(time.Now().Add(time.Hour)) {
		t.Errorf("%+v %+v %v", header, claims, err)
	}
	w.set(w.connection("apple"), "app_secret", "nonsense")
	w.out("apple", "The identity provider gave no token", "app_secret is no private key")
	// OAuth 1.0a is not spoken, and a connection without a client cannot be used.
	w.set(w.connection("twitter"), "protocol", "oauth1")
	w.set(w.connection("github"), "client_id", "")
	page = w.browser().begin()
	page.hides("connection=twitter", "connection=github")
	page.button("Google")
}

// TestNoSocialProfileCanWriteAppMetadata: a provider says who somebody is, never what they may do here.
func TestNoSocialProfileCanWriteAppMetadata(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	evil := social
	evil.More = map[string]any{
		"app_metadata": map[string]any{"roles": []string{"admin"}}, "user_metadata": map[string]any{"color": "red"}, "metadata": map[string]any{"roles": []string{"admin"}},
		"blocked": true, "identities": []any{map[string]any{"provider": "auth0", "user_id": "ada"}}, "logins_count": 99, "multifactor": []string{"none"}, "mfa_factors": []any{map[string]any{"totp": map[string]string{"secret": "AAAAAAAAAAAAAAAA"}}},
		"password": "secret", "connection": "Users", "last_ip": "1.2.3.4",
	}
	w.standin.Choose(&evil)
	connections := map[string]string{}
	for _, c := range socials {
		if c.name == "apple" {
			c.options["app_secret"] = appleKey(t)
		}
		w.upstream(c.name, c.strategy, c.options)
		connections[c.name] = c.id
	}
	w.oidc("corp", map[string]any{"attribute_map": map[string]any{"mapping_mode": "bind_all", "userinfo_scope": "openid"}})
	connections["corp"] = "oidc|corp|1234"
	w.oidc("mapped", map[string]any{"attribute_map": map[string]any{"mapping_mode": "use_map", "attributes": map[string]any{"app_metadata": "${context.tokenset.app_metadata}", "blocked": true}}})
	connections["mapped"] = "oidc|mapped|1234"
	for name, id := range connections {
		w.in(name)
		w.in(name)
		u, err := w.st.User(t.Context(), id)
		if err != nil {
			t.Fatal(name, err)
		}
		if len(u.AppMetadata) != 0 || len(u.UserMetadata) != 0 || u.IsBlocked() || len(u.Identities) != 1 || u.LoginsCount != 2 || u.Connection != name {
			t.Errorf("%s: %+v", name, u)
		}
		for member := range u.Attributes {
			for _, no := range []string{"metadata", "password", "blocked", "identities", "mfa_factors", "multifactor", "last_ip"} {
				if strings.Contains(member, no) {
					t.Errorf("%s: the profile has %s", name, member)
				}
			}
		}
	}
}
