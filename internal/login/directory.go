package login

import (
	"context"
	"errors"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

// directory is the tenant's default database connection: the one that it names, or the first.
func directory(ctx context.Context, st *store.Store) (*stagedoor.Connection, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	var first *stagedoor.Connection
	for i := range all {
		switch c := &all[i]; {
		case !c.ForLogin():
		case c.Name == st.Tenant().Settings.DefaultDirectory:
			return c, nil
		case first == nil:
			first = c
		}
	}
	if first == nil {
		return nil, invalid("invalid_request", "There is no database connection.")
	}
	return first, nil
}

// databaseNamed returns the database connection that a client names. It must be enabled for the client;
// the tenant itself may name any.
func databaseNamed(r *http.Request, st *store.Store, client *stagedoor.Client, name string) (*stagedoor.Connection, error) {
	if name == "" {
		return nil, badRequest("connection parameter is mandatory")
	}
	if client != nil && !client.Global {
		conn, err := connection.ForClient(r.Context(), st, client.ID, name)
		if errors.Is(err, connection.ErrNotForLogin) {
			return nil, invalid("invalid_connection", "the connection is not enabled")
		}
		if stagedoor.IsKind(err, stagedoor.Invalid) {
			return nil, invalid("invalid_connection", "%s", stagedoor.AsError(err).Message)
		}
		if err == nil && !conn.ForLogin() {
			return nil, invalid("invalid_connection", "the connection is not enabled")
		}
		return conn, err
	}
	conn, err := st.ConnectionByName(r.Context(), name)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !conn.ForLogin() {
		return nil, invalid("invalid_connection", "the connection was not found")
	}
	return conn, err
}
