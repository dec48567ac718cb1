package mgmt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestDeletingWhilePaging reads lists page by page, by checkpoint, and takes away what was read: nothing may be passed over.
func TestDeletingWhilePaging(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		drain := func(path, key, id string, remove func(id string)) int {
			h.Helper()
			seen := 0
			for from := ""; ; {
				page := h.call(all, "GET", path+from, "").is(200, "")
				items, _ := page.get(key).([]any)
				for _, item := range items {
					seen++
					remove(fmt.Sprint(item.(map[string]any)[id]))
				}
				next, more := page.get("next").(string)
				if !more {
					return seen
				}
				separator := "&from="
				if !strings.Contains(path, "?") {
					separator = "?from="
				}
				from = separator + next
			}
		}
		org, role, kim := h.org("kept"), h.role("reader"), h.user("kim", "")
		for i := range 5 {
			id := h.user(fmt.Sprint("p", i), "")
			h.call(all, "POST", "/organizations/"+org+"/members", `{"members":["`+id+`"]}`).is(204, "")
			h.call(all, "POST", "/roles/"+role+"/users", `{"users":["`+id+`"]}`).is(200, "")
			h.call(all, "POST", "/clients", fmt.Sprintf(`{"name":"client %d"}`, i)).is(201, "")
			h.call(all, "POST", "/connections", fmt.Sprintf(`{"name":"c-%d","strategy":"github"}`, i)).is(201, "")
		}
		if n := drain("/roles/"+role+"/users?take=2", "users", "user_id", func(id string) {
			h.call(all, "DELETE", "/users/"+strings.ReplaceAll(id, "|", "%7C")+"/roles", `{"roles":["`+role+`"]}`).is(204, "")
		}); n != 5 {
			h.Errorf("%d users of the role", n)
		}
		if n := drain("/organizations/"+org+"/members?take=2", "members", "user_id", func(id string) {
			h.call(all, "DELETE", "/organizations/"+org+"/members", `{"members":["`+id+`"]}`).is(204, "")
		}); n != 5 {
			h.Errorf("%d members", n)
		}
		if n := drain("/connections?take=2&strategy=github", "connections", "id", func(id string) { h.call(all, "DELETE", "/connections/"+id, "").is(202, "") }); n != 5 {
			h.Errorf("%d connections", n)
		}
		if n := drain("/clients?take=2&is_global=false", "clients", "client_id", func(id string) { h.call(all, "DELETE", "/clients/"+id, "").is(204, "") }); n != 6 {
			h.Errorf("%d clients", n)
		}
		for i := range 4 {
			h.org(fmt.Sprint("org-", i))
		}
		if n := drain("/organizations?take=2", "organizations", "id", func(id string) { h.call(all, "DELETE", "/organizations/"+id, "").is(204, "") }); n != 5 {
			h.Errorf("%d organizations", n)
		}
		// Of sessions and tokens also the one may be gone that would have come next.
		path := "/users/" + strings.ReplaceAll(kim, "|", "%7C")
		for i := range 5 {
			id, until := fmt.Sprint("s", i), start.Add(time.Hour)
			h.ok(h.store("acme").CreateSession(h.Context(), "cookie "+id, &stagedoor.Session{ID: id, UserID: kim, ExpiresAt: until, IdleExpiresAt: until}))
			h.ok(h.store("acme").CreateRefreshToken(h.Context(), "token "+id, &stagedoor.RefreshToken{ID: id, FamilyID: id, UserID: kim, ClientID: "app", ExpiresAt: until}))
		}
		for list, of := range map[string]string{"/sessions": "sessions", "/refresh-tokens": "tokens"} {
			first := h.call(all, "GET", path+list+"?take=2", "").is(200, "")
			for _, id := range []string{"s1", "s2"} {
				h.ok(h.store("acme").DeleteSession(h.Context(), id, stagedoor.LogoutByClient))
				_, err := h.store("acme").RevokeRefreshTokens(h.Context(), store.RefreshTokensOf{IDs: []string{id}})
				h.ok(err)
			}
			rest := h.call(all, "GET", path+list+"?take=5&from="+first.text("next"), "").is(200, "")
			if items, _ := rest.get(of).([]any); len(items) != 2 || items[0].(map[string]any)["id"] != "s3" {
				h.Errorf("%s: %s", list, rest.body)
			}
			for _, id := range []string{"s1", "s2"} {
				until := start.Add(time.Hour)
				h.ok(h.store("acme").CreateSession(h.Context(), "again "+id, &stagedoor.Session{ID: id, UserID: kim, ExpiresAt: until, IdleExpiresAt: until}))
				h.ok(h.store("acme").CreateRefreshToken(h.Context(), "again "+list+id, &stagedoor.RefreshToken{ID: id, FamilyID: id, UserID: kim, ClientID: "app", ExpiresAt: until}))
			}
		}
	})
}
