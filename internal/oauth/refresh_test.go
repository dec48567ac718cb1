package oauth

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

const wrongRefresh = "Unknown or invalid refresh token."

// offline signs ada in and returns the first tokens of a family.
func (w *world) offline(client string, more ...string) *tokenAnswer {
	w.Helper()
	more = append([]string{"scope", "openid email read:songs offline_access", "audience", apiAudience, "nonce", "n1"}, more...)
	a := w.redeem(client, w.browser().login(request(client, more...)).got().Get("code")).good()
	if a.RefreshToken == "" {
		w.Fatalf("no refresh token: %s", a.Body)
	}
	w.logged()
	return a
}

func (w *world) rotating(client string, change func(*stagedoor.RefreshTokenRules)) {
	w.Helper()
	w.client(client, func(c *stagedoor.Client) {
		c.RefreshToken = stagedoor.RefreshTokenRules{RotationType: "rotating", ExpirationType: "expiring", TokenLifetime: 2592000, IdleTokenLifetime: 1296000}
		if change != nil {
			change(&c.RefreshToken)
		}
	})
}

func TestRefresh(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) {
			context.idToken['https://app.test/name'] = user.user_metadata.displayName;
			context.accessToken['https://app.test/protocol'] = context.protocol;
			callback(null, user, context);
		}`)
		first := w.offline(site)
		w.pass(time.Minute)
		_, err := w.st.PatchMetadata(t.Context(), ada, stagedoor.Metadata{"displayName": json.RawMessage(`"Lady"`)}, nil, 1<<20)
		ok(t, err)
		second := w.refresh(site, first.RefreshToken).good()
		w.wantLog("sertft")
		same(t, "a token that does not rotate", second.RefreshToken, first.RefreshToken)
		same(t, "scope", second.Scope, first.Scope)
		before, after := w.claims(first.IDToken), w.claims(second.IDToken)
		if _, nonce := after["nonce"]; nonce || before["nonce"] != "n1" {
			t.Error("the refreshed ID token has a nonce, or the first has none")
		}
		same(t, "sid", after["sid"], before["sid"])
		same(t, "the rules' claims", []any{before["https://app.test/name"], after["https://app.test/name"]}, []string{"Countess", "Lady"})
		access := w.claims(second.AccessToken)
		same(t, "access token", []any{access["https://app.test/protocol"], access["gty"], access["aud"], w.claims(first.AccessToken)["gty"]},
			[]any{"oauth2-refresh-token", "refresh_token", []string{apiAudience, "https://acme.test/userinfo"}, nil})
		same(t, "the new claim at userinfo", w.userInfo(second.AccessToken)["https://app.test/name"], "Lady")
	})
}

func TestRefreshKeepsAuthTime(t *testing.T) {
	w := newWorld(t)
	first := w.offline(site, "max_age", "3600")
	w.pass(time.Hour)
	second := w.refresh(site, first.RefreshToken).good()
	same(t, "auth_time", w.claims(second.IDToken)["auth_time"], w.claims(first.IDToken)["auth_time"])
}

func TestRefreshNarrower(t *testing.T) {
	w := newWorld(t)
	first := w.offline(site)
	narrow := w.refresh(site, first.RefreshToken, "scope", "read:songs edit:songs read:songs").good()
	same(t, "scope", narrow.Scope, "read:songs")
	if narrow.IDToken != "" {
		t.Error("an ID token without openid")
	}
	same(t, "the token keeps its scopes", w.refresh(site, first.RefreshToken).good().Scope, first.Scope)
}

func TestRefreshRotation(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rotating(spa, nil)
		first := w.offline(spa)
		second := w.refresh(spa, first.RefreshToken).good()
		third := w.refresh(spa, second.RefreshToken).good()
		if first.RefreshToken == second.RefreshToken || second.RefreshToken == third.RefreshToken || third.RefreshToken == "" {
			t.Fatal("the token does not rotate")
		}
		w.wantLog("sertft", "sertft")
		w.refresh(spa, second.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		events := w.events()
		if len(events) != 2 || events[0].Type != "ferrt" || events[1].Type != "fertft" {
			t.Fatalf("%+v", events)
		}
		d := events[0].Details
		same(t, "details", []any{d["familyId"] != "", d["tokenCounter"], d["latestCounter"], events[0].UserID}, []any{true, 2, 3, ada})
		w.refresh(spa, third.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		w.wantLog("fertft")
	})
}

// What a thief got by a refresh token ends with it, as far as anybody asks us: opaque access tokens.
func TestOpaqueTokensOfAFamily(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rotating(site, nil)
		codes := func() (first, second *tokenAnswer) {
			first = w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
			return first, w.refresh(site, first.RefreshToken).good()
		}
		other, _ := codes()
		for name, end := range map[string]func(first, second *tokenAnswer){
			"reuse": func(first, _ *tokenAnswer) {
				w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
			},
			"revocation": func(_, second *tokenAnswer) {
				w.browser().post("/oauth/revoke", values("client_id", site, "client_secret", secret(site), "token", second.RefreshToken))
			},
		} {
			first, second := codes()
			same(t, name, []int{w.info(first.AccessToken).Code, w.info(second.AccessToken).Code}, []int{200, 200})
			end(first, second)
			same(t, name, []int{w.info(first.AccessToken).Code, w.info(second.AccessToken).Code}, []int{401, 401})
		}
		same(t, "another family", w.info(other.AccessToken).Code, 200)
	})
}

func TestRefreshLeeway(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rotating(spa, func(r *stagedoor.RefreshTokenRules) { r.Leeway = 10 })
		first := w.offline(spa)
		second := w.refresh(spa, first.RefreshToken).good()
		w.pass(9 * time.Second)
		again := w.refresh(spa, first.RefreshToken).good()
		if again.RefreshToken == second.RefreshToken {
			t.Error("the same token twice")
		}
		w.refresh(spa, again.RefreshToken).good()
		w.refresh(spa, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh) // it is no longer the last but one
		w.refresh(spa, second.RefreshToken).bad(403, "invalid_grant", wrongRefresh)

		first = w.offline(spa)
		second = w.refresh(spa, first.RefreshToken).good()
		w.pass(11 * time.Second)
		w.refresh(spa, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		w.refresh(spa, second.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	})
}

func TestRefreshRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rotating(spa, nil)
		first := w.offline(spa)
		var wg sync.WaitGroup
		answers := make([]*answer, 8)
		for i := range answers {
			wg.Go(func() {
				answers[i] = w.browser().post("/oauth/token", values("grant_type", "refresh_token", "client_id", spa, "refresh_token", first.RefreshToken))
			})
		}
		wg.Wait()
		won := 0
		for _, a := range answers {
			if a.Code == 200 {
				won++
				w.refresh(spa, w.read(a).RefreshToken).bad(403, "invalid_grant", wrongRefresh)
			}
		}
		if won > 1 {
			t.Errorf("one token was rotated %d times", won)
		}
	})
}

func TestRefreshExpiry(t *testing.T) {
	w := newWorld(t)
	day := 24 * time.Hour
	w.rotating(spa, func(r *stagedoor.RefreshTokenRules) { r.TokenLifetime, r.IdleTokenLifetime = 30*86400, 15*86400 })
	a := w.offline(spa)
	for range 2 {
		w.pass(14 * day)
		a = w.refresh(spa, a.RefreshToken).good()
	}
	w.pass(2 * day) // thirty days since the first
	w.refresh(spa, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)

	a = w.offline(spa)
	w.pass(15 * day)
	w.refresh(spa, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)

	w.rotating(spa, func(r *stagedoor.RefreshTokenRules) {
		r.InfiniteTokenLifetime, r.InfiniteIdleTokenLifetime = true, true
	})
	a = w.offline(spa)
	w.pass(400 * day)
	w.refresh(spa, a.RefreshToken).good()

	w.client(spa, func(c *stagedoor.Client) { c.RefreshToken = stagedoor.RefreshTokenRules{} })
	a = w.offline(spa)
	w.pass(4000 * day)
	w.refresh(spa, a.RefreshToken).good()
}

func TestRefreshRefused(t *testing.T) {
	w := newWorld(t)
	first := w.offline(site)
	w.refresh(site, "", "refresh_token", "-").bad(400, "invalid_request", "Missing required parameter: refresh_token")
	w.refresh(site, "nonsense").bad(403, "invalid_grant", wrongRefresh)
	w.refresh(spa, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	w.refresh(site, first.RefreshToken, "client_secret", "wrong").bad(401, "access_denied", "Unauthorized")
	w.refresh(site, first.AccessToken).bad(403, "invalid_grant", wrongRefresh)
	w.wantLog("fertft", "fertft", "fertft", "fertft", "fertft")
	w.refresh(site, first.RefreshToken).good()

	yes, no := true, false
	block := func(b *bool) {
		_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = b; return nil })
		ok(t, err)
	}
	block(&yes)
	w.refresh(site, first.RefreshToken).bad(401, "unauthorized", "user is blocked")
	block(&no)
	w.refresh(site, first.RefreshToken).good()

	gone := w.offline(site)
	ok(t, w.st.DeleteUser(t.Context(), ada))
	w.refresh(site, gone.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
}

func TestRefreshEndsWithPassword(t *testing.T) {
	w := newWorld(t)
	first := w.offline(site)
	ok(t, w.st.SetPasswordHash(t.Context(), ada, "x", w.clock()))
	w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
}

// A rule that refuses leaves the token as it is.
func TestRefreshRefusedByRule(t *testing.T) {
	w := newWorld(t)
	w.rotating(spa, nil)
	first := w.offline(spa)
	w.rule(`function (user, context, callback) { console.log('on the way out'); callback(new UnauthorizedError('members only')); }`)
	w.refresh(spa, first.RefreshToken).bad(401, "unauthorized", "members only")
	e := w.events()
	text, _ := json.Marshal(e)
	if len(e) != 1 || e[0].Type != "fertft" || e[0].Description != "members only" || !strings.Contains(string(text), "on the way out") || !strings.Contains(string(text), "rule 1") {
		t.Errorf("%s", text)
	}
	w.noRules()
	w.rule(`function (user, context, callback) { callback(new Error('not today')); }`)
	w.refresh(spa, first.RefreshToken).bad(403, "access_denied", "not today")
	w.noRules()
	w.rule(`function (user, context, callback) { console.log('welcome back'); callback(null, user, context); }`)
	w.logged()
	second := w.refresh(spa, first.RefreshToken).good()
	e = w.events()
	text, _ = json.Marshal(e)
	if len(e) != 1 || e[0].Type != "sertft" || !strings.Contains(string(text), "welcome back") {
		t.Errorf("%s", text)
	}
	// A stolen, superseded token is found out before any script runs, and whatever the rules say.
	w.noRules()
	w.rule(`function (user, context, callback) { callback(new UnauthorizedError('members only')); }`)
	w.refresh(spa, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	w.wantLog("ferrt", "fertft")
	w.refresh(spa, second.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
}

// An API that is gone costs the client no token.
func TestRefreshWithoutAPI(t *testing.T) {
	w := newWorld(t)
	w.rotating(spa, nil)
	first := w.offline(spa)
	api, err := w.st.ResourceServerByIdentifier(t.Context(), apiAudience)
	ok(t, err)
	ok(t, w.st.DeleteResourceServer(t.Context(), api.ID))
	w.refresh(spa, first.RefreshToken).bad(403, "access_denied", "Service not found: "+apiAudience)
	api.ID = ""
	ok(t, w.st.CreateResourceServer(t.Context(), api))
	w.refresh(spa, first.RefreshToken).good()
}

func TestOfflineAccess(t *testing.T) {
	w := newWorld(t)
	scope := func(client string) []string {
		a := w.redeem(client, w.browser().login(request(client, "scope", "openid read:songs offline_access", "audience", apiAudience)).got().Get("code")).good()
		if slices.Contains(strings.Fields(a.Scope), "offline_access") != (a.RefreshToken != "") {
			t.Errorf("scope and refresh token do not go together: %s", a.Body)
		}
		return strings.Fields(a.Scope)
	}
	same(t, "allowed", scope(site), []string{"openid", "read:songs", "offline_access"})
	w.api(func(rs *stagedoor.ResourceServer) { rs.AllowOfflineAccess = false })
	same(t, "the API does not want it", scope(site), []string{"openid", "read:songs"})
	w.api(func(rs *stagedoor.ResourceServer) { rs.AllowOfflineAccess = true })
	w.client(site, func(c *stagedoor.Client) { c.GrantTypes = []string{"authorization_code"} })
	same(t, "the client may not", scope(site), []string{"openid", "read:songs"})
}

func TestRevoke(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first := w.offline(site)
		revoke := func(v ...string) *answer { return w.browser().post("/oauth/revoke", values(v...)) }
		for name, c := range map[string]struct {
			a      *answer
			status int
			text   string
		}{
			"no token":     {revoke("client_id", site, "client_secret", secret(site)), 400, "Missing required parameter: token"},
			"wrong secret": {revoke("client_id", site, "client_secret", "x", "token", first.RefreshToken), 401, "invalid_client"},
			"no secret":    {revoke("client_id", site, "token", first.RefreshToken), 401, "invalid_client"},
			"unknown":      {revoke("client_id", site, "client_secret", secret(site), "token", "nonsense"), 200, ""},
			"another's":    {revoke("client_id", spa, "token", first.RefreshToken), 200, ""},
		} {
			if c.a.Code != c.status || !strings.Contains(c.a.Body.String(), c.text) || c.status == 200 && c.a.Body.Len() > 0 || !strings.HasPrefix(c.a.Header().Get("Content-Type"), "application/json") {
				t.Errorf("%s: %d %s %s", name, c.a.Code, c.a.Header().Get("Content-Type"), c.a.Body)
			}
		}
		w.wantLog()
		w.refresh(site, first.RefreshToken).good()
		w.logged()
		r := newRequest("POST", "/oauth/revoke", `{"token":"`+first.RefreshToken+`","token_type_hint":"refresh_token"}`)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", basic(site, secret(site)))
		if a := w.browser().do(r); a.Code != 200 || a.Body.Len() > 0 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		w.wantLog("srrt")
		w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		w.claims(first.AccessToken)
	})
}
