package store_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestClients(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		conn := &stagedoor.Connection{Name: "Users"}
		ok(t, s.CreateConnection(ctx, conn))
		c := &stagedoor.Client{
			Name: "App", Secret: "top secret", Callbacks: []string{"https://a"}, GrantTypes: []string{}, Metadata: map[string]string{"k": "v"},
			Stored: map[string]json.RawMessage{"sso": json.RawMessage(`{"x":[1]}`)},
		}
		ok(t, s.CreateClient(ctx, c))
		if len(c.ID) != 32 || c.Tenant != "acme" {
			t.Errorf("%+v", c)
		}
		same(t, must(s.Client(ctx, c.ID))(t), c)
		hasCode(t, s.CreateClient(ctx, &stagedoor.Client{ID: c.ID}), stagedoor.Conflict, "client_conflict")
		updated := must(s.UpdateClient(ctx, c.ID, func(c *stagedoor.Client) error { c.Name, c.Secret = "New", "other"; return nil }))(t)
		same(t, must(s.Clients(ctx))(t), []stagedoor.Client{*updated})
		_, err := s.UpdateClient(ctx, c.ID, func(c *stagedoor.Client) error { c.Name = "x"; return errStop })
		if err != errStop || must(s.Client(ctx, c.ID))(t).Name != "New" {
			t.Errorf("error %v", err)
		}
		// Concurrent changes of one record are all there.
		if won := race(16, func(i int) error {
			_, err := s.UpdateClient(ctx, c.ID, func(c *stagedoor.Client) error { c.Callbacks = append(c.Callbacks, fmt.Sprint(i)); return nil })
			return err
		}); won != 16 || len(must(s.Client(ctx, c.ID))(t).Callbacks) != 17 {
			t.Errorf("%d of 16 changes", won)
		}
		must(s.UpdateConnection(ctx, conn.ID, func(v *stagedoor.Connection) error { v.EnabledClients = []string{"a", c.ID, "b"}; return nil }))(t)
		ok(t, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: c.ID, Audience: "api"}))
		ok(t, s.DeleteClient(ctx, c.ID))
		ok(t, s.DeleteClient(ctx, c.ID))
		_, err = s.Client(ctx, c.ID)
		hasCode(t, err, stagedoor.NotFound, "inexistent_client")
		same(t, must(s.Connection(ctx, conn.ID))(t).EnabledClients, []string{"a", "b"})
		same(t, must(s.ClientGrants(ctx))(t), []stagedoor.ClientGrant{})
	})
}

func TestNewClientsAreEnabledWhereTheTenantSaysSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		must(s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error {
			v.Flags = stagedoor.Flags{stagedoor.FlagClientConnections: true}
			return nil
		}))(t)
		s = must(db.TenantByID(ctx, "acme"))(t)
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{Name: "Users"}))
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "app"}))
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "all", Global: true}))
		same(t, must(s.ConnectionByName(ctx, "Users"))(t).EnabledClients, []string{"app"})
	})
}

func TestConnections(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		c := &stagedoor.Connection{Name: "Users", Strategy: "auth0", Options: stagedoor.ConnectionOptions{BruteForceProtection: new(true), Stored: map[string]json.RawMessage{"x": json.RawMessage(`1`)}}}
		ok(t, s.CreateConnection(ctx, c))
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{Name: "Other"}))
		same(t, must(s.Connection(ctx, c.ID))(t), c)
		same(t, must(s.ConnectionByName(ctx, "Users"))(t), c)
		custom := &stagedoor.Connection{Name: "Custom", Strategy: "auth0", Options: stagedoor.ConnectionOptions{Stored: map[string]json.RawMessage{
			"configuration": json.RawMessage(`{"KEY":"v"}`), "customScripts": json.RawMessage(`{}`), "import_mode": json.RawMessage(`true`),
		}}}
		ok(t, s.CreateConnection(ctx, custom))
		same(t, must(s.Connection(ctx, custom.ID))(t), custom)
		same(t, must(s.UpdateConnection(ctx, custom.ID, func(c *stagedoor.Connection) error { c.DisplayName = "x"; return nil }))(t).Options, custom.Options)
		same(t, must(s.Connection(ctx, custom.ID))(t).Options, custom.Options)
		ok(t, s.DeleteConnection(ctx, custom.ID))
		hasCode(t, s.CreateConnection(ctx, &stagedoor.Connection{Name: "Users"}), stagedoor.Conflict, "connection_conflict")
		if all := must(s.Connections(ctx))(t); len(all) != 2 || all[0].Name != "Other" {
			t.Errorf("%+v", all)
		}
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|other", Connection: "Other"}, ""))
		ok(t, s.DeleteConnection(ctx, c.ID))
		_, err := s.ConnectionByName(ctx, "Users")
		hasCode(t, err, stagedoor.NotFound, "inexistent_connection")
		_, err = s.User(ctx, "auth0|ada")
		isKind(t, err, stagedoor.NotFound)
		must(s.User(ctx, "auth0|other"))(t)
	})
}

func TestResourceServers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		r := &stagedoor.ResourceServer{Identifier: "https://api", SigningSecret: "secret", Scopes: []stagedoor.APIScope{{Value: "read"}}}
		ok(t, s.CreateResourceServer(ctx, r))
		same(t, must(s.ResourceServer(ctx, r.ID))(t), r)
		same(t, must(s.ResourceServer(ctx, "https://api"))(t), r)
		same(t, must(s.ResourceServerByIdentifier(ctx, "https://api"))(t), r)
		_, err := s.ResourceServerByIdentifier(ctx, r.ID)
		hasCode(t, err, stagedoor.NotFound, "inexistent_resource_server")
		hasCode(t, s.CreateResourceServer(ctx, &stagedoor.ResourceServer{Identifier: "https://api"}), stagedoor.Conflict, "resource_server_conflict")
		must(s.UpdateResourceServer(ctx, r.ID, func(r *stagedoor.ResourceServer) error { r.TokenLifetime = 5; return nil }))(t)
		if all := must(s.ResourceServers(ctx))(t); len(all) != 1 || all[0].TokenLifetime != 5 || all[0].SigningSecret != "secret" {
			t.Errorf("%+v", all)
		}
		g := &stagedoor.ClientGrant{ClientID: "c", Audience: "https://api", Scope: []string{"read"}}
		ok(t, s.CreateClientGrant(ctx, g))
		err = s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: "c", Audience: "https://api"})
		hasCode(t, err, stagedoor.Conflict, "client_grant_conflict")
		if !strings.Contains(err.Error(), "between c and https://api") {
			t.Error(err)
		}
		same(t, must(s.ClientGrant(ctx, g.ID))(t), g)
		same(t, must(s.ClientGrantFor(ctx, &stagedoor.Client{ID: "c"}, "https://api", stagedoor.SubjectClient))(t), g)
		people := &stagedoor.ClientGrant{ClientID: "c", Audience: "https://api", SubjectType: "user"} // may stand beside
		ok(t, s.CreateClientGrant(ctx, people))
		same(t, must(s.ClientGrantFor(ctx, &stagedoor.Client{ID: "c"}, "https://api", stagedoor.SubjectUser))(t), people)
		standard := &stagedoor.ClientGrant{Audience: "https://api", DefaultFor: "third_party_clients"}
		ok(t, s.CreateClientGrant(ctx, standard))
		hasCode(t, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{Audience: "https://api", DefaultFor: "third_party_clients"}), stagedoor.Conflict, "client_grant_conflict")
		same(t, must(s.ClientGrantFor(ctx, &stagedoor.Client{ID: "x"}, "https://api", stagedoor.SubjectClient))(t), standard)
		_, err = s.ClientGrantFor(ctx, &stagedoor.Client{ID: "x", IsFirstParty: true}, "https://api", stagedoor.SubjectClient)
		isKind(t, err, stagedoor.NotFound)
		must(s.UpdateClientGrant(ctx, g.ID, func(g *stagedoor.ClientGrant) error { g.Scope = nil; return nil }))(t)
		ok(t, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: "d", Audience: "other"}))
		ok(t, s.DeleteResourceServer(ctx, r.ID))
		_, err = s.ClientGrant(ctx, g.ID)
		hasCode(t, err, stagedoor.NotFound, "inexistent_client_grant")
		other := must(s.ClientGrantFor(ctx, &stagedoor.Client{ID: "d"}, "other", stagedoor.SubjectClient))(t)
		ok(t, s.DeleteClientGrant(ctx, other.ID))
		same(t, must(s.ClientGrants(ctx))(t), []stagedoor.ClientGrant{})
	})
}

func TestRules(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if won := race(8, func(i int) error { return s.CreateRule(ctx, &stagedoor.Rule{Name: fmt.Sprint("r", i), Script: "x"}) }); won != 8 {
			t.Errorf("%d of 8 rules were added", won)
		}
		all := must(s.Rules(ctx))(t)
		for i, r := range all {
			if r.Order != i+1 {
				t.Errorf("rule %d has order %d", i, r.Order)
			}
		}
		for message, r := range map[string]stagedoor.Rule{"same name": {Name: "r0"}, "same order": {Name: "new", Order: 8}} {
			err := s.CreateRule(ctx, &r)
			hasCode(t, err, stagedoor.Conflict, "rule_conflict")
			if !strings.Contains(fmt.Sprint(err), message) {
				t.Errorf("%s: %v", message, err)
			}
		}
		_, err := s.UpdateRule(ctx, all[0].ID, func(r *stagedoor.Rule) error { r.Order = 8; return nil })
		hasCode(t, err, stagedoor.Conflict, "rule_conflict")
		must(s.UpdateRule(ctx, all[0].ID, func(r *stagedoor.Rule) error { r.Order = 20; return nil }))(t)
		if got := must(s.Rules(ctx))(t); got[7].ID != all[0].ID || len(got) != 8 {
			t.Errorf("%+v", got)
		}
		ok(t, s.DeleteRule(ctx, all[0].ID))
		_, err = s.Rule(ctx, all[0].ID)
		hasCode(t, err, stagedoor.NotFound, "inexistent_rule")
		must(s.Rule(ctx, all[1].ID))(t)

		ok(t, s.SetRulesConfig(ctx, "KEY", "one"))
		ok(t, s.SetRulesConfig(ctx, "KEY", "two"))
		ok(t, s.SetRulesConfig(ctx, "EMPTY", ""))
		same(t, must(s.RulesConfigs(ctx))(t), map[string]string{"KEY": "two", "EMPTY": ""})
		ok(t, s.DeleteRulesConfig(ctx, "KEY"))
		same(t, must(s.RulesConfigs(ctx))(t), map[string]string{"EMPTY": ""})
	})
}

// Text that cannot be stored is Invalid where it would be written and matches nothing elsewhere.
func TestTextThatCannotBeKept(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		for _, bad := range []string{"a\x00b", "\x00", "\xff\xfe", "a\xc3"} {
			_, updateErr := s.UpdateUser(ctx, "auth0|ada", func(u *stagedoor.User) error { u.Email = bad; return nil })
			for name, err := range map[string]error{
				"UpdateUser":         updateErr,
				"CreateUser id":      s.CreateUser(ctx, &stagedoor.User{ID: bad, Connection: "Users"}, ""),
				"CreateUser email":   s.CreateUser(ctx, &stagedoor.User{ID: "auth0|x", Email: bad}, ""),
				"CreateConnection":   s.CreateConnection(ctx, &stagedoor.Connection{Name: bad}),
				"CreateRule":         s.CreateRule(ctx, &stagedoor.Rule{Name: bad}),
				"SetRulesConfig":     s.SetRulesConfig(ctx, bad, "x"),
				"AddGrant":           s.AddGrant(ctx, "auth0|ada", bad, "x", nil),
				"RecordLogin":        s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|ada"}, bad),
				"CreateSession":      s.CreateSession(ctx, bad, &stagedoor.Session{ID: bad, UserID: "auth0|ada"}),
				"CreateTicket":       s.CreateTicket(ctx, "t", &stagedoor.Ticket{Kind: bad, UserID: "auth0|ada"}),
				"CreateRefreshToken": s.CreateRefreshToken(ctx, "t", &stagedoor.RefreshToken{FamilyID: bad, UserID: "auth0|ada"}),
			} {
				if !stagedoor.IsKind(err, stagedoor.Invalid) {
					t.Errorf("%s(%q): error %v", name, bad, err)
				}
			}
			_, userErr := s.User(ctx, bad)
			_, patchErr := s.PatchMetadata(ctx, bad, object(t, `{"a":1}`), nil, mebibyte)
			_, clientErr := s.Client(ctx, bad)
			_, sessionErr := s.Session(ctx, bad)
			_, logErr := s.LogEvent(ctx, bad)
			_, tokenErr := s.RefreshToken(ctx, bad)
			_, updateClientErr := s.UpdateClient(ctx, bad, func(*stagedoor.Client) error { return nil })
			_, _, codeErr := s.ConsumeCode(ctx, bad)
			for name, err := range map[string]error{
				"User": userErr, "PatchMetadata": patchErr, "Client": clientErr, "Session": sessionErr, "LogEvent": logErr,
				"RefreshToken": tokenErr, "UpdateClient": updateClientErr, "ConsumeCode": codeErr,
			} {
				if !stagedoor.IsKind(err, stagedoor.NotFound) {
					t.Errorf("%s(%q): error %v", name, bad, err)
				}
			}
			ok(t, s.DeleteUser(ctx, bad))
			ok(t, s.DeleteClient(ctx, bad))
			ok(t, s.DeleteGrant(ctx, bad))
			if users := must(s.UsersByEmail(ctx, bad))(t); len(users) != 0 {
				t.Errorf("%v", users)
			}
		}
		// NUL in a document, and not in a key column.
		err := s.SaveTransaction(ctx, &stagedoor.Transaction{ID: "tx", Request: stagedoor.AuthorizationRequest{State: "a\x00"}})
		isKind(t, err, stagedoor.Invalid)
		must(s.User(ctx, "auth0|ada"))(t)
	})
}

// A database that was sealed under other master keys is told before anything is served.
func TestCheckSealed(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		s := storetest.Tenant(t, db, "acme")
		other := storetest.OpenURL(t, url, func(o *store.Options) {
			sealer, err := jose.NewSealer(jose.MasterKey{9})
			ok(t, err)
			o.Sealer = sealer
		})
		ok(t, other.CheckSealed(t.Context())) // nothing is sealed yet
		ok(t, s.CreateSigningKey(t.Context(), &stagedoor.SigningKey{KID: "kid", Private: []byte("private")}))
		ok(t, db.CheckSealed(t.Context()))
		if err := other.CheckSealed(t.Context()); err == nil {
			t.Error("another master key is taken for the right one")
		}
	})
}

// No secret lies in the database file in the clear, and only its owner can read it.
func TestSecretsAreSealed(t *testing.T) {
	path := storetest.URL(t, storetest.SQLite)
	db := storetest.OpenURL(t, path)
	ok(t, db.Migrate(t.Context()))
	s := storetest.Tenant(t, db, "acme")
	furnish(t, s)
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path+suffix, info.Mode().Perm())
		}
		b, err := os.ReadFile(path + suffix)
		ok(t, err)
		all = append(all, b...)
	}
	for _, secret := range []string{"client secret", "social secret", "api secret", "value acme", "private acme", "handle auth0", "code auth0", "access auth0", "refresh auth0", "ticket acme", "tx acme"} {
		if strings.Contains(string(all), secret) {
			t.Errorf("%q lies in the clear", secret)
		}
	}
	if !strings.Contains(string(all), "acme@example.com") {
		t.Error("the test does not see the database's texts")
	}
	// A secret that is moved to another record cannot be opened.
	ok(t, s.CreateClient(t.Context(), &stagedoor.Client{ID: "thief", Secret: "x"}))
	statement(t, path, "UPDATE clients SET sealed = (SELECT sealed FROM clients WHERE id = 'client acme') WHERE id = 'thief'")
	if c, err := s.Client(t.Context(), "thief"); err == nil {
		t.Errorf("opened %q", c.Secret)
	}
	// Nor can one that is moved to a record of the same id in another table.
	ok(t, s.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{ID: "client acme", Identifier: "https://thief/", SigningSecret: "x"}))
	statement(t, path, "UPDATE resource_servers SET sealed = (SELECT sealed FROM clients WHERE id = 'client acme') WHERE id = 'client acme'")
	if rs, err := s.ResourceServer(t.Context(), "client acme"); err == nil {
		t.Errorf("opened %q", rs.SigningSecret)
	}
}

// Strangers make clients up by the thousand: those go that nobody uses, the oldest first, and those that somebody uses stay.
func TestAttackClientsOfDocuments(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		register := func(n int) error {
			return s.RegisterDocument(ctx, &stagedoor.Client{
				ID: fmt.Sprintf("https://evil.test/%d", n), Name: "x", DocumentAt: clock.now.Unix(), Stored: map[string]json.RawMessage{"external_metadata_created_by": json.RawMessage(`"client"`)},
			}, 10)
		}
		start := clock.now
		defer func() { clock.now = start }()
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "https://made.test/here"}))
		for n := range 9 {
			clock.now = clock.now.Add(time.Second)
			ok(t, register(n))
		}
		isKind(t, register(9), stagedoor.TooMany) // all are new
		ok(t, s.CreateRefreshToken(ctx, "token", &stagedoor.RefreshToken{ID: "rt_1", FamilyID: "f", ClientID: "https://evil.test/0", UserID: "auth0|ada"}))
		clock.now = clock.now.Add(2 * time.Hour)
		ok(t, register(9))
		for id, want := range map[string]bool{"https://made.test/here": true, "https://evil.test/0": true, "https://evil.test/1": false, "https://evil.test/2": false, "https://evil.test/3": true, "https://evil.test/9": true} {
			if _, err := s.Client(ctx, id); (err == nil) != want {
				t.Errorf("%s: %v", id, err)
			}
		}
	}, storetest.WithClock(clock.clock))
}

// The same of clients that register themselves: those that an administrator has made or given something stay, too.
func TestAttackClientsThatRegister(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		register := func(n int) error {
			return s.RegisterClient(ctx, &stagedoor.Client{ID: fmt.Sprintf("tpc_%d", n), Name: "x", DocumentAt: clock.now.Unix()}, 10)
		}
		start := clock.now
		defer func() { clock.now = start }()
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "tpc_made", IsFirstParty: true}))
		for n := range 9 {
			clock.now = clock.now.Add(time.Second)
			ok(t, register(n))
		}
		isKind(t, register(9), stagedoor.TooMany) // all are new
		ok(t, s.CreateRefreshToken(ctx, "token", &stagedoor.RefreshToken{ID: "rt_1", FamilyID: "f", ClientID: "tpc_0", UserID: "auth0|ada"}))
		_, err := s.UpdateClient(ctx, "tpc_1", func(c *stagedoor.Client) error {
			c.Stored = map[string]json.RawMessage{"redirection_policy": json.RawMessage(`"allow_always"`)}
			return nil
		})
		ok(t, err)
		ok(t, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: "tpc_2", Audience: "https://api.test/", Scope: []string{}}))
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{Name: "Members", Strategy: "auth0", EnabledClients: []string{"tpc_3"}}))
		clock.now = clock.now.Add(2 * time.Hour)
		ok(t, register(9))
		for id, want := range map[string]bool{"tpc_made": true, "tpc_0": true, "tpc_1": true, "tpc_2": true, "tpc_3": true, "tpc_4": false, "tpc_5": false, "tpc_6": true, "tpc_9": true} {
			if _, err := s.Client(ctx, id); (err == nil) != want {
				t.Errorf("%s: %v", id, err)
			}
		}
	}, storetest.WithClock(clock.clock))
}
