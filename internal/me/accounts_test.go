package me_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

const (
	connectedLog = "connected_accounts_connection_succeeded"
	refusedLog   = "connected_accounts_connection_failed"
	federated    = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
)

// withProvider runs fn in a world with a provider at which accounts can be connected.
func withProvider(t *testing.T, kinds []string, fn func(*world, *stagedoortest.StandIn, *stagedoor.Connection)) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			provider := stagedoortest.NewStandIn(t)
			w := newWorld(t, kind, func(o *stagedoortest.Options) { o.Allow = []string{strings.TrimPrefix(provider.URL, "http://")} })
			fn(w, provider, w.provider(provider, "radio"))
		})
	}
}

// provider makes a custom social connection to the stand-in, for connected accounts alone.
func (w *world) provider(p *stagedoortest.StandIn, name string) *stagedoor.Connection {
	w.Helper()
	text, err := json.Marshal(p.Custom())
	w.ok(err)
	c := &stagedoor.Connection{
		Name: name, Strategy: "oauth2", EnabledClients: []string{w.client.ID}, Authentication: &stagedoor.Active{Active: false},
		Stored: map[string]json.RawMessage{"connected_accounts": json.RawMessage(`{"active":true}`)},
	}
	w.ok(json.Unmarshal(text, &c.Options.Stored))
	w.ok(w.st.CreateConnection(w.Context(), c))
	return c
}

// wanderer is a browser that follows nobody by itself.
func (w *world) wanderer() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Transport: w.Client.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// visit asks for an address and returns where the browser is sent, "" if it stays.
func (w *world) visit(b *http.Client, address string) string {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), "GET", address, nil)
	w.ok(err)
	resp, err := b.Do(r)
	w.ok(err)
	resp.Body.Close()
	return resp.Header.Get("Location")
}

const verifier = "a-code-verifier-of-at-least-forty-three-characters"

// begins asks for an account of a connection to be connected.
func (w *world) begins(access, connection, more string) *answer {
	w.Helper()
	return w.call(access, "POST", "/connected-accounts/connect", fmt.Sprintf(`{"connection":%q,"redirect_uri":"%s/callback","state":"s t","code_challenge":%q,"code_challenge_method":"S256"%s}`,
		connection, origin, jose.HashToken(verifier), more))
}

// travels goes the way of the person's browser and returns what it brings to the program.
func (w *world) travels(b *http.Client, begun *answer) url.Values {
	w.Helper()
	params := begun.body["connect_params"].(map[string]any)
	at := w.visit(b, begun.get("connect_uri")+"?ticket="+url.QueryEscape(params["ticket"].(string)))
	for range 4 {
		if strings.HasPrefix(at, origin) || at == "" {
			break
		}
		at = w.visit(b, at)
	}
	u, err := url.Parse(at)
	w.ok(err)
	return u.Query()
}

func (w *world) completes(access string, begun *answer, code, proof string) *answer {
	w.Helper()
	return w.call(access, "POST", "/connected-accounts/complete", fmt.Sprintf(`{"auth_session":%q,"connect_code":%q,"redirect_uri":"%s/callback","code_verifier":%q}`, begun.get("auth_session"), code, origin, proof))
}

// connects connects an account.
func (w *world) connects(access, connection string) *answer {
	w.Helper()
	begun := w.begins(access, connection, "").is(201, "")
	return w.completes(access, begun, w.travels(w.wanderer(), begun).Get("connect_code"), verifier).is(201, "")
}

// An account at a provider is connected, listed, used by a program, renewed, and taken away.
func TestConnectedAccounts(t *testing.T) {
	withProvider(t, []string{storetest.SQLite, storetest.Postgres}, func(w *world, provider *stagedoortest.StandIn, conn *stagedoor.Connection) {
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42, "email": "kim@radio.example", "name": "Kim"}))
		access := w.token()
		w.call(access, "GET", "/connected-accounts/connections", "").is(200, `{"connections":[{"name":"radio","strategy":"oauth2","scopes":["profile","email"]}]}`)
		w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil }) //nolint:errcheck // seen below
		w.begins(access, "radio", "").is(400, `{"title":"Validation Error"}`)
		w.call(access, "GET", "/connected-accounts/connections", "").is(200, `{"connections":[]}`)
		w.logged(refusedLog)
		_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = []string{w.client.ID}; return nil })
		w.ok(err)
		begun := w.begins(access, "radio", `,"scopes":["profile","songs:write"],"authorization_params":{"login_hint":"kim@radio.example","max_age":60}`).
			is(201, `{"expires_in":300,"connect_uri":"`+w.HTTPSURL+`/connected-accounts/connect"}`)
		w.logged()
		q := w.travels(w.wanderer(), begun)
		if q.Get("state") != "s t" || q.Get("connect_code") == "" || len(q.Get("connect_code")) > 46 || len(begun.get("auth_session")) > 64 {
			t.Fatalf("%v", q)
		}
		if asked := provider.Asked(); asked.Get("scope") != "profile songs:write" || asked.Get("login_hint") != "kim@radio.example" || asked.Get("max_age") != "60" || asked.Get("redirect_uri") != w.HTTPSURL+"/login/callback" {
			t.Errorf("asked %v", asked)
		}
		w.call(access, "GET", "/connected-accounts/accounts", "").is(200, `{"accounts":[]}`)
		got := w.completes(access, begun, q.Get("connect_code"), verifier).is(201, `{"connection":"radio","access_type":"offline","scopes":["profile","songs:write"]}`)
		id := got.get("id")
		w.logged(connectedLog)
		w.completes(access, begun, q.Get("connect_code"), verifier).is(400, "")
		w.logged(refusedLog)
		w.call(access, "GET", "/connected-accounts/accounts", "").is(200, `{"accounts":[{"id":"`+id+`","connection":"radio","access_type":"offline","scopes":["profile","songs:write"],"created_at":"`+got.get("created_at")+`"}]}`)
		w.call(access, "GET", "/connected-accounts/accounts?connection=other", "").is(200, `{"accounts":[]}`)
		if users, err := w.st.UsersByEmail(t.Context(), "kim@radio.example"); err != nil || len(users) != 0 {
			t.Errorf("a user came of it: %v %v", users, err)
		}
		w.same("again", w.connects(access, "radio").get("id"), id)

		machine, base := w.ManagementToken(t), w.HTTPSURL+"/api/v2/users/"+url.PathEscape(w.user)
		var managed struct {
			Accounts []map[string]any `json:"connected_accounts"`
		}
		w.JSON(t, "GET", base+"/connected-accounts", machine, nil, &managed)
		if len(managed.Accounts) != 1 || managed.Accounts[0]["id"] != id || managed.Accounts[0]["connection_id"] != conn.ID || managed.Accounts[0]["strategy"] != "oauth2" {
			t.Errorf("%v", managed)
		}
		var sets []map[string]any
		w.JSON(t, "GET", base+"/federated-connections-tokensets", machine, nil, &sets)
		if len(sets) != 1 || sets[0]["id"] != id || sets[0]["expires_at"] == nil || sets[0]["access_token"] != nil {
			t.Errorf("%v", sets)
		}

		other := w.provider(provider, "songs")
		w.connects(access, "songs")
		page := w.call(access, "GET", "/connected-accounts/accounts?take=1", "").is(200, "")
		next := w.call(access, "GET", "/connected-accounts/accounts?take=1&from="+url.QueryEscape(page.get("next")), "").is(200, "")
		if page.get("next") == "" || next.get("next") != "" || next.body["accounts"].([]any)[0].(map[string]any)["connection"] != "songs" {
			t.Errorf("%s %s", page.text, next.text)
		}
		w.ok(w.st.DeleteConnection(t.Context(), other.ID))
		w.same("with the connection", len(w.call(access, "GET", "/connected-accounts/accounts", "").body["accounts"].([]any)), 1)
		w.logged(connectedLog, connectedLog)
		w.call(access, "DELETE", "/connected-accounts/accounts/"+id, "").is(204, "")
		w.logged("connected_accounts_delete_succeeded")
		w.call(access, "DELETE", "/connected-accounts/accounts/"+id, "").is(204, "")
		w.call(access, "GET", "/connected-accounts/accounts", "").is(200, `{"accounts":[]}`)
		w.logged()
		w.connects(access, "radio")
		if status := w.JSON(t, "DELETE", base+"/federated-connections-tokensets/"+w.connects(access, "radio").get("id"), machine, nil, nil); status != 204 {
			t.Errorf("%d", status)
		}
		w.call(access, "GET", "/connected-accounts/accounts", "").is(200, `{"accounts":[]}`)
	})
}

// Programs exchange a refresh token, or an access token for their own API, for the provider's token.
func TestFederatedTokens(t *testing.T) {
	withProvider(t, []string{storetest.SQLite, storetest.Postgres}, func(w *world, provider *stagedoortest.StandIn, conn *stagedoor.Connection) {
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42, "email": "kim@radio.example", "name": "Kim"}))
		w.connects(w.token(), "radio")
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 43, "email": "kim@work.example"}))
		w.connects(w.token(), "radio")
		const api = "https://songs.test/"
		w.ok(w.st.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{Identifier: api, SigningAlgorithm: "RS256", TokenLifetime: 600, AllowOfflineAccess: true, SkipConsent: true, Scopes: []stagedoor.APIScope{{Value: "read:songs"}}}))
		secret := stagedoor.NewSecret()
		for _, c := range []*stagedoor.Client{
			{ID: "site", GrantTypes: []string{"refresh_token", "http://auth0.com/oauth/grant-type/password-realm", federated}},
			{ID: "backend", AppType: "resource_server", Stored: map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"` + api + `"`)}, GrantTypes: []string{federated}},
			{ID: "else", AppType: "resource_server", Stored: map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"https://else.test/"`)}, GrantTypes: []string{federated}},
		} {
			c.Name, c.Secret, c.IsFirstParty, c.OIDCConformant, c.TokenEndpointAuthMethod = c.ID, secret, true, true, "client_secret_post"
			w.ok(w.st.CreateClient(t.Context(), c))
			for _, id := range []string{conn.ID, w.database().ID} {
				_, err := w.st.UpdateConnection(t.Context(), id, func(conn *stagedoor.Connection) error {
					conn.EnabledClients = append(conn.EnabledClients, c.ID)
					return nil
				})
				w.ok(err)
			}
		}
		post := func(form map[string]string) (out map[string]any) {
			w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", form, &out)
			return out
		}
		signed := post(map[string]string{
			"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "Username-Password-Authentication", "client_id": "site", "client_secret": secret,
			"username": "ada@example.com", "password": word, "audience": api, "scope": "openid offline_access read:songs",
		})
		exchange := func(client, kind string, subject any, more ...string) map[string]any {
			form := map[string]string{
				"grant_type": federated, "client_id": client, "client_secret": secret, "subject_token": fmt.Sprint(subject), "subject_token_type": "urn:ietf:params:oauth:token-type:" + kind,
				"requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token", "connection": "radio",
			}
			for i := 0; i < len(more); i += 2 {
				form[more[i]] = more[i+1]
			}
			return post(form)
		}
		w.logged(connectedLog, connectedLog)
		newest := exchange("site", "refresh_token", signed["refresh_token"])
		if newest["access_token"] == nil || newest["token_type"] != "Bearer" || newest["scope"] != "profile email" || newest["issued_token_type"] != "http://auth0.com/oauth/token-type/federated-connection-access-token" || newest["refresh_token"] != nil || newest["expires_in"].(float64) > 3600 {
			t.Fatalf("%v", newest)
		}
		hinted := exchange("backend", "access_token", signed["access_token"], "login_hint", "KIM@radio.example")
		if hinted["access_token"] == nil || hinted["access_token"] == newest["access_token"] {
			t.Errorf("%v", hinted)
		}
		w.logged("seta", "seta")
		w.pass(time.Hour)
		signed = post(map[string]string{"grant_type": "refresh_token", "client_id": "site", "client_secret": secret, "refresh_token": signed["refresh_token"].(string)})
		many := make(chan map[string]any) // the provider takes each refresh token once
		for range 4 {
			go func() {
				many <- exchange("backend", "access_token", signed["access_token"], "login_hint", "kim@radio.example")
			}()
		}
		renewed := <-many
		for range 3 {
			if got := <-many; got["access_token"] != renewed["access_token"] {
				t.Errorf("at once: %v %v", got, renewed)
			}
		}
		if renewed["access_token"] == nil || renewed["access_token"] == hinted["access_token"] || provider.Exchanged().Get("grant_type") != "refresh_token" {
			t.Errorf("%v", renewed)
		}
		w.same("kept", exchange("backend", "access_token", signed["access_token"], "login_hint", "kim@radio.example")["access_token"], renewed["access_token"])
		for name, got := range map[string]map[string]any{
			"invalid_grant":                  exchange("else", "access_token", signed["access_token"]),
			"federated_connection_not_found": exchange("backend", "access_token", signed["access_token"], "login_hint", "nobody"),
			"invalid_request":                exchange("backend", "access_token", signed["access_token"], "requested_token_type", "x"),
			"unauthorized_client":            post(map[string]string{"grant_type": federated, "client_id": w.client.ID, "subject_token": "x"}),
		} {
			if got["error"] != name {
				t.Errorf("%s: %v", name, got)
			}
		}
		if got := exchange("site", "refresh_token", "nonsense"); got["error"] != "invalid_grant" {
			t.Errorf("%v", got)
		}
		if got := exchange("backend", "access_token", w.token()); got["error"] != "invalid_grant" { // of another API
			t.Errorf("%v", got)
		}
		w.pass(time.Hour)
		signed = post(map[string]string{"grant_type": "refresh_token", "client_id": "site", "client_secret": secret, "refresh_token": signed["refresh_token"].(string)})
		provider.Misbehave("token_error")
		for range 2 { // and nobody waits for the one that failed
			if got := exchange("backend", "access_token", signed["access_token"]); got["error"] != "federated_connection_refresh_token_not_found" {
				t.Errorf("%v", got)
			}
		}
		provider.Misbehave("")
		reach := func(address any) {
			_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error {
				c.Options.Stored["tokenURL"], _ = json.Marshal(address)
				return nil
			})
			w.ok(err)
		}
		reach("http://127.0.0.1:1/token") // away for a moment, which is no reason to connect the account again
		if got := exchange("backend", "access_token", signed["access_token"]); got["error"] != "temporarily_unavailable" {
			t.Errorf("%v", got)
		}
		reach(provider.Custom()["tokenURL"])
		if got := exchange("backend", "access_token", signed["access_token"]); got["access_token"] == nil {
			t.Errorf("%v", got)
		}
		_, err := w.st.UpdateUser(t.Context(), w.user, func(u *stagedoor.User) error { u.Blocked = new(true); return nil })
		w.ok(err)
		if got := exchange("backend", "access_token", signed["access_token"]); got["error"] != "invalid_grant" {
			t.Errorf("%v", got)
		}
	})
}

// Who is linked to another user brings the accounts that they have connected, but for those that the other has connected already. What nobody uses for a
// year is forgotten.
func TestConnectedAccountsStay(t *testing.T) {
	withProvider(t, []string{storetest.SQLite, storetest.Postgres}, func(w *world, provider *stagedoortest.StandIn, conn *stagedoor.Connection) {
		other := w.person("eve@example.com")
		save := func(user, account, access string) {
			w.ok(w.st.SaveConnectedAccount(t.Context(), &stagedoor.ConnectedAccount{UserID: user, ConnectionID: conn.ID, Account: account, Tokens: stagedoor.ProviderTokens{Access: access}}))
		}
		save(w.user, "1", "ada's")
		w.pass(time.Second) // they are listed as they were connected
		save(other, "1", "eve's of the same")
		save(other, "2", "eve's")
		found := func() (out []string) {
			all, err := w.st.ConnectedAccounts(t.Context(), w.user)
			w.ok(err)
			for _, a := range all {
				if a.UserID != w.user {
					t.Errorf("%+v", a)
				}
				out = append(out, a.Account+" "+a.Tokens.Access)
			}
			return out
		}
		_, err := w.st.LinkIdentity(t.Context(), w.user, stagedoor.Identity{Connection: w.database().Name, Provider: "auth0", UserID: strings.TrimPrefix(other, "auth0|")}, false)
		w.ok(err)
		w.same("after the link", fmt.Sprint(found()), "[1 ada's 2 eve's]")
		all, err := w.st.ConnectedAccounts(t.Context(), w.user)
		w.ok(err)
		w.pass(300 * 24 * time.Hour)
		w.ok(w.st.UseConnectedAccount(t.Context(), w.user, all[1].ID, w.st.Clock().Now()))
		w.pass(100 * 24 * time.Hour)
		w.ok(w.DB().Sweep(t.Context()))
		w.same("after a year", fmt.Sprint(found()), "[2 eve's]")
		save(w.user, "2", "anew") // connected once more, it has another year
		w.pass(300 * 24 * time.Hour)
		w.ok(w.DB().Sweep(t.Context()))
		w.same("connected again", fmt.Sprint(found()), "[2 anew]")
	})
}

// The way of the browser belongs to the person and the program that began, and is gone once.
func TestAttackConnectAccount(t *testing.T) {
	withProvider(t, []string{storetest.SQLite}, func(w *world, provider *stagedoortest.StandIn, conn *stagedoor.Connection) {
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42}))
		access := w.token()
		w.call(access, "POST", "/connected-accounts/connect", `{"connection":"radio","redirect_uri":"https://evil.test/"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "POST", "/connected-accounts/connect", `{"connection":"radio","redirect_uri":"https://app.test/callback","code_challenge":"`+strings.Repeat("x", 43)+`"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "POST", "/connected-accounts/connect", `{"connection":"Username-Password-Authentication","redirect_uri":"https://app.test/callback"}`).is(400, `{"title":"Validation Error"}`)
		w.begins(access, "radio", `,"scopes":["a b"]`).is(400, `{"title":"Validation Error"}`)
		w.begins(access, "radio", `,"authorization_params":{"client_id":"x"}`).is(400, `{"title":"Validation Error"}`)
		other := w.person("eve@example.com")
		eve := w.signIn("eve@example.com", word)["access_token"].(string)

		begun := w.begins(access, "radio", "").is(201, "")
		b := w.wanderer()
		q := w.travels(b, begun)
		if q.Get("connect_code") == "" {
			t.Fatalf("%v", q)
		}
		w.completes(eve, begun, q.Get("connect_code"), verifier).is(400, "") // and the code is gone
		w.completes(access, begun, q.Get("connect_code"), verifier).is(400, "")
		if got := w.travels(b, begun); got.Get("connect_code") != "" { // the ticket works once
			t.Errorf("%v", got)
		}
		for name, wrong := range map[string]func(*answer, string) *answer{
			"another session": func(begun *answer, code string) *answer {
				return w.completes(access, w.begins(access, "radio", ""), code, verifier)
			},
			"another verifier": func(begun *answer, code string) *answer {
				return w.completes(access, begun, code, strings.Repeat("y", 43))
			},
		} {
			begun := w.begins(access, "radio", "").is(201, "")
			code := w.travels(w.wanderer(), begun).Get("connect_code")
			if got := wrong(begun, code); code == "" || got.status != 400 {
				t.Errorf("%s: %q %d %s", name, code, got.status, got.text)
			}
		}
		begun = w.begins(access, "radio", "").is(201, "")
		params := begun.body["connect_params"].(map[string]any)
		at := w.visit(b, begun.get("connect_uri")+"?ticket="+params["ticket"].(string))
		back := w.visit(b, at)
		if got := w.visit(w.wanderer(), back); got != "" { // another browser
			t.Errorf("%s", got)
		}
		if all, err := w.st.ConnectedAccounts(t.Context(), w.user); err != nil || len(all) != 0 {
			t.Errorf("%v %v", all, err)
		}
		if all, err := w.st.ConnectedAccounts(t.Context(), other); err != nil || len(all) != 0 {
			t.Errorf("%v %v", all, err)
		}
		provider.Refuse("access_denied", "The person said no")
		begun = w.begins(access, "radio", "").is(201, "")
		if q := w.travels(w.wanderer(), begun); q.Get("error") != "access_denied" || q.Get("error_description") != "The person said no" || q.Get("state") != "s t" {
			t.Errorf("%v", q)
		}
		_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error {
			c.Stored["connected_accounts"] = json.RawMessage(`{"active":false}`)
			return nil
		})
		w.ok(err)
		w.begins(access, "radio", "").is(400, `{"title":"Validation Error"}`)
		w.call(access, "GET", "/connected-accounts/connections", "").is(200, `{"connections":[]}`)
	})
}
