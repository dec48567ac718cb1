package me_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A provider that takes each refresh token once has given the next one, whether or not the program still waits for it that asked for a token: who does not wait keeps nobody's account from
// being renewed.
func TestRenewalOutlivesItsProgram(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			provider := stagedoortest.NewStandIn(t)
			begun, on := make(chan struct{}, 1), make(chan struct{})
			slow := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if form, _ := url.ParseQuery(string(body)); form.Get("grant_type") == "refresh_token" {
					begun <- struct{}{}
					<-on
				}
				passed, err := http.NewRequestWithContext(t.Context(), "POST", provider.Custom()["tokenURL"].(string), strings.NewReader(string(body)))
				if err != nil {
					t.Error(err)
					return
				}
				passed.Header = r.Header
				answer, err := http.DefaultClient.Do(passed)
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				rw.WriteHeader(answer.StatusCode)
				io.Copy(rw, answer.Body)
			}))
			t.Cleanup(slow.Close)
			w := newWorld(t, kind, func(o *stagedoortest.Options) {
				o.Allow = []string{strings.TrimPrefix(provider.URL, "http://"), strings.TrimPrefix(slow.URL, "http://")}
			})
			conn := w.provider(provider, "radio")
			provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42}))
			w.connects(w.token(), "radio")
			const api, secret = "https://songs.test/", "a secret of the back end, which is long enough for one"
			w.ok(w.st.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{Identifier: api, SigningAlgorithm: "RS256", TokenLifetime: 90000, SkipConsent: true}))
			for _, c := range []*stagedoor.Client{
				{ID: "site", GrantTypes: []string{"http://auth0.com/oauth/grant-type/password-realm"}},
				{ID: "backend", AppType: "resource_server", Stored: map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"` + api + `"`)}, GrantTypes: []string{federated}},
			} {
				c.Name, c.Secret, c.IsFirstParty, c.OIDCConformant, c.TokenEndpointAuthMethod = c.ID, secret, true, true, "client_secret_post"
				w.ok(w.st.CreateClient(t.Context(), c))
			}
			w.siteRenewsAt(conn, slow.URL)
			var signed map[string]any
			w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
				"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "Username-Password-Authentication", "client_id": "site", "client_secret": secret,
				"username": "ada@example.com", "password": word, "audience": api, "scope": "openid",
			}, &signed)
			form := url.Values{
				"grant_type": {federated}, "client_id": {"backend"}, "client_secret": {secret}, "subject_token": {signed["access_token"].(string)}, "connection": {"radio"},
				"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "requested_token_type": {"http://auth0.com/oauth/token-type/federated-connection-access-token"},
			}
			exchange := func(ctx context.Context) (out map[string]any, err error) {
				r, err := http.NewRequestWithContext(ctx, "POST", w.HTTPSURL+"/oauth/token", strings.NewReader(form.Encode()))
				w.ok(err)
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				answer, err := w.Client.Do(r)
				if err != nil {
					return nil, err
				}
				defer answer.Body.Close()
				return out, json.NewDecoder(answer.Body).Decode(&out)
			}
			w.pass(2 * time.Hour)
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error)
			go func() { _, err := exchange(ctx); left <- err }()
			<-begun
			leave()
			if err := <-left; err == nil {
				t.Fatal("it did not leave")
			}
			time.Sleep(100 * time.Millisecond) // the server hears of that
			close(on)
			got, err := exchange(t.Context())
			w.ok(err)
			if got["access_token"] == nil {
				t.Errorf("the account cannot be renewed any more: %v", got)
			}
		})
	}
}
