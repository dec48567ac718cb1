package oauth

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func header(t *testing.T, raw string) jose.Header {
	t.Helper()
	h, _, err := jose.Peek(raw)
	ok(t, err)
	return h
}

func TestImplicit(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.browser().login(request(site, "response_type", "token id_token", "nonce", "n1", "audience", apiAudience, "scope", "openid email read:songs offline_access"))
		mode, _, _ := a.response()
		same(t, "mode", mode, "fragment")
		v := a.got()
		same(t, "parameters", []string{v.Get("token_type"), v.Get("expires_in"), v.Get("scope"), v.Get("state"), v.Get("code"), v.Get("refresh_token")},
			[]string{"Bearer", "7200", "openid email read:songs", "st+a/te=", "", ""})
		id := w.claims(v.Get("id_token"))
		has(t, "the ID token", id, "at_hash aud email email_verified exp iat iss nonce sid sub")
		same(t, "at_hash", id["at_hash"], jose.HalfHash(v.Get("access_token")))
		access := w.claims(v.Get("access_token"))
		same(t, "scope", access["scope"], "openid email read:songs")
		same(t, "life", access["exp"].(float64)-access["iat"].(float64), 7200)
		w.wantLog("s")
	})
}

// Conformant clients get only what they ask for, with RS256 whatever they are set to.
func TestImplicitAlone(t *testing.T) {
	w := newWorld(t)
	w.client(site, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = jose.HS256 })
	v := w.browser().login(request(site, "response_type", "token", "scope", "openid email")).got()
	if v.Has("id_token") || v.Has("scope") || len(v.Get("access_token")) != 43 || v.Get("expires_in") != "7200" {
		t.Errorf("%v", v)
	}
	same(t, "userinfo", w.userInfo(v.Get("access_token")), map[string]any{"sub": ada, "email": adaMail, "email_verified": true})
	w.pass(7200e9)
	if a := w.info(v.Get("access_token")); a.Code != 401 {
		t.Errorf("%d", a.Code)
	}
	v = w.browser().login(request(site, "response_type", "id_token", "nonce", "n")).got()
	if v.Has("access_token") || header(t, v.Get("id_token")).Algorithm != jose.RS256 {
		t.Errorf("%v", v)
	}
	if _, found := w.claims(v.Get("id_token"))["at_hash"]; found {
		t.Error("at_hash without an access token")
	}
	// At the token endpoint the client's own algorithm holds, and its ID token is a hint for logout.
	a := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good()
	if h := header(t, a.IDToken); h.Algorithm != jose.HS256 || h.KeyID != "" {
		t.Errorf("%+v", h)
	}
	w.claims(a.IDToken, secret(site))
	w.client(spa, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = jose.HS256 })
	if h := header(t, w.redeem(spa, w.browser().login(request(spa)).got().Get("code")).good().IDToken); h.Algorithm != jose.RS256 {
		t.Errorf("a public client's ID token has %s", h.Algorithm)
	}
}

func TestHybrid(t *testing.T) {
	w := newWorld(t)
	for types, want := range map[string]string{
		"code id_token":       "aud c_hash exp iat iss nonce sid sub",
		"code token id_token": "at_hash aud c_hash exp iat iss nonce sid sub",
	} {
		v := w.browser().login(request(spa, "response_type", types, "nonce", "n1", "scope", "openid")).got()
		id := w.claims(v.Get("id_token"))
		has(t, types, id, want)
		same(t, "c_hash", id["c_hash"], jose.HalfHash(v.Get("code")))
		if v.Has("access_token") {
			same(t, "at_hash", id["at_hash"], jose.HalfHash(v.Get("access_token")))
		}
		a := w.redeem(spa, v.Get("code")).good()
		second := w.claims(a.IDToken)
		same(t, "nonce", second["nonce"], "n1")
		same(t, "sub", second["sub"], id["sub"])
	}
	v := w.browser().login(request(spa, "response_type", "token code", "response_mode", "form_post")).got()
	if v.Get("code") == "" || v.Get("access_token") == "" || v.Has("id_token") || v.Get("expires_in") != "7200" {
		t.Errorf("%v", v)
	}
}

// The rule of the published document: roles come to the root of the user.
const projectRoles = `function (user, context, callback) {
	user.roles = user.app_metadata.roles;
	callback(null, user, context);
}`

func TestLegacyScopes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := func(scope string) map[string]any {
			v := w.browser().login(request(legacy, "response_type", "token", "scope", scope)).got() // comes with an ID token
			same(t, "alg", header(t, v.Get("id_token")).Algorithm, jose.HS256)
			if len(v.Get("access_token")) != 43 {
				t.Errorf("the access token is not opaque: %v", v)
			}
			return w.claims(v.Get("id_token"), secret(legacy))
		}
		has(t, "openid", id("openid"), "aud exp iat iss sid sub")
		has(t, "without a rule", id("openid roles plan"), "aud exp iat iss sid sub")
		has(t, "openid email nickname", id("openid email nickname"), "aud email email_verified exp iat iss nickname sid sub")
		w.rule(projectRoles)
		got := id("openid roles")
		has(t, "A7", got, "aud exp iat iss roles sid sub")
		same(t, "roles", got["roles"], []string{"editor"})
		has(t, "what no rule projected", id("openid plan"), "aud exp iat iss sid sub")
		has(t, "no sub, aud or exp by name", id("openid iss sub aud exp app_metadata"), "app_metadata aud exp iat iss sid sub")
		w.rule(`function (user, context, callback) {
			user.plan = user.app_metadata.plan;
			context.idToken.flag = true; context.idToken.sub = 'auth0|bob'; context.idToken.groups = ['g']; user.iss = 'evil'; user.gone = undefined;
			callback(null, user, context);
		}`)
		got = id("openid plan gone iss")
		has(t, "what rules set", got, "aud exp flag groups iat iss plan sid sub")
		same(t, "sub and plan", []any{got["sub"], got["plan"], got["iss"]}, []any{ada, "gold", "https://acme.test/"})
		w.client(legacy, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = jose.RS256 })
		v := w.browser().login(request(legacy, "response_type", "id_token", "scope", "openid roles")).got()
		same(t, "roles with RS256", w.claims(v.Get("id_token"))["roles"], []string{"editor"})
	})
}

func TestLegacyProfile(t *testing.T) {
	w := newWorld(t)
	w.rule(projectRoles)
	w.rule(`function (user, context, callback) { context.idToken['https://app.test/x'] = 1; callback(null, user, context); }`)
	a := w.redeem(legacy, w.browser().login(request(legacy, "scope", "openid profile")).got().Get("code")).good()
	id := w.claims(a.IDToken, secret(legacy))
	const all = "app_metadata aud clientID created_at email email_verified exp given_name https://app.test/x iat identities iss last_ip last_login logins_count name nickname picture roles sid sub updated_at user_id user_metadata"
	has(t, "the ID token", id, all)
	info := w.userInfo(a.AccessToken)
	has(t, "userinfo", info, "app_metadata clientID created_at email email_verified given_name https://app.test/x identities last_ip last_login logins_count name nickname picture roles sub updated_at user_id user_metadata")
	same(t, "roles", info["roles"], []string{"editor"})
	same(t, "clientID", info["clientID"], legacy)
	// The profile at /userinfo is full whatever the scope, and as it is now.
	_, err := w.st.PatchMetadata(t.Context(), ada, stagedoor.Metadata{"displayName": json.RawMessage(`"Lady"`)}, nil, 1<<20)
	ok(t, err)
	small := w.browser().login(request(legacy, "response_type", "token", "scope", "openid")).got()
	same(t, "user_metadata", w.userInfo(small.Get("access_token"))["user_metadata"], map[string]any{"displayName": "Lady"})
	same(t, "user_metadata of the older token", w.userInfo(a.AccessToken)["user_metadata"], map[string]any{"displayName": "Lady"})
}

// With an audience a client of the old kind is treated like a new one.
func TestLegacyWithAudience(t *testing.T) {
	w := newWorld(t)
	w.rule(projectRoles)
	w.browser().authorize(request(legacy, "response_type", "id_token", "audience", apiAudience)).fails("invalid_request", "Missing required parameter: nonce")
	v := w.browser().login(request(legacy, "response_type", "token id_token", "nonce", "n", "audience", apiAudience, "scope", "openid roles read:songs")).got()
	same(t, "alg", header(t, v.Get("id_token")).Algorithm, jose.RS256)
	has(t, "the ID token", w.claims(v.Get("id_token")), "at_hash aud exp iat iss nonce sid sub")
	same(t, "scope", w.claims(v.Get("access_token"))["scope"], "openid read:songs")
	a := w.redeem(legacy, w.browser().login(request(legacy, "audience", "https://acme.test/userinfo", "scope", "openid email")).got().Get("code")).good()
	same(t, "userinfo", w.userInfo(a.AccessToken), map[string]any{"sub": ada, "email": adaMail, "email_verified": true})
}

// Refreshed tokens of an old client follow the same rules.
func TestLegacyRefresh(t *testing.T) {
	w := newWorld(t)
	w.rule(projectRoles)
	a := w.redeem(legacy, w.browser().login(request(legacy, "scope", "openid roles offline_access")).got().Get("code")).good()
	_, err := w.st.PatchMetadata(t.Context(), ada, nil, stagedoor.Metadata{"roles": json.RawMessage(`["editor","owner"]`)}, 1<<20)
	ok(t, err)
	b := w.refresh(legacy, a.RefreshToken).good()
	same(t, "roles", w.claims(b.IDToken, secret(legacy))["roles"], []string{"editor", "owner"})
	same(t, "roles at userinfo", w.userInfo(b.AccessToken)["roles"], []string{"editor", "owner"})
}

func TestDefaultAudience(t *testing.T) {
	w := newWorld(t)
	w.settings(func(s *stagedoor.TenantSettings) { s.DefaultAudience = apiAudience })
	a := w.redeem(site, w.browser().login(request(site, "scope", "openid read:songs")).got().Get("code")).good()
	same(t, "aud", w.claims(a.AccessToken)["aud"], []string{apiAudience, "https://acme.test/userinfo"})
}

// APIs may want other tokens.
func TestTokenDialects(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) { rs.TokenDialect = "rfc9068_profile_authz" })
	a := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid read:songs")).got().Get("code")).good()
	same(t, "typ", header(t, a.AccessToken).Type, "at+jwt")
	has(t, "rfc9068", w.claims(a.AccessToken), "aud client_id exp iat iss jti permissions scope sub")
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.TokenDialect, rs.SigningAlgorithm, rs.SigningSecret = "access_token", jose.HS256, "0123456789012345678901234567890123456789"
	})
	w.rule(`function (user, context, callback) { context.idToken['https://app.test/x'] = 1; callback(null, user, context); }`)
	a = w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid read:songs")).got().Get("code")).good()
	claims := w.claims(a.AccessToken, "0123456789012345678901234567890123456789")
	same(t, "aud", claims["aud"], apiAudience)
	if got := w.info(a.AccessToken); got.Code != 401 {
		t.Errorf("userinfo takes a token that is not meant for it: %d %s", got.Code, got.Body)
	}
}

// The scopes that a person may have at the Management API are few, and need no grant.
func TestManagementScopes(t *testing.T) {
	w := newWorld(t)
	for _, audience := range []string{"https://acme.test/api/v2/", "http://acme.test/api/v2/"} {
		a := w.redeem(spa, w.browser().login(request(spa, "audience", audience, "scope", "openid read:users update:users update:current_user_metadata read:current_user")).got().Get("code")).good()
		same(t, "scope", a.Scope, "openid update:current_user_metadata read:current_user")
		same(t, "aud", w.claims(a.AccessToken)["aud"], []string{audience, "https://acme.test/userinfo"})
	}
	w.api(func(rs *stagedoor.ResourceServer) { rs.EnforcePolicies = true })
	a := w.redeem(spa, w.browser().login(request(spa, "audience", apiAudience, "scope", "openid read:songs")).got().Get("code")).good()
	same(t, "scope", a.Scope, "openid")
}

// Every response type in every mode: what comes, where it comes, and what the ID token is bound to (OpenID Connect Core 3.2 and 3.3, OAuth 2.0 Multiple Response
// Types).
func TestEveryResponse(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.login(request(spa, "scope", "openid")).got()
	for types, want := range map[string]struct{ names, claims string }{
		"code":                {"code state", ""},
		"token":               {"access_token expires_in state token_type", ""},
		"id_token":            {"id_token state", "aud exp iat iss nonce sid sub"},
		"id_token token":      {"access_token expires_in id_token state token_type", "at_hash aud exp iat iss nonce sid sub"},
		"code id_token":       {"code id_token state", "aud c_hash exp iat iss nonce sid sub"},
		"code token":          {"access_token code expires_in state token_type", ""},
		"code id_token token": {"access_token code expires_in id_token state token_type", "at_hash aud c_hash exp iat iss nonce sid sub"},
	} {
		front := types != "code"
		for _, mode := range []string{"", "query", "fragment", "form_post", "web_message"} {
			t.Run(types+" "+mode, func(t *testing.T) {
				more := []string{"response_type", types, "scope", "openid", "nonce", "n-0S6_WzA2Mj", "prompt", "none"}
				if mode != "" {
					more = append(more, "response_mode", mode)
				}
				a := b.authorize(request(spa, more...))
				got, where, v := a.response()
				wantMode := mode
				if mode == "" || mode == "query" {
					wantMode = map[bool]string{true: "fragment", false: "query"}[front]
				}
				wantWhere := callback
				if wantMode == "web_message" {
					wantWhere = "https://app.test"
				}
				same(t, "mode and place", []string{got, where}, []string{wantMode, wantWhere})
				if front && mode == "query" { // tokens never go into a query
					a.fails("invalid_request", "Unsupported response mode: query")
					return
				}
				same(t, "iss", v.Get("iss"), "https://acme.test/") // RFC 9207
				v.Del("iss")
				members := map[string]any{}
				for name := range v {
					members[name] = true
				}
				has(t, "the answer", members, want.names)
				same(t, "state", v.Get("state"), "st+a/te=")
				if !v.Has("id_token") {
					return
				}
				id := w.claims(v.Get("id_token"))
				has(t, "the ID token", id, want.claims)
				same(t, "nonce", id["nonce"], "n-0S6_WzA2Mj")
				if v.Has("code") {
					same(t, "c_hash", id["c_hash"], jose.HalfHash(v.Get("code")))
					same(t, "the nonce of the code", w.claims(w.redeem(spa, v.Get("code")).good().IDToken)["nonce"], id["nonce"])
				}
				if v.Has("access_token") {
					same(t, "at_hash", id["at_hash"], jose.HalfHash(v.Get("access_token")))
				}
			})
		}
		// A nonce is wanted where an ID token comes at once, and only there.
		bare := b.authorize(request(spa, "response_type", types, "scope", "openid", "prompt", "none"))
		if (&stagedoor.AuthorizationRequest{ResponseType: types}).Has("id_token") {
			bare.fails("invalid_request", "Missing required parameter: nonce")
		} else {
			bare.got()
		}
		// The client's settings name the grants: implicit for tokens, authorization_code for codes.
		for _, missing := range responseTypes[sortedWords(types)] {
			w.client(spa, func(c *stagedoor.Client) {
				c.GrantTypes = slices.DeleteFunc([]string{"authorization_code", "implicit"}, func(g string) bool { return g == missing })
			})
			b.authorize(request(spa, "response_type", types, "scope", "openid", "nonce", "n", "prompt", "none")).fails("unauthorized_client", "Grant type '"+missing+"' not allowed for the client.")
			w.client(spa, func(c *stagedoor.Client) {
				c.GrantTypes = []string{"authorization_code", "implicit", "refresh_token", "client_credentials"}
			})
		}
	}
}

// An error comes where the answer would have come, in the mode that was asked for.
func TestErrorsInEveryMode(t *testing.T) {
	w := newWorld(t)
	for mode, where := range map[string]string{"query": callback, "fragment": callback, "form_post": callback, "web_message": "https://app.test"} {
		a := w.browser().authorize(request(spa, "response_mode", mode, "prompt", "none"))
		got, to, v := a.response()
		same(t, mode, []string{got, to, v.Get("error"), v.Get("state")}, []string{mode, where, "login_required", "st+a/te="})
		if mode == "web_message" && (a.Code != 200 || a.Header().Get("X-Frame-Options") != "" || strings.Contains(a.Header().Get("Content-Security-Policy"), "frame-ancestors")) {
			t.Errorf("the message cannot be framed: %d %v", a.Code, a.Header())
		}
	}
}
