package mgmt

import (
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listConnectedIn struct {
	From string       `json:"from" schema:"max=1000" doc:"Optional Id from which to start selection"`
	Take web.Opt[int] `json:"take" schema:"notnull,min=1,max=100" doc:"Number of results to return"`
}

// connected are the accounts that a user has connected, and the connections that they are of by their ids.
func (a *API) connected(c *call) ([]stagedoor.ConnectedAccount, map[string]*stagedoor.Connection, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, nil, err
	}
	all, err := c.store.ConnectedAccounts(c.ctx(), c.id())
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	connections, err := c.store.Connections(c.ctx())
	of := map[string]*stagedoor.Connection{}
	for i := range connections {
		of[connections[i].ID] = &connections[i]
	}
	return all, of, err
}

func (a *API) listConnectedAccounts(c *call, in listConnectedIn) (any, error) {
	all, of, err := a.connected(c)
	if err != nil {
		return nil, err
	}
	shown, out, last := []any{}, map[string]any{}, ""
	for _, one := range all {
		key := stagedoor.FormatTime(one.CreatedAt) + " " + one.ID
		conn := of[one.ConnectionID]
		if conn == nil || in.From != "" && key <= in.From {
			continue
		}
		if len(shown) == in.Take.Or(50) {
			out["next"] = last
			break
		}
		last = key
		shown = append(shown, map[string]any{
			"id": one.ID, "connection": conn.Name, "connection_id": conn.ID, "strategy": conn.Strategy, "access_type": "offline", "scopes": append([]string{}, one.Scopes...),
			"created_at": stagedoor.FormatTime(one.CreatedAt),
		})
	}
	out["connected_accounts"] = shown
	return out, nil
}

// listTokensets shows the tokens of connected accounts, but for the tokens themselves.
func (a *API) listTokensets(c *call) (any, error) {
	all, of, err := a.connected(c)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, one := range all {
		conn := of[one.ConnectionID]
		if conn == nil {
			continue
		}
		scope := one.Tokens.Scope
		if scope == "" {
			scope = strings.Join(one.Scopes, " ")
		}
		set := map[string]any{"id": one.ID, "connection": conn.Name, "scope": scope, "issued_at": stagedoor.FormatTime(one.Tokens.IssuedAt), "expires_at": nil, "last_used_at": nil}
		if !one.Tokens.ExpiresAt.IsZero() {
			set["expires_at"] = stagedoor.FormatTime(one.Tokens.ExpiresAt)
		}
		if !one.LastUsedAt.IsZero() {
			set["last_used_at"] = stagedoor.FormatTime(one.LastUsedAt)
		}
		out = append(out, set)
	}
	return out, nil
}

// deleteTokenset forgets an account with its tokens. One that is not there is as good as forgotten.
func (a *API) deleteTokenset(c *call) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	err := c.store.DeleteConnectedAccount(c.ctx(), c.id(), c.r.PathValue("tokenset_id"))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = nil
	}
	return nil, err
}
