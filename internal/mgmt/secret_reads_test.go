package mgmt

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

// TestSecretsThatAreRead: the log tells of a GET that has shown secrets, and of no other.
func TestSecretsThatAreRead(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		h.ok(h.store("acme").SetIdentityTokens(h.Context(), ada, ada, map[string]any{"access_token": "upstream"}))
		google := h.call(all, "POST", "/connections", `{"name":"google","strategy":"google-oauth2","options":{"client_id":"x","client_secret":"hush-hush"}}`).is(201, "").text("id")
		github := h.call(all, "POST", "/connections", `{"name":"github","strategy":"github","options":{"client_id":"x"}}`).is(201, "").text("id")
		api := h.call(all, "POST", "/resource-servers", `{"identifier":"urn:hs","signing_alg":"HS256"}`).is(201, "").text("id")
		const plainClient = "web_acme"
		told := func() int {
			return len(slices.DeleteFunc(h.logged("acme"), func(text string) bool { return text[:min(14, len(text))] != "mgmt_api_read " }))
		}
		for _, one := range []struct {
			bearer, path string
			tells        bool
		}{
			{all, "/clients/" + plainClient, true},
			{all, "/clients/" + plainClient + "?fields=name", false},
			{h.machine("acme", "read:clients"), "/clients/" + plainClient, false},
			{all, "/clients", true},
			{all, "/connections/" + google, true},
			{all, "/connections/" + github, false},
			{all, "/resource-servers/" + api, true},
			{h.machine("acme", "read:users"), "/users/" + ada, false},
			{all, "/users/" + ada, true},
			{all, "/users/" + ada + "?fields=email", false},
			{all, "/users", false},
			{all, "/roles", false},
			{all, "/connections/nobody", false},
		} {
			before := told()
			h.call(one.bearer, "GET", one.path, "")
			if tells := told() > before; tells != one.tells {
				h.Errorf("%s is told in the log: %v", one.path, tells)
			}
		}
		events, _, err := h.store("acme").Logs(h.Context(), store.LogQuery{PerPage: 1, Type: "mgmt_api_read"})
		if err != nil || len(events) != 1 || fmt.Sprint(events[0].Details["accessedSecrets"]) != "[access_token]" {
			h.Errorf("%v %+v", err, events)
		}
		if logged := h.logged("acme"); !slices.Contains(logged, "mgmt_api_read Get client by ID") {
			h.Errorf("the log: %v", logged)
		}
	})
}
