package server

import (
	"context"
	"fmt"
	"regexp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mgmt"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// DefaultConnection is the database connection of a new tenant.
const DefaultConnection = "Username-Password-Authentication"

// machineName is the name of the client that a new tenant is managed with.
const machineName = "Management client"

var tenantName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// CreateTenant makes a tenant that answers under the domains (host, and port unless it is the usual
// one), the first being canonical: signing keys, the client that stands for the tenant, its
// Management API, a database connection, and a machine client with all management scopes, which is
// returned with its secret.
func CreateTenant(ctx context.Context, db *store.DB, name string, domains []string) (*stagedoor.Client, error) {
	if !tenantName.MatchString(name) {
		return nil, fmt.Errorf("the tenant's name %q must be lower-case letters, digits and hyphens", name)
	}
	if len(domains) == 0 {
		return nil, fmt.Errorf("the tenant needs a domain")
	}
	st, err := db.CreateTenant(ctx, name, domains)
	if err != nil {
		return nil, err
	}
	return furnish(ctx, st)
}

// EnsureTenant is CreateTenant for a tenant that may exist: it gets the domains and what it lacks.
func EnsureTenant(ctx context.Context, db *store.DB, name string, domains []string) (*stagedoor.Client, error) {
	st, err := db.TenantByID(ctx, name)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return CreateTenant(ctx, db, name, domains)
	}
	if err != nil {
		return nil, err
	}
	if err := st.SetDomains(ctx, domains); err != nil {
		return nil, err
	}
	if st, err = db.TenantByID(ctx, name); err != nil {
		return nil, err
	}
	return furnish(ctx, st)
}

// furnish gives a tenant what every tenant has, as far as it is not there.
func furnish(ctx context.Context, st *store.Store) (*stagedoor.Client, error) {
	if err := (&token.Keys{}).Ensure(ctx, st); err != nil {
		return nil, err
	}
	api, err := ensureSystemAPI(ctx, st)
	if err != nil {
		return nil, err
	}
	clients, err := st.Clients(ctx)
	if err != nil {
		return nil, err
	}
	var global, machine *stagedoor.Client
	for i := range clients {
		switch {
		case clients[i].Global:
			global = &clients[i]
		case clients[i].Name == machineName:
			machine = &clients[i]
		}
	}
	if global == nil {
		global = mgmt.NewClient("All Applications")
		global.Global = true
		if err := st.CreateClient(ctx, global); err != nil {
			return nil, err
		}
	}
	if machine == nil {
		machine = mgmt.NewClient(machineName)
		machine.AppType, machine.OIDCConformant, machine.GrantTypes = "non_interactive", true, []string{"client_credentials"}
		machine.JWTConfiguration.Algorithm = "RS256"
		if err := st.CreateClient(ctx, machine); err != nil {
			return nil, err
		}
	}
	if err := ensureGrant(ctx, st, machine, api); err != nil {
		return nil, err
	}
	return machine, ensureConnection(ctx, st)
}

// ensureSystemAPI gives the tenant its Management API, under its canonical domain.
func ensureSystemAPI(ctx context.Context, st *store.Store) (*stagedoor.ResourceServer, error) {
	all, err := st.ResourceServers(ctx)
	if err != nil {
		return nil, err
	}
	want := token.ManagementAudience(st.Tenant())
	for i := range all {
		if !all[i].IsSystem {
			continue
		}
		if all[i].Identifier == want {
			return &all[i], nil
		}
		return moveSystemAPI(ctx, st, &all[i], want)
	}
	api := mgmt.SystemAPI(want)
	return api, st.CreateResourceServer(ctx, api)
}

// moveSystemAPI follows a change of the canonical domain: the API's identifier, and the grants for it.
func moveSystemAPI(ctx context.Context, st *store.Store, api *stagedoor.ResourceServer, identifier string) (*stagedoor.ResourceServer, error) {
	old := api.Identifier
	api, err := st.UpdateResourceServer(ctx, api.ID, func(r *stagedoor.ResourceServer) error {
		r.Identifier = identifier
		return nil
	})
	if err != nil {
		return nil, err
	}
	grants, err := st.ClientGrants(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.Audience != old {
			continue
		}
		_, err := st.UpdateClientGrant(ctx, g.ID, func(g *stagedoor.ClientGrant) error {
			g.Audience = identifier
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return api, nil
}

// ensureGrant lets the machine client use all of the Management API.
func ensureGrant(ctx context.Context, st *store.Store, c *stagedoor.Client, api *stagedoor.ResourceServer) error {
	_, err := st.ClientGrantFor(ctx, c, api.Identifier, stagedoor.SubjectClient)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	g := &stagedoor.ClientGrant{ClientID: c.ID, Audience: api.Identifier}
	for _, s := range api.Scopes {
		g.Scope = append(g.Scope, s.Value)
	}
	return st.CreateClientGrant(ctx, g)
}

func ensureConnection(ctx context.Context, st *store.Store) error {
	_, err := st.ConnectionByName(ctx, DefaultConnection)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	return st.CreateConnection(ctx, &stagedoor.Connection{
		Name: DefaultConnection, Strategy: "auth0", EnabledClients: []string{}, Realms: []string{DefaultConnection},
		Options: stagedoor.ConnectionOptions{PasswordPolicy: "good", BruteForceProtection: new(true)},
	})
}
