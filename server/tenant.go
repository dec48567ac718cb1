package server

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

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

// hostName is that of a machine as requests name it; some name theirs with underscores.
var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

// onlyDigits is the last part of a name that browsers take for an IP address.
var onlyDigits = regexp.MustCompile(`(^|\.)[0-9]+$`)

// Domains returns the domains of a tenant as requests name them: in lower case, international names in their xn-- form, without the usual port of https. One
// that no request could name is an error.
func Domains(domains []string) ([]string, error) {
	if len(domains) == 0 {
		return nil, fmt.Errorf("the tenant needs a domain")
	}
	out := make([]string, len(domains))
	for i, domain := range domains {
		host, ok := domainOf(domain)
		if !ok {
			return nil, fmt.Errorf("%q is no domain: it is a host name or an IP address, with a port from 1 to 65535 unless it is the usual one, such as login.example.com, localhost:8443 or [::1]:8443", domain)
		}
		if slices.Contains(out[:i], host) {
			return nil, fmt.Errorf("the domain %s is given twice", host)
		}
		out[i] = host
	}
	return out, nil
}

func domainOf(text string) (string, bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, ""
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return "", false
	}
	if port != "" && port != "443" {
		port = ":" + port
	} else {
		port = ""
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil && ip.Is6() && ip.Zone() == "" && (bare == host || "["+bare+"]" == host) {
		return "[" + ip.String() + "]" + port, true
	} else if err == nil && ip.Is4() && text[0] != '[' {
		return host + port, true
	}
	host = strings.ToLower(host)
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	if strings.Contains(text, "[") || len(host) > 253 || !hostName.MatchString(host) || onlyDigits.MatchString(host) {
		return "", false
	}
	return host + port, true
}

// CreateTenant makes a tenant that answers under the domains (host, and port unless it is the usual
// one), the first being canonical: signing keys, the client that stands for the tenant, its
// Management API, a database connection, and a machine client with all management scopes, which is
// returned with its secret.
func CreateTenant(ctx context.Context, db *store.DB, name string, domains []string) (*stagedoor.Client, error) {
	if !tenantName.MatchString(name) {
		return nil, fmt.Errorf("the tenant's name %q must be lower-case letters, digits and hyphens", name)
	}
	domains, err := Domains(domains)
	if err != nil {
		return nil, err
	}
	var machine *stagedoor.Client
	err = db.Together(ctx, func(in *store.DB) error { // half a tenant could neither be used nor made again
		st, err := in.CreateTenant(ctx, name, domains)
		if err == nil {
			machine, err = furnish(ctx, st)
		}
		return err
	})
	return machine, err
}

// EnsureTenant is CreateTenant for a tenant that may exist: it gets the domains and what it lacks.
func EnsureTenant(ctx context.Context, db *store.DB, name string, domains []string) (*stagedoor.Client, error) {
	err := SetDomains(ctx, db, name, domains)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return CreateTenant(ctx, db, name, domains)
	}
	if err != nil {
		return nil, err
	}
	st, err := db.TenantByID(ctx, name)
	if err != nil {
		return nil, err
	}
	return furnish(ctx, st)
}

// SetDomains replaces the domains under which a tenant answers; the first is canonical, and custom domains stay. The system's APIs follow a new canonical
// domain, with all that clients, roles and users may do with them.
func SetDomains(ctx context.Context, db *store.DB, name string, domains []string) error {
	domains, err := Domains(domains)
	if err != nil {
		return err
	}
	return db.Together(ctx, func(in *store.DB) error {
		st, err := in.TenantByID(ctx, name)
		if err != nil {
			return err
		}
		if err := st.SetDomains(ctx, domains); err != nil {
			return err
		}
		return moveSystemAPIs(ctx, st, "https://"+st.Tenant().Domain()+"/", "https://"+domains[0]+"/")
	})
}

// moveSystemAPIs gives the system's APIs that begin with an address another one.
func moveSystemAPIs(ctx context.Context, st *store.Store, from, to string) error {
	if from == to {
		return nil
	}
	apis, err := st.ResourceServers(ctx)
	if err != nil {
		return err
	}
	moved := map[string]string{} // identifiers
	for _, api := range apis {
		path, own := strings.CutPrefix(api.Identifier, from)
		if !api.IsSystem || !own {
			continue
		}
		moved[api.Identifier] = to + path
		if err := st.RenameResourceServer(ctx, api.ID, to+path); err != nil {
			return err
		}
	}
	_, err = st.UpdateSettings(ctx, func(t *stagedoor.TenantSettings) error {
		t.DefaultAudience = cmp.Or(moved[t.DefaultAudience], t.DefaultAudience)
		return nil
	})
	return err
}

// AddMachine makes another client that manages a tenant with all scopes, for whoever has lost the credentials of the first.
func AddMachine(ctx context.Context, db *store.DB, tenant string) (machine *stagedoor.Client, err error) {
	err = db.Together(ctx, func(in *store.DB) error {
		st, err := in.TenantByID(ctx, tenant)
		if err != nil {
			return err
		}
		api, err := ensureSystemAPI(ctx, st)
		if err != nil {
			return err
		}
		machine = newMachine(machineName + " of " + st.Clock().Now().UTC().Format(time.DateOnly))
		if err := st.CreateClient(ctx, machine); err != nil {
			return err
		}
		return ensureGrant(ctx, st, machine, api)
	})
	return machine, err
}

func newMachine(name string) *stagedoor.Client {
	machine := mgmt.NewClient(name)
	machine.AppType, machine.OIDCConformant, machine.GrantTypes = "non_interactive", true, []string{"client_credentials"}
	machine.JWTConfiguration.Algorithm = "RS256"
	return machine
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
		machine = newMachine(machineName)
		if err := st.CreateClient(ctx, machine); err != nil {
			return nil, err
		}
	}
	if err := ensureGrant(ctx, st, machine, api); err != nil {
		return nil, err
	}
	return machine, ensureConnection(ctx, st, machine)
}

// ensureSystemAPI gives the tenant its Management API, under its canonical domain.
func ensureSystemAPI(ctx context.Context, st *store.Store) (*stagedoor.ResourceServer, error) {
	identifier := token.ManagementAudience(st.Tenant())
	api, err := st.ResourceServerByIdentifier(ctx, identifier)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return api, err
	}
	api = mgmt.SystemAPI(identifier)
	return api, st.CreateResourceServer(ctx, api)
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

// ensureConnection gives the tenant a database of users that its first client is enabled for: one that no client is enabled for takes no users.
func ensureConnection(ctx context.Context, st *store.Store, first *stagedoor.Client) error {
	_, err := st.ConnectionByName(ctx, DefaultConnection)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	return st.CreateConnection(ctx, &stagedoor.Connection{
		Name: DefaultConnection, Strategy: "auth0", EnabledClients: []string{first.ID}, Realms: []string{DefaultConnection},
		Options: stagedoor.ConnectionOptions{PasswordPolicy: "good", BruteForceProtection: new(true)},
	})
}

var managementScopes = sync.OnceValue(mgmt.ManagementScopes)

// systemScopes are the scopes that this program knows of an API of the system. What a tenant has from before an upgrade lacks those that came with it.
func systemScopes(identifier string) []stagedoor.APIScope {
	switch {
	case strings.HasSuffix(identifier, "/api/v2/"):
		return managementScopes()
	case strings.HasSuffix(identifier, "/my-org/"):
		return token.MyOrganizationScopes()
	case strings.HasSuffix(identifier, "/me/"):
		return token.MyAccountScopes()
	}
	return nil
}
