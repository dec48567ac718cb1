package mgmt

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// searchAll pages through a search and returns a member of all that it finds.
func (h *house) searchAll(noun, query, member string) (out []string) {
	h.Helper()
	key := strings.ReplaceAll(noun, "-", "_")
	for from := ""; ; {
		page := h.call(h.machine("acme"), "GET", "/"+noun+"/search?"+query+from, "").is(200, "")
		all, _ := page.get(key).([]any)
		for _, one := range all {
			out = append(out, fmt.Sprint(one.(map[string]any)[member]))
		}
		next := page.text("next")
		if next == "" {
			return out
		}
		from = "&from=" + next
	}
}

func TestSearchOrganizations(t *testing.T) {
	now := start
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		all := h.machine("acme")
		for _, body := range []string{`{"name":"zebra","display_name":"Alpha Records","metadata":{"plan":"gold"}}`, `{"name":"yak","display_name":"beta Records"}`, `{"name":"ant","display_name":"Gamma","metadata":{"plan":"free"}}`} {
			h.call(all, "POST", "/organizations", body).is(201, "")
			now = now.Add(time.Millisecond)
		}
		for q, want := range map[string]string{
			"":                                  "zebra yak ant",
			"take=1":                            "zebra yak ant",
			"sort=name":                         "ant yak zebra",
			"sort=display_name&take=2":          "zebra yak ant",
			"sort=created_at&take=1":            "zebra yak ant",
			"q=display_name:*records":           "zebra yak",
			"q=Alpha*":                          "zebra",
			"q=metadata.plan:gold":              "zebra",
			"q=_exists_:metadata.plan":          "zebra ant",
			"q=NOT%20metadata.plan:gold&take=1": "yak ant",
			"parser=scim&q=" + url.QueryEscape(`display_name co "RECORDS" and not (name eq "yak")`): "zebra",
			"parser=scim&q=" + url.QueryEscape(`metadata.plan ne "gold"`):                           "yak ant",
			"parser=scim&q=" + url.QueryEscape(`metadata.plan pr and created_at gt "2020-01-01"`):   "zebra ant",
			"parser=scim&q=" + url.QueryEscape(`created_at lt "2020-01-01" or name sw "z"`):         "zebra",
			"parser=scim&q=" + url.QueryEscape(`display_name ew "cords"`) + "&sort=name&take=1":     "yak zebra",
		} {
			if got := strings.Join(h.searchAll("organizations", q, "name"), " "); got != want {
				h.Errorf("%s: %q, want %q", q, got, want)
			}
		}
		h.call(all, "GET", "/organizations/search?q=colour:red", "").is(400, "")
		h.call(all, "GET", "/organizations/search?sort=id", "").is(400, "")
		h.call(all, "GET", "/organizations/search?parser=sql", "").is(400, "")
		h.call(all, "GET", "/organizations/search?take=101", "").is(400, "")
		h.call(all, "GET", "/organizations/search?from=bogus", "").fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")
		h.call(all, "GET", "/organizations/search?parser=scim&q="+url.QueryEscape(`name eq`), "").is(400, "")
		h.call(all, "GET", "/organizations/search?parser=scim&q="+url.QueryEscape(`display_name co "ab"`), "").is(400, "")
		h.call(h.machine("acme", "read:organizations_summary"), "GET", "/organizations/search?q=name:yak", "").is(200, `{"organizations":[{"id":"`+h.searchAll("organizations", "q=name:yak", "id")[0]+`","name":"yak","display_name":"beta Records"}]}`)
		h.call(h.machine("acme", "read:users"), "GET", "/organizations/search", "").is(403, "")
		for _, path := range []string{ // a summary does not tell the rest by what it finds
			"/organizations/search?q=metadata.plan:g*", "/organizations/search?q=created_at:2026*", "/organizations/search?sort=created_at", "/organizations/search?parser=scim&q=metadata.plan%20pr",
			"/clients/search?q=metadata.plan:g*", "/clients/search?q=client_grant.organization_id:o*", "/clients/search?sort=updated_at", "/clients?q=client_grant.allow_any_organization:true", "/clients?q=external_client_id:x*",
		} {
			h.call(h.machine("acme", "read:organizations_summary", "read:client_summary"), "GET", path, "").is(400, "")
			h.call(all, "GET", path, "").is(200, "")
		}
		h.call(h.machine("acme", "read:client_summary"), "GET", "/clients/search?q=name:x*&sort=name", "").is(200, "")
	}, storetest.WithClock(func() time.Time { return now }))
}

// Clients are as old as they are, and were changed last when they were.
func TestClientTimes(t *testing.T) {
	now := start
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now = start
		h := newHouse(t, db)
		all := h.machine("acme")
		now = now.Add(time.Hour)
		first := h.call(all, "POST", "/clients", `{"name":"Zither","created_at":"2001-01-01T00:00:00.000Z"}`).is(201, "").text("client_id")
		now = now.Add(time.Hour)
		h.call(all, "POST", "/clients", `{"name":"Accordion"}`).is(201, "")
		now = now.Add(time.Hour)
		got := h.call(all, "PATCH", "/clients/"+first, `{"description":"d","updated_at":"2001-01-01T00:00:00.000Z"}`).is(200, "")
		if got.text("created_at") != "2026-11-25T13:00:00.000Z" || got.text("updated_at") != "2026-11-25T15:00:00.000Z" {
			t.Errorf("%s", got.body)
		}
		for q, want := range map[string]string{
			"q=name:(zither%20accordion)":                                                  "Zither Accordion",
			"q=name:(zither%20accordion)&take=1":                                           "Zither Accordion",
			"q=name:(zither%20accordion)&sort=updated_at":                                  "Accordion Zither",
			"q=updated_at:%7B2026-11-25T14:30:00.000Z%20TO%20*%7D":                         "Zither",
			"parser=scim&q=" + url.QueryEscape(`updated_at gt "2026-11-25T13:30:00.000Z"`): "Zither Accordion",
		} {
			if got := strings.Join(h.searchAll("clients", q, "name"), " "); got != want {
				t.Errorf("%s: %q, want %q", q, got, want)
			}
		}
	}, storetest.WithClock(func() time.Time { return now }))
}

func TestSearchConfiguration(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for _, body := range []string{`{"name":"Player","app_type":"spa","client_metadata":{"team":"web"}}`, `{"name":"Robot","app_type":"non_interactive"}`} {
		h.call(all, "POST", "/clients", body).is(201, "")
	}
	robot := h.searchAll("clients", "q=name:robot", "client_id")[0]
	h.call(all, "POST", "/resource-servers", `{"identifier":"urn:songs","name":"Songs","signing_alg":"HS256","signing_secret":"0123456789abcdef0123456789abcdef"}`).is(201, "")
	h.call(all, "POST", "/client-grants", `{"client_id":"`+robot+`","audience":"urn:songs","scope":[]}`).is(201, "")
	for _, c := range []struct{ noun, query, member, want string }{
		{"clients", "q=metadata.team:web", "name", "Player"},
		{"clients", "parser=scim&q=" + url.QueryEscape(`name sw "rob" or app_type eq "spa"`) + "&sort=name&take=1", "name", "Player Robot"},
		{"clients", "parser=scim&q=" + url.QueryEscape(`client_grant.allow_any_organization eq false`), "name", "Robot"},
		{"clients", "parser=scim&q=" + url.QueryEscape(`metadata.team pr and is_first_party eq true`), "name", "Player"},
		{"clients", "q=name:robot&fields=name", "client_id", "<nil>"},
		{"client-grants", "q=client_id:" + robot, "audience", "urn:songs"},
		{"client-grants", "parser=scim&q=" + url.QueryEscape(`client_id eq "`+robot+`" and subject_type eq "client" and organization_id ne "org_1"`), "audience", "urn:songs"},
		{"resource-servers", "q=songs&sort=identifier", "identifier", "urn:songs"},
		{"resource-servers", "parser=scim&q=" + url.QueryEscape(`identifier sw "urn:"`), "name", "Songs"},
	} {
		if got := strings.Join(h.searchAll(c.noun, c.query, c.member), " "); got != c.want {
			h.Errorf("%s?%s: %q, want %q", c.noun, c.query, got, c.want)
		}
	}
	for _, secret := range []string{"client_secret", "signing_keys", "addons", "encryption_key"} {
		if got := h.call(all, "GET", "/clients/search?q=name:robot", "").is(200, ""); strings.Contains(got.body, secret) {
			h.Errorf("%s is shown", secret)
		}
	}
	if got := h.call(all, "GET", "/resource-servers/search?q=songs", "").is(200, ""); strings.Contains(got.body, "0123456789abcdef") {
		h.Errorf("the secret of an API is shown: %s", got.body)
	}
	if got := h.searchAll("clients", "take=1", "client_id"); !slices.IsSorted(got) || len(got) < 3 {
		h.Errorf("clients page by page: %q", got)
	}
	h.call(h.machine("acme", "read:client_keys"), "GET", "/clients/search", "").is(403, "")
	h.call(all, "GET", "/clients/search?q=colour:red", "").is(400, "")
	first := h.call(all, "GET", "/clients/search?take=1", "").is(200, "").text("next")
	h.call(all, "GET", "/clients/search?take=1&sort=name&from="+first, "").is(400, "")
}
