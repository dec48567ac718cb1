package store_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// configLockPairs are those of lockPairs in which administrators have a part.
var configLockPairs = []lockPair{
	{
		"members of an organization, and users of a role", (*lockScene).organization,
		func(c *lockScene, ctx context.Context) error {
			return c.s.AddMembers(ctx, "org "+c.id, []string{c.ada, c.eve})
		},
		(*lockScene).addRoleUsers,
	},
	{
		"bindings, and the end of an action", (*lockScene).action,
		func(c *lockScene, ctx context.Context) error {
			return second(c.s.SetActionBindings(ctx, "post-login", bindTo("action "+c.id)))
		},
		func(c *lockScene, ctx context.Context) error { return c.s.DeleteAction(ctx, "action "+c.id, true) },
	},
	{
		"another name for an API, and its end", (*lockScene).api,
		func(c *lockScene, ctx context.Context) error {
			return c.s.RenameResourceServer(ctx, "rs "+c.id, "new "+c.id)
		},
		func(c *lockScene, ctx context.Context) error { return c.s.DeleteResourceServer(ctx, "rs "+c.id) },
	},
	{
		"the end of sessions, and of a client that is told of it", (*lockScene).told,
		func(c *lockScene, ctx context.Context) error {
			return c.s.RevokeSessions(ctx, store.AccessOf{UserID: c.ada}, true)
		},
		(*lockScene).deleteClient,
	},
	{
		"the end of an organization, and of a client that means it", (*lockScene).organization,
		func(c *lockScene, ctx context.Context) error { return c.s.DeleteOrganization(ctx, "org "+c.id) },
		(*lockScene).deleteClient,
	},
	{"an invitation that is accepted, and the end of a connection that it names", (*lockScene).invitation, (*lockScene).accept, (*lockScene).deleteConnection},
	{
		"the end of a connection, and a member of its group", (*lockScene).group, (*lockScene).deleteConnection,
		func(c *lockScene, ctx context.Context) error { return c.addToGroup(ctx, c.ada) },
	},
	{
		"the end of a connection, and a user whom a provisioner describes", (*lockScene).group, (*lockScene).deleteConnection,
		func(c *lockScene, ctx context.Context) error {
			return second(c.s.ProvisionUser(ctx, &stagedoor.ProvisionedUser{ConnectionID: "con " + c.id, UserName: "ada", Doc: json.RawMessage("{}")}, c.user(c.ada), asIs))
		},
	},
	{
		"the end of a connection, and an account that is connected", (*lockScene).group, (*lockScene).deleteConnection,
		func(c *lockScene, ctx context.Context) error {
			return c.s.SaveConnectedAccount(ctx, &stagedoor.ConnectedAccount{UserID: c.ada, ConnectionID: "con " + c.id, Account: "1"})
		},
	},
	{
		"the end of a connection, and rows that change its users", (*lockScene).importing, (*lockScene).deleteConnection,
		func(c *lockScene, ctx context.Context) error { return c.importUsers(ctx, c.user(c.ada)) },
	},
	{
		"rows that change users, and users of a role", (*lockScene).importing,
		func(c *lockScene, ctx context.Context) error { return c.importUsers(ctx, c.user(c.ada), c.user(c.eve)) },
		(*lockScene).addRoleUsers,
	},
	{
		"rows of new users, and the same people in another order", (*lockScene).importing,
		func(c *lockScene, ctx context.Context) error {
			return c.importUsers(ctx, c.newcomer("b"), c.newcomer("a"))
		},
		func(c *lockScene, ctx context.Context) error {
			return c.importUsers(ctx, c.newcomer("a"), c.newcomer("b"))
		},
	},
	{
		"changes of the configuration together, and one of them", (*lockScene).told,
		func(c *lockScene, ctx context.Context) error {
			return c.db.Together(ctx, func(in *store.DB) error {
				s, err := in.TenantByID(ctx, "acme")
				for _, id := range []string{"native", "client " + c.id} {
					if err == nil {
						_, err = s.UpdateClient(ctx, id, rename)
					}
				}
				return err
			})
		},
		func(c *lockScene, ctx context.Context) error {
			return second(c.s.UpdateClient(ctx, "client "+c.id, rename))
		},
	},
	{
		"another number, and that numbers identify no longer", (*lockScene).numbers,
		func(c *lockScene, ctx context.Context) error { return c.setNumber(ctx, c.ada, "+492") },
		func(c *lockScene, ctx context.Context) error { return c.identify(ctx, "email") },
	},
	{
		"two who share a number and give it up", (*lockScene).sharers,
		func(c *lockScene, ctx context.Context) error { return c.setNumber(ctx, c.ada, "") },
		func(c *lockScene, ctx context.Context) error { return c.s.DeleteUser(ctx, c.eve) },
	},
}

func asIs(*stagedoor.User) error { return nil }

func rename(c *stagedoor.Client) error {
	c.Name += "."
	return nil
}

func (c *lockScene) user(id string) *stagedoor.User {
	bare := id[len("auth0|"):]
	u := &stagedoor.User{
		ID: id, Connection: "Users " + c.id, Email: bare + "@example.com",
		Identities: []stagedoor.Identity{{Connection: "Users " + c.id, Provider: "auth0", UserID: bare}},
	}
	u.FillDefaults()
	return u
}

// group makes a connection with two users and a group.
func (c *lockScene) group(t testing.TB) {
	ctx := t.Context()
	ok(t, c.s.CreateConnection(ctx, &stagedoor.Connection{ID: "con " + c.id, Name: "Users " + c.id, Strategy: stagedoor.StrategyDatabase}))
	for _, id := range []string{c.ada, c.eve} {
		ok(t, c.s.CreateUser(ctx, c.user(id), ""))
	}
	ok(t, c.s.CreateGroup(ctx, &stagedoor.Group{ID: "grp " + c.id, Name: "Group", ConnectionID: "con " + c.id}, []string{c.eve}))
	ok(t, c.s.CreateRole(ctx, &stagedoor.Role{ID: "rol " + c.id, Name: c.id}))
}

func (c *lockScene) addRoleUsers(ctx context.Context) error {
	return c.s.AddRoleUsers(ctx, "rol "+c.id, []string{c.ada, c.eve})
}

func (c *lockScene) addToGroup(ctx context.Context, users ...string) error {
	return second(c.s.UpdateGroup(ctx, "grp "+c.id, func(*stagedoor.Group) (store.MemberChange, error) {
		return store.MemberChange{Replace: true, Add: users}, nil
	}))
}

func (c *lockScene) deleteConnection(ctx context.Context) error {
	return c.s.DeleteConnection(ctx, "con "+c.id)
}

func (c *lockScene) deleteClient(ctx context.Context) error {
	return c.s.DeleteClient(ctx, "client "+c.id)
}

func (c *lockScene) organization(t testing.TB) {
	c.group(t)
	ctx := t.Context()
	ok(t, c.s.CreateOrganization(ctx, &stagedoor.Organization{ID: "org " + c.id, Name: "o" + c.id}, nil))
	ok(t, c.s.CreateClient(ctx, &stagedoor.Client{ID: "client " + c.id, Name: "App", Stored: map[string]json.RawMessage{
		"default_organization": json.RawMessage(`{"flows":["client_credentials"],"organization_id":"org ` + c.id + `"}`),
	}}))
	ok(t, c.s.AddOrganizationClients(ctx, "org "+c.id, []stagedoor.OrganizationClient{{ClientID: "client " + c.id}}))
}

// invitation invites somebody who comes by the connection that it names.
func (c *lockScene) invitation(t testing.TB) {
	c.group(t)
	ctx := t.Context()
	ok(t, c.s.CreateOrganization(ctx, &stagedoor.Organization{ID: "org " + c.id, Name: "o" + c.id}, nil))
	ok(t, c.s.CreateInvitation(ctx, &stagedoor.Invitation{OrganizationID: "org " + c.id, ConnectionID: "con " + c.id, Ticket: "ticket " + c.id, ExpiresAt: c.until.UnixMilli()}))
}

func (c *lockScene) accept(ctx context.Context) error {
	v, err := c.s.InvitationByTicket(ctx, "ticket "+c.id)
	if err == nil {
		_, err = c.s.AcceptInvitation(ctx, "org "+c.id, v.ID, c.ada)
	}
	return err
}

func (c *lockScene) importing(t testing.TB) {
	c.group(t)
	ok(t, c.s.CreateJob(t.Context(), &stagedoor.Job{ID: "job " + c.id, Type: "k", Status: stagedoor.JobProcessing}, 0))
}

func (c *lockScene) importUsers(ctx context.Context, users ...*stagedoor.User) error {
	var rows []store.ImportRow
	for _, u := range users {
		rows = append(rows, store.ImportRow{User: u, Change: func(u *stagedoor.User) { u.Name = "Ada" }, Shown: func() json.RawMessage { return json.RawMessage("{}") }})
	}
	j := &stagedoor.Job{ID: "job " + c.id, ConnectionID: "con " + c.id, Upsert: true, Status: stagedoor.JobProcessing, Summary: &stagedoor.JobSummary{}}
	return lost(c.s.ImportUsers(ctx, j, store.JobLease{}, rows))
}

// newcomer is somebody who has no id yet.
func (c *lockScene) newcomer(name string) *stagedoor.User {
	u := c.user("auth0|" + stagedoor.NewHexID())
	u.Email = name + c.id + "@example.com"
	return u
}

func (c *lockScene) action(t testing.TB) {
	ok(t, c.s.CreateAction(t.Context(), &stagedoor.Action{ID: "action " + c.id, Name: c.id}))
	must(c.s.SetActionBindings(t.Context(), "post-login", bindTo("action "+c.id)))(t)
}

func (c *lockScene) api(t testing.TB) {
	ok(t, c.s.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{ID: "rs " + c.id, Identifier: "api " + c.id}))
	ok(t, c.s.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ID: "cgr " + c.id, ClientID: "native", Audience: "api " + c.id}))
}

// told opens a session whose end a client is told of that has tokens of it.
func (c *lockScene) told(t testing.TB) {
	ctx := t.Context()
	newUser(t, c.s, c.ada)
	ok(t, c.s.CreateClient(ctx, &stagedoor.Client{ID: "client " + c.id, Name: "App", Stored: map[string]json.RawMessage{
		"oidc_logout": json.RawMessage(`{"backchannel_logout_urls":["https://app.test/logout"],"backchannel_logout_initiators":{"mode":"all"}}`),
	}}))
	ok(t, c.s.CreateSession(ctx, "sid "+c.id, &stagedoor.Session{ID: "sid " + c.id, UserID: c.ada, Clients: []string{"client " + c.id}, ExpiresAt: c.until, IdleExpiresAt: c.until}))
	ok(t, c.s.CreateRefreshToken(ctx, "refresh "+c.id, &stagedoor.RefreshToken{FamilyID: "family " + c.id, UserID: c.ada, ClientID: "client " + c.id, SessionID: "sid " + c.id}))
}

func (c *lockScene) numbers(t testing.TB) {
	c.group(t)
	ok(t, c.setNumber(t.Context(), c.ada, "+491"))
	ok(t, c.identify(t.Context(), "phone_number"))
}

// sharers are two of whom none is known by the number that both have.
func (c *lockScene) sharers(t testing.TB) {
	c.group(t)
	for _, id := range []string{c.ada, c.eve} {
		ok(t, c.setNumber(t.Context(), id, "+491"))
	}
	ok(t, c.identify(t.Context(), "phone_number"))
}

func (c *lockScene) identify(ctx context.Context, by string) error {
	return second(c.s.UpdateConnection(ctx, "con "+c.id, func(conn *stagedoor.Connection) error {
		conn.Options.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(`{"` + by + `":{"identifier":{"active":true}}}`)}
		return nil
	}))
}

func (c *lockScene) setNumber(ctx context.Context, id, number string) error {
	return second(c.s.UpdateUser(ctx, id, func(u *stagedoor.User) error {
		u.PhoneNumber = number
		return nil
	}))
}
