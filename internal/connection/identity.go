package connection

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// named are the strategies whose ids hold the connection's name, because two connections may know two people by one id.
var named = []string{"ad", "adfs", "auth0-adldap", "custom", "google-apps", "oauth1", "oauth2", "office365", "oidc", "okta", "ping7", "pingfederate", "samlp", "sharepoint", "waad"}

// IdentityOf is the identity of a person whom a connection knows by id.
func IdentityOf(c *stagedoor.Connection, id string) stagedoor.Identity {
	id = strings.TrimPrefix(id, c.Strategy+"|")
	if slices.Contains(named, c.Strategy) {
		id = c.Name + "|" + strings.TrimPrefix(id, c.Name+"|")
	}
	return stagedoor.Identity{Connection: c.Name, Provider: c.Strategy, UserID: id, IsSocial: c.Strategy == "oauth2" || !slices.Contains(named, c.Strategy) && c.Strategy != StrategyDatabase}
}
