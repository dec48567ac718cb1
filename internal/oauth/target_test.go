package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

const ticketAudience = "https://tickets.test/"

// tickets adds another API.
func (w *world) tickets() {
	w.Helper()
	ok(w, w.st.CreateResourceServer(w.Context(), &stagedoor.ResourceServer{
		Name: "Tickets", Identifier: ticketAudience, SigningAlgorithm: "RS256", AllowOfflineAccess: true, TokenLifetime: 600, SkipConsent: true, TokenDialect: "access_token",
		Scopes: []stagedoor.APIScope{{Value: "buy:tickets"}, {Value: "read:tickets"}},
	}))
}

// resource means an API where the tenant says so, and one only.
func TestResourceIndicators(t *testing.T) {
	w := newWorld(t)
	// In the other profile it is one of the parameters that nobody knows.
	w.browser().authorize(request(site, "resource", "https://nothing.test/")).asks("login")
	w.settings(func(s *stagedoor.TenantSettings) { s.ResourceParameterProfile = "compatibility" })
	code := w.browser().login(request(site, "resource", apiAudience)).got().Get("code")
	w.redeem(site, code, "resource", "https://other.test/").bad(400, "invalid_target", "Service not found: https://other.test/")
	tokens := w.redeem(site, code, "resource", apiAudience).good()
	same(t, "aud", w.claims(tokens.AccessToken)["aud"], []string{apiAudience, "https://acme.test/userinfo"})
	same(t, "in a client's own name", w.claims(w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "resource", apiAudience)).good().AccessToken)["aud"], apiAudience)
	w.tickets()
	code = w.browser().login(request(site, "resource", apiAudience)).got().Get("code")
	w.redeem(site, code, "resource", ticketAudience).bad(400, "invalid_target", "The code is not good for https://tickets.test/.")
	const userinfo = "https://acme.test/userinfo"
	code = w.browser().login(request(site, "resource", userinfo)).got().Get("code")
	w.redeem(site, code, "resource", userinfo).good()

	// A refresh token is no good for another API either, where no policy says so.
	first := w.redeem(site, w.browser().login(request(site, "resource", apiAudience, "scope", "openid offline_access")).got().Get("code")).good()
	w.refresh(site, first.RefreshToken, "resource", ticketAudience).bad(400, "invalid_target", "The refresh token is not good for https://tickets.test/.")
	same(t, "the same", w.claims(w.refresh(site, first.RefreshToken, "resource", apiAudience).good().AccessToken)["aud"], []string{apiAudience, userinfo})

	for resource, why := range map[string]string{
		"https://nothing.test/": "Service not found: https://nothing.test/", "songs": "The resource must be an absolute URI without a fragment.",
		apiAudience + "#x": "The resource must be an absolute URI without a fragment.",
	} {
		w.browser().authorize(request(site, "resource", resource)).fails("invalid_target", why)
	}
	w.browser().authorize(request(site, "resource", apiAudience, "audience", ticketAudience)).fails("invalid_target", "audience and resource differ.")
	w.browser().authorize(request(site, "resource", apiAudience, "audience", apiAudience)).asks("login")
	two := request(site)
	two["resource"] = []string{apiAudience, ticketAudience}
	w.browser().authorize(two).fails("invalid_target", "There can be one resource only.")
}

// Devices and clients that wait for an approval name the API like everybody else (RFC 8707 section 2).
func TestResourceWithoutABrowser(t *testing.T) {
	w := newWorld(t)
	w.settings(func(s *stagedoor.TenantSettings) { s.ResourceParameterProfile = "compatibility" })
	w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, grantDevice, grantCIBA) })
	mux := http.NewServeMux()
	New(Deps{DB: w.db, Pipeline: w.pipe, Minter: w.minter, SendApproval: func(context.Context, *store.Store, *stagedoor.User, *stagedoor.Client, string, string, time.Duration) error {
		return nil
	}}).Register(mux)
	w.door = mux
	hint := `{"format":"iss_sub","iss":"https://acme.test/","sub":"` + ada + `"}`
	for _, path := range []string{"/oauth/device/code", "/bc-authorize"} {
		ask := func(more ...string) *tokenAnswer {
			return w.read(w.browser().post(path, values(append([]string{"client_id", site, "client_secret", secret(site), "scope", "openid", "binding_message", "Hello", "login_hint", hint}, more...)...)))
		}
		var got struct {
			Device  string `json:"device_code"`
			Request string `json:"auth_req_id"`
		}
		a := ask("resource", apiAudience)
		ok(t, json.Unmarshal(a.Body.Bytes(), &got))
		p, err := w.st.PollDevice(t.Context(), cmp.Or(got.Device, got.Request), site, 0)
		if err != nil {
			t.Fatalf("%s: %v %s", path, err, a.Body)
		}
		same(t, path, p.Device.Audience, apiAudience)
		p.Device.Authorization = &stagedoor.Authorization{ClientID: site, UserID: ada, Audience: apiAudience, Scope: []string{"openid"}, Conformant: true, Issuer: "https://acme.test/"}
		ok(t, w.st.DecideDevice(t.Context(), p.Device))
		w.pass(10 * time.Second)
		grant, what := grantDevice, "device code"
		if got.Request != "" {
			grant, what = grantCIBA, "approval"
		}
		w.token(values("grant_type", grant, "client_id", site, "client_secret", secret(site), "device_code", got.Device, "auth_req_id", got.Request, "resource", "https://acme.test/api/v2/")).
			bad(400, "invalid_target", "The "+what+" is not good for https://acme.test/api/v2/.")
		ask("resource", "https://nothing.test/").bad(400, "invalid_target", "Service not found: https://nothing.test/")
		ask("resource", apiAudience, "audience", ticketAudience).bad(400, "invalid_target", "audience and resource differ.")
	}
}

// A refresh token is good for further APIs as far as the client's policies say, and the person's roles.
func TestMultiResourceRefreshTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.tickets()
		first := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid email offline_access read:songs")).got().Get("code")).good()
		// Without policies nobody asks for another one by audience.
		same(t, "no policies", w.claims(w.refresh(site, first.RefreshToken, "audience", ticketAudience).good().AccessToken)["aud"], []string{apiAudience, "https://acme.test/userinfo"})
		w.client(site, func(c *stagedoor.Client) {
			c.RefreshToken.Policies = []stagedoor.RefreshTokenPolicy{{Audience: ticketAudience, Scope: []string{"read:tickets", "fly:moon", "address"}}}
		})
		got := w.refresh(site, first.RefreshToken, "audience", ticketAudience).good()
		claims := w.claims(got.AccessToken)
		same(t, "another API", []any{claims["aud"], claims["scope"], got.Scope}, []any{[]string{ticketAudience, "https://acme.test/userinfo"}, "openid email offline_access read:tickets", "openid email offline_access read:tickets"})
		if got.IDToken == "" {
			t.Error("no ID token, which SDKs want in every answer")
		}
		same(t, "narrower", w.refresh(site, first.RefreshToken, "audience", ticketAudience, "scope", "openid buy:tickets read:songs read:tickets").good().Scope, "openid read:tickets")
		same(t, "the first API", w.refresh(site, first.RefreshToken, "audience", apiAudience).good().Scope, "openid email offline_access read:songs")
		w.refresh(site, first.RefreshToken, "audience", "https://acme.test/api/v2/").bad(400, "invalid_target", "The refresh token is not good for https://acme.test/api/v2/.")
		w.client(site, func(c *stagedoor.Client) { c.IsFirstParty = false })
		w.refresh(site, first.RefreshToken, "audience", ticketAudience).bad(400, "invalid_target", "The refresh token is not good for https://tickets.test/.")
	})
}

// Authorization responses say whom they come from, in every mode, also errors (RFC 9207).
func TestIssuerOfResponses(t *testing.T) {
	w := newWorld(t)
	for _, mode := range []string{"query", "fragment", "form_post", "web_message"} {
		b := w.browser()
		_, _, v := b.login(request(spa, "response_mode", mode)).response()
		same(t, mode, []any{v.Get("iss"), v.Get("code") != ""}, []any{"https://acme.test/", true})
		_, _, v = w.browser().authorize(request(spa, "response_mode", mode, "prompt", "none")).response()
		same(t, mode, []any{v.Get("iss"), v.Get("error")}, []any{"https://acme.test/", "login_required"})
	}
	member := `"authorization_response_iss_parameter_supported":true`
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); !strings.Contains(body, member) {
		t.Error(body)
	}
	// A tenant from before has no such setting, and its clients see what they always saw.
	w.settings(func(s *stagedoor.TenantSettings) { s.Stored = nil })
	if _, _, v := w.browser().login(request(spa)).response(); v.Has("iss") {
		t.Error(v)
	}
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); strings.Contains(body, member) {
		t.Error(body)
	}
}
