package me_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// What somebody came back with is of the program that began, for the address and the proof that it named, as long as accounts are connected there.
func TestAttackConnectCode(t *testing.T) {
	withProvider(t, []string{storetest.SQLite}, func(w *world, provider *stagedoortest.StandIn, conn *stagedoor.Connection) {
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42}))
		access, first := w.token(), w.client
		w.client = w.program("other")
		elsewhere := w.token()
		w.client = first
		_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = append(c.EnabledClients, "other"); return nil })
		w.ok(err)
		complete := func(access string, begun *answer, redirect, proof string) *answer {
			code := w.travels(w.wanderer(), begun).Get("connect_code")
			if code == "" {
				t.Fatal("no code")
			}
			body := map[string]string{"auth_session": begun.get("auth_session"), "connect_code": code, "redirect_uri": redirect}
			if proof != "" {
				body["code_verifier"] = proof
			}
			text, err := json.Marshal(body)
			w.ok(err)
			return w.call(access, "POST", "/connected-accounts/complete", string(text))
		}
		began := func() *answer { return w.begins(access, "radio", "").is(201, "") }
		complete(elsewhere, began(), origin+"/callback", verifier).is(400, "")
		complete(access, began(), origin+"/other", verifier).is(400, "")
		complete(access, began(), origin+"/callback", "").is(400, "")
		plain := func() *answer {
			return w.call(access, "POST", "/connected-accounts/connect", `{"connection":"radio","redirect_uri":"`+origin+`/callback"}`).is(201, "")
		}
		complete(access, plain(), origin+"/callback", verifier).is(400, "") // there was nothing to prove: somebody has put another beginning in the place of theirs
		complete(access, plain(), origin+"/callback", "").is(201, "")

		begun := began()
		code := w.travels(w.wanderer(), begun).Get("connect_code")
		_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error {
			c.Stored["connected_accounts"] = json.RawMessage(`{"active":false}`)
			return nil
		})
		w.ok(err)
		w.completes(access, begun, code, verifier).is(400, "")
	})
}

// A browser in which somebody else is signed in does not go to the provider: they would connect their account to another person's user.
func TestAttackConnectInAnothersBrowser(t *testing.T) {
	withProvider(t, []string{storetest.SQLite}, func(w *world, provider *stagedoortest.StandIn, _ *stagedoor.Connection) {
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42}))
		access := w.token()
		signedIn := func(id string) *http.Client {
			u, err := w.st.User(t.Context(), id)
			w.ok(err)
			handle, _, err := session.Open(t.Context(), w.st, u, w.database(), nil, nil, nil, session.Visit{})
			w.ok(err)
			b := w.wanderer()
			at, err := url.Parse(w.HTTPSURL)
			w.ok(err)
			b.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-auth0", Value: handle, Path: "/", Secure: true}})
			return b
		}
		if q := w.travels(signedIn(w.person("eve@example.com")), w.begins(access, "radio", "").is(201, "")); q.Get("error") != "access_denied" || q.Get("connect_code") != "" || q.Get("state") != "s t" {
			t.Errorf("%v", q)
		}
		if q := w.travels(signedIn(w.user), w.begins(access, "radio", "").is(201, "")); q.Get("connect_code") == "" {
			t.Errorf("%v", q)
		}
	})
}

// Google gives a refresh token to nobody who was not just asked. Scopes that are asked for stand in the place of the connection's own, but for the one by which we learn whose account it is.
func TestConnectingAsksForMoreThanALogin(t *testing.T) {
	withProvider(t, []string{storetest.SQLite}, func(w *world, provider *stagedoortest.StandIn, _ *stagedoor.Connection) {
		w.ok(w.st.CreateConnection(t.Context(), &stagedoor.Connection{
			Name: "google", Strategy: "google-oauth2", EnabledClients: []string{w.client.ID},
			Options: stagedoor.ConnectionOptions{Stored: map[string]json.RawMessage{
				"client_id": json.RawMessage(`"g"`), "client_secret": json.RawMessage(`"s"`), "stagedoor": json.RawMessage(`{"base_url":"` + provider.URL + `/google"}`),
			}},
			Stored: map[string]json.RawMessage{"connected_accounts": json.RawMessage(`{"active":true}`)},
		}))
		asked := func(more string) url.Values {
			begun := w.begins(w.token(), "google", more).is(201, "")
			params := begun.body["connect_params"].(map[string]any)
			at := w.visit(w.wanderer(), begun.get("connect_uri")+"?ticket="+params["ticket"].(string))
			u, err := url.Parse(at)
			w.ok(err)
			return u.Query()
		}
		if q := asked(`,"scopes":["calendar"]`); q.Get("access_type") != "offline" || q.Get("prompt") != "consent" || q.Get("scope") != "calendar openid" {
			t.Errorf("%v", q)
		}
		if q := asked(`,"authorization_params":{"prompt":"select_account"}`); q.Get("prompt") != "select_account" || !strings.Contains(q.Get("scope"), "openid") {
			t.Errorf("%v", q)
		}
	})
}

// A provider that does not say again what it has said leaves the refresh token and the scope as they were; programs are told how long a token still works.
func TestRenewalKeepsWhatIsNotSaid(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			provider, times := stagedoortest.NewStandIn(t), 0
			renews := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if times++; r.FormValue("refresh_token") != "the only one" {
					t.Errorf("%v", r.Form)
				}
				rw.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(rw, `{"access_token":"renewed %d","token_type":"Bearer","expires_in":3600}`, times)
			}))
			t.Cleanup(renews.Close)
			w := newWorld(t, kind, func(o *stagedoortest.Options) { o.Allow = []string{strings.TrimPrefix(renews.URL, "http://")} })
			conn := w.provider(provider, "radio")
			const secret = "a secret of the site, which is long enough for one"
			w.ok(w.st.CreateClient(t.Context(), &stagedoor.Client{
				ID: "site", Name: "site", Secret: secret, IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "client_secret_post",
				GrantTypes: []string{"refresh_token", "http://auth0.com/oauth/grant-type/password-realm", federated},
			}))
			w.siteRenewsAt(conn, renews.URL)
			w.ok(w.st.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{Identifier: "https://songs.test/", SigningAlgorithm: "RS256", AllowOfflineAccess: true, SkipConsent: true}))
			var signed map[string]any
			w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
				"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": w.database().Name, "client_id": "site", "client_secret": secret,
				"username": "ada@example.com", "password": word, "scope": "openid offline_access", "audience": "https://songs.test/",
			}, &signed)
			w.ok(w.st.SaveConnectedAccount(t.Context(), &stagedoor.ConnectedAccount{
				UserID: w.user, ConnectionID: conn.ID, Account: "42",
				Tokens: stagedoor.ProviderTokens{Access: "first", Refresh: "the only one", Scope: "songs:read", ExpiresAt: w.clock().Add(time.Hour)},
			}))
			for i, want := range []string{"first", "renewed 1", "renewed 2"} {
				if i > 0 {
					w.pass(31 * time.Minute)
				}
				w.pass(30 * time.Minute)
				var got map[string]any
				w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
					"grant_type": federated, "client_id": "site", "client_secret": secret, "subject_token": fmt.Sprint(signed["refresh_token"]), "subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token",
					"requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token", "connection": "radio",
				}, &got)
				life, _ := got["expires_in"].(float64)
				if got["access_token"] != want || got["scope"] != "songs:read" || i == 0 && (life > 1800 || life < 1700) || i > 0 && (life > 3600 || life < 3500) {
					t.Errorf("%s: %v", want, got)
				}
			}
		})
	}
}

// siteRenewsAt lets people of the database and of a provider's connection sign in to the client site, and has the provider's tokens renewed at an address.
func (w *world) siteRenewsAt(conn *stagedoor.Connection, address string) {
	w.Helper()
	for _, id := range []string{conn.ID, w.database().ID} {
		_, err := w.st.UpdateConnection(w.Context(), id, func(c *stagedoor.Connection) error {
			c.EnabledClients = append(c.EnabledClients, "site")
			if id == conn.ID {
				c.Options.Stored["tokenURL"], _ = json.Marshal(address)
			}
			return nil
		})
		w.ok(err)
	}
}
