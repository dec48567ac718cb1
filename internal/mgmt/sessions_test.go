package mgmt

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

const (
	noSession      = "The session does not exist."
	noRefreshToken = "The refresh token does not exist."
	noUser         = "The user does not exist."
)

// signIn gives a user a session with a refresh token for the client and the API.
func (h *house) signIn(userID, name, clientID, audience string) {
	h.Helper()
	ctx, st := context.Background(), h.store("acme")
	h.ok(st.CreateSession(ctx, "handle "+name, &stagedoor.Session{
		ID: "sess_" + name, UserID: userID, Connection: "Users", Strategy: "auth0", Methods: []stagedoor.AuthMethod{{Name: "pwd", Timestamp: start.UnixMilli()}},
		Clients: []string{clientID}, AuthenticatedAt: start, CreatedAt: start, LastInteractionAt: start, ExpiresAt: start.Add(48 * time.Hour),
		IdleExpiresAt: start.Add(24 * time.Hour), Persistent: true, InitialIP: "192.0.2.1", InitialUserAgent: "A", LastIP: "192.0.2.2", LastUserAgent: "B",
	}))
	h.ok(st.CreateRefreshToken(ctx, "token "+name, &stagedoor.RefreshToken{
		ID: "rt_" + name, FamilyID: "family " + name, Counter: 1, ClientID: clientID, UserID: userID, SessionID: "sess_" + name, Audience: audience,
		Scope: []string{"openid", "offline_access"}, Rotating: true, CreatedAt: start, LastUsedAt: start, ExpiresAt: start.Add(time.Hour),
	}))
}

// left names the sessions and refresh tokens of users, "1 2 / 1" for instance.
func (h *house) left(userIDs ...string) string {
	h.Helper()
	var sessions, tokens []string
	for _, id := range userIDs {
		all, err := h.store("acme").UserSessions(context.Background(), id)
		h.ok(err)
		for _, s := range all {
			sessions = append(sessions, strings.TrimPrefix(s.ID, "sess_"))
		}
		refresh, err := h.store("acme").UserRefreshTokens(context.Background(), id)
		h.ok(err)
		for _, t := range refresh {
			tokens = append(tokens, strings.TrimPrefix(t.ID, "rt_"))
		}
	}
	return strings.Join(sessions, " ") + " / " + strings.Join(tokens, " ")
}

func (h *house) wantLeft(want string, userIDs ...string) {
	h.Helper()
	if got := h.left(userIDs...); got != want {
		h.Errorf("left: %q, want %q", got, want)
	}
}

func TestSessions(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		h.signIn(ada, "1", "web", "lib")
		h.signIn(ada, "2", "web", "lib")
		h.signIn(ada, "3", "web", "lib")
		whole := `{"id":"sess_1","user_id":"` + ada + `","created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z","authenticated_at":"2026-11-25T12:00:00.000Z",
			"idle_expires_at":"2026-11-26T12:00:00.000Z","expires_at":"2026-11-27T12:00:00.000Z","last_interacted_at":"2026-11-25T12:00:00.000Z",
			"device":{"initial_ip":"192.0.2.1","initial_user_agent":"A","initial_asn":"","last_ip":"192.0.2.2","last_user_agent":"B","last_asn":""},
			"clients":[{"client_id":"web"}],"authentication":{"methods":[{"name":"pwd","timestamp":"2026-11-25T12:00:00.000Z"}]},"cookie":{"mode":"persistent"}%s}`
		h.call(all, "GET", "/sessions/sess_1", "").is(200, fmt.Sprintf(whole, ""))
		h.call(all, "PATCH", "/sessions/sess_1", `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(all, "PATCH", "/sessions/sess_1", `{"session_metadata":{"k":"v"}}`).is(200, fmt.Sprintf(whole, `,"session_metadata":{"k":"v"}`))
		h.call(all, "PATCH", "/sessions/sess_1", `{"session_metadata":{"b":"c"}}`).is(200, "")
		whole = fmt.Sprintf(whole, `,"session_metadata":{"b":"c"}`)
		h.call(all, "GET", "/sessions/sess_1", "").is(200, whole)
		first := h.call(all, "GET", "/users/"+ada+"/sessions?take=1", "")
		first.is(200, `{"sessions":[`+whole+`],"next":"`+first.text("next")+`"}`)
		rest := h.call(all, "GET", "/users/"+ada+"/sessions?include_totals=true&per_page=50&from="+first.text("next"), "").is(200, "")
		if rest.get("total") != 3.0 || rest.get("next") != nil || strings.Contains(rest.body, "sess_1") {
			h.Errorf("%s", rest.body)
		}
		h.call(all, "GET", "/users/"+ada+"/sessions?take=1&from=x", "").
			fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")

		h.call(all, "DELETE", "/sessions/sess_1", "").is(202, `{}`)
		h.wantLeft("2 3 / 1 2 3", ada)
		h.call(all, "DELETE", "/sessions/sess_1", "").is(202, `{}`)
		h.call(all, "POST", "/sessions/sess_2/revoke", "").is(202, `{}`)
		h.wantLeft("3 / 1 3", ada)
		for _, call := range [][2]string{{"GET", "/sessions/sess_1"}, {"PATCH", "/sessions/sess_1"}, {"POST", "/sessions/sess_1/revoke"}} {
			h.call(all, call[0], call[1], `{"session_metadata":{}}`).fails(404, "inexistent_session", noSession)
		}
		h.call(all, "DELETE", "/users/"+ada+"/sessions", "").is(202, `{}`)
		h.wantLeft(" / 1 3", ada)
		for _, method := range []string{"GET", "DELETE"} {
			h.call(all, method, "/users/auth0%7Cnobody/sessions", "").fails(404, "inexistent_user", noUser)
		}
	})
}

func TestRevokeAccess(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada, bob := h.user("ada", ""), h.user("bob", "")
		for _, name := range []string{"1", "2", "3"} {
			h.signIn(ada, name, "web", "lib")
		}
		h.signIn(bob, "4", "web", "lib")
		path := "/users/" + ada + "/revoke-access"
		h.call(all, "POST", path, `{"session_id":"sess_4"}`).fails(404, "inexistent_session", noSession)
		h.call(h.machine("acme", "delete:sessions"), "POST", path, `{}`).fails(403, "insufficient_scope", "Insufficient scope, expected any of: delete:refresh_tokens")
		h.call(h.machine("acme", "delete:sessions"), "POST", "/sessions/sess_1/revoke", "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: delete:refresh_tokens")
		h.call(h.machine("acme", "delete:sessions"), "POST", path, `{"session_id":"sess_1","preserve_refresh_tokens":true}`).is(202, `{}`)
		h.wantLeft("2 3 / 1 2 3", ada)
		h.call(all, "POST", path, `{"session_id":"sess_2"}`).is(202, `{}`)
		h.wantLeft("3 / 1 3", ada)
		h.call(all, "POST", path, `{}`).is(202, `{}`)
		h.wantLeft("4 / 4", ada, bob)
		h.call(all, "POST", "/users/auth0%7Cnobody/revoke-access", `{}`).fails(404, "inexistent_user", noUser)
	})
}

func TestRefreshTokens(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada, bob := h.user("ada", ""), h.user("bob", "")
		for i, of := range []struct{ user, client, api string }{{ada, "web", "lib"}, {ada, "web", "shop"}, {ada, "app", "lib"}, {bob, "web", "lib"}, {bob, "app", "lib"}, {bob, "app", "shop"}} {
			h.signIn(of.user, fmt.Sprint(i+1), of.client, of.api)
		}
		whole := `{"id":"rt_1","user_id":"` + ada + `","created_at":"2026-11-25T12:00:00.000Z","idle_expires_at":%s,"expires_at":"2026-11-25T13:00:00.000Z","client_id":"web",
			"session_id":"sess_1","rotating":true,"resource_servers":[{"audience":"lib","scopes":"openid offline_access"}],"last_exchanged_at":null%s}`
		h.call(all, "GET", "/refresh-tokens/rt_1", "").is(200, fmt.Sprintf(whole, "null", ""))
		h.call(all, "PATCH", "/refresh-tokens/rt_1", `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(all, "PATCH", "/refresh-tokens/rt_1", `{"refresh_token_metadata":{"k":"v"}}`).is(200, fmt.Sprintf(whole, "null", `,"refresh_token_metadata":{"k":"v"}`))

		_, err := h.store("acme").RotateRefreshToken(t.Context(), "token 1", "next 1", nil, 0, time.Minute) // the id stays
		h.ok(err)
		rotated := fmt.Sprintf(whole, `"2026-11-25T12:01:00.000Z"`, `,"refresh_token_metadata":{"k":"v"}`)
		h.call(all, "GET", "/refresh-tokens/rt_1", "").is(200, rotated)
		list := h.call(all, "GET", "/users/"+ada+"/refresh-tokens?include_totals=true&per_page=50", "").is(200, "")
		if list.get("total") != 3.0 || strings.Count(list.body, `"rt_1"`) != 1 {
			h.Errorf("%s", list.body)
		}
		h.call(all, "GET", "/refresh-tokens?fields=id&user_id="+ada+"&client_id=web", "").is(200, `{"refresh_tokens":[{"id":"rt_1"},{"id":"rt_2"}]}`)
		h.call(all, "GET", "/refresh-tokens", "").fails(400, "invalid_query_string", "Query validation error: 'Missing required property: user_id'.")

		h.call(all, "DELETE", "/refresh-tokens/rt_1", "").is(204, "")
		h.wantLeft("1 2 3 / 2 3", ada)
		h.call(all, "DELETE", "/refresh-tokens/rt_1", "").is(204, "")
		if _, err := h.store("acme").RefreshToken(t.Context(), "next 1"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			h.Errorf("the rotated token lives: %v", err)
		}
		for _, method := range []string{"GET", "PATCH"} {
			h.call(all, method, "/refresh-tokens/rt_1", `{"refresh_token_metadata":null}`).fails(404, "inexistent_refresh_token", noRefreshToken)
		}
		h.call(all, "POST", "/refresh-tokens/revoke", `{"ids":["rt_2","rt_none"]}`).is(202, `{}`)
		h.wantLeft("1 2 3 4 5 6 / 3 4 5 6", ada, bob)
		h.call(all, "POST", "/refresh-tokens/revoke", `{"user_id":"`+bob+`","client_id":"app","audience":"shop"}`).is(202, `{}`)
		h.wantLeft("4 5 6 / 4 5", bob)
		h.call(all, "POST", "/refresh-tokens/revoke", `{"user_id":"`+bob+`","client_id":"web"}`).is(202, `{}`)
		h.wantLeft("4 5 6 / 5", bob)
		h.call(all, "POST", "/refresh-tokens/revoke", `{"client_id":"app"}`).is(202, `{}`)
		h.wantLeft("1 2 3 4 5 6 / ", ada, bob)
		for _, body := range []string{`{}`, `{"audience":"lib"}`, `{"user_id":"x","audience":"lib"}`, `{"ids":["x"],"user_id":"x"}`} {
			h.call(all, "POST", "/refresh-tokens/revoke", body).is(400, "")
		}
		h.signIn(ada, "7", "web", "lib")
		h.call(all, "DELETE", "/users/"+ada+"/refresh-tokens", "").is(202, `{}`)
		h.wantLeft("1 2 3 7 / ", ada)
		h.call(all, "GET", "/users/"+ada+"/refresh-tokens?include_totals=true", "").is(200, `{"tokens":[],"total":0}`)
		for _, method := range []string{"GET", "DELETE"} {
			h.call(all, method, "/users/auth0%7Cnobody/refresh-tokens", "").fails(404, "inexistent_user", noUser)
		}
	})
}

func TestAccessMetadataRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.signIn(h.user("ada", ""), "1", "web", "lib")
	many := make([]string, 26)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for path, name := range map[string]string{"/sessions/sess_1": "session_metadata", "/refresh-tokens/rt_1": "refresh_token_metadata"} {
		for metadata, reason := range map[string]string{
			`{` + strings.Join(many, ",") + `}`:        `Too many properties defined (26), maximum 25' on property ` + name,
			`{"k":"` + strings.Repeat("v", 256) + `"}`: `String is too long (256 chars), maximum 255' on property ` + name + `.k`,
			`{"k":1}`: `Expected type string but found another type' on property ` + name + `.k`,
		} {
			h.call(all, "PATCH", path, `{"`+name+`":`+metadata+`}`).fails(400, "invalid_body", "Payload validation error: '"+reason+".")
		}
	}
}
