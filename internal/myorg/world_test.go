package myorg_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/server"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

func TestMain(m *testing.M) { stagedoortest.Main(m) }

const (
	word   = "Engine-No.1"
	origin = "https://app.test"
)

// world is a whole server with the My Organization API switched on, a program, an organization with an administrator and a member, and another organization.
type world struct {
	*testing.T
	*stagedoortest.Server
	st          *store.Store
	org, other  *stagedoor.Organization
	admin, user string // ids of persons
	role        string // id of the administrator's
	since       string // id of the newest log event that was looked at
	issuer      string // of OpenID Connect, elsewhere
	asked       func() // what happens while it is asked to describe itself
	alone       bool   // nobody writes by the Management API beside
	dns         map[string][]string
}

func newWorld(t *testing.T, kind string) *world {
	t.Helper()
	w := &world{T: t, dns: map[string][]string{}}
	w.issuer = w.describes()
	w.Server = stagedoortest.New(t, stagedoortest.Options{Database: storetest.Migrated(t, kind), Allow: []string{strings.TrimPrefix(w.issuer, "http://")}, LookupTXT: func(_ context.Context, name string) ([]string, error) { return w.dns[name], nil }})
	var err error
	w.st, err = w.DB().TenantByID(t.Context(), w.Tenant)
	w.ok(err)
	api := token.MyOrganizationAPI(w.st.Tenant())
	w.ok(w.st.CreateResourceServer(t.Context(), api))
	w.program()
	w.org, w.other = w.organization("acme"), w.organization("umbrella")
	w.admin, w.user = w.person("ada@example.com"), w.person("bob@example.com")
	w.ok(w.st.AddMembers(t.Context(), w.org.ID, []string{w.admin, w.user}))
	w.role = w.newRole("Administrator", "")
	var all []stagedoor.Permission
	for _, s := range api.Scopes {
		all = append(all, stagedoor.Permission{API: api.Identifier, Name: s.Value})
	}
	w.ok(w.st.AddRolePermissions(t.Context(), w.role, all))
	w.ok(w.st.AddMemberRoles(t.Context(), w.org.ID, w.admin, []string{w.role}))
	_, err = w.st.UpdateSettings(t.Context(), func(s *stagedoor.TenantSettings) error { s.Local.DevelopmentInbox = true; return nil })
	w.ok(err)
	return w
}

// each runs fn on both databases.
func each(t *testing.T, fn func(*world)) {
	t.Helper()
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(newWorld(t, kind)) })
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// program makes the client that people's tokens come through.
func (w *world) program() {
	w.Helper()
	w.ok(w.st.CreateClient(w.Context(), &stagedoor.Client{
		ID: "app", Name: "App", IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "none", WebOrigins: []string{origin}, InitiateLoginURI: origin + "/login",
		GrantTypes: []string{"refresh_token", "http://auth0.com/oauth/grant-type/password-realm"}, Stored: map[string]json.RawMessage{"organization_usage": json.RawMessage(`"allow"`)},
	}))
	w.configure(`{"allowed_strategies":["oidc","samlp","adfs","okta"],"connection_deletion_behavior":"allow_if_empty"}`)
	var every []string
	for _, s := range token.MyOrganizationAPI(w.st.Tenant()).Scopes {
		every = append(every, s.Value)
	}
	w.ok(w.st.CreateClientGrant(w.Context(), &stagedoor.ClientGrant{ClientID: "app", Audience: token.MyOrganizationAudience(w.st.Tenant()), SubjectType: "user", Scope: every}))
	_, err := w.st.UpdateConnection(w.Context(), w.database().ID, func(c *stagedoor.Connection) error { c.EnabledClients = append(c.EnabledClients, "app"); return nil })
	w.ok(err)
}

// configure says what the client is for at the API.
func (w *world) configure(body string) {
	w.Helper()
	_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
		c.Stored["my_organization_configuration"] = json.RawMessage(body)
		return nil
	})
	w.ok(err)
}

func (w *world) database() *stagedoor.Connection {
	w.Helper()
	c, err := w.st.ConnectionByName(w.Context(), server.DefaultConnection)
	w.ok(err)
	return c
}

func (w *world) organization(name string) *stagedoor.Organization {
	w.Helper()
	o := &stagedoor.Organization{Name: name, DisplayName: strings.ToUpper(name), Metadata: map[string]string{"plan": "gold"}}
	w.ok(w.st.CreateOrganization(w.Context(), o, []stagedoor.OrganizationConnection{{ConnectionID: w.database().ID, IsEnabled: true, ShowAsButton: true}}))
	return o
}

func (w *world) newRole(name, owner string) string {
	w.Helper()
	r := &stagedoor.Role{Name: name, Type: stagedoor.RoleOfTenant, OwnerID: owner}
	if owner != "" {
		r.Type = stagedoor.RoleOfOrganization
	}
	w.ok(w.st.CreateRole(w.Context(), r))
	return r.ID
}

// manage asks the Management API.
func (w *world) manage(method, path string, body any, out any) int {
	w.Helper()
	return w.JSON(w.T, method, w.HTTPSURL+"/api/v2"+path, w.ManagementToken(w.T), body, out)
}

// person makes a user with the password word.
func (w *world) person(email string) string {
	w.Helper()
	var made struct {
		ID string `json:"user_id"`
	}
	if status := w.manage("POST", "/users", map[string]any{"connection": server.DefaultConnection, "email": email, "password": word}, &made); status != http.StatusCreated {
		w.Fatalf("%s: %d", email, status)
	}
	return made.ID
}

func (w *world) signIn(email, organization string, scope ...string) map[string]any {
	w.Helper()
	if len(scope) == 0 {
		for _, s := range token.MyOrganizationAPI(w.st.Tenant()).Scopes {
			scope = append(scope, s.Value)
		}
	}
	body := map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": server.DefaultConnection, "client_id": "app", "username": email, "password": word,
		"audience": w.HTTPSURL + "/my-org/", "scope": strings.Join(scope, " "),
	}
	if organization != "" {
		body["organization"] = organization
	}
	var got map[string]any
	w.JSON(w.T, "POST", w.HTTPSURL+"/oauth/token", "", body, &got)
	return got
}

// token is the administrator's token with scopes; all without one.
func (w *world) token(scope ...string) string {
	w.Helper()
	got := w.signIn("ada@example.com", w.org.ID, scope...)
	access, _ := got["access_token"].(string)
	if access == "" {
		w.Fatalf("no token: %v", got)
	}
	return access
}

// answer is what came back.
type answer struct {
	*world
	status int
	header http.Header
	text   string
	body   map[string]any
}

// call asks the API.
func (w *world) call(access, method, path, body string, headers ...string) *answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.HTTPSURL+"/my-org/v1"+path, strings.NewReader(body))
	w.ok(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.Client.Do(r)
	w.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.ok(err)
	a := &answer{world: w, status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 && text[0] == '{' {
		w.ok(json.Unmarshal(text, &a.body))
	}
	return a
}

// is wants a status and, unless it is empty, members of the body.
func (a *answer) is(status int, members string) *answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("%d %s, wanted %d", a.status, a.text, status)
	}
	if members == "" {
		return a
	}
	var want map[string]any
	a.ok(json.Unmarshal([]byte(members), &want))
	for name, value := range want {
		a.same(name, a.body[name], value)
	}
	return a
}

// fails wants an error: its status, the end of its type, and its detail.
func (a *answer) fails(status int, number, detail string) *answer {
	a.Helper()
	kind, _ := a.body["type"].(string)
	if a.status != status || !strings.HasSuffix(kind, number) || a.body["detail"] != detail {
		a.Errorf("%d %s, wanted %d %s %q", a.status, a.text, status, number, detail)
	}
	return a
}

func (a *answer) get(name string) string {
	s, _ := a.body[name].(string)
	return s
}

// list are the members with a name of the objects of a list.
func (a *answer) list(key, name string) string {
	a.Helper()
	var all []string
	items, _ := a.body[key].([]any)
	for _, one := range items {
		s, _ := one.(map[string]any)[name].(string)
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func asJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}

// same compares.
func (w *world) same(what string, got, want any) {
	w.Helper()
	if asJSON(got) != asJSON(want) {
		w.Errorf("%s: got %s, want %s", what, asJSON(got), asJSON(want))
	}
}

// settle looks at what the log has so far.
func (w *world) settle() {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 1})
	w.ok(err)
	if len(logs) > 0 {
		w.since = logs[0].ID
	}
}

// logged wants the API's log events since the last time.
func (w *world) logged(want ...string) {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100, Ascending: true})
	w.ok(err)
	var types []string
	seen := w.since == ""
	for _, e := range logs {
		if is := strings.HasPrefix(e.Type, "my_organization_api_"); seen && (is || e.Type == "sapi" && w.alone) {
			types = append(types, strings.TrimPrefix(e.Type, "my_organization_api_"))
			if is && (e.OrgID != w.org.ID || e.UserID != w.admin || e.ClientID != "app" || strings.Contains(asJSON(e), "hush")) {
				w.Errorf("%s", asJSON(e))
			}
		}
		seen = seen || e.ID == w.since
		if e.ID > w.since {
			w.since = e.ID
		}
	}
	if strings.Join(types, " ") != strings.Join(want, " ") {
		w.Errorf("the log has %q, wanted %q", types, want)
	}
}

// provide makes a connection and gives it to an organization at a level.
func (w *world) provide(o *stagedoor.Organization, name, level string) string {
	w.Helper()
	c := &stagedoor.Connection{Name: name, Strategy: "oidc", DisplayName: name, Options: stagedoor.ConnectionOptions{Stored: map[string]json.RawMessage{
		"client_id": json.RawMessage(`"ours"`), "client_secret": json.RawMessage(`"hush"`), "discovery_url": json.RawMessage(`"https://idp.test/.well-known/openid-configuration"`),
		"issuer": json.RawMessage(`"https://idp.test/"`), "authorization_endpoint": json.RawMessage(`"https://idp.test/authorize"`), "token_endpoint": json.RawMessage(`"https://idp.test/token"`),
		"jwks_uri": json.RawMessage(`"https://idp.test/keys"`), "type": json.RawMessage(`"back_channel"`), "inner": json.RawMessage(`"hidden"`),
	}}}
	w.ok(w.st.CreateConnection(w.Context(), c))
	w.ok(w.st.AddOrganizationConnection(w.Context(), o.ID, &stagedoor.OrganizationConnection{ConnectionID: c.ID, Name: name, AccessLevel: level, IsEnabled: true, ShowAsButton: true}))
	return c.ID
}

// profiles makes a connection profile and a user attribute profile, and the client uses them.
func (w *world) profiles(show string) {
	w.Helper()
	var cop, uap struct{ ID string }
	w.manage("POST", "/connection-profiles", map[string]any{
		"name": "profile " + show, "connection_name_prefix_template": "{org_name}-{org_id}-", "enabled_features": []string{"scim"}, "organization": map[string]string{"show_as_button": show, "assign_membership_on_login": "required"},
	}, &cop)
	w.manage("POST", "/user-attribute-profiles", map[string]any{
		"name": "profile " + show, "user_id": map[string]any{"saml_mapping": []string{"urn:id"}, "scim_mapping": "externalId"},
		"user_attributes": map[string]any{"email": map[string]any{
			"label": "Email", "description": "Address", "profile_required": true, "auth0_mapping": "email", "scim_mapping": "emails[primary eq true].value", "saml_mapping": []string{"urn:mail"},
			"oidc_mapping": map[string]string{"mapping": "${context.tokenset.email}"},
		}},
	}, &uap)
	if cop.ID == "" || uap.ID == "" {
		w.Fatal("no profiles")
	}
	w.configure(`{"allowed_strategies":["oidc","samlp","adfs","okta"],"connection_deletion_behavior":"allow_if_empty","connection_profile_id":"` + cop.ID + `","user_attribute_profile_id":"` + uap.ID + `"}`)
}

// describes is a provider of OpenID Connect that describes itself.
func (w *world) describes() string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.asked != nil {
			w.asked()
		}
		_ = json.NewEncoder(rw).Encode(map[string]string{"issuer": "https://other.test/", "authorization_endpoint": "https://other.test/a", "token_endpoint": "https://other.test/t", "jwks_uri": "https://other.test/k"})
	}))
	w.Cleanup(s.Close)
	return s.URL
}
