package e2e

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// ownRecord is the request for a token that reaches the listener's own record.
func ownRecord(t *testing.T) request {
	return mixtape(t).with("audience", demo.HTTPURL+"/api/v2/", "scope", "openid profile email read:current_user update:current_user_metadata")
}

func recordURL(id string) string { return demo.HTTPURL + "/api/v2/users/" + url.PathEscape(id) }

// TestA2_AppMetadataIsReadOnly: no call with a listener's own token and no sign-up form writes app_metadata.
func TestA2_AppMetadataIsReadOnly(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("ada", map[string]any{"app_metadata": map[string]any{"plan": "free"}, "user_metadata": map[string]any{"displayName": "Ada"}})
	greedy := signIn(t, ownRecord(t).with("scope", "openid read:current_user update:current_user_metadata create:current_user_metadata "+
		"update:current_user update:users update:users_app_metadata create:users read:users"), listener)
	if strings.Contains(greedy.Scope, "users") {
		t.Fatalf("a listener was given %q", greedy.Scope)
	}
	if a := want(t, 200, "GET", recordURL(listener.UserID), greedy.Access, nil); !strings.Contains(a.body, `"plan":"free"`) {
		t.Errorf("the listener cannot read their plan: %s", a.body)
	}
	before := op.user(listener.UserID)
	for name, token := range map[string]string{"access token": greedy.Access, "ID token": greedy.ID} {
		for _, body := range []string{
			`{"app_metadata":{"plan":"platinum"}}`,
			`{"app_metadata":{"roles":["playlist_editor"]}}`,
			`{"app_metadata":{}}`,
			`{"app_metadata":{"plan":null}}`,
			`{"user_metadata":{"displayName":"Eve"},"app_metadata":{"plan":"platinum"}}`,
			`{"blocked":false,"app_metadata":{"plan":"platinum"}}`,
		} {
			a := send(t, "PATCH", recordURL(listener.UserID), token, body)
			if a.status != 403 || a.object()["errorCode"] != "insufficient_scope" {
				t.Errorf("%s, %s: %d %s, want 403 insufficient_scope", name, body, a.status, a.body)
			}
		}
		a := send(t, "POST", demo.HTTPURL+"/api/v2/users", token, map[string]any{
			"connection": "Username-Password-Authentication", "email": newAddress("twin"), "password": "Twin-of-Ada-77",
			"app_metadata": map[string]any{"plan": "platinum"},
		})
		if a.status != 403 || a.object()["errorCode"] != "insufficient_scope" {
			t.Errorf("%s, a new user: %d %s", name, a.status, a.body)
		}
	}
	if after := op.user(listener.UserID); text(after) != text(before) {
		t.Errorf("the record changed: %s, before %s", text(after), text(before))
	}

	t.Run("sign-up endpoint", func(t *testing.T) {
		eve := newAddress("eve")
		a := want(t, 200, "POST", demo.HTTPURL+"/dbconnections/signup", "", map[string]any{
			"client_id": clientNamed(t, "Mixtape").ClientID, "connection": "Username-Password-Authentication",
			"email": eve, "password": "Eve-Wants-More-1", "user_metadata": map[string]any{"displayName": "Eve"},
			"app_metadata": map[string]any{"plan": "platinum", "roles": []string{"playlist_editor"}}, "roles": []string{"playlist_editor"},
		})
		if strings.Contains(a.body, "platinum") {
			t.Errorf("the answer repeats app_metadata: %s", a.body)
		}
		noPrivileges(t, op, eve)
	})
	t.Run("sign-up form", func(t *testing.T) {
		v, mallory := newVisitor(t), newAddress("mallory")
		query, _ := mixtape(t).with("screen_hint", "signup", "app_metadata", `{"plan":"platinum"}`).query()
		p := v.open(demo.HTTPURL + "/authorize?" + query.Encode())
		v.submit(p, map[string]string{
			"email": mallory, "password": "Mallory-Too-22", "app_metadata": `{"plan":"platinum"}`,
			"app_metadata[plan]": "platinum", "app_metadata.plan": "platinum", "roles": "playlist_editor", "plan": "platinum",
		})
		if v.back == nil || v.back.Query().Get("code") == "" {
			t.Fatalf("the sign-up did not end in a code: %v", v.back)
		}
		noPrivileges(t, op, mallory)
	})
}

// noPrivileges fails if the user with the address has a plan or an editor's role.
func noPrivileges(t *testing.T, op operator, email string) {
	t.Helper()
	if m := op.byEmail(email).AppMetadata; m["plan"] != nil || strings.Contains(text(m), "playlist_editor") {
		t.Errorf("%s signed up with app_metadata %v", email, m)
	}
}

// TestA3_ListenerChangesPreferences: the settings screen changes the name and every preference, and the app obeys.
func TestA3_ListenerChangesPreferences(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("lou", map[string]any{
		"app_metadata":  map[string]any{"plan": "gold"},
		"user_metadata": map[string]any{"displayName": "Lou", "theme": "light", "language": "en", "autoplay": true, "explicitFilter": false, "kept": "as it is"},
	})
	b := newTab(t)
	b.signIn(listener)
	b.await("the light theme", `document.documentElement.dataset.theme === "light"`)
	b.click(id("tab-settings"))
	b.click(id("permission-continue"))
	b.allow()
	b.see(id("settings-displayname"))
	b.fill(id("settings-displayname"), "Lou Reef")
	b.choose(id("pref-theme"), "dark")
	b.choose(id("pref-language"), "de")
	b.click(id("pref-autoplay"))
	b.click(id("pref-explicit"))
	b.click(id("settings-save"))
	b.awaitData(id("settings-status"), "kind", "good")
	got := op.user(listener.UserID)
	want := map[string]any{"displayName": "Lou Reef", "theme": "dark", "language": "de", "autoplay": false, "explicitFilter": true, "kept": "as it is"}
	if text(got.UserMetadata) != text(want) {
		t.Errorf("user_metadata %s, want %s", text(got.UserMetadata), text(want))
	}
	if text(got.AppMetadata) != text(map[string]any{"plan": "gold"}) {
		t.Errorf("app_metadata %s", text(got.AppMetadata))
	}
	b.await("the dark theme and German", `document.documentElement.dataset.theme === "dark" && document.documentElement.lang === "de"`)
	b.click(id("tab-home"))
	b.awaitText(id("greeting"), "Lou Reef")
	b.reload()
	b.awaitText(id("greeting"), "Lou Reef")
	b.await("the dark theme after a restart", `document.documentElement.dataset.theme === "dark"`)
}

// TestA4_EveryListenerHasADisplayName: the rule of the published scenario, as it stands, names everybody "user" until they choose.
func TestA4_EveryListenerHasADisplayName(t *testing.T) {
	op := operatorOf(t)
	published, err := os.ReadFile("../mixtape/tenant/rules/display-name.js")
	if err != nil {
		t.Fatal(err)
	}
	var rules []struct {
		Script  string
		Enabled bool
	}
	op.do("GET", "/rules", nil, &rules)
	found := false
	for _, r := range rules {
		found = found || r.Enabled && r.Script == string(published)
	}
	if !found {
		t.Fatal("the tenant does not have the rule as it stands in mixtape/tenant/rules")
	}

	fresh := op.newListener("fresh", map[string]any{"user_metadata": map[string]any{"theme": "dark"}})
	tokens := signIn(t, mixtape(t), fresh)
	want := map[string]any{"displayName": "user", "theme": "dark"}
	if got := op.user(fresh.UserID).UserMetadata; text(got) != text(want) {
		t.Errorf("user_metadata %s, want %s", text(got), text(want))
	}
	if got := claims(t, tokens.ID)[namespace+"user_metadata"]; text(got) != text(want) {
		t.Errorf("the ID token says %s, want %s", text(got), text(want))
	}

	chosen := op.newListener("chosen", map[string]any{"user_metadata": map[string]any{"displayName": "J-vald3z"}})
	signIn(t, mixtape(t), chosen)
	if got := op.user(chosen.UserID).UserMetadata["displayName"]; got != "J-vald3z" {
		t.Errorf("the rule renamed a listener to %v", got)
	}
}

// TestA5_SettingsScreen: the app makes the document's two calls, GET and then PATCH with displayName alone.
func TestA5_SettingsScreen(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("jv", map[string]any{"user_metadata": map[string]any{"theme": "light", "language": "en", "nested": map[string]any{"a": 1}}})
	b := newTab(t)
	b.signIn(listener)
	b.click(id("tab-settings"))
	b.awaitText(id("permission"), "the server there asks for your permission") // whatever the address is: its Management API skips no consent
	b.click(id("permission-continue"))
	b.allow()
	b.see(id("settings-displayname"))
	b.await("the record was read", `document.querySelector(`+quote(id("settings-displayname"))+`).value === "user"`)
	b.forget()
	b.fill(id("settings-displayname"), "J-vald3z")
	b.click(id("settings-save"))
	b.awaitData(id("settings-status"), "kind", "good")
	var calls []string
	for _, r := range b.sent() {
		if strings.HasPrefix(r.url, demo.HTTPURL+"/api/v2/") && r.method != "OPTIONS" {
			calls = append(calls, strings.TrimSpace(r.method+" "+strings.TrimPrefix(r.url, demo.HTTPURL)+" "+r.body))
		}
	}
	path := "/api/v2/users/" + url.PathEscape(listener.UserID)
	if wanted := []string{"GET " + path, "PATCH " + path + ` {"user_metadata":{"displayName":"J-vald3z"}}`}; text(calls) != text(wanted) {
		t.Errorf("the app called %q, want %q", calls, wanted)
	}
	wanted := map[string]any{"displayName": "J-vald3z", "theme": "light", "language": "en", "nested": map[string]any{"a": 1}}
	if got := op.user(listener.UserID).UserMetadata; text(got) != text(wanted) {
		t.Errorf("user_metadata %s, want %s", text(got), text(wanted))
	}
	b.click(id("tab-home"))
	b.awaitText(id("greeting"), "J-vald3z")
}

// TestB1_MetadataInTokens: a rule puts user_metadata in the ID token and app_metadata in the access token.
func TestB1_MetadataInTokens(t *testing.T) {
	op := operatorOf(t)
	user := map[string]any{"displayName": "Bo", "theme": "dark", "deep": map[string]any{"list": []any{1.0, "zwei", nil}}}
	app := map[string]any{"plan": "gold", "roles": []any{}}
	listener := op.newListener("bo", map[string]any{"user_metadata": user, "app_metadata": app})
	tokens := signIn(t, mixtape(t), listener)
	idToken, access := claims(t, tokens.ID), claims(t, tokens.Access)
	if text(idToken[namespace+"user_metadata"]) != text(user) {
		t.Errorf("ID token: %s", text(idToken))
	}
	if text(access[namespace+"app_metadata"]) != text(app) {
		t.Errorf("access token: %s", text(access))
	}
	if idToken[namespace+"app_metadata"] != nil || access[namespace+"user_metadata"] != nil {
		t.Errorf("each in the other, too: %s %s", text(idToken), text(access))
	}
	if text(access["aud"]) != text([]string{"https://mixtape.example/api", demo.HTTPURL + "/userinfo"}) || access["sub"] != listener.UserID {
		t.Errorf("aud %v, sub %v", access["aud"], access["sub"])
	}
	if left := time.Until(time.Unix(int64(access["exp"].(float64)), 0)); left < time.Minute {
		t.Errorf("the access token lives for %s", left)
	}
}

// TestB3_AppChangesItsOwnRecord: a browser at the app's origin may PATCH the listener's user_metadata, and nothing else.
func TestB3_AppChangesItsOwnRecord(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("cora", map[string]any{"user_metadata": map[string]any{"displayName": "Cora"}, "app_metadata": map[string]any{"plan": "free"}})
	other := op.newListener("otto", map[string]any{"user_metadata": map[string]any{"displayName": "Otto"}})

	t.Run("preflight", func(t *testing.T) {
		ask := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,content-type"}
		a := send(t, "OPTIONS", recordURL(listener.UserID), "", nil, append(ask, "Origin", demo.MixtapeURL)...)
		if a.header.Get("Access-Control-Allow-Origin") != demo.MixtapeURL || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PATCH") {
			t.Errorf("the app's origin: %d %v", a.status, a.header)
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("credentials are allowed across origins")
		}
		for _, origin := range []string{"https://evil.example", "null", demo.MixtapeURL + ".evil.example", strings.Replace(demo.MixtapeURL, "http:", "https:", 1)} {
			a := send(t, "OPTIONS", recordURL(listener.UserID), "", nil, append(ask, "Origin", origin)...)
			if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("%s is allowed: %q", origin, got)
			}
		}
	})

	b := newTab(t)
	b.signIn(listener)
	b.click(id("tab-hood"))
	b.fill(id("hood-direct-input"), "Cora Bell")
	b.click(id("hood-direct-save"))
	b.click(id("permission-continue"))
	b.allow()
	b.fill(id("hood-direct-input"), "Cora Bell")
	b.click(id("hood-direct-save"))
	b.awaitData(id("hood-direct-result"), "status", "200")
	if got := op.user(listener.UserID).UserMetadata["displayName"]; got != "Cora Bell" {
		t.Errorf("displayName %v", got)
	}
	before := text(op.user(listener.UserID)) + text(op.user(other.UserID))
	b.click(id("cheat-app-metadata"))
	b.awaitData(id("cheat-app-metadata-result"), "status", "403")
	b.awaitText(id("cheat-app-metadata-result"), "insufficient_scope")
	b.fill(id("cheat-other-id"), other.UserID)
	b.click(id("cheat-other-user"))
	b.awaitData(id("cheat-other-user-result"), "status", "403")
	b.click(id("cheat-featured"))
	b.awaitData(id("cheat-featured-result"), "status", "403")
	if after := text(op.user(listener.UserID)) + text(op.user(other.UserID)); after != before {
		t.Errorf("something changed: %s, before %s", after, before)
	}

	t.Run("from another origin", func(t *testing.T) {
		token := signIn(t, ownRecord(t), listener).Access
		evil := newTab(t)
		evil.open(demo.MixtapeAPIURL + "/healthz") // an origin that no client registered
		var said string
		evil.eval(&said, `fetch(`+quote(recordURL(listener.UserID))+`, {method: "PATCH", headers: {authorization: "Bearer `+token+
			`", "content-type": "application/json"}, body: '{"user_metadata":{"displayName":"taken"}}'}).then(r => String(r.status), e => e.name)`)
		if said != "TypeError" {
			t.Errorf("the browser let it through: %s", said)
		}
		if got := op.user(listener.UserID).UserMetadata["displayName"]; got != "Cora Bell" {
			t.Errorf("displayName %v", got)
		}
	})
}

// TestB6_ByWayOfMixtapesAPI: the app asks its own API, which takes the listener from the token alone.
func TestB6_ByWayOfMixtapesAPI(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("vic", map[string]any{"user_metadata": map[string]any{"theme": "dark"}})
	other := op.newListener("wim", map[string]any{"user_metadata": map[string]any{"displayName": "Wim"}})
	before := text(op.user(other.UserID))
	b := newTab(t)
	b.signIn(listener)
	b.click(id("tab-hood"))
	b.fill(id("hood-via-input"), "Vic")
	b.click(id("hood-via-save"))
	b.awaitData(id("hood-via-result"), "status", "200")
	b.awaitData(id("hood-stale"), "stale", "1")
	if got := text(op.user(listener.UserID).UserMetadata); got != text(map[string]any{"displayName": "Vic", "theme": "dark"}) {
		t.Errorf("user_metadata %s", got)
	}
	if seen := b.hosted(); len(seen) > 0 && strings.Contains(strings.Join(seen, " "), "consent") {
		t.Errorf("a consent page was shown: %q", seen)
	}
	token := signIn(t, mixtape(t), listener).Access
	for _, body := range []string{
		`{"displayName":"taken","user_id":"` + other.UserID + `"}`, `{"displayName":"taken","sub":"` + other.UserID + `"}`,
		`{"displayName":"taken","app_metadata":{"plan":"platinum"}}`,
	} {
		send(t, "PUT", demo.MixtapeAPIURL+"/displayName?user_id="+url.QueryEscape(other.UserID), token, body)
	}
	want(t, 404, "PUT", demo.MixtapeAPIURL+"/displayName/"+url.PathEscape(other.UserID), token, `{"displayName":"taken"}`)
	if after := text(op.user(other.UserID)); after != before {
		t.Errorf("another listener's record changed: %s", after)
	}
	if m := op.user(listener.UserID).AppMetadata; m["plan"] != nil {
		t.Errorf("app_metadata %v", m)
	}
}
