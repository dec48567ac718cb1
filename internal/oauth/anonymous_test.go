package oauth

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
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/script"
)

// visitorsAllowed is a world where spa begins sessions of visitors, who may read songs.
func visitorsAllowed(w *world, clients ...string) {
	w.Helper()
	if len(clients) == 0 {
		clients = []string{spa}
	}
	for _, id := range clients {
		w.client(id, func(c *stagedoor.Client) {
			if c.Stored == nil {
				c.Stored = map[string]json.RawMessage{}
			}
			c.Stored["anonymous_sessions"] = json.RawMessage(`{"active":true}`)
		})
		ok(w, w.st.CreateClientGrant(w.Context(), &stagedoor.ClientGrant{ClientID: id, Audience: apiAudience, Scope: []string{"read:songs", "openid"}, SubjectType: stagedoor.SubjectNobody}))
	}
	w.api(func(r *stagedoor.ResourceServer) {
		r.SubjectTypes = &stagedoor.SubjectTypes{Anonymous: &stagedoor.SubjectPolicy{Policy: "require_client_grant"}}
	})
}

// visitorAnswer is what the endpoints of visitors answer.
type visitorAnswer struct {
	*tokenAnswer
	SessionToken     string `json:"session_token"`
	SessionExpiresIn int    `json:"session_expires_in"`
	Ticket           string `json:"anon_transfer_token"`
}

// visitor sends JSON as a page of spa's does.
func (b *browser) visitor(path, body string, headers ...string) *visitorAnswer {
	b.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://app.test")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	out := &visitorAnswer{tokenAnswer: &tokenAnswer{answer: b.do(r)}}
	if out.Code != http.StatusNoContent {
		ok(b, json.Unmarshal(out.Body.Bytes(), out))
	}
	return out
}

// of is a request for spa's visitor, with more members.
func of(more ...string) string {
	members := map[string]any{"client_id": spa, "audience": apiAudience}
	for i := 0; i+1 < len(more); i += 2 {
		if members[more[i]] = more[i+1]; strings.HasPrefix(more[i+1], "{") || strings.HasPrefix(more[i+1], "[") {
			members[more[i]] = json.RawMessage(more[i+1])
		}
		if more[i+1] == "-" {
			delete(members, more[i])
		}
	}
	b, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (a *visitorAnswer) is(status int, code, text string) {
	a.t.Helper()
	if a.Code != status || a.Error != code || text != "" && a.ErrorDescription != text {
		a.t.Errorf("got %d %s, want %d %s: %s", a.Code, a.Body, status, code, text)
	}
}

// What a visitor gets, and gets again.
func TestAnonymousSession(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		visitorsAllowed(w)
		w.events()
		b := w.browser()
		first := b.visitor(anonymousToken, of("metadata", `{"cart": "c<1>", "items": 3}`))
		var body map[string]any
		ok(t, json.Unmarshal(first.Body.Bytes(), &body))
		has(t, "the answer", body, "access_token expires_in scope session_expires_in session_token token_type")
		same(t, "the answer", []any{first.Code, first.TokenType, first.ExpiresIn, first.Scope, first.SessionExpiresIn}, []any{200, "Bearer", 7200, "read:songs", 2592000})
		if !strings.HasPrefix(first.SessionToken, "ANONYMOUS_SESSION_") || strings.Contains(first.SessionToken, "cart") {
			t.Errorf("the session token: %s", first.SessionToken)
		}
		h := first.Header()
		same(t, "CORS", []string{h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"), h.Get("Cache-Control")}, []string{"https://app.test", "true", "no-store"})
		claims := w.claims(first.AccessToken)
		has(t, "the claims", claims, "aud azp exp iat iss scope sub")
		same(t, "the claims", []any{claims["aud"], claims["azp"], claims["iss"], claims["scope"]}, []any{apiAudience, spa, "https://acme.test/", "read:songs"})
		sub, _ := claims["sub"].(string)
		if !stagedoor.IsAnonymous(sub) {
			t.Errorf("sub %s", sub)
		}
		cookie := b.cookies["auth0_anon"]
		if cookie == nil || cookie.Value != first.SessionToken || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteNoneMode || !cookie.Expires.Equal(w.clock().Add(30*24*time.Hour)) {
			t.Errorf("the cookie: %+v", cookie)
		}
		e := w.events()
		same(t, "the log", []any{len(e), e[0].Type, e[0].ClientID, e[0].UserID, e[0].Audience, e[0].Scope}, []any{1, anonymousBegan, spa, sub, apiAudience, "read:songs"})
		if logged := encoded(t, e); strings.Contains(logged, "cart") || strings.Contains(logged, first.SessionToken) {
			t.Errorf("the log tells too much: %s", logged)
		}

		// The same visitor, by the token and by the cookie.
		w.pass(time.Hour)
		again := w.browser().visitor(anonymousToken, of("session_token", first.SessionToken, "scope", "read:songs"))
		same(t, "again", []any{again.Code, again.SessionToken, again.SessionExpiresIn, w.claims(again.AccessToken)["sub"]}, []any{200, "", 2592000 - 3600, sub})
		byCookie := b.visitor(anonymousToken, of())
		same(t, "by the cookie", []any{byCookie.Code, w.claims(byCookie.AccessToken)["sub"]}, []any{200, sub})
		renamed := w.browser().visitor(anonymousToken, of("session_token", byCookie.SessionToken))
		same(t, "by the token of the cookie", w.claims(renamed.AccessToken)["sub"], sub)
		const late = "metadata cannot be provided when session_token is present"
		b.visitor(anonymousToken, of("metadata", `{"a":"b"}`)).is(400, "invalid_request", late)
		w.browser().visitor(anonymousToken, of("session_token", first.SessionToken, "metadata", `{"a":"b"}`)).is(400, "invalid_request", late)
		w.wantLog(anonymousFailed, anonymousFailed)

		// Tokens end with the session at the latest.
		w.pass(30*24*time.Hour - 2*time.Hour)
		last := w.browser().visitor(anonymousToken, of("session_token", first.SessionToken))
		same(t, "the last one", []any{last.ExpiresIn, last.SessionExpiresIn}, []any{3600, 3600})
		w.pass(time.Hour)
		w.browser().visitor(anonymousToken, of("session_token", first.SessionToken)).is(400, "session_expired", "")
		fresh := b.visitor(anonymousToken, of("metadata", `{"a":"b"}`)) // the browser would not have the cookie any more
		if fresh.Code != 200 || fresh.SessionToken == "" || w.claims(fresh.AccessToken)["sub"] == sub {
			t.Errorf("after the session: %s", fresh.Body)
		}
	})
}

// Without an API there is a session all the same: what a page asks for that does not know yet which it will call.
func TestAnonymousSessionWithoutAPI(t *testing.T) {
	w := newWorld(t)
	visitorsAllowed(w)
	a := w.browser().visitor(anonymousToken, of("audience", "-"))
	same(t, "the answer", []any{a.Code, a.ExpiresIn, a.Scope, strings.Contains(a.AccessToken, ".")}, []any{200, 7200, "", false})
	r := httptest.NewRequest("GET", "/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+a.AccessToken)
	same(t, "/userinfo", w.browser().do(r).Code, 401)
	w.browser().visitor(anonymousToken, of("audience", "-", "scope", "openid")).is(400, "invalid_scope", "")
	w.settings(func(s *stagedoor.TenantSettings) { s.DefaultAudience = apiAudience })
	same(t, "the default", w.claims(w.browser().visitor(anonymousToken, of("audience", "-")).AccessToken)["aud"], apiAudience)
}

// What is refused.
func TestAnonymousRefusals(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.visitor(anonymousToken, of()).is(403, "unauthorized_client", "")
	visitorsAllowed(w)
	good := b.visitor(anonymousToken, of()).SessionToken
	for _, row := range []struct {
		body   string
		status int
		code   string
	}{
		{of("client_id", "-"), 400, "invalid_request"},
		{of("client_id", "nobody"), 401, "access_denied"},
		{of("client_id", site), 401, "access_denied"},
		{of("client_id", machine, "client_secret", secret(machine), "audience", apiAudience), 403, ""}, // Origin of a page that is not its own
		{of("audience", "https://unknown.test/"), 400, "invalid_target"},
		{of("audience", "https://acme.test/api/v2/"), 400, "invalid_target"},
		{of("audience", "https://acme.test/userinfo"), 400, "invalid_target"},
		{of("scope", "edit:songs"), 400, "invalid_scope"},
		{of("scope", "read:songs openid"), 400, "invalid_scope"},
		{of("session_token", "ANONYMOUS_SESSION_x"), 400, "invalid_session_token"},
		{of("session_token", good+"x"), 400, "invalid_session_token"},
		{of("session_token", strings.TrimPrefix(good, "ANONYMOUS_SESSION_")), 400, "invalid_session_token"},
		{of("metadata", `["a"]`), 400, "invalid_request"},
		{of("metadata", `{"__proto__":"a"}`), 400, "invalid_request"},
		{of("metadata", `{"a":"`+strings.Repeat("x", 1017)+`"}`), 400, "invalid_request"},
		{`{"client_id":"spa","metadata":{"a":"1","a":"2"}}`, 400, "invalid_request"},
		{of("audience", anonymousTicket), 400, "invalid_request"},
		{`[]`, 400, "invalid_request"},
	} {
		w.browser().visitor(anonymousToken, row.body).is(row.status, firstText(row.code, "access_denied"), "")
	}
	a := w.browser().visitor(anonymousToken, `{"client_id":"spa","metadata":{"a":"`+strings.Repeat("<", 1016)+`"}}`)
	if a.is(200, "", ""); len(a.SessionToken) > 2048 {
		t.Errorf("a session token of %d bytes is too much for a cookie", len(a.SessionToken))
	}
	w.browser().visitor(anonymousToken, of(), "Origin", "https://evil.test").is(403, "access_denied", "Origin https://evil.test is not allowed.")
	w.browser().visitor(anonymousToken, of(), "Content-Type", "text/plain").is(415, "invalid_request", "")
	w.browser().visitor(anonymousToken, of(), "Origin", "").is(200, "", "") // no page at all

	w.client(spa, func(c *stagedoor.Client) { c.RequireProofOfPossession = new(true) })
	w.browser().visitor(anonymousToken, of()).is(400, "unauthorized_client", "Client configuration requires the use of Proof-of-Possession mechanism")
	w.client(spa, func(c *stagedoor.Client) { c.RequireProofOfPossession = nil })
	w.api(func(r *stagedoor.ResourceServer) {
		r.Stored = map[string]json.RawMessage{"allow_anonymous_access": json.RawMessage("false")}
	})
	w.browser().visitor(anonymousToken, of("session_token", good)).is(400, "invalid_target", "")
	w.api(func(r *stagedoor.ResourceServer) {
		r.Stored, r.ProofOfPossession = nil, &stagedoor.ProofOfPossession{Mechanism: "dpop", Required: true}
	})
	w.browser().visitor(anonymousToken, of("session_token", good)).is(400, "invalid_dpop_proof", "")

	other := w.tenant("other")
	_, err := other.AnonymousSession(t.Context(), good)
	if !stagedoor.HasCode(err, "invalid_session_token") {
		t.Errorf("another tenant takes the session: %v", err)
	}
}

func firstText(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// A server of the client's stands for many visitors, and proves itself.
func TestAnonymousSessionOfServer(t *testing.T) {
	w := newWorld(t)
	visitorsAllowed(w, site)
	for range 150 { // as many as no page may
		w.browser().visitor(anonymousToken, of("client_id", site, "client_secret", secret(site)), "Origin", "").is(200, "", "")
	}
	w.browser().visitor(anonymousToken, of("client_id", site, "client_secret", "wrong"), "Origin", "").is(401, "access_denied", "")
}

// One network has so many new visitors, and more of known ones; others are not kept out by it.
func TestAnonymousSessionsAreBounded(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		visitorsAllowed(w)
		var known string
		for range guard.NewVisitors.AtOnce {
			a := w.browser().visitor(anonymousToken, of())
			a.is(200, "", "")
			known = a.SessionToken
		}
		w.events()
		full := w.browser().visitor(anonymousToken, of())
		full.is(429, "too_many_requests", "")
		if full.Header().Get("Retry-After") != "1" || full.Header().Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("headers: %v", full.Header())
		}
		w.browser().visitor(anonymousToken, of()).is(429, "too_many_requests", "")
		w.wantLog(anonymousFailed) // of many that are refused in a second one is told
		w.browser().visitor(anonymousToken, of("session_token", known)).is(200, "", "")
		elsewhere := w.browser()
		elsewhere.from = "198.51.100.7"
		elsewhere.visitor(anonymousToken, of()).is(200, "", "")
		w.pass(time.Second)
		w.browser().visitor(anonymousToken, of()).is(200, "", "")

		// All networks of a tenant together.
		w.settings(func(s *stagedoor.TenantSettings) { s.Local.AnonymousRate = 1 })
		w.pass(time.Hour)
		for i := range burstOf + 1 {
			b := w.browser()
			b.from = fmt.Sprintf("203.0.113.%d", i)
			b.visitor(anonymousToken, of()).is(map[bool]int{true: 200, false: 429}[i < burstOf], map[bool]string{false: "too_many_requests"}[i < burstOf], "")
		}
		w.settings(func(s *stagedoor.TenantSettings) { s.Local.AnonymousRate = 0 })
		w.pass(time.Hour)

		// Ends are kept, so that they are counted, too.
		status := 0
		for i := range guard.Leavers.AtOnce + 1 {
			b := w.browser()
			b.from = fmt.Sprintf("198.51.101.%d", i)
			b.visitor(anonymousToken, of())
			b.from = "198.51.100.9"
			if status = b.visitor(anonymousLogout, of()).Code; status != 204 && i < guard.Leavers.AtOnce {
				t.Fatalf("end %d: %d", i, status)
			}
		}
		same(t, "one more", status, 429)
		w.pass(500 * time.Millisecond)
		w.events()
		for range 3 {
			b := w.browser()
			b.from = "198.51.102.1"
			b.visitor(anonymousToken, of()).is(200, "", "")
			b.from = "198.51.100.9"
			b.visitor(anonymousLogout, of()).is(429, "too_many_requests", "")
		}
		w.wantLog(anonymousBegan, anonymousBegan, anonymousBegan) // the refusal of this second is told
	})
}

// Who leaves ends the session of the browser, at every server; tokens of it give nothing any more.
func TestAnonymousLogout(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		visitorsAllowed(w)
		b := w.browser()
		a := b.visitor(anonymousToken, of())
		w.events()
		b.visitor(anonymousLogout, of("session_token", a.SessionToken)).is(400, "invalid_request", "The request is invalid")
		b.visitor(anonymousLogout, of(), "Origin", "https://evil.test").is(403, "access_denied", "")
		b.visitor(anonymousLogout, `{}`, "Origin", "https://app.test").is(403, "access_denied", "") // whose page it is cannot be told
		if b.cookies["auth0_anon"] == nil {
			t.Fatal("the cookie has gone")
		}
		w.events()
		out := b.visitor(anonymousLogout, of())
		same(t, "the answer", []any{out.Code, out.Body.Len(), b.cookies["auth0_anon"] == nil}, []any{204, 0, true})
		w.wantLog(anonymousEnded)
		w.browser().visitor(anonymousToken, of("session_token", a.SessionToken)).is(400, "invalid_session_token", "The session has ended.")
		b.visitor(anonymousLogout, of()).is(204, "", "")
		b.visitor(anonymousLogout, `{}`, "Origin", "").is(204, "", "")
		b.cookies["auth0_anon"] = &http.Cookie{Name: "auth0_anon", Value: a.SessionToken}
		again := b.visitor(anonymousToken, of("metadata", `{"a":"b"}`))
		if again.Code != 200 || w.claims(again.AccessToken)["sub"] == w.claims(a.AccessToken)["sub"] {
			t.Errorf("an ended session in the cookie: %d %s", again.Code, again.Body)
		}
	})
}

// The settings of the tenant and of the API.
func TestAnonymousSettings(t *testing.T) {
	w := newWorld(t)
	visitorsAllowed(w)
	old := w.browser().visitor(anonymousToken, of())
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Stored = map[string]json.RawMessage{
			"sessions":     json.RawMessage(`{"anonymous":{"lifetime_in_minutes":60,"activate_cookie":false}}`),
			"access_token": json.RawMessage(`{"claims_mapping":{"custom_claims":[{"name":"place","expression":"anonymous_session.metadata.city"},{"name":"visit","expression":"anonymous_session.session_id"}]}}`),
		}
	})
	w.api(func(r *stagedoor.ResourceServer) {
		r.TokenDialect = "rfc9068_profile_authz"
		r.Stored = map[string]json.RawMessage{
			"token_lifetime_for_anonymous_access_tokens": json.RawMessage("600"),
			"access_token": json.RawMessage(`{"claims_mapping":{"custom_claims":[{"name":"place","expression":"anonymous_session.metadata.country"},
				{"name":"none","expression":"anonymous_session.metadata.nothing.at.all"},{"name":"Sub","expression":"anonymous_session.session_id"}]}}`),
		}
	})
	b := w.browser()
	a := b.visitor(anonymousToken, of("metadata", `{"country":{"code":"CH"},"city":"Bern"}`))
	same(t, "the answer", []any{a.ExpiresIn, a.SessionExpiresIn, b.cookies["auth0_anon"] == nil}, []any{600, 3600, true})
	claims := w.claims(a.AccessToken)
	has(t, "the claims", claims, "aud client_id exp iat iss jti permissions place scope sub visit")
	same(t, "place", claims["place"], map[string]any{"code": "CH"})
	same(t, "permissions", claims["permissions"], []any{"read:songs"})
	b.cookies["auth0_anon"] = &http.Cookie{Name: "auth0_anon", Value: a.SessionToken}
	if other := b.visitor(anonymousToken, of()); w.claims(other.AccessToken)["sub"] == claims["sub"] {
		t.Error("a cookie counts that the tenant does not want")
	}
	w.pass(time.Hour) // shorter sessions are so for those that there are
	w.browser().visitor(anonymousToken, of("session_token", old.SessionToken)).is(400, "session_expired", "")
}

// APIs that ask are told that the token is good, and of whom.
func TestAnonymousTokenIsIntrospected(t *testing.T) {
	w := newWorld(t)
	visitorsAllowed(w)
	a := w.browser().visitor(anonymousToken, of())
	w.client(site, func(c *stagedoor.Client) {
		c.AppType, c.Stored = "resource_server", map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"` + apiAudience + `"`)}
	})
	got := w.browser().post("/oauth/introspect", values("token", a.AccessToken, "client_id", site, "client_secret", secret(site)))
	var told map[string]any
	ok(t, json.Unmarshal(got.Body.Bytes(), &told))
	same(t, "told", []any{told["active"], told["sub"]}, []any{true, w.claims(a.AccessToken)["sub"]})
}

const tellVisitor = `exports.onExecutePostLogin = async (event, api) => {
	api.idToken.setCustomClaim('https://a.test/visitor', event.anonymous_session ?? 'none');
};`

// ticket asks for one.
func (w *world) ticket(sessionToken string) string {
	w.Helper()
	a := w.browser().visitor(anonymousToken, of("session_token", sessionToken, "audience", anonymousTicket))
	if a.Code != http.StatusOK || a.TokenType != "N_A" || a.ExpiresIn != 30 || a.AccessToken != "" || a.SessionToken != "" {
		w.Fatalf("no ticket: %d %s", a.Code, a.Body)
	}
	return a.Ticket
}

// knownAs is what scripts are told of the visitor in a login of ada.
func (b *browser) knownAs(v url.Values) any {
	b.Helper()
	code := b.login(v).got().Get("code")
	client := v.Get("client_id")
	if client == spa {
		return b.claims(b.token(values("grant_type", "authorization_code", "client_id", spa, "code", code, "redirect_uri", callback, "code_verifier", verifier)).IDToken)["https://a.test/visitor"]
	}
	return b.claims(b.redeem(client, code).IDToken)["https://a.test/visitor"]
}

// Who signs in brings along what they were as a visitor.
func TestAnonymousSessionInLogin(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		visitorsAllowed(w)
		w.action(script.PostLogin, "tell", tellVisitor)
		home := w.browser()
		a := home.visitor(anonymousToken, of("metadata", `{"cart":"c1"}`))
		sub := w.claims(a.AccessToken)["sub"]
		told := func(what string, got any) {
			t.Helper()
			m, is := got.(map[string]any)
			if !is {
				t.Fatalf("%s: %v", what, got)
			}
			has(t, what, m, "created_at expires_at metadata session_id user_id")
			same(t, what, []any{m["user_id"], m["metadata"], m["created_at"], m["expires_at"]}, []any{sub, map[string]any{"cart": "c1"}, "2026-03-01T12:00:00.000Z", "2026-03-31T12:00:00.000Z"})
		}
		ticket := w.ticket(a.SessionToken)
		elsewhere := w.browser()
		elsewhere.from = "203.0.113.9"
		told("by the ticket", elsewhere.knownAs(request(spa, ticketParam, ticket)))
		same(t, "twice", w.browser().knownAs(request(spa, ticketParam, ticket)), "none")
		w.warned("The ticket of an anonymous session is unknown, was used before, or has expired.")
		told("by the cookie", home.knownAs(request(spa)))
		told("by the cookie, signed in", home.silently())

		late := w.ticket(a.SessionToken)
		w.pass(31 * time.Second)
		same(t, "late", w.browser().knownAs(request(spa, ticketParam, late)), "none")
		w.pass(-31 * time.Second)
		same(t, "another client, by the cookie", home.again().knownAs(request(site)), "none") // which has no visitors
		visitorsAllowed(w, site)
		w.events()
		same(t, "another client's ticket", w.browser().knownAs(request(site, ticketParam, w.ticket(a.SessionToken))), "none")
		w.warned("The ticket of an anonymous session is another client's.")

		app := w.browser()
		r := httptest.NewRequest("GET", "/authorize?"+request(spa, anonymousHeader, a.SessionToken).Encode(), nil)
		r.Header.Set(anonymousHeader, a.SessionToken)
		state := app.do(r).asks("login")
		ok(t, app.password(state, adaMail, adaWord))
		if stored, err := w.st.Transaction(t.Context(), state); err != nil || stored.Request.Anonymous == nil || strings.Contains(encoded(t, stored), a.SessionToken) {
			t.Errorf("the login under way: %v %+v", err, stored)
		}

		w.client(spa, func(c *stagedoor.Client) {
			c.Stored["enforce_anon_session_transfer_network_binding"] = json.RawMessage(`"ip"`)
		})
		w.events()
		same(t, "from elsewhere", elsewhere.again().knownAs(request(spa, ticketParam, w.ticket(a.SessionToken))), "none")
		w.warned("The ticket of an anonymous session was asked for from elsewhere.")
		told("from here", w.browser().knownAs(request(spa, ticketParam, w.ticket(a.SessionToken))))

		held := w.ticket(a.SessionToken)
		home.visitor(anonymousLogout, of()).is(204, "", "")
		same(t, "ended", w.browser().knownAs(request(spa, ticketParam, held)), "none")
	})
}

// again is the browser without its session.
func (b *browser) again() *browser {
	delete(b.cookies, sessionCookie)
	return b
}

// silently is what scripts are told where nobody is asked.
func (b *browser) silently() any {
	b.Helper()
	code := b.authorize(request(spa, "prompt", "none")).got().Get("code")
	return b.claims(b.token(values("grant_type", "authorization_code", "client_id", spa, "code", code, "redirect_uri", callback, "code_verifier", verifier)).IDToken)["https://a.test/visitor"]
}

// Browsers ask before they let a page send JSON. Pages of clients that have visitors may, and no others.
func TestAnonymousPreflight(t *testing.T) {
	w := newWorld(t)
	asked := func(path, origin string) []any {
		r := httptest.NewRequest("OPTIONS", path, nil)
		r.Header.Set("Origin", origin)
		a := w.browser().do(r)
		h := a.Header()
		return []any{a.Code, h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"), h.Get("Access-Control-Allow-Headers")}
	}
	refused := []any{204, "", "", ""}
	for _, path := range []string{anonymousToken, anonymousLogout} {
		same(t, path+" before there are visitors", asked(path, "https://app.test"), refused)
	}
	visitorsAllowed(w)
	for _, path := range []string{anonymousToken, anonymousLogout} {
		same(t, path, asked(path, "https://app.test"), []any{204, "https://app.test", "true", "Content-Type, Auth0-Client"})
		same(t, path+" of a stranger", asked(path, "https://app.test.evil.test"), refused)
	}
}
