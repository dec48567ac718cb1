package connection_test

import (
	"encoding/json"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestChoice: what a request leads to by itself is among what its page offers, for clients of others and for organizations too.
func TestChoice(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, _ *connection.Database, users *stagedoor.Connection) {
		choose(t, st, users)
	})
}

func choose(t *testing.T, st *store.Store, users *stagedoor.Connection) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(st.CreateClient(t.Context(), &stagedoor.Client{ID: "third", Name: "third"}))
	_, err := st.UpdateConnection(t.Context(), users.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil }) // it is enabled for new clients
	must(err)
	org := &stagedoor.Organization{Name: "acme"}
	must(st.CreateOrganization(t.Context(), org, nil))
	add := func(name, strategy string, domain bool) *stagedoor.Connection {
		t.Helper()
		c := &stagedoor.Connection{Name: name, Strategy: strategy, IsDomainConnection: domain, Options: stagedoor.ConnectionOptions{
			Stored: map[string]json.RawMessage{"client_id": json.RawMessage(`"x"`), "tenant_domain": json.RawMessage(`"a.example"`)},
		}}
		must(st.CreateConnection(t.Context(), c))
		return c
	}
	named := func(of func(*connection.Choice) []stagedoor.Connection, req *stagedoor.AuthorizationRequest) (out string) {
		t.Helper()
		choice, err := connection.Choose(t.Context(), st, req)
		must(err)
		all := of(choice)
		for i := range all {
			out += all[i].Name + " "
		}
		return out
	}
	add("mail", "email", true)
	company, social := add("a-company", "waad", false), add("social", "github", false)

	req := &stagedoor.AuthorizationRequest{ClientID: "third"}
	c, err := connection.ForRequest(t.Context(), st, req)
	must(err)
	if got := named((*connection.Choice).ByCode, req); c.Name != "mail" || got != "mail " {
		t.Errorf("a client of others goes to %s, and its page offers %q", c.Name, got)
	}
	req.Connection = "social"
	if _, err := connection.ForRequest(t.Context(), st, req); stagedoor.AsError(err).Message != "the connection is not enabled" {
		t.Error(err)
	}
	req.Connection = "nothing"
	if _, err := connection.ForRequest(t.Context(), st, req); stagedoor.AsError(err).Message != "the connection was not found" {
		t.Error(err)
	}

	for _, one := range []*stagedoor.Connection{company, social} {
		must(st.AddOrganizationConnection(t.Context(), org.ID, &stagedoor.OrganizationConnection{ConnectionID: one.ID, IsEnabled: true}))
	}
	req = &stagedoor.AuthorizationRequest{ClientID: "third", Organization: org.ID}
	if _, err := connection.ForRequest(t.Context(), st, req); stagedoor.AsError(err).Message != "no connections enabled for the organization" {
		t.Errorf("a client of others: %v", err)
	}
	req.ClientID = "own"
	must(st.CreateClient(t.Context(), &stagedoor.Client{ID: "own", Name: "own", IsFirstParty: true}))
	c, err = connection.ForRequest(t.Context(), st, req)
	must(err)
	if c.Name != "social" {
		t.Errorf("people of the organization go to %s, which has no button", c.Name)
	}
	if got := named((*connection.Choice).Elsewhere, req); got != "a-company social " {
		t.Errorf("they may go to %q", got)
	}
	if got := named((*connection.Choice).Buttons, req); got != "social " {
		t.Errorf("they are offered %q", got)
	}
}
