package connection

import (
	"context"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The strategies of connections that send a code instead of asking for a password.
const (
	StrategyEmail = "email"
	StrategySMS   = "sms"
)

// IsPasswordless tells whether a strategy sends a code.
func IsPasswordless(strategy string) bool {
	return strategy == StrategyEmail || strategy == StrategySMS
}

// CreatePasswordless adds a user to a passwordless connection, whom the e-mail address or the telephone number identifies, and
// gives the id unless u.ID is set.
func CreatePasswordless(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User) error {
	var err error
	if u.Email, err = NormalizeEmail(u.Email); err != nil {
		return err
	}
	bare := strings.TrimPrefix(u.ID, c.Strategy+"|")
	if bare == "" {
		bare = stagedoor.NewHexID()
	}
	u.ID, u.Connection = c.Strategy+"|"+bare, c.Name
	u.Identities = []stagedoor.Identity{{Connection: c.Name, Provider: c.Strategy, UserID: bare}}
	u.FillDefaults()
	return st.CreateUser(ctx, u, "")
}
