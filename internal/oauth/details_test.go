package oauth

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

const payment = `[{"type":"payment","amount":"12.50","to":"Songs"}]`

// What is asked for beyond scopes is agreed to each time, and stands in the token.
func TestAuthorizationDetails(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.Stored = map[string]json.RawMessage{"authorization_details": json.RawMessage(`[{"type":"payment"}]`)}
		})
		w.client(site, func(c *stagedoor.Client) {
			c.RefreshToken.Policies = []stagedoor.RefreshTokenPolicy{{Audience: apiAudience, Scope: []string{"read:songs"}}}
		})
		w.postLogin(`const {client, transaction} = event, {policies} = client.refresh_token;
			api.accessToken.setCustomClaim('https://acme.test/seen', {policies, details: transaction.requested_authorization_details});`)
		var want any
		ok(t, json.Unmarshal([]byte(payment), &want))
		ask := request(site, "audience", apiAudience, "scope", "openid offline_access", "authorization_details", payment)
		b := w.browser()
		code := b.decide(b.login(ask).asks("consent"), true).got().Get("code")
		got := w.redeem(site, code).good()
		same(t, "the token", w.claims(got.AccessToken)["authorization_details"], want)
		same(t, "the event of actions", w.claims(got.AccessToken)["https://acme.test/seen"], map[string]any{
			"policies": []any{map[string]any{"audience": apiAudience, "scope": []string{"read:songs"}}}, "details": want,
		})
		var body map[string]any
		ok(t, json.Unmarshal(got.Body.Bytes(), &body))
		same(t, "the answer", body["authorization_details"], want)
		same(t, "introspection", w.introspect(site, got.AccessToken)["authorization_details"], want)
		same(t, "a refresh", w.claims(w.refresh(site, got.RefreshToken).good().AccessToken)["authorization_details"], want)
		b.authorize(ask).asks("consent") // once more
		b.authorize(request(site, "audience", apiAudience, "authorization_details", payment, "prompt", "none")).fails("consent_required", "Consent required")
		if claims := w.claims(w.redeem(site, b.authorize(request(site, "audience", apiAudience)).got().Get("code")).good().AccessToken); claims["authorization_details"] != nil {
			t.Errorf("details that nobody asked for: %v", claims)
		}
		_, uri, _ := readPushed(t, w.read(w.browser().post("/oauth/par", request(site, "client_secret", secret(site), "audience", apiAudience, "authorization_details", payment))))
		w.browser().login(values("client_id", site, "request_uri", uri)).asks("consent")
	})
}

// A client may ask for less than what was agreed to, for one token: the refresh token goes on to hold all of it (RFC 9396 section 6).
func TestNarrowedDetails(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.Stored = map[string]json.RawMessage{"authorization_details": json.RawMessage(`[{"type":"payment"}]`)}
		})
		const rent, tax = `{"type":"payment","for":"rent","cents":9007199254740993}`, `{"type":"payment","for":"tax","to":["a","b"]}`
		ask := request(site, "audience", apiAudience, "scope", "openid offline_access", "authorization_details", "["+rent+","+tax+"]")
		b := w.browser()
		state := b.login(ask).asks("consent")
		list := func(text string) (all any) { ok(t, json.Unmarshal([]byte(text), &all)); return all }
		first := w.redeem(site, b.decide(state, true).got().Get("code"), "authorization_details", "["+rent+"]").good()
		same(t, "the first token", w.claims(first.AccessToken)["authorization_details"], list("["+rent+"]"))
		same(t, "the answer", w.details(first), list("["+rent+"]"))
		for asked, want := range map[string]string{
			"": "[" + rent + "," + tax + "]", `[{"to":["a","b"], "for":"tax","type":"payment"}]`: "[" + tax + "]", "[" + tax + "," + rent + "]": "[" + tax + "," + rent + "]",
		} {
			got := w.refresh(site, first.RefreshToken, "authorization_details", asked).good()
			same(t, "the token of a refresh", w.claims(got.AccessToken)["authorization_details"], list(want))
			same(t, "the answer to a refresh", w.details(got), list(want))
		}
		for asked, why := range map[string]string{
			`[{"type":"payment","for":"rent","cents":9007199254740992}]`: "they go beyond what was agreed to", `[{"type":"payment"}]`: "they go beyond what was agreed to",
			`[` + tax + `,{"type":"magic"}]`: "they go beyond what was agreed to", `[]`: "there must be 1 to 10", tax: "they are not a list of objects, or too long", `x`: "they are not a list of objects, or too long",
		} {
			w.refresh(site, first.RefreshToken, "authorization_details", asked).bad(400, "invalid_authorization_details", "Invalid authorization_details: "+why)
		}
		plain := w.redeem(site, b.authorize(request(site, "audience", apiAudience, "scope", "openid offline_access")).got().Get("code")).good()
		w.refresh(site, plain.RefreshToken, "authorization_details", "["+rent+"]").bad(400, "invalid_authorization_details", "Invalid authorization_details: they go beyond what was agreed to")
	})
}

// Numbers that no float64 holds are the same from the request to the token, however the request comes.
func TestNumbersOfAuthorizationDetails(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.Stored = map[string]json.RawMessage{"authorization_details": json.RawMessage(`[{"type":"payment"}]`)}
		})
		const numbers = `"cents":9007199254740993,"rate":0.12345678901234567890123`
		details := `[{"type":"payment",` + numbers + `}]`
		kept := func(what, text string) {
			t.Helper()
			for _, number := range strings.Split(numbers, ",") {
				name, value, _ := strings.Cut(number, ":")
				if !regexp.MustCompile(name + `: ?` + value + `\b`).MatchString(text) {
					t.Errorf("%s: no %s in %s", what, number, text)
				}
			}
		}
		object := signsObjects(t, w, site, "RS256", false)
		b := w.browser()
		b.login(request(site)).got()
		for what, ask := range map[string]url.Values{
			"a query":          request(site, "audience", apiAudience, "scope", "openid offline_access", "authorization_details", details),
			"a request object": values("client_id", site, "request", object(map[string]any{"audience": apiAudience, "scope": "openid offline_access", "code_challenge": nil, "code_challenge_method": nil, "authorization_details": json.RawMessage(details)})),
		} {
			got := w.redeem(site, b.decide(b.authorize(ask).asks("consent"), true).got().Get("code")).good()
			kept("the answer to "+what, got.Body.String())
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.AccessToken, ".")[1])
			ok(t, err)
			kept("the token of "+what, string(payload))
			kept("introspection of "+what, w.browser().post("/oauth/introspect", values("client_id", site, "client_secret", secret(site), "token", got.AccessToken)).Body.String())
			kept("a refresh of "+what, w.refresh(site, got.RefreshToken).good().Body.String())
		}
	})
}

func TestAuthorizationDetailsRefused(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.Stored = map[string]json.RawMessage{"authorization_details": json.RawMessage(`[{"type":"payment"}]`)}
	})
	for details, why := range map[string]string{
		`x`: "they are not a list of objects, or too long", `{"type":"payment"}`: "they are not a list of objects, or too long", `[1]`: "they are not a list of objects, or too long",
		`[]`: "there must be 1 to 10", payment + payment: "they are not a list of objects, or too long",
		`[{"type":"payment","amount":1e400}]`: "they are not a list of objects, or too long", `[{"type":"payment","amount":1e-9999999}]`: "they are not a list of objects, or too long",
		`[{"type":"payment","type":"magic"}]`: "they are not a list of objects, or too long",
		`[{"type":"magic"}]`:                  "the API does not know the type magic", `[{}]`: "the API does not know the type ", `[{"type":1}]`: "the API does not know the type ",
	} {
		w.browser().authorize(request(site, "audience", apiAudience, "authorization_details", details)).fails("invalid_authorization_details", "Invalid authorization_details: "+why)
	}
	w.browser().authorize(request(site, "authorization_details", payment)).fails("invalid_authorization_details", "Invalid authorization_details: the API does not know the type payment")
	w.token(values(machineForm("authorization_details", payment)...)).bad(400, "invalid_authorization_details", "Invalid authorization_details: they are for people to agree to")

	w.api(func(rs *stagedoor.ResourceServer) {
		rs.SubjectTypes = policies("require_client_grant", "require_client_grant")
	})
	g := &stagedoor.ClientGrant{ClientID: site, Audience: apiAudience, SubjectType: "user", Scope: []string{"read:songs"}}
	ok(t, w.st.CreateClientGrant(t.Context(), g))
	ask := request(site, "audience", apiAudience, "authorization_details", payment)
	w.browser().authorize(ask).fails("invalid_authorization_details", "Invalid authorization_details: the client may not ask for the type payment")
	_, err := w.st.UpdateClientGrant(t.Context(), g.ID, func(g *stagedoor.ClientGrant) error {
		g.AuthorizationDetailsTypes = []string{"payment"}
		return nil
	})
	ok(t, err)
	w.browser().authorize(ask).asks("login")
}
