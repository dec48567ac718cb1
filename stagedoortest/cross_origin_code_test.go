package stagedoortest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
)

// A page of the client's asks for a code instead of a password (auth0.js passwordlessLogin), and the login goes on with the ticket.
func TestCrossOriginLoginByCode(t *testing.T) {
	w := newWorld(t, "sqlite")
	h := w.a
	h.settings(map[string]any{"stagedoor": map[string]any{"embedded_login": true}})
	h.create("connections", map[string]any{"name": "email", "strategy": "email", "enabled_clients": []string{h.spa}})
	h.want(200, h.api("PATCH", "/clients/"+h.spa, map[string]any{
		"cross_origin_authentication": true, "grant_types": []string{"authorization_code", "refresh_token", "http://auth0.com/oauth/grant-type/passwordless/otp"},
	}, nil))
	b := h.browser()
	post := func(path string, body map[string]string) (int, map[string]any) {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		a := b.do("POST", path, string(text), "Content-Type", "application/json", "Origin", "https://app.example")
		var out map[string]any
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatalf("%s: %d %s", path, a.StatusCode, a.body)
		}
		return a.StatusCode, out
	}
	if status, out := post("/passwordless/start", map[string]string{"client_id": h.spa, "connection": "email", "email": h.mail, "send": "code"}); status != http.StatusOK {
		t.Fatalf("start: %d %v", status, out)
	}
	mail := regexp.MustCompile(`/u/inbox/[A-Za-z0-9_]+`).FindString(b.get("/u/inbox").body)
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(b.get(mail).body)
	ask := func(code string) (int, map[string]any) {
		return post("/co/authenticate", map[string]string{
			"client_id": h.spa, "credential_type": "http://auth0.com/oauth/grant-type/passwordless/otp", "username": h.mail, "otp": code, "realm": "email",
		})
	}
	if status, out := ask("000000"); status != http.StatusForbidden || out["error"] != "access_denied" {
		t.Errorf("a wrong code: %d %v", status, out)
	}
	status, out := ask(code)
	ticket, _ := out["login_ticket"].(string)
	if status != http.StatusOK || ticket == "" {
		t.Fatalf("code %q: %d %v", code, status, out)
	}
	got := h.redeem(w.callback(b.get("/authorize?" + h.request("login_ticket", ticket, "realm", "email").Encode())).Get("code"))
	if claims := claimsOf(t, got.ID); claims["email"] != h.mail {
		t.Errorf("signed in as %v", claims)
	}
	if status, _ := ask(code); status != http.StatusForbidden {
		t.Errorf("the code works twice: %d", status)
	}
}
