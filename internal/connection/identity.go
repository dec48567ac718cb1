package connection

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// named are the strategies whose ids hold the connection's name, because two connections may know two people by one id (Authentication API
// fact sheet 9.1).
var named = []string{"ad", "adfs", "auth0-adldap", "custom", "oauth1", "oauth2", "oidc", "okta", "ping7", "pingfederate", "samlp", "sharepoint"}

// unsocial are the strategies whose identities are not the public's.
var unsocial = []string{"ad", "adfs", "auth0", "auth0-adldap", "auth0-oidc", "custom", "email", "google-apps", "ip", "office365", "oidc", "okta", "ping7", "pingfederate", "samlp", "sharepoint", "sms", "waad"}

// IdentityOf is the identity of a person whom a connection knows by id. All of the id counts, whatever it looks like: people choose their names at some
// providers, and one that begins like our ids must not become somebody else's.
func IdentityOf(c *stagedoor.Connection, id string) stagedoor.Identity {
	if slices.Contains(named, c.Strategy) {
		id = c.Name + "|" + id
	}
	return stagedoor.Identity{Connection: c.Name, Provider: c.Strategy, UserID: id, IsSocial: !slices.Contains(unsocial, c.Strategy)}
}

// ScriptedIdentity is IdentityOf for ids that scripts give: the strategy and the connection's name may stand before them.
func ScriptedIdentity(c *stagedoor.Connection, id string) stagedoor.Identity {
	id = strings.TrimPrefix(id, c.Strategy+"|")
	if slices.Contains(named, c.Strategy) {
		id = strings.TrimPrefix(id, c.Name+"|")
	}
	return IdentityOf(c, id)
}
