package token

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Reachable returns a user whom the client could sign in: NotFound for nobody, for who is blocked, and for who comes by connections alone that
// the client may not use.
func Reachable(ctx context.Context, st *store.Store, client *stagedoor.Client, id string) (*stagedoor.User, error) {
	u, err := st.User(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, i := range u.Identities {
		conn, err := st.ConnectionByName(ctx, i.Connection)
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, err
		}
		if err == nil && conn.EnabledFor(client.ID) && !u.IsBlocked() {
			return u, nil
		}
	}
	return nil, stagedoor.Errorf(stagedoor.NotFound, "unknown_user", "The client cannot sign this user in.")
}
