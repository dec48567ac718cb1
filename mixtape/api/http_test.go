package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestBodies(t *testing.T) {
	f := start(t, "")
	token := "Bearer " + f.listener(ada)
	for _, test := range []struct {
		name, media, body string
		want              int
	}{
		{"good", "application/json", `{"genre":"Dub"}`, 204},
		{"with charset", "application/json; charset=utf-8", ` {"genre":"Dub"} `, 204},
		{"no type", "", `{"genre":"Dub"}`, 415},
		{"a form", "application/x-www-form-urlencoded", `genre=Dub`, 415},
		{"text", "text/plain", `{"genre":"Dub"}`, 415},
		{"strange type", "application/json; =", `{"genre":"Dub"}`, 415},
		{"empty", "application/json", ``, 400},
		{"cut", "application/json", `{"genre":"Dub"`, 400},
		{"array", "application/json", `["Dub"]`, 400},
		{"null", "application/json", `null`, 400},
		{"two", "application/json", `{"genre":"Dub"}{}`, 400},
		{"rest", "application/json", `{"genre":"Dub"} x`, 400},
		{"number", "application/json", `{"genre":1}`, 400},
		{"unknown field", "application/json", `{"genre":"Dub","user_id":"auth0|bob"}`, 400},
		{"bad UTF-8", "application/json", "{\"genre\":\"\xff\"}", 400},
		{"deep", "application/json", `{"genre":` + strings.Repeat("[", 30000), 400},
		{"large", "application/json", `{"genre":"` + strings.Repeat("x", 70<<10) + `"}`, 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := f.send("PUT", "/genres/fav", http.Header{"Authorization": {token}, "Content-Type": {test.media}}, test.body)
			if got.status != test.want {
				t.Fatalf("status %d, want %d: %s", got.status, test.want, got.body)
			}
			if test.want == 204 {
				return
			}
			if body := parse[map[string]string](f, got); body["error"] == "" || body["message"] == "" {
				t.Errorf("body: %s", got.body)
			}
		})
	}
}

func TestCORS(t *testing.T) {
	f := start(t, "")
	preflight := func(origin string) answer {
		return f.send("OPTIONS", "/playlists/x", http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"PATCH"},
			"Access-Control-Request-Headers": {"authorization,content-type"},
		}, "")
	}
	good := f.want(preflight(webOrigin), 204).header
	if good.Get("Access-Control-Allow-Origin") != webOrigin || good.Get("Vary") != "Origin" ||
		!strings.Contains(good.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(good.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %v", good)
	}
	for _, origin := range []string{"", "null", "http://127.0.0.1:3000.evil.example", "http://127.0.0.1", "https://127.0.0.1:3000"} {
		if got := preflight(origin).header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%q allows %q", origin, got)
		}
	}
	// A refusal must be readable, too.
	refused := f.want(f.send("GET", "/genres", http.Header{"Origin": {webOrigin}}, ""), 401)
	if refused.header.Get("Access-Control-Allow-Origin") != webOrigin {
		t.Errorf("401: %v", refused.header)
	}
}
