package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestA6_EditorByPlays: whose playlists are played 100 times becomes an editor at the next login, and is none with 99.
func TestA6_EditorByPlays(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("pia", map[string]any{"app_metadata": map[string]any{"plan": "gold", "since": 2019}})
	login := func(name string, plays string, editor bool) string {
		t.Helper()
		tokens := signIn(t, mixtape(t), listener)
		if got := api(t, 200, "GET", "/playlists/getPlays", tokens.Access, nil).body; got != plays {
			t.Errorf("%s: %s plays, want %s", name, got, plays)
		}
		roles := []string{}
		if editor {
			roles = append(roles, "playlist_editor")
		}
		kept := op.user(listener.UserID).AppMetadata
		if kept["plan"] != "gold" || kept["since"] != 2019.0 {
			t.Errorf("%s: the rule lost metadata: %v", name, kept)
		}
		stored := kept["roles"]
		if stored == nil {
			stored = []string{}
		}
		told := claims(t, tokens.Access)[namespace+"app_metadata"].(map[string]any)["roles"]
		shown := claims(t, tokens.ID)[namespace+"roles"]
		for _, got := range []any{stored, told, shown} {
			if text(got) != text(roles) {
				t.Errorf("%s: roles %s stored, %s in the access token, %s in the ID token; want %s", name, text(stored), text(told), text(shown), text(roles))
				break
			}
		}
		return tokens.Access
	}
	token := login("at the start", "0", false)
	var list struct {
		ID string `json:"playlist_id"`
	}
	made := api(t, 201, "POST", "/playlists", token, map[string]any{"name": "On repeat", "songs": []string{"1", "2"}})
	if err := json.Unmarshal([]byte(made.body), &list); err != nil || list.ID == "" {
		t.Fatalf("a playlist: %v %s", err, made.body)
	}
	play(t, token, "1", 99)
	token = login("99 plays", "99", false)
	play(t, token, "2", 1)
	token = login("100 plays", "100", true)
	login("still 100 plays", "100", true)
	api(t, 200, "PATCH", "/playlists/"+list.ID, token, map[string]any{"songs": []string{"1"}})
	login("back to 99", "99", false)
}

// TestA6_APIDown: when Mixtape's API is down or slow, the login ends in the rule's error, in the rule's time, and no metadata is lost.
func TestA6_APIDown(t *testing.T) {
	var plays atomic.Value
	plays.Store("")
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := plays.Load().(string); n != "" {
			fmt.Fprint(w, n)
			return
		}
		select { // slower than the rule is patient
		case <-r.Context().Done():
		case <-time.After(2 * time.Minute):
		}
	}))
	defer slow.Close()
	slowHost, closedHost := strings.TrimPrefix(slow.URL, "http://"), freeAddresses(1)[0]
	s := serve(t, slowHost, closedHost)
	s.setUp(map[string]string{"mixtape_url": "http://localhost:1", "mixtape_api_url": slow.URL})
	var c client
	s.do("POST", "/clients", map[string]any{"name": "Page", "app_type": "regular_web", "callbacks": []string{"http://localhost:1/done"}, "oidc_conformant": true}, &c)
	var connections []struct {
		ID      string
		Clients []string `json:"enabled_clients"`
	}
	s.do("GET", "/connections", nil, &connections)
	s.do("PATCH", "/connections/"+connections[0].ID, map[string]any{"enabled_clients": append(connections[0].Clients, c.ClientID)}, nil)
	metadata := map[string]any{"plan": "gold", "roles": []any{"playlist_editor"}, "since": 2019.0}
	listener := s.newListener("pia", map[string]any{"app_metadata": metadata, "user_metadata": map[string]any{"displayName": "Pia"}})

	var rules []struct{ ID, Name, Script string }
	s.do("GET", "/rules", nil, &rules)
	printed := ""
	ruleID := ""
	for _, r := range rules {
		if strings.Contains(r.Script, "getPlays") {
			printed, ruleID = r.Script, r.ID
		}
	}
	const patience = 700 * time.Millisecond
	asks := request{server: s.url, clientID: c.ClientID, secret: c.ClientSecret, redirectURI: "http://localhost:1/done"}
	for _, one := range []struct {
		name, api, says string
		least           time.Duration
	}{
		{"slow", slow.URL, "TIMEDOUT", patience},
		{"down", "http://" + closedHost, "ECONNREFUSED", 0},
	} {
		t.Run(one.name, func(t *testing.T) {
			script := strings.NewReplacer(slow.URL, one.api, "timeout: 15000", fmt.Sprintf("timeout: %d", patience.Milliseconds())).Replace(printed)
			s.do("PATCH", "/rules/"+ruleID, map[string]any{"script": script}, nil)
			before := text(s.user(listener.UserID).AppMetadata)
			v := newVisitor(t)
			start := time.Now()
			back, _ := v.authorize(asks, listener)
			took := time.Since(start)
			if back.Get("error") != "access_denied" || !strings.Contains(back.Get("error_description"), one.says) || back.Has("code") {
				t.Errorf("came back with %v, want the rule's %s", back, one.says)
			}
			if took < one.least {
				t.Errorf("it took %s, want %s at least", took, one.least)
			}
			if after := text(s.user(listener.UserID).AppMetadata); after != before {
				t.Errorf("app_metadata became %s, was %s", after, before)
			}
			var events []struct{ Type, Description string }
			s.do("GET", "/logs?per_page=5", nil, &events)
			logged := false
			for _, e := range events {
				logged = logged || strings.HasPrefix(e.Type, "f") && strings.Contains(e.Description, one.says)
			}
			if !logged {
				t.Errorf("no log event tells why: %v", events)
			}
		})
	}
	s.do("PATCH", "/rules/"+ruleID, map[string]any{"script": printed}, nil)
	plays.Store("100")
	if back, _ := newVisitor(t).authorize(asks, listener); back.Get("code") == "" {
		t.Errorf("the API is back and the login fails: %v", back)
	}
	if got := text(s.user(listener.UserID).AppMetadata); got != text(metadata) {
		t.Errorf("app_metadata %s, want %s", got, text(metadata))
	}
}

// TestA8_EditorsEditFeaturedPlaylists: the app greets an editor and shows the plan; the API lets editors alone edit the shelf.
func TestA8_EditorsEditFeaturedPlaylists(t *testing.T) {
	editor := newTab(t)
	editor.signIn(userNamed(t, "ivo"))
	editor.awaitText(id("editor-badge"), "EDITOR")
	editor.awaitText(id("editor-welcome"), "EDITOR")
	if plan := editor.data(id("plan"), "plan"); plan != "platinum" {
		t.Errorf("plan %q", plan)
	}
	editor.see(id("featured-card"))
	list, name := editor.data(id("featured-card"), "id"), editor.text(id("featured-card")+" > strong")
	editor.click(id("featured-card"))
	editor.click(id("featured-edit"))
	editor.fill(id("playlist-name"), "Shelf of the Week")
	editor.click(id("playlist-save"))
	editor.awaitText(id("playlist-title"), "Shelf of the Week")

	plain := newTab(t)
	plain.signIn(userNamed(t, "mara"))
	if plain.has(id("editor-badge")) || plain.has(id("editor-welcome")) {
		t.Error("a listener with 12 plays is greeted as an editor")
	}
	if plan := plain.data(id("plan"), "plan"); plan != "free" {
		t.Errorf("plan %q", plan)
	}
	plain.awaitText(id("featured-card")+`[data-id=`+quote(list)+`]`, "Shelf of the Week")
	plain.click(id("featured-card") + `[data-id=` + quote(list) + `]`)
	plain.awaitText(id("playlist-title"), "Shelf of the Week")
	if plain.has(id("featured-edit")) {
		t.Error("the app offers a listener to edit the shelf")
	}

	// What the client says does not count: the token does.
	mara := signIn(t, mixtape(t), userNamed(t, "mara"))
	ivo := signIn(t, mixtape(t), userNamed(t, "ivo"))
	featured := func() string { return api(t, 200, "GET", "/playlists/featured", mara.Access, nil).body }
	before := featured()
	edit := map[string]any{"name": "Mine now", "songs": []string{"1"}, "roles": []string{"playlist_editor"}}
	api(t, 403, "PATCH", "/playlists/featured/"+list, mara.Access, map[string]any{"name": "Mine now", "songs": []string{"1"}})
	for _, token := range []string{mara.Access, ivo.ID, forged(t, mara.Access, namespace+"app_metadata", map[string]any{"roles": []string{"playlist_editor"}})} {
		a := send(t, "PATCH", demo.MixtapeAPIURL+"/playlists/featured/"+list, token, edit)
		if a.status < 400 {
			t.Errorf("the shelf was edited: %d %s", a.status, a.body)
		}
	}
	if after := featured(); after != before {
		t.Errorf("the shelf changed: %s", after)
	}
	api(t, 200, "PATCH", "/playlists/featured/"+list, ivo.Access, map[string]any{"name": name})
}

// TestA7_RolesByScope: a legacy client asks for roles by their name; a conformant one gets a namespaced claim.
func TestA7_RolesByScope(t *testing.T) {
	editor := userNamed(t, "ivo")
	legacy := clientNamed(t, "Mixtape Legacy")
	ask := request{server: demo.HTTPURL, clientID: legacy.ClientID, secret: legacy.ClientSecret, redirectURI: demo.MixtapeURL}
	check := func(t *testing.T, token string, wanted any) {
		t.Helper()
		if alg := part(t, token, 0)["alg"]; alg != "HS256" {
			t.Errorf("signed with %v, want HS256", alg)
		}
		if signed(token, []byte(legacy.ClientSecret)) != token {
			t.Error("not signed with the client's secret")
		}
		c := claims(t, token)
		if text(c["roles"]) != text(wanted) {
			t.Errorf("roles %s, want %s", text(c["roles"]), text(wanted))
		}
		for _, name := range []string{"plan", "app_metadata", "user_metadata", "email", "name", "nickname", "picture"} {
			if c[name] != nil {
				t.Errorf("the token tells %s: %s", name, text(c[name]))
			}
		}
	}
	roles := []string{"playlist_editor"}
	t.Run("implicit", func(t *testing.T) {
		for _, kind := range []string{"token", "id_token", "token id_token"} {
			back, _ := newVisitor(t).authorize(ask.with("response_type", kind, "scope", "openid roles"), editor)
			if back.Get("id_token") == "" {
				t.Fatalf("%s: no ID token: %v", kind, back)
			}
			check(t, back.Get("id_token"), roles)
		}
	})
	t.Run("code", func(t *testing.T) {
		check(t, signIn(t, ask.with("scope", "openid roles"), editor).ID, roles)
	})
	t.Run("not asked for", func(t *testing.T) {
		check(t, signIn(t, ask.with("scope", "openid"), editor).ID, nil)
	})
	t.Run("not an editor", func(t *testing.T) {
		check(t, signIn(t, ask.with("scope", "openid roles"), userNamed(t, "mara")).ID, []string{})
	})
	t.Run("conformant", func(t *testing.T) {
		c := claims(t, signIn(t, mixtape(t).with("scope", "openid roles"), editor).ID)
		if c["roles"] != nil || text(c[namespace+"roles"]) != text(roles) {
			t.Errorf("claims %s", text(c))
		}
	})
}
