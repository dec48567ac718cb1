package oauth

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// org makes an organization whose people come through the connection Users.
func (w *world) org(name string, change func(*stagedoor.OrganizationConnection), members ...string) string {
	w.Helper()
	ctx := context.Background()
	conn, err := w.st.ConnectionByName(ctx, "Users")
	ok(w, err)
	oc := stagedoor.OrganizationConnection{ConnectionID: conn.ID, IsEnabled: true}
	if change != nil {
		change(&oc)
	}
	o := &stagedoor.Organization{Name: name, DisplayName: "The " + name, Metadata: map[string]string{"plan": name + " plan"}}
	ok(w, w.st.CreateOrganization(ctx, o, []stagedoor.OrganizationConnection{oc}))
	ok(w, w.st.AddMembers(ctx, o.ID, members))
	return o.ID
}

// organized lets a client use organizations.
func (w *world) organized(client, use, behavior string) {
	w.Helper()
	w.client(client, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"organization_usage": json.RawMessage(`"` + use + `"`), "organization_require_behavior": json.RawMessage(`"` + behavior + `"`)}
	})
}

func (w *world) named(yes bool) {
	w.Helper()
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Stored = map[string]json.RawMessage{"allow_organization_name_in_authentication_api": json.RawMessage(map[bool]string{true: "true", false: "false"}[yes])}
	})
}

func noMember(org string) string {
	return "user " + ada + " is not part of the " + org + " organization"
}

// B7: many customers share one deployment; one listener belongs to several organizations, and a token is issued for one of them.
func TestB7ATokenIsForOneOrganization(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		north, south, east := w.org("north", nil, ada), w.org("south", nil, ada), w.org("east", nil, bob)
		w.organized(site, "allow", "no_prompt")
		w.rule(`function (user, context, callback) {
			context.accessToken['https://app.test/org'] = context.organization || null;
			context.idToken.org_id = 'forged';
			callback(null, user, context);
		}`)
		w.logged()
		b := w.browser()
		ask := func(org string, more ...string) url.Values {
			return request(site, append([]string{"organization", org, "audience", apiAudience, "scope", "openid email read:songs offline_access"}, more...)...)
		}
		first := w.redeem(site, b.login(ask(north)).got().Get("code")).good()
		access, id := w.claims(first.AccessToken), w.claims(first.IDToken)
		same(t, "org_id", []any{access["org_id"], id["org_id"], w.userInfo(first.AccessToken)["org_id"]}, []any{north, north, north})
		same(t, "no names unless the tenant wants them", []any{access["org_name"], id["org_name"]}, []any{nil, nil})
		same(t, "context.organization", access["https://app.test/org"],
			map[string]any{"id": north, "name": "north", "display_name": "The north", "metadata": map[string]any{"plan": "north plan"}})
		for _, e := range w.events() {
			if e.OrgID != north || e.OrgName != "north" {
				t.Errorf("event %s is of %q %q", e.Type, e.OrgID, e.OrgName)
			}
		}

		// The session serves the other organization, silently; its token is for that one.
		w.named(true)
		silent := w.redeem(site, b.authorize(ask("South", "prompt", "none")).got().Get("code")).good()
		access, id = w.claims(silent.AccessToken), w.claims(silent.IDToken)
		same(t, "south", []any{access["org_id"], access["org_name"], id["org_id"], id["org_name"], w.userInfo(silent.AccessToken)["org_name"]}, []any{south, "south", south, "south", "south"})
		w.named(false)
		b.authorize(ask(east, "prompt", "none")).fails("access_denied", noMember(east))
		b.authorize(ask(east)).fails("access_denied", noMember(east))
		plain := w.redeem(site, b.authorize(request(site)).got().Get("code")).good()
		if _, is := w.claims(plain.IDToken)["org_id"]; is {
			t.Error("a login for no organization has org_id")
		}
		opaque := w.redeem(site, b.authorize(request(site, "organization", south)).got().Get("code")).good()
		same(t, "userinfo of an opaque token", w.userInfo(opaque.AccessToken)["org_id"], south)

		w.organized(legacy, "allow", "no_prompt")
		old := w.redeem(legacy, b.authorize(request(legacy, "organization", south)).got().Get("code")).good()
		same(t, "a client of the old kind", []any{w.claims(old.IDToken, secret(legacy))["org_id"], w.userInfo(old.AccessToken)["org_id"]}, []any{south, south})

		// It stays so through a refresh, and ends with the membership.
		again := w.refresh(site, first.RefreshToken).good()
		same(t, "refreshed", []any{w.claims(again.AccessToken)["org_id"], w.claims(again.IDToken)["org_id"]}, []any{north, north})
		code := b.authorize(ask(north, "prompt", "none")).got().Get("code")
		ok(t, w.st.RemoveMembers(context.Background(), north, []string{ada}))
		w.refresh(site, first.RefreshToken).bad(403, "access_denied", noMember(north))
		w.redeem(site, code).bad(403, "access_denied", noMember(north))
		b.authorize(ask(north, "prompt", "none")).fails("access_denied", noMember(north))
		w.refresh(site, silent.RefreshToken).good()
		ok(t, w.st.DeleteOrganization(context.Background(), south))
		w.refresh(site, silent.RefreshToken).bad(403, "access_denied", noMember(south))
	})
}

func TestOrganizationParameter(t *testing.T) {
	w := newWorld(t)
	north := w.org("north", nil, ada)
	b := w.browser()
	for _, use := range []string{"", "deny"} {
		w.organized(site, use, "no_prompt")
		b.authorize(request(site, "organization", north)).fails("invalid_request", "parameter organization is not allowed for this client")
		b.authorize(request(site, "invitation", "x")).fails("invalid_request", "parameter invitation is not allowed for this client")
	}
	w.organized(site, "require", "no_prompt")
	b.authorize(request(site)).fails("invalid_request", "parameter organization is required for this client")
	b.authorize(request(site, "prompt", "none")).fails("invalid_request", "parameter organization is required for this client")
	b.authorize(request(site, "organization", "north")).fails("invalid_request", "authorization request parameter organization must be an organization id")
	b.authorize(request(site, "organization", "org_0000000000000000")).fails("invalid_request", "parameter organization is invalid: org_0000000000000000")
	b.authorize(request(site, "organization", north, "invitation", "x")).fails("invalid_request", "invitation not found or already used")
	b.authorize(request(site, "invitation", "x")).fails("invalid_request", "Missing required parameter: organization")
	w.named(true)
	b.authorize(request(site, "organization", "nowhere")).fails("invalid_request", "parameter organization is invalid: nowhere")
	b.authorize(request(site, "organization", "North")).asks("login")

	// A client of others is kept out unless the organization says otherwise.
	w.organized(third, "allow", "no_prompt")
	b.authorize(request(third, "organization", north)).fails("invalid_request", "parameter organization is not allowed for this client")
	w.thirdParties(`"allow"`, north)
	b.authorize(request(third, "organization", north)).asks("login")
	conn, err := w.st.ConnectionByName(t.Context(), "Users")
	ok(t, err)
	opens := func(domain bool, clients ...string) {
		_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error {
			c.IsDomainConnection, c.EnabledClients = domain, clients
			return nil
		})
		ok(t, err)
	}
	opens(false, site) // which is enabled for the organization, but not for them
	b.authorize(request(third, "organization", north)).fails("invalid_request", "no connections enabled for the organization")
	b.authorize(request(site, "organization", north)).asks("login")
	opens(false)
	b.authorize(request(site, "organization", north)).asks("login")
	opens(true)
	b.authorize(request(third, "organization", north)).asks("login")
	w.thirdParties(`"block"`, north)
	b.authorize(request(third, "organization", north)).fails("invalid_request", "parameter organization is not allowed for this client")
}

// The organization's connections count, whatever the client's are.
func TestOrganizationConnections(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		staff := &stagedoor.Connection{Name: "Staff", Strategy: connection.StrategyDatabase, Options: stagedoor.ConnectionOptions{PasswordPolicy: "good"}}
		ok(t, w.st.CreateConnection(ctx, staff))
		db := &connection.Database{Hasher: hasher}
		ok(t, db.Create(ctx, w.st, staff, &stagedoor.User{ID: "auth0|eve", Email: "eve@example.com"}, adaWord))
		north := w.org("north", func(oc *stagedoor.OrganizationConnection) { oc.ConnectionID = staff.ID })
		open := w.org("open", func(oc *stagedoor.OrganizationConnection) { oc.AssignMembershipOnLogin = true })
		closed := w.org("closed", func(oc *stagedoor.OrganizationConnection) { oc.IsEnabled = false }, ada)
		w.organized(site, "allow", "no_prompt")
		b := w.browser()
		b.login(request(site)).got()
		// ada's session is of a connection that north does not have.
		state := b.authorize(request(site, "organization", north)).asks("login")
		b.authorize(request(site, "organization", north, "prompt", "none")).fails("login_required", "Login required")
		if err := b.password(state, adaMail, adaWord); !stagedoor.HasCode(err, "invalid_grant") {
			t.Errorf("ada through Staff: %v", err)
		}
		ok(t, b.password(state, "eve@example.com", adaWord))
		b.resume(state).fails("access_denied", "user auth0|eve is not part of the "+north+" organization")
		b.authorize(request(site, "organization", north, "connection", "Users")).fails("invalid_request", "the connection is not enabled")
		b.authorize(request(site, "organization", north, "connection", "None")).fails("invalid_request", "the connection was not found")
		b.authorize(request(site, "organization", closed)).fails("invalid_request", "no connections enabled for the organization")

		// Who comes through a connection that makes members becomes one.
		w.logged()
		b = w.browser()
		got := w.redeem(site, b.login(request(site, "organization", open)).got().Get("code")).good()
		same(t, "org_id", w.claims(got.IDToken)["org_id"], open)
		w.wantLog("organization_member_added", "s", "seacft")
		member, err := w.st.IsMember(ctx, open, ada)
		ok(t, err)
		if !member {
			t.Error("ada did not become a member")
		}

		// Whose membership was taken away is no member again by what their browser asks by itself.
		b.authorize(request(site, "organization", open, "prompt", "none")).got()
		ok(t, w.st.RemoveMembers(ctx, open, []string{ada}))
		b.authorize(request(site, "organization", open, "prompt", "none")).fails("login_required", "Login required")
		if member, err = w.st.IsMember(ctx, open, ada); member || err != nil {
			t.Errorf("ada is a member again: %v", err)
		}
		b.authorize(request(site, "organization", open)).got()
	})
}

// pick answers the organization page.
func (b *browser) pick(state, answer string) error {
	b.Helper()
	v := b.visit(b)
	tx, err := b.pipe.Page(context.Background(), v, state, pipeline.AskOrganization)
	if err != nil {
		return err
	}
	return b.pipe.Choose(context.Background(), v, state, tx.Nonce, answer, "")
}

func TestOrganizationPrompts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		north, south, east := w.org("north", nil, ada), w.org("south", nil, ada), w.org("east", nil, bob)
		orgOf := func(a *answer) any {
			t.Helper()
			return w.claims(w.redeem(site, a.got().Get("code")).good().IDToken)["org_id"]
		}
		noSuch := func(err error) {
			t.Helper()
			if !stagedoor.HasCode(err, "no_organization") {
				t.Errorf("error %v", err)
			}
		}

		// Named before the login.
		w.organized(site, "require", "pre_login_prompt")
		b := w.browser()
		b.authorize(request(site, "prompt", "none")).fails("interaction_required", "Interaction required")
		state := b.authorize(request(site)).asks("organization")
		if err := b.password(state, adaMail, adaWord); !stagedoor.HasCode(err, "lost_transaction") {
			t.Errorf("the page was skipped: %v", err)
		}
		noSuch(b.pick(state, "nowhere"))
		noSuch(b.pick(state, ""))
		noSuch(b.pick(state, "ada@north.example"))
		ok(t, b.pick(state, " North "))
		b.resume(state).asks("login")
		ok(t, b.password(state, adaMail, adaWord))
		same(t, "named", orgOf(b.resume(state)), north)
		same(t, "the parameter spares the page", orgOf(b.authorize(request(site, "organization", south, "prompt", "none"))), south)

		// By an address of a domain of the organization's, once it is proved.
		w.client(site, func(c *stagedoor.Client) { c.Stored["organization_discovery_methods"] = json.RawMessage(`["email"]`) })
		d := &stagedoor.DiscoveryDomain{OrganizationID: south, Domain: "south.example", Status: "pending", Discovers: true}
		ok(t, w.st.CreateDiscoveryDomain(context.Background(), d))
		state = b.authorize(request(site)).asks("organization")
		noSuch(b.pick(state, "ada@south.example"))
		noSuch(b.pick(state, "south"))
		_, err := w.st.UpdateDiscoveryDomain(context.Background(), south, d.ID, func(d *stagedoor.DiscoveryDomain) error { d.Status = "verified"; return nil })
		ok(t, err)
		ok(t, b.pick(state, "Ada@South.example"))
		same(t, "by domain", orgOf(b.resume(state)), south)

		// Chosen after the login.
		w.organized(site, "require", "post_login_prompt")
		b = w.browser()
		state = b.authorize(request(site)).asks("login")
		ok(t, b.password(state, adaMail, adaWord))
		b.resume(state).asks("organization")
		noSuch(b.pick(state, east))
		noSuch(b.pick(state, "north"))
		ok(t, b.pick(state, south))
		same(t, "chosen", orgOf(b.resume(state)), south)
		b.authorize(request(site, "prompt", "none")).fails("interaction_required", "Interaction required")
		ok(t, w.st.RemoveMembers(context.Background(), south, []string{ada}))
		same(t, "the only one", orgOf(b.authorize(request(site, "prompt", "none"))), north)
		ok(t, w.st.RemoveMembers(context.Background(), north, []string{ada}))
		b.authorize(request(site)).fails("access_denied", "client requires organization membership, but user does not belong to any organization")

		// Or none, where the client takes people without.
		w.organized(site, "allow", "post_login_prompt")
		same(t, "nobody asks who has none", orgOf(b.authorize(request(site))), nil)
		ok(t, w.st.AddMembers(context.Background(), north, []string{ada}))
		state = b.authorize(request(site)).asks("organization")
		ok(t, b.pick(state, ""))
		same(t, "none", orgOf(b.resume(state)), nil)
		w.organized(site, "allow", "pre_login_prompt")
		state = b.authorize(request(site)).asks("organization")
		ok(t, b.pick(state, ""))
		same(t, "none", orgOf(b.resume(state)), nil)
	})
}

// thirdParties says whether organizations let clients of others in.
func (w *world) thirdParties(access string, orgs ...string) {
	w.Helper()
	for _, id := range orgs {
		_, err := w.st.UpdateOrganization(context.Background(), id, func(o *stagedoor.Organization) error {
			o.Stored = map[string]json.RawMessage{"third_party_client_access": json.RawMessage(access)}
			return nil
		})
		ok(w, err)
	}
}

// Another person in the same browser does not inherit a choice.
func TestOrganizationChoiceIsOnesOwn(t *testing.T) {
	w := newWorld(t)
	north, south := w.org("north", nil, ada, bob), w.org("south", nil, ada, bob)
	w.organized(site, "require", "post_login_prompt")
	w.client(site, func(c *stagedoor.Client) { c.IsFirstParty = false }) // consent keeps the login under way
	w.thirdParties(`"allow"`, north, south)
	b := w.browser()
	state := b.authorize(request(site)).asks("login")
	ok(t, b.password(state, adaMail, adaWord))
	b.resume(state).asks("organization")
	ok(t, b.pick(state, north))
	b.resume(state).asks("consent")
	other := b.authorize(request(site, "prompt", "login", "organization", south)).asks("login")
	ok(t, b.password(other, bobMail, adaWord))
	b.resume(state).asks("login")
	ok(t, b.password(state, bobMail, adaWord))
	b.resume(state).asks("organization")
}

func TestInvitation(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		north := w.org("north", nil)
		w.organized(site, "require", "no_prompt")
		role := &stagedoor.Role{Name: "Guide", Type: stagedoor.RoleOfTenant}
		ok(t, w.st.CreateRole(ctx, role))
		guide := role.ID
		invite := func(email string) *stagedoor.Invitation {
			now := w.clock()
			v := &stagedoor.Invitation{
				OrganizationID: north, ClientID: site, Invitee: email, Ticket: stagedoor.NewClientID(), Mailed: true, CreatedAt: now.UnixMilli(),
				ExpiresAt: now.Add(time.Hour).UnixMilli(), AppMetadata: stagedoor.Metadata{"team": json.RawMessage(`"blue"`)},
				UserMetadata: stagedoor.Metadata{"tour": json.RawMessage("true")}, Roles: []string{guide},
			}
			ok(t, w.st.CreateInvitation(ctx, v))
			return v
		}
		v := invite(bobMail)
		follow := request(site, "organization", north, "invitation", v.Ticket)
		b := w.browser()
		b.authorize(request(site, "organization", w.org("west", nil), "invitation", v.Ticket)).fails("invalid_request", "invitation not found or already used")

		// ada's session, and ada's password, do not take bob's invitation.
		w.organized(spa, "allow", "no_prompt")
		b.login(request(spa, "nonce", "n")).got()
		state := b.authorize(follow).asks("login")
		ok(t, b.password(state, adaMail, adaWord))
		w.logged()
		b.resume(state).fails("access_denied", "the specified account is not allowed to accept the current invitation")
		w.wantLog("fi", "f")

		state = b.authorize(follow).asks("login")
		ok(t, b.password(state, bobMail, adaWord))
		got := w.redeem(site, b.resume(state).got().Get("code")).good()
		same(t, "org_id", w.claims(got.IDToken)["org_id"], north)
		w.wantLog("si", "organization_member_added", "s", "seacft")
		u := w.user(bob)
		if !u.EmailVerified || string(u.AppMetadata["team"]) != `"blue"` || string(u.UserMetadata["tour"]) != "true" {
			t.Errorf("after the invitation: %v %s %s", u.EmailVerified, u.AppMetadata, u.UserMetadata)
		}
		roles, err := w.st.MemberRoles(ctx, north, bob)
		ok(t, err)
		if len(roles) != 1 || roles[0].ID != guide {
			t.Errorf("roles %v", roles)
		}
		b.authorize(follow).fails("invalid_request", "invitation not found or already used")
		b.authorize(request(site, "organization", north, "prompt", "none")).got()

		v = invite(bobMail)
		w.pass(2 * time.Hour)
		b.authorize(request(site, "organization", north, "invitation", v.Ticket)).fails("invalid_request", "invitation not found or already used")

		// Of two that follow one link at the same moment, one gets in by it.
		v = invite(bobMail)
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() {
				_, err := w.st.AcceptInvitation(ctx, north, v.ID, bob)
				errs <- err
			}()
		}
		won := 0
		for range cap(errs) {
			if <-errs == nil {
				won++
			}
		}
		same(t, "accepted", won, 1)
	})
}

func TestMachineForOrganization(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		north, south := w.org("north", nil), w.org("south", nil)
		ask := func(more ...string) *tokenAnswer {
			return w.token(values(append([]string{"grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience}, more...)...))
		}
		all, err := w.st.ClientGrants(ctx)
		ok(t, err)
		grant := all[0]
		set := func(use string, any bool) {
			_, err := w.st.UpdateClientGrant(ctx, grant.ID, func(g *stagedoor.ClientGrant) error {
				g.OrganizationUsage, g.AllowAnyOrganization = use, &any
				return nil
			})
			ok(t, err)
		}
		ask("organization", north).bad(400, "invalid_request", "parameter organization is not allowed for this client")
		if _, is := w.claims(ask().good().AccessToken)["org_id"]; is {
			t.Error("org_id without an organization")
		}
		set("require", false)
		ask().bad(400, "invalid_request", "parameter organization is required for this client")
		ask("organization", north).bad(403, "access_denied", `Client "machine" is not authorized to access organization "`+north+`".`)
		ok(t, w.st.AddOrganizationGrant(ctx, north, grant.ID))
		same(t, "associated", w.claims(ask("organization", north).good().AccessToken)["org_id"], north)
		ask("organization", south).bad(403, "access_denied", `Client "machine" is not authorized to access organization "`+south+`".`)
		ask("organization", "south").bad(400, "invalid_request", "authorization request parameter organization must be an organization id")
		set("allow", true)
		w.named(true)
		claims := w.claims(ask("organization", "South").good().AccessToken)
		same(t, "any", []any{claims["org_id"], claims["org_name"]}, []any{south, "south"})
		w.client(machine, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"default_organization": json.RawMessage(`{"organization_id":"` + north + `","flows":["client_credentials"]}`)}
		})
		same(t, "default", w.claims(ask().good().AccessToken)["org_id"], north)
		w.client(machine, func(c *stagedoor.Client) {
			c.Stored["default_organization"] = json.RawMessage(`{"organization_id":"org_0123456789abcdef","flows":["client_credentials"]}`)
		})
		ask().bad(400, "invalid_request", "parameter organization is invalid: org_0123456789abcdef")
		if !strings.HasPrefix(north, "org_") {
			t.Error(north)
		}
	})
}

// Nothing of a ticket is readable in the database or in what rules see.
func TestInvitationTicketIsKeptSecret(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	north := w.org("north", nil)
	w.organized(site, "allow", "no_prompt")
	v := &stagedoor.Invitation{OrganizationID: north, ClientID: site, Invitee: adaMail, Ticket: stagedoor.NewClientID(), ExpiresAt: w.clock().Add(time.Hour).UnixMilli()}
	ok(t, w.st.CreateInvitation(t.Context(), v))
	w.rule(`function (user, context, callback) {
		context.idToken['https://app.test/query'] = JSON.stringify(context.request.query);
		callback(null, user, context);
	}`)
	got := w.redeem(site, w.browser().login(request(site, "organization", north, "invitation", v.Ticket)).got().Get("code")).good()
	if query, _ := w.claims(got.IDToken)["https://app.test/query"].(string); strings.Contains(query, v.Ticket) || !strings.Contains(query, north) {
		t.Errorf("context.request.query: %s", query)
	}
}

// A registered URL may hold the organization's name.
func TestCallbackOfAnOrganization(t *testing.T) {
	w := newWorld(t)
	north, south := w.org("north", nil, ada), w.org("south", nil, ada)
	w.organized(site, "allow", "no_prompt")
	w.client(site, func(c *stagedoor.Client) {
		c.Callbacks = append(c.Callbacks, "https://{organization_name}.app.test/cb", "https://app.test/{organization_name}/cb")
		c.WebOrigins = []string{"https://{organization_name}.spa.test"}
	})
	b := w.browser()
	for _, uri := range []string{"https://north.app.test/cb", "https://app.test/north/cb"} {
		b.authorize(request(site, "organization", north, "redirect_uri", uri)).asks("login")
		b.authorize(request(site, "organization", south, "redirect_uri", uri)).page(403, "Callback URL mismatch")
		b.authorize(request(site, "redirect_uri", uri)).page(403, "Callback URL mismatch")
		b.authorize(request(site, "organization", "org_none", "redirect_uri", uri)).page(403, "Callback URL mismatch")
	}
	b.authorize(request(site, "redirect_uri", "https://app.test/{organization_name}/cb")).page(403, "Callback URL mismatch")
	b.authorize(request(site, "organization", north, "redirect_uri", "https://north.app.test/cb", "response_mode", "web_message", "prompt", "none")).page(200, "login_required")
}

// What a member may do for one organization says nothing of another, nor do permissions outside of organizations count in one.
func TestPermissionsInAnOrganization(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		north, south := w.org("north", nil, ada), w.org("south", nil, ada)
		w.organized(site, "allow", "no_prompt")
		w.api(func(rs *stagedoor.ResourceServer) { rs.EnforcePolicies, rs.TokenDialect = true, "access_token_authz" })
		reader, editor := &stagedoor.Role{Name: "Reader", Type: stagedoor.RoleOfTenant}, &stagedoor.Role{Name: "Editor", Type: stagedoor.RoleOfTenant}
		for role, scope := range map[*stagedoor.Role]string{reader: "read:songs", editor: "edit:songs"} {
			ok(t, w.st.CreateRole(ctx, role))
			ok(t, w.st.AddRolePermissions(ctx, role.ID, []stagedoor.Permission{{API: apiAudience, Name: scope}}))
		}
		ok(t, w.st.AddUserRoles(ctx, ada, []string{editor.ID}))
		ok(t, w.st.AddMemberRoles(ctx, north, ada, []string{reader.ID}))
		w.rule(`function (user, context, callback) {
			context.accessToken['https://app.test/roles'] = context.authorization.roles;
			callback(null, user, context);
		}`)
		b := w.browser()
		b.login(request(site)).got()
		for org, want := range map[string][]any{
			"-":   {"openid edit:songs", []any{"edit:songs"}, []any{"Editor"}},
			north: {"openid read:songs", []any{"read:songs"}, []any{"Editor", "Reader"}},
			south: {"openid", []any{}, []any{"Editor"}},
		} {
			got := w.redeem(site, b.authorize(request(site, "organization", org, "audience", apiAudience, "scope", "openid read:songs edit:songs", "prompt", "none")).got().Get("code")).good()
			claims := w.claims(got.AccessToken)
			same(t, org, []any{claims["scope"], claims["permissions"], claims["https://app.test/roles"]}, want)
		}
	})
}
