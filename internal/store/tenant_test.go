package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// sentEvents are the deliveries that furnish made, by tenant.
var sentEvents sync.Map

// aConnectedAccount is the first of the person's whom acme has; of nobody's where there is none.
func aConnectedAccount(ctx context.Context, s *store.Store) *stagedoor.ConnectedAccount {
	if all, err := s.ConnectedAccounts(ctx, "auth0|acme"); err == nil && len(all) > 0 {
		return &all[0]
	}
	return &stagedoor.ConnectedAccount{ID: "cac_x", UserID: "auth0|acme"}
}

func sentEvent() *stagedoor.EventDelivery {
	sent, _ := sentEvents.Load("acme")
	return sent.(*stagedoor.EventDelivery)
}

// furnish gives a tenant one of everything. Names and ids that a tenant chooses are the same in each.
func furnish(t testing.TB, s *store.Store) {
	t.Helper()
	furnishAs(t, s, s.Tenant().ID)
}

// furnishAs is furnish with the ids of the tenant id.
func furnishAs(t testing.TB, s *store.Store, id string) {
	t.Helper()
	ctx := t.Context()
	until := time.Now().Add(time.Hour)
	newUser(t, s, "auth0|"+id)
	access(t, s, "auth0|"+id, until)
	ok(t, s.UpdateSession(ctx, "sid auth0|"+id, func(v *stagedoor.Session) {
		v.CameBy = &stagedoor.CameBy{Connection: "con " + id, NameID: "name of " + id}
	}))
	ok(t, s.SetPasswordHash(ctx, "auth0|"+id, "hash", time.Time{}))
	ok(t, s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|" + id}, "192.0.2.1"))
	must(s.PatchMetadata(ctx, "auth0|"+id, object(t, `{"a":1}`), nil, mebibyte))(t)
	ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "client " + id, Name: "App", Secret: "client secret", Stored: map[string]json.RawMessage{
		"oidc_logout": json.RawMessage(`{"backchannel_logout_urls":["https://app.test/logout"]}`),
	}}))
	ok(t, s.CreateSession(ctx, "ended "+id, &stagedoor.Session{ID: "ended " + id, UserID: "auth0|" + id, Clients: []string{"client " + id}, ExpiresAt: until, IdleExpiresAt: until}))
	ok(t, s.DeleteSession(ctx, "ended "+id, stagedoor.LogoutByClient))
	ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con " + id, Name: "Users", EnabledClients: []string{"client " + id}}))
	ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con2 " + id, Name: "Social", Strategy: "github", Options: stagedoor.ConnectionOptions{
		Stored: map[string]json.RawMessage{"client_secret": json.RawMessage(`"social secret"`)},
	}}))
	ok(t, s.CreateResourceServer(ctx, &stagedoor.ResourceServer{ID: "rs " + id, Identifier: "api " + id, SigningSecret: "api secret", Scopes: []stagedoor.APIScope{{Value: "read"}}}))
	ok(t, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ID: "cgr " + id, ClientID: "client " + id, Audience: "api " + id}))
	ok(t, s.CreateDeviceCredential(ctx, &stagedoor.DeviceCredential{UserID: "auth0|" + id, ClientID: "client " + id, DeviceID: "d", Type: "public_key"}))
	ok(t, s.BlacklistToken(ctx, stagedoor.BlacklistedToken{Audience: "aud " + id, JTI: "jti"}))
	ok(t, s.CreateRule(ctx, &stagedoor.Rule{ID: "rul " + id, Name: "Rule"}))
	ok(t, s.SetRulesConfig(ctx, "key", "value "+id))
	ok(t, s.CreateNetworkACL(ctx, &stagedoor.NetworkACL{ID: "acl " + id}))
	must(s.SetAdministrator(ctx, "sub:"+id, nil))(t)
	ok(t, s.CreateAction(ctx, &stagedoor.Action{ID: "action " + id, Name: "Action", Sealed: "action secret " + id}))
	_, _, err := s.DeployAction(ctx, "action "+id, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		return &stagedoor.ActionVersion{Body: a.Draft, Sealed: a.Sealed}, nil
	})
	ok(t, err)
	must(s.SetActionBindings(ctx, "post-login", bindTo("action "+id)))(t)
	ok(t, s.SaveActionExecution(ctx, &stagedoor.ActionExecution{ID: "execution " + id}))
	ok(t, s.SaveFlowExecution(ctx, &stagedoor.FlowExecution{ID: "flow execution " + id, FlowID: "flow " + id, StartedAt: time.Now()}))
	ok(t, s.SaveScriptRun(ctx, &stagedoor.ScriptRun{ID: "run " + id, Kind: "rules", BeganAt: time.Now()}, []byte("recording of "+id), stagedoor.ScriptRecording{}))
	ok(t, store.EventStreams.Create(ctx, s, &stagedoor.Document{ID: "stream " + id, Sealed: `{"subscriptions":[]}`}))
	sent := must(s.SendEvent(ctx, "stream "+id, "user.created", id))(t)
	sentEvents.Store(id, sent)
	_, err = s.SettleEvent(ctx, sent, false)
	ok(t, err)
	ok(t, store.ActionModules.Create(ctx, s, &stagedoor.ActionModule{ID: "module " + id, Name: "Module"}))
	ok(t, store.Hooks.Create(ctx, s, &stagedoor.Hook{ID: "hook " + id, Name: "Hook", Trigger: "post-change-password", Enabled: true}))
	ok(t, store.LogStreams.Create(ctx, s, &stagedoor.LogStream{ID: "stream", Type: "http", Status: stagedoor.StreamPaused}))
	must(s.ClaimLogCursor(ctx, &stagedoor.LogStream{ID: "stream", After: "after " + id}, until))(t)
	ok(t, s.ChangeSetting(ctx, "setting", func(m map[string]any) error { m["of"] = id; return nil }))
	ok(t, store.CustomDomains.Create(ctx, s, &stagedoor.CustomDomain{ID: "domain " + id, Domain: "custom." + s.Tenant().ID}))
	must(s.SettleDomain(ctx, "domain "+id, ""))(t)
	must(s.CountAttempt(ctx, stagedoor.Attempts{Connection: "Users", Identifier: "ada", IP: "::1"}, time.Hour))(t)
	ok(t, s.Fill(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 60000}))
	ok(t, s.AddGrant(ctx, "auth0|"+id, "client "+id, "api "+id, []string{"openid"}))
	ok(t, s.CreateOrganization(ctx, &stagedoor.Organization{ID: "org " + id, Name: "org"}, []stagedoor.OrganizationConnection{{ConnectionID: "con " + id}}))
	ok(t, s.AddMembers(ctx, "org "+id, []string{"auth0|" + id}))
	ok(t, s.AddOrganizationGrant(ctx, "org "+id, "cgr "+id))
	ok(t, s.AddOrganizationClients(ctx, "org "+id, []stagedoor.OrganizationClient{{ClientID: "client " + id}}))
	ok(t, s.CreateDiscoveryDomain(ctx, &stagedoor.DiscoveryDomain{OrganizationID: "org " + id, Domain: "org.test", Status: "verified", Discovers: true}))
	ok(t, s.CreateInvitation(ctx, &stagedoor.Invitation{OrganizationID: "org " + id, Ticket: "invitation " + id, ExpiresAt: until.UnixMilli()}))
	must(s.LinkIdentity(ctx, "auth0|"+id, stagedoor.Identity{
		Connection: "Users", Provider: "auth0", UserID: "linked " + id, ProfileData: map[string]any{"email": "linked-" + id + "@example.com"},
	}, true))(t)
	ok(t, s.SetIdentityTokens(ctx, "auth0|"+id, "auth0|"+id, map[string]any{"access_token": "idp token"}))
	ok(t, s.SaveConnectedAccount(ctx, &stagedoor.ConnectedAccount{UserID: "auth0|" + id, ConnectionID: "con2 " + id, Account: "42", Tokens: stagedoor.ProviderTokens{Access: "connected token"}}))
	ok(t, s.AddAuthenticationMethods(ctx, "auth0|"+id, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "secret"}}, false))
	ok(t, s.AddAuthenticationMethods(ctx, "auth0|"+id, []*stagedoor.AuthenticationMethod{{Type: "recovery-code", Secret: jose.HashToken("recovery")}}, false))
	must(s.KeepPending(ctx, "pending "+id, "auth0|"+id, "pending secret", until))(t)
	ok(t, s.SaveCeremony(ctx, "ceremony "+id, "challenge", until))
	ok(t, s.AddAuthenticationMethods(ctx, "auth0|"+id, []*stagedoor.AuthenticationMethod{{Type: "passkey", KeyID: "key " + id}}, false))
	ok(t, s.RememberBrowser(ctx, "", "browser "+id, "auth0|"+id, "Firefox", "::1", until))
	ok(t, s.KnowBrowser(ctx, "auth0|"+id, stagedoor.KnownBrowser{Browser: "browser", Agent: "Firefox"}, until))
	ok(t, s.SaveMFAToken(ctx, "mfa "+id, &stagedoor.MFAToken{UserID: "auth0|" + id, RefreshToken: "refresh", ExpiresAt: until}))
	ok(t, s.CreateDeviceCode(ctx, "device "+id, "user code "+id, &stagedoor.DeviceCode{ClientID: "client " + id, ExpiresAt: until}))
	ok(t, s.SavePushedRequest(ctx, "pushed "+id, &stagedoor.PushedRequest{ClientID: "client " + id, ExpiresAt: until}))
	must(s.UseProof(ctx, "proof "+id, until))(t)
	ok(t, s.SaveOneTimeCode(ctx, "code of "+id, &stagedoor.OneTimeCode{Purpose: "login", Subject: "ada@example.com", ClientID: "client " + id, ExpiresAt: until}))
	ok(t, s.SaveOneTimeCode(ctx, "code", &stagedoor.OneTimeCode{Purpose: "login of " + id, Subject: "ada@example.com", ExpiresAt: until}))
	ok(t, s.SavePush(ctx, "push "+id, "push token "+id, &stagedoor.PushChallenge{UserID: "auth0|" + id, Device: &stagedoor.PushDevice{Address: "phone of " + id}, ExpiresAt: until}))
	ok(t, s.CreateRole(ctx, &stagedoor.Role{ID: "rol " + id, Name: "Role"}))
	ok(t, s.AddRolePermissions(ctx, "rol "+id, []stagedoor.Permission{{API: "api " + id, Name: "read"}}))
	ok(t, s.AddUserRoles(ctx, "auth0|"+id, []string{"rol " + id}))
	ok(t, s.AddUserPermissions(ctx, "auth0|"+id, []stagedoor.Permission{{API: "api " + id, Name: "read"}}))
	ok(t, s.CreateGroup(ctx, &stagedoor.Group{ID: "grp " + id, Name: "Group", ConnectionID: "con " + id}, []string{"auth0|" + id}))
	ok(t, s.AddGroupRoles(ctx, "grp "+id, "", []string{"rol " + id}))
	ok(t, s.AddGroupRoles(ctx, "grp "+id, "org "+id, []string{"rol " + id}))
	must(s.ProvisionUser(ctx, &stagedoor.ProvisionedUser{ConnectionID: "con " + id, UserName: "kim", ExternalID: "kim", Doc: json.RawMessage("{}")},
		&stagedoor.User{ID: "samlp|Users|" + id, Connection: "Users"}, nil))(t)
	ok(t, s.CreateTicket(ctx, "ticket "+id, &stagedoor.Ticket{Kind: "k", UserID: "auth0|" + id, ExpiresAt: until}))
	ok(t, s.CreateTicket(ctx, "spent "+id, &stagedoor.Ticket{Kind: "old", UserID: "auth0|" + id}))
	ok(t, s.SaveSessionTransfer(ctx, "transfer "+id, &stagedoor.SessionTransferToken{UserID: "auth0|" + id, ExpiresAt: until}))
	ok(t, s.SaveTransaction(ctx, &stagedoor.Transaction{ID: "tx " + id, ExpiresAt: until}))
	ok(t, s.CreateJob(ctx, &stagedoor.Job{ID: "job " + id, Type: "k", Status: stagedoor.JobPending}, 0))
	ok(t, s.AddJobPart(ctx, "job "+id, 0, []byte("file of "+id)))
	ok(t, s.CreateJob(ctx, &stagedoor.Job{ID: "new job " + id, Type: "k", Status: stagedoor.JobUploading}, 0))
	ok(t, s.SaveMail(ctx, &stagedoor.Mail{ID: "mail " + id, Subject: "Hello"}))
	ok(t, s.CreateSigningKey(ctx, &stagedoor.SigningKey{KID: "kid", Algorithm: "RS256", State: "current", Private: []byte("private " + id)}))
	_, _, err = s.OpenFeed(ctx)
	ok(t, err)
	_, err = must(store.DBOf(s).TenantByID(ctx, s.Tenant().ID))(t).UpdateOrganization(ctx, "org "+id, func(*stagedoor.Organization) error { return nil })
	ok(t, err)
	s.Log(stagedoor.LogEvent{ID: "log " + id, Type: "s"})
}

// bindTo binds one action to a trigger.
func bindTo(action string) func([]stagedoor.ActionBinding, []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
	return func([]stagedoor.ActionBinding, []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		return []stagedoor.ActionBinding{{Action: action, Sealed: "binding secret"}}, nil
	}
}

// photograph returns all that a tenant holds, as JSON.
func photograph(t testing.TB, s *store.Store) string {
	t.Helper()
	ctx := t.Context()
	id := s.Tenant().ID // of what furnish made
	fresh := must(s.User(ctx, "auth0|"+id))(t)
	users, total, err := s.Users(ctx, store.UserQuery{PerPage: 50})
	ok(t, err)
	logs, logTotal, err := s.Logs(ctx, store.LogQuery{PerPage: 50})
	ok(t, err)
	setting := map[string]any{}
	ok(t, s.Setting(ctx, "setting", &setting))
	orgs, orgTotal, err := s.Organizations(ctx, store.OrganizationQuery{PerPage: 50})
	ok(t, err)
	members, _, err := s.Members(ctx, "org "+id, "", store.OrganizationQuery{PerPage: 50})
	ok(t, err)
	b, err := json.MarshalIndent([]any{
		must(s.Factors(ctx, "auth0|"+id))(t), must(s.Pending(ctx, "pending "+id, "auth0|"+id))(t), must(s.Ceremony(ctx, "ceremony "+id))(t), must(s.MFAToken(ctx, "mfa "+id))(t), must(s.Roles(ctx))(t), must(s.RolePermissions(ctx, "rol "+id))(t), must(s.UserPermissions(ctx, "auth0|"+id))(t),
		must(s.UserGroups(ctx, "auth0|"+id))(t), must(s.GroupRoles(ctx, "grp "+id, ""))(t), must(s.GroupRoles(ctx, "grp "+id, "org "+id))(t), provisioned(t, s, "con "+id),
		must(s.Push(ctx, "push "+id))(t), must(s.RememberedBrowsers(ctx, "auth0|"+id, time.Hour, 1000*time.Hour))(t),
		must(s.OneTimeCode(ctx, "login", "ada@example.com"))(t), must(s.OneTimeCode(ctx, "login of "+id, "ada@example.com"))(t),
		orgs, orgTotal, members, must(s.OrganizationConnections(ctx, "org "+id))(t), must(s.OrganizationGrants(ctx, "org "+id))(t), must(s.OrganizationClients(ctx, "org "+id))(t),
		must(s.DiscoveryDomains(ctx, "org "+id))(t), must(s.Invitations(ctx, "org "+id, true, store.OrganizationQuery{PerPage: 9}))(t),
		must(s.LogCursor(ctx, &stagedoor.LogStream{ID: "stream"}))(t), must(s.Days(ctx, time.Now().Add(-48*time.Hour), time.Now()))(t), must(s.ActiveUsers(ctx, 24*time.Hour))(t),
		must(s.NetworkACLs(ctx))(t), must(s.Administrators(ctx))(t), setting, must(s.Attempts(ctx, 1, "ada"))(t), must(s.Full(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 1}))(t),
		fresh, fresh.LastLogin, users, total, logs, logTotal,
		must(s.PasswordHash(ctx, "auth0|"+id))(t), must(s.Clients(ctx))(t), must(s.Connections(ctx))(t), must(s.ResourceServers(ctx))(t),
		must(s.ClientGrants(ctx))(t), devicesOf(t, s, "", ""), must(s.BlacklistedTokens(ctx, "", store.OrganizationQuery{PerPage: 10}))(t), must(s.Rules(ctx))(t), must(s.RulesConfigs(ctx))(t),
		must(s.Actions(ctx))(t), must(s.ActionVersions(ctx, "action "+id))(t), must(s.BoundActions(ctx, "post-login"))(t), must(s.ActionExecution(ctx, "execution "+id))(t), must(s.FlowExecution(ctx, "flow "+id, "flow execution "+id))(t), recording(t, s, "run "+id),
		must(store.ActionModules.All(ctx, s))(t), must(store.ActionModuleVersions.All(ctx, s))(t), must(store.Hooks.All(ctx, s))(t), grantsOf(t, s, "", "", ""),
		must(s.Ticket(ctx, "ticket "+id, "k"))(t), must(s.Transaction(ctx, "tx "+id))(t), must(s.Mails(ctx))(t), must(s.LogoutNotices(ctx, 10))(t), must(s.Job(ctx, "job "+id))(t), jobPart(t, s, "job "+id), must(s.SigningKeys(ctx))(t),
		must(s.SessionByHandle(ctx, "handle auth0|"+id))(t), must(s.AccessToken(ctx, "access auth0|"+id))(t), must(s.RefreshToken(ctx, "refresh auth0|"+id))(t),
	}, "", " ")
	ok(t, err)
	return string(b)
}

func provisioned(t testing.TB, s *store.Store, connection string) []stagedoor.ProvisionedUser {
	t.Helper()
	page, _, _, err := s.ProvisionedUsers(t.Context(), store.ProvisionedQuery{ConnectionID: connection, Take: 10})
	ok(t, err)
	return page
}

func recording(t testing.TB, s *store.Store, id string) string {
	t.Helper()
	r, data, err := s.ScriptRun(t.Context(), id)
	ok(t, err)
	return r.Kind + string(data)
}

func jobPart(t testing.TB, s *store.Store, job string) string {
	t.Helper()
	data, _, err := s.JobPart(t.Context(), job, store.JobFile, 0)
	ok(t, err)
	return string(data)
}

// What a method may do with another tenant's ids.
const (
	finds   = "finds nothing" // NotFound, or an empty list
	ignores = "ignores"       // no error, and nothing happens
)

// lost is NotFound for work on a job that is nobody's or another's.
func lost(err error) error {
	if err != nil && strings.Contains(err.Error(), "lease") {
		return stagedoor.Errorf(stagedoor.NotFound, "", "%v", err)
	}
	return err
}

// trespasses tries every method of a handle with what belongs to the tenant "acme".
var trespasses = map[string]struct {
	want string
	try  func(ctx context.Context, s *store.Store) (any, error)
}{
	"User":     {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.User(ctx, "auth0|acme") }},
	"UserText": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserText(ctx, "auth0|acme") }},
	"Group":    {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Group(ctx, "grp acme") }},
	"Groups": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		all, _, err := s.Groups(ctx, store.GroupQuery{ConnectionID: "con acme", OrganizationQuery: store.OrganizationQuery{PerPage: 10}})
		return all, err
	}},
	"CreateGroup": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateGroup(ctx, &stagedoor.Group{Name: "x", ConnectionID: "con acme"}, nil)
	}},
	"UpdateGroup": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateGroup(ctx, "grp acme", func(g *stagedoor.Group) (store.MemberChange, error) { g.Name = "x"; return store.MemberChange{}, nil })
	}},
	"DeleteGroup": {finds, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteGroup(ctx, "grp acme") }},
	"GroupMembers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.GroupMembers(ctx, "grp acme", store.OrganizationQuery{})
	}},
	"InGroup": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		in, err := s.InGroup(ctx, "grp acme", "auth0|acme")
		if in {
			err = errors.New("another tenant's group")
		}
		return nil, err
	}},
	"GroupsOf": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.GroupsOf(ctx, []string{"auth0|acme"})
		return nothing(len(all), err)
	}},
	"UserGroups": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserGroups(ctx, "auth0|acme") }},
	"GroupRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.GroupRoles(ctx, "grp acme", "") }},
	"AddGroupRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddGroupRoles(ctx, "grp acme", "", []string{"rol acme"})
	}},
	"RemoveGroupRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveGroupRoles(ctx, "grp acme", "", []string{"rol acme"})
	}},
	"AddRoleGroups": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddRoleGroups(ctx, "rol acme", []string{"grp acme"})
	}},
	"RemoveRoleGroups": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveRoleGroups(ctx, "rol acme", []string{"grp acme"})
	}},
	"EffectiveRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.EffectiveRoles(ctx, "auth0|acme", "org acme")
	}},
	"EffectivePermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.EffectivePermissions(ctx, "auth0|acme", "api acme")
	}},
	"GroupsGranting": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.GroupsGranting(ctx, "auth0|acme", "", "rol acme")
	}},
	"ProvisionUser": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.ProvisionUser(ctx, &stagedoor.ProvisionedUser{ConnectionID: "con acme", UserName: "x", Doc: json.RawMessage("{}")},
			&stagedoor.User{ID: "samlp|Users|stranger", Connection: "Users"}, nil)
		if err == nil {
			err = errors.New("another tenant's connection")
		} else {
			err = nil
		}
		return nil, err
	}},
	"ProvisionedUser": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		p, _, err := s.ProvisionedUser(ctx, "con acme", "samlp|Users|acme")
		return p, err
	}},
	"UpdateProvisionedUser": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		p, _, err := s.UpdateProvisionedUser(ctx, "con acme", "samlp|Users|acme", func(*stagedoor.ProvisionedUser, *stagedoor.User) error { return nil })
		return p, err
	}},
	"ProvisionedUsers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, _, err := s.ProvisionedUsers(ctx, store.ProvisionedQuery{ConnectionID: "con acme", Take: 10})
		return append([]stagedoor.ProvisionedUser{}, page...), err
	}},
	"UserByIdentifier": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UserByIdentifier(ctx, "Users", "acme@example.com")
	}},
	"UsersByEmail": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UsersByEmail(ctx, "acme@example.com") }},
	"RotateSigningKeys": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.RotateSigningKeys(ctx, &stagedoor.SigningKey{KID: "kid3", State: "next"})
		if stagedoor.IsKind(err, stagedoor.Conflict) { // there is no next one
			err = nil
		}
		return nil, err
	}},
	"RevokeSigningKey": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.RevokeSigningKey(ctx, "kid acme") }},
	"DeviceCredentials": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.DeviceCredentials(ctx, "auth0|acme", "", store.OrganizationQuery{PerPage: 10})
		return page, err
	}},
	"CreateDeviceCredential": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_ = s.CreateDeviceCredential(ctx, &stagedoor.DeviceCredential{UserID: "auth0|acme", ClientID: "client acme", DeviceID: "d"}) // there may be no such user
		return nil, nil
	}},
	"DeleteDeviceCredential": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteDeviceCredential(ctx, acmeDevice, "")
	}},
	"BlacklistedTokens": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.BlacklistedTokens(ctx, "aud acme", store.OrganizationQuery{PerPage: 10})
	}},
	"TokenBlacklisted": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		found, err := s.TokenBlacklisted(ctx, []string{"aud acme"}, "jti")
		if found {
			err = errors.New("another tenant's token")
		}
		return nil, err
	}},
	"BlacklistToken": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.BlacklistToken(ctx, stagedoor.BlacklistedToken{Audience: "x", JTI: "y"})
	}},
	"PasswordHistory": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.PasswordHistory(ctx, "auth0|acme", 9) }},
	"ReplacePasswordHash": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return "", s.ReplacePasswordHash(ctx, "auth0|acme", "x", time.Now(), 9, nil)
	}},
	"UseAssertion": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UseAssertion(ctx, "client acme", "jti", time.Now().Add(time.Hour))
	}},
	"UpdateUser": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateUser(ctx, "auth0|acme", func(u *stagedoor.User) error { u.Name = "x"; return nil })
	}},
	"DeleteUser": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteUser(ctx, "auth0|acme") }},
	"PatchMetadata": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.PatchMetadata(ctx, "auth0|acme", stagedoor.Metadata{}, stagedoor.Metadata{}, mebibyte)
	}},
	"PasswordHash": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		h, err := s.PasswordHash(ctx, "auth0|acme")
		return []byte(h), err
	}},
	"SetPasswordHash": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SetPasswordHash(ctx, "auth0|acme", "x", time.Now())
	}},
	"RenewPasswordHash": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RenewPasswordHash(ctx, "auth0|acme", "hash", "x")
	}},
	"RenewSession": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RenewSession(ctx, "sid auth0|acme", "x", func(v *stagedoor.Session) { v.LastIP = "x" })
	}},
	"RecordLogin": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|acme"}, "::1")
	}},
	"Client":       {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Client(ctx, "client acme") }},
	"GlobalClient": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.GlobalClient(ctx) }},
	"UpdateClient": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateClient(ctx, "client acme", func(c *stagedoor.Client) error { c.Name = "x"; return nil })
	}},
	"DeleteClient": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteClient(ctx, "client acme") }},
	"Connection":   {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Connection(ctx, "con acme") }},
	"ConfigureConnection": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ConfigureConnection(ctx, "con acme", func(c *stagedoor.Connection) error { c.Name = "x"; return nil })
	}},
	"UpdateConnection": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateConnection(ctx, "con acme", func(c *stagedoor.Connection) error { c.Name = "x"; return nil })
	}},
	"DeleteConnectionIfEmpty": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteConnectionIfEmpty(ctx, "con acme")
	}},
	"DeleteConnection": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteConnection(ctx, "con acme")
	}},
	"ResourceServer": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.ResourceServer(ctx, "rs acme") }},
	"ResourceServerByIdentifier": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ResourceServerByIdentifier(ctx, "api acme")
	}},
	"UpdateResourceServer": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateResourceServer(ctx, "rs acme", func(r *stagedoor.ResourceServer) error { r.Name = "x"; return nil })
	}},
	"RenameResourceServer": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RenameResourceServer(ctx, "rs acme", "elsewhere")
	}},
	"DeleteResourceServer": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteResourceServer(ctx, "rs acme")
	}},
	"ClientGrant": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.ClientGrant(ctx, "cgr acme") }},
	"ClientGrantFor": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ClientGrantFor(ctx, &stagedoor.Client{ID: "client acme"}, "api acme", stagedoor.SubjectClient)
	}},
	"UpdateClientGrant": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateClientGrant(ctx, "cgr acme", func(*stagedoor.ClientGrant) error { return nil })
	}},
	"DeleteClientGrant": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteClientGrant(ctx, "cgr acme")
	}},
	"Rule": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Rule(ctx, "rul acme") }},
	"UpdateRule": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateRule(ctx, "rul acme", func(r *stagedoor.Rule) error { r.Script = "x"; return nil })
	}},
	"SendEvent": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, second(s.SendEvent(ctx, "stream of nobody", "user.created", 1))
	}},
	"OpenFeed": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, _, err := s.OpenFeed(ctx)
		return nil, err
	}},
	"FeedEnd": {ignores, func(ctx context.Context, s *store.Store) (any, error) { // there may be some of its own, as behind FeedSince and FeedHas
		_, err := s.FeedEnd(ctx)
		return nil, err
	}},
	"FeedSince": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.FeedSince(ctx, time.Time{})
		return nil, err
	}},
	"FeedHas": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.FeedHas(ctx, 1)
		return nil, err
	}},
	"FeedEvents": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		read, err := s.FeedEvents(ctx, store.FeedQuery{Take: 100})
		if err != nil {
			return nil, err
		}
		for _, e := range read.Events {
			if !strings.Contains(string(e.Event), `"evil"`) {
				return nil, errors.New("another tenant's event")
			}
		}
		return nil, nil
	}},
	"ClaimEvents": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.ClaimEvents(ctx, "stream acme", 5, time.Now().Add(time.Hour))
		return nothing(len(all), err)
	}},
	"ReleaseEvent": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ReleaseEvent(ctx, sentEvent())
	}},
	"RetryEvent": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RetryEvent(ctx, sentEvent(), time.Now())
	}},
	"SettleEvent": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, second(s.SettleEvent(ctx, sentEvent(), true))
	}},
	"EventDelivery": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.EventDelivery(ctx, "stream acme", sentEvent().ID)
	}},
	"EventDeliveries": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.EventDeliveries(ctx, "stream acme", store.EventQuery{})
		return nothing(len(all), err)
	}},
	"EventCounts": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.EventCounts(ctx, "stream acme", time.Time{}, time.Now().Add(time.Hour))
		return nothing(len(all), err)
	}},
	"EventFailures": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nothing(s.EventFailures(ctx, "stream acme"))
	}},
	"EventBacklog": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		n, _, err := s.EventBacklog(ctx, "stream acme", 10)
		return nothing(n, err)
	}},
	"Redeliver": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Redeliver(ctx, "stream acme", store.EventQuery{})
	}},
	"RedeliverOne": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RedeliverOne(ctx, "stream acme", sentEvent().ID)
	}},
	"DropEvents": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DropEvents(ctx, "stream acme")
	}},
	"DeleteEventStream": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.DeleteEventStream(ctx, "stream acme")
	}},
	"ScriptRun": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		_, data, err := s.ScriptRun(ctx, "run acme")
		return data, err
	}},
	"ScriptRuns": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, _, err := s.ScriptRuns(ctx, store.ScriptRunQuery{UserID: "auth0|acme", PerPage: 10})
		if len(all) > 0 {
			err = errors.New("another tenant's runs")
		}
		return nil, err
	}},
	"SaveScriptRun": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveScriptRun(ctx, &stagedoor.ScriptRun{ID: "run " + s.Tenant().ID + " too", Kind: "rules", BeganAt: time.Now()}, nil, stagedoor.ScriptRecording{MaxRuns: 5})
	}},
	"DeleteScriptRun": {finds, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteScriptRun(ctx, "run acme") }},
	"DeleteScriptRuns": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteScriptRuns(ctx, "auth0|acme")
	}},
	"DeleteRule": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteRule(ctx, "rul acme") }},
	"UserSessionsAfter": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UserSessionsAfter(ctx, "auth0|acme", "", 10)
	}},
	"CountUserSessions": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		n, err := s.CountUserSessions(ctx, "auth0|acme")
		if n > 0 {
			err = errors.New("another tenant's sessions")
		}
		return nil, err
	}},
	"UserSessions":      {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserSessions(ctx, "auth0|acme") }},
	"UserRefreshTokens": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserRefreshTokens(ctx, "auth0|acme") }},
	"EndClientAccess": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, second(s.EndClientAccess(ctx, "auth0|acme", "app"))
	}},
	"RevokeSessions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RevokeSessions(ctx, store.AccessOf{Session: "sid auth0|acme"}, true)
	}},
	"SetSessionMetadata": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.SetSessionMetadata(ctx, "sid auth0|acme", map[string]any{"a": "b"})
	}},
	"RefreshTokenByID": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RefreshTokenByID(ctx, "rt auth0|acme")
	}},
	"SetRefreshTokenMetadata": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.SetRefreshTokenMetadata(ctx, "rt auth0|acme", map[string]any{"a": "b"})
	}},
	"ChangeRefreshTokens": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ChangeRefreshTokens(ctx, "rt auth0|acme", func(*stagedoor.RefreshToken) error { return nil })
	}},
	"RevokeRefreshTokens": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{UserID: "auth0|acme"})
	}},
	"AuthenticationMethods": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.AuthenticationMethods(ctx, "auth0|acme")
	}},
	"EnrolledDevice": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		_, _, err := s.EnrolledDevice(ctx, strings.TrimPrefix(acmeMethod, "totp|"), "totp")
		return nil, err
	}},
	"AuthenticationMethod": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.AuthenticationMethod(ctx, "auth0|acme", acmeMethod)
	}},
	"AddAuthenticationMethods": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddAuthenticationMethods(ctx, "auth0|acme", nil, true)
	}},
	"UpdateAuthenticationMethod": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateAuthenticationMethod(ctx, "auth0|acme", acmeMethod, func(m *stagedoor.AuthenticationMethod) error { m.Name = "x"; return nil })
	}},
	"DeleteAuthenticationMethod": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteAuthenticationMethod(ctx, "auth0|acme", acmeMethod)
	}},
	"DeleteOtherPasskey": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteOtherPasskey(ctx, "auth0|acme", acmeMethod)
	}},
	"DeleteAuthenticationMethods": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.DeleteAuthenticationMethods(ctx, "auth0|acme")
	}},
	"EndUnproved": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.EndUnproved(ctx, "auth0|acme", "acme@example.com")
	}},
	"FirstProof": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		_, first, err := s.FirstProof(ctx, "auth0|acme", "acme@example.com", "hash")
		return first, err
	}},
	"LinkIdentity": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.LinkIdentity(ctx, "auth0|acme", stagedoor.Identity{Connection: "Users", Provider: "auth0", UserID: "x"}, true)
	}},
	"UnlinkIdentity": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UnlinkIdentity(ctx, "auth0|acme", "auth0", "linked acme")
	}},
	"EndAccess": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.EndAccess(ctx, "auth0|acme", stagedoor.LogoutByProvider)
	}},
	"EndAccessBy": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.EndAccessBy(ctx, "auth0|acme", "Users", "")
	}},
	"UserByIdentity": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserByIdentity(ctx, "auth0|acme") }},
	"PasswordReset": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.PasswordReset(ctx, "auth0|acme", time.Now())
	}},
	"SetIdentityTokens": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SetIdentityTokens(ctx, "auth0|acme", "auth0|acme", map[string]any{"access_token": "x"})
	}},
	"IdentityTokens": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.IdentityTokens(ctx, "auth0|acme") }},
	"SaveConnectedAccount": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveConnectedAccount(ctx, &stagedoor.ConnectedAccount{UserID: "auth0|acme", ConnectionID: "con2 acme", Account: "43"})
	}},
	"ConnectedAccounts": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.ConnectedAccounts(ctx, "auth0|acme") }},
	"UseConnectedAccount": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.UseConnectedAccount(ctx, "auth0|acme", aConnectedAccount(ctx, s).ID, time.Now())
	}},
	"RenewConnectedAccount": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RenewConnectedAccount(ctx, aConnectedAccount(ctx, s), &stagedoor.ProviderTokens{Access: "x"}, time.Now())
	}},
	"DeleteConnectedAccount": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteConnectedAccount(ctx, "auth0|acme", aConnectedAccount(ctx, s).ID)
	}},
	"UserByLinked": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		u, hash, err := s.UserByLinked(ctx, "Users", "linked-acme@example.com")
		return []any{u, hash}, err
	}},
	"UserByAttribute": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UserByAttribute(ctx, "Users", stagedoor.AttributeEmail, "acme@example.com")
	}},
	"UserByLinkedAttribute": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		u, hash, err := s.UserByLinkedAttribute(ctx, "Users", stagedoor.AttributeEmail, "linked-acme@example.com")
		return []any{u, hash}, err
	}},
	"SetLinkedHash": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SetLinkedHash(ctx, "auth0|acme", "auth0|linked acme", "x")
	}},
	"Role":  {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Role(ctx, "rol acme") }},
	"Roles": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Roles(ctx) }},
	"UpdateRole": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateRole(ctx, "rol acme", func(r *stagedoor.Role) error { r.Name = "x"; return nil })
	}},
	"DeleteRole":      {finds, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteRole(ctx, "rol acme") }},
	"RolePermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.RolePermissions(ctx, "rol acme") }},
	"AddRolePermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddRolePermissions(ctx, "rol acme", []stagedoor.Permission{{API: "api evil", Name: "read"}})
	}},
	"RemoveRolePermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveRolePermissions(ctx, "rol acme", []stagedoor.Permission{{API: "api acme", Name: "read"}})
	}},
	"RoleUsers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.RoleUsers(ctx, "rol acme", store.OrganizationQuery{PerPage: 50})
		return page, err
	}},
	"AddRoleUsers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddRoleUsers(ctx, "rol acme", []string{"auth0|evil"})
	}},
	"UserRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserRoles(ctx, "auth0|acme") }},
	"Belongings": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		all := []store.Belongings{}
		b, err := s.Belongings(ctx, "auth0|acme")
		if b != (store.Belongings{}) {
			all = append(all, b)
		}
		return all, err
	}},
	"UserWith": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		u, _, err := s.UserWith(ctx, "auth0|acme")
		return u, err
	}},
	"RolesFor": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RolesFor(ctx, "auth0|acme", "org acme")
	}},
	"AddUserRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddUserRoles(ctx, "auth0|evil", []string{"rol acme"})
	}},
	"RemoveUserRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveUserRoles(ctx, "auth0|acme", []string{"rol acme"})
	}},
	"UserPermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserPermissions(ctx, "auth0|acme") }},
	"PermissionsFor": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.PermissionsFor(ctx, "auth0|acme", "org acme", "api acme")
	}},
	"AddUserPermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddUserPermissions(ctx, "auth0|evil", []stagedoor.Permission{{API: "api acme", Name: "read"}})
	}},
	"RemoveUserPermissions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveUserPermissions(ctx, "auth0|acme", []stagedoor.Permission{{API: "api acme", Name: "read"}})
	}},
	"Setting": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		var members map[string]any
		err := s.Setting(ctx, "setting", &members)
		return members, err
	}},
	"DeleteSettings": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteSettings(ctx, "sett") }},
	"SettleDomain":   {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.SettleDomain(ctx, "domain acme", "") }},
	"GivenDomain":    {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.GivenDomain(ctx, "acme.test") }},
	"UpdateCustomDomain": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		yes := true
		return s.UpdateCustomDomain(ctx, "domain acme", func(*stagedoor.CustomDomain) error { return nil }, &yes)
	}},
	"DeleteCustomDomain": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteCustomDomain(ctx, "domain acme")
	}},
	"Once":  {ignores, func(_ context.Context, s *store.Store) (any, error) { return s.Once().Tenant().ID, nil }},
	"Under": {ignores, func(_ context.Context, s *store.Store) (any, error) { return s.Under("acme.test").Tenant().ID, nil }},
	"Look":  {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Look(ctx) }},
	"ChangeSetting": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ChangeSetting(ctx, "setting", func(m map[string]any) error { m["x"] = 1; return nil })
	}},
	"CountAttempt": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.CountAttempt(ctx, stagedoor.Attempts{Connection: "Users", Identifier: "ada", IP: "::1"}, time.Hour)
	}},
	"Attempts": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Attempts(ctx, 1, "ada") }},
	"AttemptsFrom": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.AttemptsFrom(ctx, "ada", "Users", "192.0.2.1")
	}},
	"ForgetAttempts": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ForgetAttempts(ctx, "", "", "ada")
	}},
	"Fill": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.Fill(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 60000})
	}},
	"Full": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Full(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 1})
	}},
	"Attempted": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Attempted(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 1})
	}},
	"Empty": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.Empty(ctx, "bucket", "::1") }},
	"LogCursor": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.LogCursor(ctx, &stagedoor.LogStream{ID: "stream"})
	}},
	"ClaimLogCursor": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ClaimLogCursor(ctx, &stagedoor.LogStream{ID: "stream"}, time.Now().Add(2*time.Hour))
	}},
	"SaveLogCursor": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveLogCursor(ctx, "stream", store.LogCursor{After: "x"})
	}},
	"DeleteLogStream": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteLogStream(ctx, "stream") }},
	"ForgetLogCursor": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.ForgetLogCursor(ctx, "stream") }},
	"Days": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Days(ctx, time.Now().Add(-48*time.Hour), time.Now())
	}},
	"ActiveUsers":    {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.ActiveUsers(ctx, 24*time.Hour) }},
	"Administrators": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Administrators(ctx) }},
	"SetAdministrator": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		if _, err := s.SetAdministrator(ctx, "sub:acme", []string{"read:users"}); err != nil {
			return nil, err
		}
		return s.DeleteAdministrator(ctx, "sub:acme") // else the list, which is tried in any order, would have it
	}},
	"DeleteAdministrator": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.DeleteAdministrator(ctx, "sub:acme")
	}},
	"NetworkACL":  {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.NetworkACL(ctx, "acl acme") }},
	"NetworkACLs": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.NetworkACLs(ctx) }},
	"CreateNetworkACL": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateNetworkACL(ctx, &stagedoor.NetworkACL{ID: "acl acme"})
	}},
	"UpdateNetworkACL": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateNetworkACL(ctx, "acl acme", func(a *stagedoor.NetworkACL) error { a.Active = true; return nil })
	}},
	"DeleteNetworkACL": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteNetworkACL(ctx, "acl acme")
	}},
	"DeleteRulesConfig": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteRulesConfig(ctx, "key") }},
	"Action":            {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Action(ctx, "action acme") }},
	"UpdateAction": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateAction(ctx, "action acme", func(a *stagedoor.Action) error { a.Name = "x"; return nil })
	}},
	"DeleteAction": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteAction(ctx, "action acme", true)
	}},
	"DeployAction": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		_, v, err := s.DeployAction(ctx, "action acme", func(*stagedoor.Action) (*stagedoor.ActionVersion, error) { return &stagedoor.ActionVersion{}, nil })
		return v, err
	}},
	"ActionVersions": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.ActionVersions(ctx, "action acme") }},
	"ActionVersion": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ActionVersion(ctx, "action acme", "version")
	}},
	"ActionBindings": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.ActionBindings(ctx, "post-login") }},
	"BoundActions":   {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.BoundActions(ctx, "post-login") }},
	"SetActionBindings": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.SetActionBindings(ctx, "post-login", func(_ []stagedoor.ActionBinding, all []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
			return bindTo(all[0].ID)(nil, nil)
		})
	}},
	"ActionExecution": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ActionExecution(ctx, "execution acme")
	}},
	"SaveActionExecution": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveActionExecution(ctx, &stagedoor.ActionExecution{ID: "execution acme"})
	}},
	"FlowExecution": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.FlowExecution(ctx, "flow acme", "flow execution acme")
	}},
	"FlowExecutions": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.FlowExecutions(ctx, "flow acme", store.FlowExecutionQuery{PerPage: 10})
		return page, err
	}},
	"SaveFlowExecution": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveFlowExecution(ctx, &stagedoor.FlowExecution{ID: "flow execution acme", FlowID: "flow acme"})
	}},
	"DeleteFlowExecution": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteFlowExecution(ctx, "flow acme", "flow execution acme")
	}},
	"Actions": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Actions(ctx) }},
	"CreateAction": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateAction(ctx, &stagedoor.Action{ID: "action acme", Name: "Action2"})
	}},
	"DeleteActionModule": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteActionModule(ctx, "module acme", true)
	}},
	"PublishActionModule": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		_, v, err := s.PublishActionModule(ctx, "module acme")
		return v, err
	}},
	"EnableHook": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.EnableHook(ctx, &stagedoor.Hook{ID: "hook acme", Trigger: "post-change-password"})
	}},
	"EnabledHook": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.EnabledHook(ctx, "send-phone-message")
	}},
	"GrantFor": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.GrantFor(ctx, "auth0|acme", "client acme", "api acme")
	}},
	"Grants": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.Grants(ctx, "auth0|acme", "", "", store.OrganizationQuery{PerPage: 10})
		return page, err
	}},
	"UserGrants": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserGrants(ctx, "auth0|acme", "") }},
	"AddGrant": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddGrant(ctx, "auth0|acme", "client acme", "api acme", []string{"x"})
	}},
	"DeleteGrant": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DeleteGrant(ctx, acmeGrant) }},
	"DeleteUserGrants": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteUserGrants(ctx, "auth0|acme")
	}},
	"CreateSession": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateSession(ctx, "h", &stagedoor.Session{ID: "sid auth0|acme", UserID: "auth0|acme"})
	}},
	"SessionByHandle": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.SessionByHandle(ctx, "handle auth0|acme")
	}},
	"Session": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Session(ctx, "sid auth0|acme") }},
	"UpdateSession": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.UpdateSession(ctx, "sid auth0|acme", func(v *stagedoor.Session) { v.LastIP = "x" })
	}},
	"EndCameBy": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		ended, err := s.EndCameBy(ctx, "con acme", "name of acme", nil)
		for _, v := range ended {
			return nil, fmt.Errorf("ended %s", v.ID)
		}
		return nil, err
	}},
	"DeleteSession": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteSession(ctx, "sid auth0|acme", stagedoor.LogoutByClient)
	}},
	"LogoutNotices": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.LogoutNotices(ctx, 10)
		for _, n := range all {
			if n.ID == acmeNotice.ID {
				err = errors.New("another tenant's notice")
			}
		}
		return nil, err
	}},
	"ClaimLogoutNotice": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		claimed, err := s.ClaimLogoutNotice(ctx, &acmeNotice, time.Now().Add(time.Hour))
		if claimed {
			err = errors.New("another tenant's notice")
		}
		return nil, err
	}},
	"SettleLogoutNotice": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SettleLogoutNotice(ctx, acmeNotice.ID)
	}},
	"RetryLogoutNotice": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RetryLogoutNotice(ctx, acmeNotice.ID, time.Now().Add(time.Hour))
	}},
	"EndSession": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.EndSession(ctx, "sid auth0|acme", false)
	}},
	"EndRefreshTokens": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.EndRefreshTokens(ctx, "auth0|acme", "family auth0|acme")
	}},
	"Transaction":     {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Transaction(ctx, "tx acme") }},
	"TakeTransaction": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.TakeTransaction(ctx, "tx acme") }},
	"BeginTransaction": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.BeginTransaction(ctx, &stagedoor.Transaction{ID: "tx acme", Step: "x"})
	}},
	"SaveTransaction": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveTransaction(ctx, &stagedoor.Transaction{ID: "tx acme", Step: "x"})
	}},
	"SaveProved": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveProved(ctx, &stagedoor.Transaction{ID: "tx acme", UserID: "auth0|acme"}, &stagedoor.User{ID: "auth0|acme"}, "::1")
	}},
	"SaveCode": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveCode(ctx, "new", &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|acme"}})
	}},
	"ConsumeCode": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		c, _, err := s.ConsumeCode(ctx, "code auth0|acme")
		return c, err
	}},
	"SaveAccessToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveAccessToken(ctx, "new", "", &stagedoor.Authorization{UserID: "auth0|acme"}, time.Now())
	}},
	"AccessToken": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.AccessToken(ctx, "access auth0|acme") }},
	"CreateRefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateRefreshToken(ctx, "new", &stagedoor.RefreshToken{FamilyID: "family auth0|acme", UserID: "auth0|acme"})
	}},
	"RefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RefreshToken(ctx, "refresh auth0|acme")
	}},
	"RotateRefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RotateRefreshToken(ctx, "refresh auth0|acme", "new", nil, 0, 0)
	}},
	"TouchRefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.TouchRefreshToken(ctx, "refresh auth0|acme", nil, time.Hour)
	}},
	"RevokeRefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RevokeRefreshToken(ctx, "refresh auth0|acme", "c")
	}},
	"CreateTicket": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateTicket(ctx, "new", &stagedoor.Ticket{Kind: "k", UserID: "auth0|acme"})
	}},
	"Ticket": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Ticket(ctx, "ticket acme", "k") }},
	"ConsumeTicket": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ConsumeTicket(ctx, "ticket acme", "k")
	}},
	"ReleaseTicket": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ReleaseTicket(ctx, "spent acme", "old")
	}},
	"SaveSessionTransfer": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveSessionTransfer(ctx, "new", &stagedoor.SessionTransferToken{UserID: "auth0|acme"})
	}},
	"TakeSessionTransfer": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.TakeSessionTransfer(ctx, "transfer acme")
	}},
	"Mail":     {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Mail(ctx, "mail acme") }},
	"LogEvent": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.LogEvent(ctx, "log acme") }},
	"PresentRefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.PresentRefreshToken(ctx, "refresh auth0|acme", 0, anybodys)
	}},
	"SpentTicket": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		v, _, err := s.SpentTicket(ctx, "spent acme", "old")
		return v, err
	}},
	"Organization": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Organization(ctx, "org acme") }},
	"OrganizationByName": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationByName(ctx, "org")
	}},
	"Organizations": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		o, _, err := s.Organizations(ctx, store.OrganizationQuery{PerPage: 50})
		return o, err
	}},
	"EachOrganization": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all := []stagedoor.Organization{}
		return all, s.EachOrganization(ctx, store.Position{}, func(o stagedoor.Organization) bool { all = append(all, o); return true })
	}},
	"UserOrganizations": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.UserOrganizations(ctx, "auth0|acme") }},
	"ClientGrantOrganizations": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.ClientGrantOrganizations(ctx, "cgr acme")
	}},
	"GrantOrganizations": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.GrantOrganizations(ctx) }},
	"OrganizationsByDomain": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationsByDomain(ctx, "org.test")
	}},
	"CreateOrganization": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateOrganization(ctx, &stagedoor.Organization{ID: "org acme", Name: "org2"}, nil)
	}},
	"UpdateOrganization": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateOrganization(ctx, "org acme", func(o *stagedoor.Organization) error { o.DisplayName = "x"; return nil })
	}},
	"DeleteOrganization": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteOrganization(ctx, "org acme")
	}},
	"ConnectionOrganizations": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		n, err := s.ConnectionOrganizations(ctx, "con acme")
		if n != 0 {
			err = errors.Join(err, fmt.Errorf("%d organizations", n))
		}
		return []int{}, err
	}},
	"OrganizationConnections": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationConnections(ctx, "org acme")
	}},
	"OrganizationConnection": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationConnection(ctx, "org acme", "con acme")
	}},
	"AddOrganizationConnection": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddOrganizationConnection(ctx, "org acme", &stagedoor.OrganizationConnection{ConnectionID: "con evil"})
	}},
	"UpdateOrganizationConnection": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateOrganizationConnection(ctx, "org acme", "con acme", func(c *stagedoor.OrganizationConnection) error { c.IsEnabled = true; return nil })
	}},
	"RemoveOrganizationConnection": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveOrganizationConnection(ctx, "org acme", "con acme")
	}},
	"DiscoveryDomains": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.DiscoveryDomains(ctx, "org acme") }},
	"DiscoveryDomain": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.DiscoveryDomain(ctx, "org acme", acmeDomain)
	}},
	"DiscoveryDomainByName": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.DiscoveryDomainByName(ctx, "org acme", "org.test")
	}},
	"CreateDiscoveryDomain": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateDiscoveryDomain(ctx, &stagedoor.DiscoveryDomain{OrganizationID: "org acme", Domain: "x.test"})
	}},
	"UpdateDiscoveryDomain": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateDiscoveryDomain(ctx, "org acme", acmeDomain, func(d *stagedoor.DiscoveryDomain) error { d.Status = "x"; return nil })
	}},
	"DeleteDiscoveryDomain": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteDiscoveryDomain(ctx, "org acme", acmeDomain)
	}},
	"OrganizationClients": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationClients(ctx, "org acme")
	}},
	"OrganizationClient": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationClient(ctx, "org acme", "client acme")
	}},
	"AddOrganizationClients": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddOrganizationClients(ctx, "org acme", []stagedoor.OrganizationClient{{ClientID: "client evil"}})
	}},
	"UpdateOrganizationClient": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateOrganizationClient(ctx, "org acme", "client acme", func(c *stagedoor.OrganizationClient) error { c.UseForMemberAccess = true; return nil })
	}},
	"RemoveOrganizationClients": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveOrganizationClients(ctx, "org acme", []string{"client acme"})
	}},
	"OrganizationGrants": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.OrganizationGrants(ctx, "org acme")
	}},
	"AddOrganizationGrant": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddOrganizationGrant(ctx, "org acme", "cgr evil")
	}},
	"RemoveOrganizationGrant": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveOrganizationGrant(ctx, "org acme", "cgr acme")
	}},
	"Members": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		m, _, err := s.Members(ctx, "org acme", "", store.OrganizationQuery{PerPage: 50})
		return m, err
	}},
	"IsMember": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		is, err := s.IsMember(ctx, "org acme", "auth0|acme")
		if is {
			return "a member of acme", err
		}
		return nil, err
	}},
	"AddMembers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddMembers(ctx, "org acme", []string{"auth0|evil"})
	}},
	"RemoveMembers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveMembers(ctx, "org acme", []string{"auth0|acme"})
	}},
	"MemberRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.MemberRoles(ctx, "org acme", "auth0|acme")
	}},
	"AddMemberRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddMemberRoles(ctx, "org acme", "auth0|acme", []string{"rol"})
	}},
	"RemoveMemberRoles": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RemoveMemberRoles(ctx, "org acme", "auth0|acme", []string{"rol"})
	}},
	"Invitations": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Invitations(ctx, "org acme", true, store.OrganizationQuery{PerPage: 9})
	}},
	"Invitation": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Invitation(ctx, "org acme", acmeInvitation)
	}},
	"InvitationByTicket": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.InvitationByTicket(ctx, "invitation acme")
	}},
	"CreateInvitation": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateInvitation(ctx, &stagedoor.Invitation{OrganizationID: "org acme", Ticket: "x"})
	}},
	"DeleteInvitation": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DeleteInvitation(ctx, "org acme", acmeInvitation)
	}},
	"SupersedeInvitations": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SupersedeInvitations(ctx, &stagedoor.Invitation{OrganizationID: "org acme"})
	}},
	"AcceptInvitation": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.AcceptInvitation(ctx, "org acme", acmeInvitation, "auth0|evil")
	}},

	"Job": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Job(ctx, "job acme") }},
	"JobPart": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		data, _, err := s.JobPart(ctx, "job acme", store.JobFile, 0)
		return data, err
	}},
	"CreateJob": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateJob(ctx, &stagedoor.Job{ID: "job acme", Type: "k", Status: stagedoor.JobUploading}, 100)
	}},
	"AddJobPart": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AddJobPart(ctx, "new job acme", 7, []byte("x"))
	}},
	"SubmitJob": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SubmitJob(ctx, &stagedoor.Job{ID: "new job acme"})
	}},
	"DropJob": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DropJob(ctx, "new job acme") }},
	"ReleaseJob": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ReleaseJob(ctx, "job acme", store.JobLease{}, true)
	}},
	"SaveJob": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, lost(s.SaveJob(ctx, &stagedoor.Job{ID: "job acme", Status: stagedoor.JobFailed}, store.JobLease{}))
	}},
	"SaveExport": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, lost(s.SaveExport(ctx, &stagedoor.Job{ID: "job acme"}, store.JobLease{}, []byte("x")))
	}},
	"ImportUsers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, lost(s.ImportUsers(ctx, &stagedoor.Job{ID: "job acme", Summary: &stagedoor.JobSummary{}}, store.JobLease{}, nil))
	}},
	"Factors": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Factors(ctx, "auth0|acme") }},
	"AddFactor": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.AddFactor(ctx, "auth0|acme", &stagedoor.AuthenticationMethod{Type: "totp", Secret: "x"}, nil)
		return nil, err
	}},
	"UseFactor": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.UseFactor(ctx, "auth0|acme", acmeMethod, 7)
	}},
	"ReplaceRecoveryCode": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ReplaceRecoveryCode(ctx, "auth0|acme", "recovery", "x")
	}},
	"KeepPending": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.KeepPending(ctx, "pending acme", "auth0|acme", "x", time.Now().Add(time.Hour))
	}},
	"Pending": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Pending(ctx, "pending acme", "auth0|acme")
	}},
	"DropPending": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DropPending(ctx, "pending acme")
	}},
	"SaveCeremony": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveCeremony(ctx, "another ceremony", "other", time.Now().Add(time.Hour))
	}},
	"Ceremony":     {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Ceremony(ctx, "ceremony acme") }},
	"TakeCeremony": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.TakeCeremony(ctx, "ceremony acme") }},
	"DropCeremony": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DropCeremony(ctx, "ceremony acme")
	}},
	"SavePush": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SavePush(ctx, "another push", "another token", &stagedoor.PushChallenge{ExpiresAt: time.Now().Add(time.Hour)})
	}},
	"Push":        {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.Push(ctx, "push acme") }},
	"PushByToken": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.PushByToken(ctx, "push token acme") }},
	"AnswerPush": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.AnswerPush(ctx, &stagedoor.PushChallenge{ID: jose.HashToken("push acme"), Token: jose.HashToken("push token acme")}, stagedoor.PushApproved)
	}},
	"PollPush": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		if tooFast, err := s.PollPush(ctx, "push acme", 0); err != nil || !tooFast {
			return nil, errors.Join(err, errors.New("another tenant's question"))
		}
		return nil, nil
	}},
	"TakePush": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.TakePush(ctx, "push acme") }},
	"DropPush": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.DropPush(ctx, "push acme") }},
	"KeyOwner": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		m, _, err := s.KeyOwner(ctx, "key acme")
		return m, err
	}},
	"UseKey": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.UseKey(ctx, "auth0|acme", acmeMethod, 7)
	}},
	"RememberBrowser": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RememberBrowser(ctx, "browser acme", "new", "auth0|acme", "", "", time.Now().Add(time.Hour))
	}},
	"BrowserRemembered": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		is, err := s.BrowserRemembered(ctx, "browser acme", "auth0|acme", time.Hour, 1000*time.Hour)
		if is {
			err = errors.Join(err, errors.New("is remembered"))
		}
		return nil, err
	}},
	"RememberedBrowsers": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.RememberedBrowsers(ctx, "auth0|acme", time.Hour, 1000*time.Hour)
		if err == nil && len(all) > 0 {
			err = errors.New("another tenant's browsers")
		}
		return nil, err
	}},
	"ForgetBrowser": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ForgetBrowser(ctx, "auth0|acme", jose.HashToken("browser acme"))
	}},
	"ForgetBrowsers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ForgetBrowsers(ctx, "auth0|acme")
	}},
	"KnowBrowser": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.KnowBrowser(ctx, "auth0|acme", stagedoor.KnownBrowser{Browser: "another"}, time.Now().Add(time.Hour))
	}},
	"KnownBrowsers": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		all, err := s.KnownBrowsers(ctx, "auth0|acme")
		if err == nil && len(all) > 0 {
			err = errors.New("another tenant's browsers")
		}
		return nil, err
	}},
	"ForgetKnownBrowsers": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ForgetKnownBrowsers(ctx, "auth0|acme")
	}},
	"SaveOneTimeCode": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveOneTimeCode(ctx, "code of globex", &stagedoor.OneTimeCode{Purpose: "other", Subject: "ada@example.com", ExpiresAt: time.Now().Add(time.Hour)})
	}},
	"NameOneTimeCode": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.NameOneTimeCode(ctx, "code of acme", &stagedoor.OneTimeCode{Purpose: "login", Subject: "ada@example.com", UserID: "auth0|acme", ExpiresAt: time.Now().Add(time.Hour)})
	}},
	"TryOneTimeCode": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		got, err := s.TryOneTimeCode(ctx, "login", "ada@example.com", "code of acme", 3, false)
		if got.Code != nil {
			err = errors.New("another tenant's code")
		}
		return nil, err
	}},
	"DropOneTimeCode": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DropOneTimeCode(ctx, "login of acme", "ada@example.com")
	}},
	"OneTimeCode": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		c, err := s.OneTimeCode(ctx, "login", "ada@example.com")
		if err == nil && c.ClientID == "client "+s.Tenant().ID {
			err = stagedoor.Errorf(stagedoor.NotFound, "", "its own") // both tenants have one
		}
		return c, err
	}},
	"CreateDeviceCode": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateDeviceCode(ctx, "device acme", "user code acme", &stagedoor.DeviceCode{ClientID: "client globex", ExpiresAt: time.Now().Add(time.Hour)})
	}},
	"DeviceByUserCode": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.DeviceByUserCode(ctx, "user code acme")
	}},
	"Device": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.Device(ctx, jose.HashToken("device acme"))
	}},
	"DecideDevice": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.DecideDevice(ctx, &stagedoor.DeviceCode{ID: jose.HashToken("device acme")})
	}},
	"PollDevice": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.PollDevice(ctx, "device acme", "client acme", time.Second)
	}},
	"ReturnProof": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.ReturnProof(ctx, "proof acme") }},
	"SavePushedRequest": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SavePushedRequest(ctx, "x", &stagedoor.PushedRequest{ClientID: "client acme", ExpiresAt: time.Now().Add(time.Hour)})
	}},
	"RevokeAccessToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.RevokeAccessToken(ctx, "access auth0|acme", "client acme")
	}},
	"UnusedRefreshToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UnusedRefreshToken(ctx, "refresh auth0|acme")
	}},
	"TakePushedRequest": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return s.TakePushedRequest(ctx, "pushed acme", "client acme")
	}},
	"Lease": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.Lease(ctx, "proof acme", time.Time{}, time.Now().Add(time.Hour))
		return nil, err
	}},
	"UseProof": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.UseProof(ctx, "proof acme", time.Now().Add(time.Hour)) // a proof of the one is no proof of the other
		return nil, err
	}},
	"Nonce": {ignores, func(_ context.Context, s *store.Store) (any, error) {
		s.Nonce(time.Now().Add(time.Hour))
		return nil, nil
	}},
	"SealOnlineToken": {ignores, func(_ context.Context, s *store.Store) (any, error) {
		return nil, second(s.SealOnlineToken(&stagedoor.RefreshToken{ClientID: "client acme"}))
	}},
	"OpenOnlineToken": {finds, func(_ context.Context, s *store.Store) (any, error) {
		return nil, second(s.OpenOnlineToken(acmeOnline, "client acme"))
	}},
	"KnowsNonce": {ignores, func(_ context.Context, s *store.Store) (any, error) {
		if acmeNonce != "" && s.Tenant().ID != "acme" && s.KnowsNonce(acmeNonce) {
			return nil, errors.New("another tenant's nonce")
		}
		return nil, nil
	}},
	"AnonymousToken": {ignores, func(_ context.Context, s *store.Store) (any, error) {
		_, err := s.AnonymousToken(&acmeVisitor)
		return nil, err
	}},
	"AnonymousSession": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		if _, err := s.AnonymousSession(ctx, acmeSession); s.Tenant().ID != "acme" && !stagedoor.HasCode(err, "invalid_session_token") {
			return nil, fmt.Errorf("another tenant's session: %w", err)
		}
		return nil, nil
	}},
	"EndAnonymousSession": {ignores, func(ctx context.Context, s *store.Store) (any, error) { // of the same name in both
		return nil, s.EndAnonymousSession(ctx, &acmeVisitor)
	}},
	"AnonymousTicket": {ignores, func(_ context.Context, s *store.Store) (any, error) {
		_, err := s.AnonymousTicket(&stagedoor.AnonymousTicket{Session: acmeVisitor})
		return nil, err
	}},
	"TakeAnonymousTicket": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.TakeAnonymousTicket(ctx, acmeTicket) }},
	"SaveMFAToken": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveMFAToken(ctx, "mfa acme", &stagedoor.MFAToken{UserID: "auth0|acme"})
	}},
	"MFAToken":        {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.MFAToken(ctx, "mfa acme") }},
	"ConsumeMFAToken": {finds, func(ctx context.Context, s *store.Store) (any, error) { return s.ConsumeMFAToken(ctx, "mfa acme") }},
	"TakeQuota": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.TakeQuota(ctx, []store.QuotaUse{{Entity: "client", ID: "app", Bucket: "per_hour", Most: 1}})
		return nil, err
	}},
	"ReturnQuota": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ReturnQuota(ctx, []store.QuotaUse{{Entity: "client", ID: "app", Bucket: "per_hour"}})
	}},
	"TakeAttempt": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		_, err := s.TakeAttempt(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 60000})
		return nil, err
	}},
	"ReturnAttempt": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.ReturnAttempt(ctx, "bucket", "::1", stagedoor.Throttle{MaxAttempts: 1, Rate: 60000})
	}},
	"Shared": {ignores, func(context.Context, *store.Store) (any, error) { return nil, nil }},
	"EachUserAfter": {finds, func(ctx context.Context, s *store.Store) (any, error) {
		found := []*stagedoor.User{}
		err := s.EachUserAfter(ctx, "Users acme", "", 50, func(u *stagedoor.User) error { found = append(found, u); return nil })
		return found, err
	}},
	"LogSize": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		events, size, err := s.LogSize(ctx)
		own, _, logsErr := s.Logs(ctx, store.LogQuery{PerPage: 50})
		if int(events) != len(own) || size < events {
			err = errors.Join(err, fmt.Errorf("%d events of %d bytes, but there are %d", events, size, len(own)))
		}
		return nil, errors.Join(err, logsErr)
	}},
	"CountUsers": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		n, err := s.CountUsers(ctx, "")
		if n != 2 {
			err = errors.Join(err, fmt.Errorf("%d users", n))
		}
		return nil, err
	}},

	// Lists hold the intruder's own only; the names that it gives are its own.
	"Users": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		u, _, err := s.Users(ctx, store.UserQuery{PerPage: 50})
		return u, err
	}},
	"UserTexts": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		u, _, err := s.UserTexts(ctx, store.UserQuery{PerPage: 50})
		return u, err
	}},
	"Logs": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		l, _, err := s.Logs(ctx, store.LogQuery{PerPage: 50})
		return l, err
	}},
	"UserLogs": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		l, err := s.UserLogs(ctx, "auth0|acme", []string{"s", "fp"}, 50, 50)
		return nothing(len(l), err)
	}},
	"ClientNames": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		names, err := s.ClientNames(ctx, []string{"client acme"})
		return nothing(len(names), err)
	}},
	"Clients":          {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Clients(ctx) }},
	"Connections":      {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Connections(ctx) }},
	"ConnectionByName": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.ConnectionByName(ctx, "Users") }},
	"ResourceServers":  {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.ResourceServers(ctx) }},
	"ClientGrants":     {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.ClientGrants(ctx) }},
	"Rules":            {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Rules(ctx) }},
	"ClientPages": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.ClientPages().Page(ctx, 0, 100)
		return page, err
	}},
	"ConnectionPages": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.ConnectionPages().Page(ctx, 0, 100)
		return page, err
	}},
	"ResourceServerPages": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.ResourceServerPages().Page(ctx, 0, 100)
		return page, err
	}},
	"ClientGrantPages": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.ClientGrantPages().Page(ctx, 0, 100)
		return page, err
	}},
	"RulePages": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		page, _, err := s.RulePages().Page(ctx, 0, 100)
		return page, err
	}},
	"RulesConfigs": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.RulesConfigs(ctx) }},
	"SigningKeys":  {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.SigningKeys(ctx) }},
	"SignsPS256":   {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.SignsPS256(ctx) }},
	"ListsPS256":   {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.ListsPS256(ctx) }},
	"NotePS256":    {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.NotePS256(ctx) }},
	"Mails":        {ignores, func(ctx context.Context, s *store.Store) (any, error) { return s.Mails(ctx) }},
	"Tenant":       {ignores, func(_ context.Context, s *store.Store) (any, error) { return s.Tenant(), nil }},
	"Clock":        {ignores, func(_ context.Context, s *store.Store) (any, error) { return nil, nil }},
	"NewLogID":     {ignores, func(_ context.Context, s *store.Store) (any, error) { return nil, nil }},
	"Place":        {ignores, func(_ context.Context, s *store.Store) (any, error) { return s.Place("192.0.2.1"), nil }},
	"PlaceIn":      {ignores, func(_ context.Context, s *store.Store) (any, error) { return s.PlaceIn("192.0.2.1", "de"), nil }},
	"PlacesKnown":  {ignores, func(_ context.Context, s *store.Store) (any, error) { return s.PlacesKnown(), nil }},
	"Fresh":        {ignores, func(_ context.Context, s *store.Store) (any, error) { return nil, nil }},
	"Version":      {ignores, func(_ context.Context, s *store.Store) (any, error) { return nil, nil }},
	"Log": {ignores, func(_ context.Context, s *store.Store) (any, error) {
		s.Log(stagedoor.LogEvent{ID: "log acme", UserID: "auth0|acme"})
		return nil, nil
	}},
	"SetRulesConfig": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.SetRulesConfig(ctx, "key", "x") }},
	"SaveMail": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.SaveMail(ctx, &stagedoor.Mail{ID: "mail acme"})
	}},
	"Reindex": {ignores, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.Reindex(ctx, nil) }},
	"UpdateSettings": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error { v.FriendlyName = "x"; return nil })
	}},
	"CreateUser": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|acme", Connection: "Users", Email: "acme@example.com"}, "x")
	}},
	"Captured": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		marked, err := s.Captured(ctx, "auth0|acme")
		if marked {
			err = errors.New("another tenant's user")
		}
		return nil, err
	}},
	"CountCaptures": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		n, err := s.CountCaptures(ctx)
		if n > 0 {
			err = errors.New("another tenant's users")
		}
		return nil, err
	}},
	"Capture": {finds, func(ctx context.Context, s *store.Store) (any, error) { return nil, s.Capture(ctx, "auth0|acme", "x") }},
	"CarryUsers": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		done, err := s.CarryUsers(ctx, []store.CarriedUser{{Only: true, User: &stagedoor.User{
			ID: "auth0|evil", Connection: "Users", Email: "acme@example.com", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: "evil"}},
		}}}, true)
		if err == nil && done[0].Changed {
			err = errors.New("another tenant's user")
		}
		return nil, err
	}},
	"CreateUserWithFactors": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateUserWithFactors(ctx, &stagedoor.User{ID: "auth0|acme3", Connection: "Users", Email: "acme3@example.com"}, "x", []byte(`[{"totp":{"secret":"JBSWY3DPEHPK3PXP"}}]`))
	}},
	"CreateUsers": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateUsers(ctx, []*stagedoor.User{{ID: "auth0|acme2", Connection: "Users", Email: "acme2@example.com"}})
	}},
	"CreateClient": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateClient(ctx, &stagedoor.Client{ID: "client acme"})
	}},
	"RegisterDocument": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.RegisterDocument(ctx, &stagedoor.Client{ID: "https://" + s.Tenant().ID + ".test/" + stagedoor.NewHexID()}, 100)
	}},
	"RegisterClient": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		if s.Tenant().ID == "acme" {
			return nil, nil
		}
		err := s.RegisterClient(ctx, &stagedoor.Client{ID: "client acme"}, 100) // an id of another tenant's is free
		if err == nil {
			err = s.DeleteClient(ctx, "client acme")
		}
		return nil, err
	}},
	"CreateConnection": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con acme", Name: "Users2"})
	}},
	"CreateResourceServer": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateResourceServer(ctx, &stagedoor.ResourceServer{ID: "rs acme", Identifier: "api acme"})
	}},
	"CreateClientGrant": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ID: "cgr acme", ClientID: "client acme", Audience: "api acme"})
	}},
	"CreateRole": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateRole(ctx, &stagedoor.Role{ID: "rol acme", Name: "Role2"})
	}},
	"CreateRule": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateRule(ctx, &stagedoor.Rule{ID: "rul acme", Name: "Rule2"})
	}},
	"CreateSigningKey": {ignores, func(ctx context.Context, s *store.Store) (any, error) {
		return nil, s.CreateSigningKey(ctx, &stagedoor.SigningKey{KID: "kid2"})
	}},
}

// These stand for ids that the store makes; the test checks that it is there.
var (
	acmeMethod, acmeGrant, acmeDomain, acmeInvitation, acmeDevice, acmeNonce, acmeOnline string
	acmeNotice                                                                           stagedoor.LogoutNotice

	acmeVisitor             = *stagedoor.NewAnonymousSession(time.Now(), time.Hour, nil)
	acmeSession, acmeTicket string
)

// belongings notes the ids of what furnish made that the server gave itself.
func belongings(t testing.TB, acme *store.Store) {
	t.Helper()
	acmeDevice = devicesOf(t, acme, "", "")[0].ID
	acmeNonce = acme.Nonce(time.Now().Add(time.Hour))
	acmeSession = must(acme.AnonymousToken(&acmeVisitor))(t)
	acmeTicket = must(acme.AnonymousTicket(&stagedoor.AnonymousTicket{ID: "acme", Session: acmeVisitor, ExpiresAt: time.Now().Add(time.Hour)}))(t)
	acmeOnline = must(acme.SealOnlineToken(&stagedoor.RefreshToken{ClientID: "client acme"}))(t)
	acmeNotice = must(acme.LogoutNotices(t.Context(), 10))(t)[0]
	acmeMethod = must(acme.AuthenticationMethods(t.Context(), "auth0|acme"))(t)[0].ID
	acmeGrant = grantsOf(t, acme, "", "", "")[0].ID
	acmeDomain = must(acme.DiscoveryDomains(t.Context(), "org acme"))(t)[0].ID
	acmeInvitation = must(acme.Invitations(t.Context(), "org acme", true, store.OrganizationQuery{PerPage: 9}))(t)[0].ID
}

// Nothing of one tenant is seen or changed through another's handle, by any method.
func TestTenantsAreApart(t *testing.T) {
	methods := reflect.TypeFor[*store.Store]()
	for i := range methods.NumMethod() {
		if name := methods.Method(i).Name; name != "SetDomains" && trespasses[name].try == nil {
			t.Errorf("%s is not tried", name)
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		acme, evil := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "evil")
		furnish(t, acme)
		furnish(t, evil)
		belongings(t, acme)
		before := photograph(t, acme)
		created := func(name string) bool {
			return strings.HasPrefix(name, "Create") || name == "SaveMail" || name == "SaveActionExecution" || name == "SaveFlowExecution" || name == "Log"
		}
		for _, late := range []bool{false, true} { // what creates rows comes last: it would be found
			for name, trespass := range trespasses {
				if (created(name) && trespass.want == ignores) != late {
					continue
				}
				got, err := trespass.try(t.Context(), evil)
				if photograph(t, acme) != before {
					t.Fatalf("%s changed another tenant", name)
				}
				text, jsonErr := json.Marshal(got)
				ok(t, jsonErr)
				switch {
				case trespass.want == ignores && err != nil:
					t.Errorf("%s: error %v", name, err)
				case trespass.want == finds && err != nil && !stagedoor.IsKind(err, stagedoor.NotFound):
					t.Errorf("%s: error %v", name, err)
				case trespass.want == finds && err == nil && string(text) != "[]" && string(text) != `""`:
					t.Errorf("%s: found %s", name, text)
				case trespass.want == ignores && !late && strings.Contains(string(text), "acme"):
					t.Errorf("%s: found %s", name, text)
				}
			}
		}
		must(acme.AnonymousSession(t.Context(), acmeSession))(t) // the other tenant has ended one of its name
		if got := hasAccess(t, acme, "auth0|acme"); len(got) != 4 {
			t.Errorf("only %v is left", got)
		}
		hasCode(t, evil.SetDomains(t.Context(), []string{"acme.test"}), stagedoor.Conflict, "domain_taken")
	})
}

func TestTenants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := must(db.CreateTenant(ctx, "acme", []string{"Login.ACME.test:8443", "acme.localhost"}))(t)
		same(t, s.Tenant().Domains, []string{"login.acme.test:8443", "acme.localhost"})
		for _, host := range []string{"login.acme.test:8443", "LOGIN.acme.TEST:8443", "acme.localhost"} {
			for range 2 { // the second comes from the cache
				if got := must(db.TenantByDomain(ctx, host))(t); got.Tenant().ID != "acme" || got.Tenant().Domain() != "login.acme.test:8443" {
					t.Errorf("%s: %+v", host, got.Tenant())
				}
			}
		}
		for _, host := range []string{"", "login.acme.test", "acme.localhost\x00", "\xff", "%"} {
			_, err := db.TenantByDomain(ctx, host)
			hasCode(t, err, stagedoor.NotFound, "unknown_tenant")
		}
		for _, clash := range []struct {
			id     string
			domain string
		}{{"acme", "new.test"}, {"new", "ACME.localhost"}} {
			_, err := db.CreateTenant(ctx, clash.id, []string{clash.domain})
			hasCode(t, err, stagedoor.Conflict, "tenant_exists")
		}
		_, err := db.TenantByID(ctx, "new")
		isKind(t, err, stagedoor.NotFound)

		must(s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error { v.FriendlyName = "Acme"; return nil }))(t)
		if got := must(db.TenantByDomain(ctx, "acme.localhost"))(t); got.Tenant().Settings.FriendlyName != "Acme" {
			t.Errorf("settings %+v", got.Tenant().Settings)
		}
		if _, err := s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error { v.FriendlyName = "x"; return errStop }); err != errStop {
			t.Errorf("error %v", err)
		}
		ok(t, s.SetDomains(ctx, []string{"acme.localhost"}))
		_, err = db.TenantByDomain(ctx, "login.acme.test:8443")
		isKind(t, err, stagedoor.NotFound)
		storetest.Tenant(t, db, "b")
		tenants := must(db.Tenants(ctx))(t)
		if len(tenants) != 2 || tenants[0].ID != "acme" || tenants[1].Domain() != "b.test" {
			t.Errorf("%+v", tenants)
		}
		if !must(db.HasTenants(ctx))(t) {
			t.Error("with two tenants there is none")
		}
		for _, one := range tenants {
			ok(t, db.DeleteTenant(ctx, one.ID, nil))
		}
		if must(db.HasTenants(ctx))(t) {
			t.Error("without a tenant there is one")
		}
	})
}

// A setting that is changed while others read the tenant is seen by every later reader.
func TestTenantCacheIsNotStale(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		for range 4 {
			go func() {
				for ctx.Err() == nil {
					db.TenantByDomain(ctx, "acme.test")
				}
			}()
		}
		for i := range 50 {
			name := fmt.Sprint(i)
			must(s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error { v.FriendlyName = name; return nil }))(t)
			if got := must(db.TenantByDomain(ctx, "acme.test"))(t); got.Tenant().Settings.FriendlyName != name {
				t.Fatalf("read %q after %q was set", got.Tenant().Settings.FriendlyName, name)
			}
		}
	})
}

// second is the error of a call whose value does not matter.
func second[T any](_ T, err error) error { return err }

// nothing fails where there is something of another tenant.
func nothing(n int, err error) (any, error) {
	if err == nil && n > 0 {
		err = errors.New("something of another tenant")
	}
	return nil, err
}
