package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Route runs the actions for somebody whose identifier is known on the login page, and returns the connection in which they are looked for:
// that of the domain of their address, else that of the request, unless an action names another one that the client may use. It is kept in the login for a database; whoever corrects their
// identifier begins anew. What goes wrong in an action, or with the connection that it names, is a Scripted error.
func (p *Pipeline) Route(ctx context.Context, v Visit, id, nonce, identifier string) (*stagedoor.Connection, error) {
	tx, changed, err := p.unrouted(ctx, v, id, nonce)
	if err != nil {
		return nil, err
	}
	choice, err := connection.Choose(ctx, v.Store, &tx.Request)
	if err != nil {
		return nil, err
	}
	conn, err := choice.First()
	if err != nil {
		return nil, err
	}
	if home := choice.Home(identifier); home != nil {
		conn = home
	}
	all, err := p.bound(ctx, v, script.LoginPostIdentifier)
	if err != nil {
		return nil, err
	}
	if len(all.bound) > 0 {
		tx.Looked, changed = stagedoor.Clip(identifier, 254), true
	}
	return p.route(ctx, v, tx, all, conn, identifier, changed)
}

// Unlooked tells whether nobody has looked at the identifier of who gives a proof on the login page: the page that asks for it alone comes before, from which people are sent to their company, and on
// which actions look at it.
func (p *Pipeline) Unlooked(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, identifier string) (bool, error) {
	choice, err := connection.Choose(ctx, v.Store, &tx.Request)
	if err != nil || choice.Home(identifier) != nil {
		return err == nil, err
	}
	address, _ := connection.CodeAddress(conn, tx.Looked)
	if address != "" && address == identifier || tx.Looked != "" && guard.Identifier(tx.Looked) == guard.Identifier(stagedoor.Clip(identifier, 254)) {
		return false, nil
	}
	all, err := p.bound(ctx, v, script.LoginPostIdentifier)
	return err == nil && len(all.bound) > 0, err
}

// RouteSignUp runs the actions for somebody whose identifier is known on the sign-up page, and returns the connection to which they belong, as Route does; nil
// where there are no actions: it is that of the login then.
func (p *Pipeline) RouteSignUp(ctx context.Context, v Visit, id, nonce, identifier string) (*stagedoor.Connection, error) {
	all, err := p.bound(ctx, v, script.SignupPostIdentifier)
	if err != nil || len(all.bound) == 0 {
		return nil, err
	}
	tx, changed, err := p.unrouted(ctx, v, id, nonce)
	if err != nil {
		return nil, err
	}
	tx.Looked = "" // where that was may not be where this goes
	conn, err := connection.ForRequest(ctx, v.Store, &tx.Request)
	if err != nil {
		return nil, err
	}
	return p.route(ctx, v, tx, all, conn, identifier, changed)
}

// unrouted is the login as it was before an action named a connection; changed tells whether one did.
func (p *Pipeline) unrouted(ctx context.Context, v Visit, id, nonce string) (tx *stagedoor.Transaction, changed bool, err error) {
	if tx, err = p.answered(ctx, v, id, AskLogin, nonce); err != nil {
		return nil, false, err
	}
	if changed = tx.Routed != nil; changed {
		tx.Request.Connection, tx.Routed = *tx.Routed, nil
	}
	return tx, changed, nil
}

// route lets actions name another connection than conn, and keeps the login if that, or something before, changed it.
func (p *Pipeline) route(ctx context.Context, v Visit, tx *stagedoor.Transaction, all *actions, conn *stagedoor.Connection, identifier string, changed bool) (*stagedoor.Connection, error) {
	var err error
	if len(all.bound) > 0 {
		if err := p.room(v, guard.Looks, 0); err != nil {
			return nil, err
		}
		var name string
		if name, err = p.routed(ctx, v, tx, all, conn, identifier); err == nil && name != "" && name != conn.Name {
			asked := tx.Request
			asked.Connection = name
			if conn, err = connection.ForRequest(ctx, v.Store, &asked); stagedoor.IsKind(err, stagedoor.Invalid) {
				text := "An action named the connection " + name + ": " + stagedoor.AsError(err).Message
				v.Log(stagedoor.LogEvent{Type: "f", Description: text, ClientID: tx.Request.ClientID, UserName: stagedoor.Clip(identifier, 254)})
				err = scripted("access_denied", text)
			} else if err == nil && !conn.Redirects() {
				before := tx.Request.Connection
				tx.Request.Connection, tx.Routed, changed = name, &before, true
			}
		}
	}
	if err == nil && conn.Redirects() {
		tx.Looked = ""
	}
	if err == nil && changed {
		err = v.Store.SaveTransaction(ctx, tx)
	}
	return conn, err
}

// routed is the connection that actions name; empty if they name none.
func (p *Pipeline) routed(ctx context.Context, v Visit, tx *stagedoor.Transaction, all *actions, conn *stagedoor.Connection, identifier string) (name string, err error) {
	event := commonEvent(v, "POST", tx.Request.Query)
	client, err := v.Store.Client(ctx, tx.Request.ClientID)
	if err != nil {
		return "", err
	}
	event["client"], event["initial_connection"] = eventClient(client), eventConnection(conn)
	api, err := p.api(ctx, v.Store, tx.Request.Audience)
	if err != nil {
		return "", err
	}
	if api != nil {
		event["resource_server"] = map[string]any{"identifier": api.Identifier}
	}
	if id := tx.Request.Organization; id != "" {
		o, err := v.Store.Organization(ctx, id)
		if err != nil {
			return "", err
		}
		event["initial_organization"] = scriptOrganization(o)
	}
	transaction := requested(v, &tx.Request)
	transaction["identifier"] = identifier // as actions of the trigger's beginnings have it
	event["transaction"], event["authentication"] = transaction, map[string]any{"identifier": map[string]any{"value": identifier}}
	out, _, err := all.run(ctx, event, nil)
	if err == nil && out.Failure != nil {
		err = scripted("access_denied", out.Failure.Message)
	}
	if err == nil {
		out.Effects.Answer("connection", &name)
	}
	return name, err
}
