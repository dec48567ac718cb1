package mgmt

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// TestWhoDoesNotWait: what a script has changed in a database of the tenant's own is heeded here, too, whether or not the caller waits for the answer: who gave up after some seconds left
// somebody with a new password there, and the sessions that the old one had opened here.
func TestWhoDoesNotWait(t *testing.T) {
	each(t, func(h *house) {
		begun, on := make(chan struct{}, 1), make(chan struct{})
		there := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-on }))
		h.Cleanup(there.Close)
		host := script.New(script.Config{Workers: 1, HTTP: http.DefaultClient})
		h.Cleanup(func() { _ = host.Close() })
		database := *h.api.Database
		database.Scripts = host
		h.api.Database = &database
		all, st, ctx := h.machine("acme"), h.store("acme"), context.Background()
		scripts := map[string]string{"login": "function l(email, secret, callback) { callback(null, {id: email, email}); }", "create": "function c(user, callback) { callback(null); }", "get_user": "function g(email, callback) { callback(null, null); }"}
		for name, arguments := range map[string]string{"change_password": "email, secret", "change_email": "email, to, verified", "delete": "id"} {
			scripts[name] = fmt.Sprintf("async function change(%s, callback) { await fetch('%s'); callback(null, true); }", arguments, there.URL)
		}
		h.call(all, "POST", "/connections", `{"name":"Own","strategy":"auth0","enabled_clients":["web_acme"],"options":{"enabledDatabaseCustomization":true,"customScripts":`+encode(scripts)+`}}`).is(201, "")
		h.ok(st.CreateUser(ctx, &stagedoor.User{ID: "auth0|kim", Connection: "Own", Email: "kim@x.test", Identities: []stagedoor.Identity{{Connection: "Own", Provider: "auth0", UserID: "kim"}}}, ""))
		const path = "/users/auth0%7Ckim"
		leaves := func(method, body string) {
			h.Helper()
			ctx, leave := context.WithCancel(context.Background())
			r := httptest.NewRequestWithContext(ctx, method, "https://acme.test/api/v2"+path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+all)
			r.RemoteAddr = "192.0.2.1"
			go func() { <-begun; leave(); on <- struct{}{} }()
			h.api.ServeHTTP(httptest.NewRecorder(), r, h.store("acme"))
		}
		leaves("PATCH", `{"password":"Another-Horse-1"}`)
		if u, err := st.User(ctx, "auth0|kim"); err != nil || u.LastPasswordReset.IsZero() || u.AccessEnded == 0 {
			h.Errorf("another password: %+v %v", u, err)
		}
		leaves("PATCH", `{"email":"kim@y.test"}`)
		if u, err := st.User(ctx, "auth0|kim"); err != nil || u.Email != "kim@y.test" {
			h.Errorf("another address: %+v %v", u, err)
		}
		leaves("DELETE", "")
		if u, err := st.User(ctx, "auth0|kim"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			h.Errorf("deleted: %+v %v", u, err)
		}
	})
}
