package token

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Reachable returns a user whom the client could sign in: NotFound for nobody, for who is blocked, and for who comes by connections alone that
// the client may not use.
func Reachable(ctx context.Context, st *store.Store, client *stagedoor.Client, id string) (*stagedoor.User, error) {
	return reachable(ctx, st, id, func(conn *stagedoor.Connection) (bool, error) { return conn.EnabledFor(client.ID), nil })
}

// ReachableIn is Reachable for a login to an organization, whose members alone are found, and who come by its own connections.
func ReachableIn(ctx context.Context, st *store.Store, orgID, id string) (*stagedoor.User, error) {
	switch member, err := st.IsMember(ctx, orgID, id); {
	case err != nil:
		return nil, err
	case !member:
		return nil, errUnreachable()
	}
	return reachable(ctx, st, id, func(conn *stagedoor.Connection) (bool, error) {
		oc, err := st.OrganizationConnection(ctx, orgID, conn.ID)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return false, nil
		}
		return err == nil && oc.IsEnabled, err
	})
}

// reachable returns a user who is not blocked, and has an identity of a connection that is open.
func reachable(ctx context.Context, st *store.Store, id string, open func(*stagedoor.Connection) (bool, error)) (*stagedoor.User, error) {
	u, err := st.User(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, i := range u.Identities {
		conn, err := st.ConnectionByName(ctx, i.Connection)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		is := false
		if err == nil {
			is, err = open(conn)
		}
		if err != nil {
			return nil, err
		}
		if is && !u.IsBlocked() {
			return u, nil
		}
	}
	return nil, errUnreachable()
}

func errUnreachable() error {
	return stagedoor.Errorf(stagedoor.NotFound, "unknown_user", "The client cannot sign this user in.")
}
