package token

import (
	"context"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// What tells a token of an administrator from all others. Scripts set neither sub nor plain names in tokens for our own APIs, and no user's id begins like this.
const (
	administratorGrant   = "administrator" // gty
	administratorSubject = "administrator|"
	claimAdministrator   = "administrator" // the names under which they are one
)

// administratorLife is how long somebody stays signed in to the dashboard: a working day. What they may do is looked up at each request.
const administratorLife = 8 * time.Hour

// Administrator returns a token of the Management API for somebody whom the operator's provider vouches for, and its life in seconds. names are those under which they
// are an administrator.
func (m *Minter) Administrator(ctx context.Context, st *store.Store, issuer string, v *stagedoor.Vouched, names []string) (string, int, error) {
	now := st.Clock().Now()
	life := int(administratorLife.Seconds())
	token, err := m.Keys.sign(ctx, st, jose.RS256, "JWT", map[string]any{
		"iss": issuer, "sub": administratorSubject + v.Subject, "aud": ManagementAudience(st.Tenant()), "gty": administratorGrant, "jti": stagedoor.NewToken(),
		"iat": now.Unix(), "exp": now.Unix() + int64(life), "email": v.Email, "name": v.FullName, claimAdministrator: names,
	})
	return token, life, err
}

// AdministratorNames returns the names under which the bearer of a verified token is an administrator; none for every other token.
func AdministratorNames(c *jose.Claims) []string {
	if c.Raw["gty"] != administratorGrant || !strings.HasPrefix(c.Subject, administratorSubject) {
		return nil
	}
	list, _ := c.Raw[claimAdministrator].([]any)
	var names []string
	for _, one := range list {
		if name, is := one.(string); is {
			names = append(names, name)
		}
	}
	return names
}
