package oauth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

const (
	clientQuota = "Auth0-Client-Quota-Limit"
	orgQuota    = "Auth0-Organization-Quota-Limit"
)

func (w *world) quota(id, quota string) {
	w.Helper()
	w.client(id, func(c *stagedoor.Client) {
		if c.Stored == nil {
			c.Stored = map[string]json.RawMessage{}
		}
		delete(c.Stored, "token_quota")
		if quota != "" {
			c.Stored["token_quota"] = json.RawMessage(quota)
		}
	})
}

// quotaWarnings are the events about quotas since the last call.
func (w *world) quotaWarnings() (out []string) {
	w.Helper()
	for _, e := range w.events() {
		if e.Type == "token_quota_consumption_warning" {
			out = append(out, e.Description)
		}
	}
	return out
}

func TestTokenQuota(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) { // it is noon
		machine := func(more ...string) *tokenAnswer { return w.token(values(machineForm(more...)...)) }
		if got := machine().good(); got.Header().Get(clientQuota) != "" || got.Header().Get(orgQuota) != "" {
			t.Errorf("without a quota: %v", got.Header())
		}
		w.quota("machine", `{"client_credentials":{"per_hour":5,"per_day":7}}`)
		w.events()
		for i, want := range []string{
			"b=per_hour;q=5;r=4;t=3600,b=per_day;q=7;r=6;t=43200", "b=per_hour;q=5;r=3;t=3600,b=per_day;q=7;r=5;t=43200", "b=per_hour;q=5;r=2;t=3600,b=per_day;q=7;r=4;t=43200",
			"b=per_hour;q=5;r=1;t=3600,b=per_day;q=7;r=3;t=43200", "b=per_hour;q=5;r=0;t=3600,b=per_day;q=7;r=2;t=43200",
		} {
			if got := machine().good().Header().Get(clientQuota); got != want {
				t.Errorf("token %d: %s instead of %s", i+1, got, want)
			}
		}
		all := w.events()
		var told []string
		for _, e := range all {
			if e.Type != "seccft" {
				told = append(told, e.Type+" "+e.Description+" "+e.ClientID+" "+e.ClientName)
			}
		}
		same(t, "what is told", told, []string{
			"token_quota_consumption_warning 60% of client per_hour quota consumed machine Machine", "token_quota_consumption_warning 80% of client per_hour quota consumed machine Machine",
			"token_quota_consumption_warning 100% of client per_hour quota consumed machine Machine", "token_quota_consumption_warning 60% of client per_day quota consumed machine Machine",
		})
		same(t, "the details", all[len(all)-3].Details, map[string]any{
			"bucket": "per_hour", "entity_type": "client", "entity_id": "machine", "quota": 5, "quota_consumption_percentage": 100, "quota_consumption": 5,
		})

		w.pass(90500 * time.Millisecond)
		for range 3 { // what is refused counts nowhere
			got := machine()
			got.bad(429, "too_many_requests", "Client quota exceeded")
			h := got.Header()
			same(t, "the headers", []string{h.Get(clientQuota), h.Get("Retry-After"), h.Get("X-RateLimit-Limit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Reset")},
				[]string{"b=per_hour;q=5;r=0;t=3510,b=per_day;q=7;r=2;t=43110", "3510", "5", "0", "1772370000"})
		}
		w.wantLog("feccft", "feccft", "feccft")
		machine("scope", "burn:songs").bad(403, "access_denied", "Client has not been granted scopes: burn:songs")
		w.pass(time.Hour)
		w.events()
		machine().good()
		same(t, "the last one of the day", machine().good().Header().Get(clientQuota), "b=per_hour;q=5;r=3;t=3510,b=per_day;q=7;r=0;t=39510")
		same(t, "told", w.quotaWarnings(), []string{"80% of client per_day quota consumed", "100% of client per_day quota consumed"})
		got := machine()
		got.bad(429, "too_many_requests", "Client quota exceeded")
		same(t, "until tomorrow", got.Header().Get("Retry-After"), "39510")

		w.quota("machine", `{"client_credentials":{"per_hour":5,"per_day":7,"enforce":false}}`)
		same(t, "beyond it", machine().good().Header().Get(clientQuota), "b=per_hour;q=5;r=2;t=3510,b=per_day;q=7;r=0;t=39510")
	})
}

// Each part of a quota is told once, by the token that reaches it; of several that are used up the one that lasts longest says when to come again.
func TestTokenQuotaIsToldOnce(t *testing.T) {
	w := newWorld(t)
	machine := func() *tokenAnswer { return w.token(values(machineForm()...)) }
	w.quota("machine", `{"client_credentials":{"per_hour":10,"per_day":10}}`)
	for range 10 {
		machine().good()
	}
	var hourly []string
	for _, told := range w.quotaWarnings() {
		if strings.Contains(told, "per_hour") {
			hourly = append(hourly, told)
		}
	}
	same(t, "told", hourly, []string{"60% of client per_hour quota consumed", "80% of client per_hour quota consumed", "100% of client per_hour quota consumed"})
	got := machine()
	got.bad(429, "too_many_requests", "Client quota exceeded")
	same(t, "both are used up", got.Header().Get("Retry-After"), "43200")
}

// The tenant's quota holds for whoever has none of their own, and that of an organization besides.
func TestTokenQuotaOfTheTenant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		north := w.org("north", nil)
		asking, err := w.st.Client(t.Context(), machine)
		ok(t, err)
		g, err := w.st.ClientGrantFor(t.Context(), asking, apiAudience, stagedoor.SubjectClient)
		ok(t, err)
		_, err = w.st.UpdateClientGrant(t.Context(), g.ID, func(g *stagedoor.ClientGrant) error {
			g.OrganizationUsage, g.AllowAnyOrganization = "allow", new(true)
			return nil
		})
		ok(t, err)
		ask := func(more ...string) *tokenAnswer { return w.token(values(machineForm(more...)...)) }
		w.settings(func(s *stagedoor.TenantSettings) {
			if s.Stored == nil {
				s.Stored = map[string]json.RawMessage{}
			}
			s.Stored["default_token_quota"] = json.RawMessage(`{"clients":{"client_credentials":{"per_hour":10}},"organizations":{"client_credentials":{"per_day":2,"enforce":true}}}`)
		})
		h := ask("organization", north).good().Header()
		same(t, "both", []string{h.Get(clientQuota), h.Get(orgQuota)}, []string{"b=per_hour;q=10;r=9;t=3600", "b=per_day;q=2;r=1;t=43200"})
		ask("organization", north).good()
		refused := ask("organization", north)
		refused.bad(429, "too_many_requests", "Organization quota exceeded")
		h = refused.Header()
		same(t, "the client keeps its own", []string{h.Get(clientQuota), h.Get(orgQuota)}, []string{"b=per_hour;q=10;r=8;t=3600", "b=per_day;q=2;r=0;t=43200"})
		h = ask().good().Header()
		same(t, "without the organization", []string{h.Get(clientQuota), h.Get(orgQuota)}, []string{"b=per_hour;q=10;r=7;t=3600", ""})
		w.quota(machine, `{"client_credentials":{"enforce":false}}`)
		_, err = w.st.UpdateOrganization(t.Context(), north, func(o *stagedoor.Organization) error {
			o.Stored = map[string]json.RawMessage{"token_quota": json.RawMessage(`{"client_credentials":{"per_day":3}}`)}
			return nil
		})
		ok(t, err)
		h = ask("organization", north).good().Header()
		same(t, "their own", []string{h.Get(clientQuota), h.Get(orgQuota)}, []string{"", "b=per_day;q=3;r=0;t=43200"})
	})
}

// A token that a script refuses was never given.
func TestTokenQuotaOfARefusedToken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.quota("machine", `{"client_credentials":{"per_hour":2}}`)
		w.action(script.CredentialsExchange, "deny", `exports.onExecuteCredentialsExchange = async (event, api) => { if (event.request.body.no) api.access.deny('invalid_request', 'no'); };`)
		for range 5 {
			if got := w.token(values(machineForm("no", "yes")...)); got.Code != 400 || !strings.Contains(got.Header().Get(clientQuota), "r=2") {
				t.Errorf("%d %s %v", got.Code, got.Body, got.Header())
			}
		}
		w.token(values(machineForm()...)).good()
	})
}
