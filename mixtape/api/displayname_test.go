package api_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// B6: the intermediary way. The listener's token never reaches the Management
// API, the machine token never reaches the listener, and the only user there is
// is the one who calls.
func TestB6DisplayName(t *testing.T) {
	f := start(t, "")
	id := f.identity
	id.names[ada], id.names[bob] = "user", "Bob"
	name := func(subject string) string {
		t.Helper()
		return parse[map[string]string](f, f.want(f.call("GET", "/displayName", f.listener(subject), ""), 200))["displayName"]
	}
	if got := name(ada); got != "user" {
		t.Errorf("before: %q", got)
	}
	f.want(f.call("PUT", "/displayName", f.listener(ada), `{"displayName":" J-vald3z "}`), 200)
	if got := name(ada); got != "J-vald3z" {
		t.Errorf("after: %q", got)
	}
	if got := name(bob); got != "Bob" {
		t.Errorf("another listener's: %q", got)
	}
	if id.grants != 1 {
		t.Errorf("%d machine tokens, want 1", id.grants)
	}
	if id.paths[0] != "/api/v2/users/auth0%7Cada" {
		t.Errorf("path: %s", id.paths[0])
	}
	if id.bodies[1] != `{"user_metadata":{"displayName":"J-vald3z"}}` {
		t.Errorf("body: %s", id.bodies[1])
	}

	// No request names another user.
	for _, body := range []string{
		`{"displayName":"x","user_id":"google-oauth2|bob"}`, `{"displayName":"x","sub":"google-oauth2|bob"}`,
		`{"displayName":{"x":1}}`, `{"displayName":""}`, `{"displayName":" "}`, `{"displayName":"a\u0007b"}`, `{}`,
		`{"displayName":"` + strings.Repeat("x", 65) + `"}`, `{"user_metadata":{"displayName":"x"}}`, `{"app_metadata":{}}`,
	} {
		f.want(f.call("PUT", "/displayName", f.listener(ada), body), 400)
	}
	f.want(f.call("PUT", "/displayName?user_id=google-oauth2%7Cbob&id=x", f.listener(ada), `{"displayName":"Ada"}`), 200)
	if id.names[bob] != "Bob" || id.names[ada] != "Ada" {
		t.Errorf("names: %v", id.names)
	}
	f.want(f.call("GET", "/displayName", f.listener("auth0|nobody"), ""), 404)
	f.want(f.call("PUT", "/displayName", f.listener("auth0|nobody"), `{"displayName":"x"}`), 404)
}

// A subject is one segment of the path, whatever is in it.
func TestDisplayNameEscapes(t *testing.T) {
	f := start(t, "")
	for subject, path := range map[string]string{
		"auth0|a/../b":     "/api/v2/users/auth0%7Ca%2F..%2Fb",
		"auth0|a?fields=x": "/api/v2/users/auth0%7Ca%3Ffields=x",
		"sms|+1 2#3%41":    "/api/v2/users/sms%7C+1%202%233%2541",
		"samlp|ü|x@y.z":    "/api/v2/users/samlp%7C%C3%BC%7Cx@y.z",
	} {
		f.identity.set(func(id *identity) { id.names[subject] = "Name" })
		got := parse[map[string]string](f, f.want(f.call("GET", "/displayName", f.listener(subject), ""), 200))
		if got["displayName"] != "Name" || !slices.Contains(f.identity.paths, path) {
			t.Errorf("%s: %v by %v", subject, got, f.identity.paths)
		}
	}
}

// A token that is near its end or refused is replaced; a refusal of the new one
// is an error.
func TestMachineToken(t *testing.T) {
	f := start(t, "")
	id := f.identity
	id.names[ada] = 42 // listeners may write anything
	get := func(status int) { t.Helper(); f.want(f.call("GET", "/displayName", f.listener(ada), ""), status) }
	id.lifetime = 60
	get(200)
	get(200)
	if id.grants != 2 {
		t.Errorf("%d machine tokens, want a new one within the last minute", id.grants)
	}
	id.set(func(id *identity) { id.lifetime = 86400 })
	get(200)
	id.set(func(id *identity) { id.machine = "revoked" })
	get(200)
	if id.grants != 4 {
		t.Errorf("%d machine tokens, want a new one after 401", id.grants)
	}
	id.set(func(id *identity) { id.machine = "revoked" })
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if got := f.call("GET", "/displayName", f.listener(ada), ""); got.status != 200 {
				t.Errorf("status %d", got.status)
			}
		})
	}
	group.Wait()
	if id.grants != 5 {
		t.Errorf("%d machine tokens, want one for all after 401", id.grants)
	}

	id.set(func(id *identity) { id.forbidden = true })
	got := f.call("GET", "/displayName", f.listener(ada), "")
	if got.status != 502 || parse[map[string]string](f, got)["error"] != "bad_gateway" {
		t.Errorf("forbidden upstream: %d %s", got.status, got.body)
	}
	f.config.ManagementClientSecret = "wrong"
	f.open()
	get(502)
	f.config.ManagementDomainURL = "http://127.0.0.1:1"
	f.open()
	got = f.call("GET", "/displayName", f.listener(ada), "")
	if got.status != 502 || strings.Contains(got.body, "127.0.0.1") || strings.Contains(got.body, "secret") {
		t.Errorf("no upstream: %d %s", got.status, got.body)
	}
}
