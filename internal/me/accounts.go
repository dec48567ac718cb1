package me

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/web"
)

type connectIn struct {
	Connection  string                   `json:"connection" schema:"required,min=1,max=128" doc:"Where the account is"`
	RedirectURI string                   `json:"redirect_uri" schema:"required,min=1,max=2048" doc:"Where the person comes back to"`
	State       web.Opt[string]          `json:"state" schema:"notnull,min=1,max=4096" doc:"What comes back with them"`
	Challenge   web.Opt[string]          `json:"code_challenge" schema:"notnull,min=43,max=128" doc:"Of the code_verifier"`
	Method      web.Opt[string]          `json:"code_challenge_method" schema:"notnull,enum=S256" doc:"How the challenge is made"`
	Scopes      web.Opt[[]string]        `json:"scopes" schema:"notnull,min=1,max=100,unique" doc:"What is asked of the provider"`
	Params      web.Opt[authorizationIn] `json:"authorization_params" schema:"notnull" doc:"For the provider"`
}

type authorizationIn struct {
	ACR      web.Opt[string] `json:"acr_values" schema:"notnull,min=1,max=1024"`
	Audience web.Opt[string] `json:"audience" schema:"notnull,min=1,max=512"`
	Resource web.Opt[string] `json:"resource" schema:"notnull,min=1,max=512"`
	Display  web.Opt[string] `json:"display" schema:"notnull,enum=page|popup|touch|wap"`
	Hint     web.Opt[string] `json:"id_token_hint" schema:"notnull,min=1,max=4096"`
	Login    web.Opt[string] `json:"login_hint" schema:"notnull,min=1,max=255"`
	MaxAge   web.Opt[int]    `json:"max_age" schema:"notnull,min=0,max=2147483647"`
	Prompt   web.Opt[string] `json:"prompt" schema:"notnull,enum=none|login|consent|select_account"`
	Locales  web.Opt[string] `json:"ui_locales" schema:"notnull,min=2,max=100"`
}

func (in *authorizationIn) params() map[string]string {
	out := map[string]string{}
	for name, v := range map[string]web.Opt[string]{
		"acr_values": in.ACR, "audience": in.Audience, "resource": in.Resource, "display": in.Display, "id_token_hint": in.Hint, "login_hint": in.Login, "prompt": in.Prompt,
		"ui_locales": in.Locales,
	} {
		if v.Has() {
			out[name] = v.Value
		}
	}
	if in.MaxAge.Has() {
		out["max_age"] = strconv.Itoa(in.MaxAge.Value)
	}
	return out
}

// connectable is the connection with a name, where the program's people can connect accounts.
func (c *call) connectable(name string) (*stagedoor.Connection, error) {
	refused := wrong("connection", "There is no such connection, or no accounts can be connected there.")
	if strings.ContainsRune(name, 0) {
		return nil, refused
	}
	conn, err := c.Store.ConnectionByName(c.Ctx(), name)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !(conn.ConnectsAccounts() && conn.EnabledFor(c.Client.ID)) {
		return nil, refused
	}
	return conn, err
}

// connect begins: the person goes on in a browser, with the ticket.
func (d *Door) connect(c *call, in connectIn) (any, error) {
	c.unlogged = true
	conn, err := c.connectable(in.Connection)
	if err != nil {
		return nil, err
	}
	c.account = conn.Name
	switch {
	case !d.Allowed(in.RedirectURI, c.Client.Callbacks):
		return nil, wrong("redirect_uri", "The client has not registered it.")
	case in.Challenge.Set != in.Method.Set:
		return nil, wrong("code_challenge_method", "Missing required property: code_challenge_method")
	}
	for _, scope := range in.Scopes.Value {
		if scope == "" || len(scope) > 255 || strings.ContainsAny(scope, " ,\x00") {
			return nil, wrong("scopes", "A scope has 1 to 255 characters, and no spaces.")
		}
	}
	if strings.ContainsRune(in.State.Value, 0) {
		return nil, wrong("state", "It cannot be read.")
	}
	ticket, session, err := d.Pipeline.BeginConnect(c.Ctx(), c.Store, pipeline.Connecting{
		User: c.User.ID, Client: c.Client.ID, ConnectionID: conn.ID, RedirectURI: in.RedirectURI, State: in.State.Value, Challenge: in.Challenge.Value,
		Scopes: in.Scopes.Value, Params: in.Params.Value.params(),
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"connect_uri": web.Issuer(c.R) + pipeline.ConnectPath, "connect_params": map[string]string{"ticket": ticket}, "auth_session": session,
		"expires_in": int(pipeline.ConnectLife / time.Second),
	}, nil
}

type completeIn struct {
	Session     string          `json:"auth_session" schema:"required,min=1,max=64" doc:"What the beginning answered"`
	Code        string          `json:"connect_code" schema:"required,min=1,max=46" doc:"What the person came back with"`
	RedirectURI string          `json:"redirect_uri" schema:"required,min=1,max=2048" doc:"The one of the beginning"`
	Verifier    web.Opt[string] `json:"code_verifier" schema:"notnull,min=43,max=128" doc:"Of the code_challenge"`
}

// complete takes what the person came back with: their account is connected from now on.
func (d *Door) complete(c *call, in completeIn) (any, error) {
	a, conn, err := d.Pipeline.TakeConnected(c.Ctx(), c.Store, c.User.ID, c.Client.ID, in.Code, in.Session, in.RedirectURI, in.Verifier.Value)
	if err != nil {
		return nil, err
	}
	c.account = conn.Name
	return shownAccount(a, conn.Name), nil
}

func shownAccount(a *stagedoor.ConnectedAccount, name string) map[string]any {
	return map[string]any{
		"id": a.ID, "connection": name, "access_type": "offline", "scopes": append([]string{}, a.Scopes...), "created_at": stagedoor.FormatTime(a.CreatedAt),
	}
}

type listAccountsIn struct {
	Connection []string     `json:"connection" schema:"max=20" doc:"Names of connections"`
	From       string       `json:"from" schema:"max=1000" doc:"Where the page before ended"`
	Take       web.Opt[int] `json:"take" schema:"notnull,min=1,max=20" doc:"How many"`
}

func (d *Door) listAccounts(c *call, in listAccountsIn) (any, error) {
	all, err := c.Store.ConnectedAccounts(c.Ctx(), c.User.ID)
	if err != nil {
		return nil, err
	}
	names, err := connectionNames(c)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a stagedoor.ConnectedAccount) bool {
		return len(in.Connection) > 0 && !slices.Contains(in.Connection, names[a.ConnectionID])
	})
	return pageOf("accounts", all, in.From, in.Take.Or(10), func(a stagedoor.ConnectedAccount) string { return stagedoor.FormatTime(a.CreatedAt) + " " + a.ID },
		func(a stagedoor.ConnectedAccount) any { return shownAccount(&a, names[a.ConnectionID]) }), nil
}

func connectionNames(c *call) (map[string]string, error) {
	all, err := c.Store.Connections(c.Ctx())
	names := map[string]string{}
	for i := range all {
		names[all[i].ID] = all[i].Name
	}
	return names, err
}

// pageOf is a page of a list that is in the order of its keys, with where the next one begins.
func pageOf[T any](name string, all []T, from string, take int, key func(T) string, show func(T) any) map[string]any {
	shown, last := []any{}, ""
	out := map[string]any{}
	for _, one := range all {
		if from != "" && key(one) <= from {
			continue
		}
		if len(shown) == take {
			out["next"] = last
			break
		}
		shown, last = append(shown, show(one)), key(one)
	}
	out[name] = shown
	return out
}

type listConnectionsIn struct {
	From string       `json:"from" schema:"max=1000" doc:"Where the page before ended"`
	Take web.Opt[int] `json:"take" schema:"notnull,min=1,max=20" doc:"How many"`
}

func (d *Door) listConnections(c *call, in listConnectionsIn) (any, error) {
	all, err := c.Store.Connections(c.Ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(conn stagedoor.Connection) bool { return !conn.ConnectsAccounts() || !conn.EnabledFor(c.Client.ID) })
	slices.SortFunc(all, func(a, b stagedoor.Connection) int { return strings.Compare(a.Name, b.Name) })
	return pageOf("connections", all, in.From, in.Take.Or(10), func(conn stagedoor.Connection) string { return conn.Name }, func(conn stagedoor.Connection) any {
		return map[string]any{"name": conn.Name, "strategy": conn.Strategy, "scopes": connection.ScopesOf(&conn)}
	}), nil
}

// deleteAccount forgets an account, with its tokens. What the provider knows of them stays there.
func (d *Door) deleteAccount(c *call) (any, error) {
	err := c.Store.DeleteConnectedAccount(c.Ctx(), c.User.ID, c.R.PathValue("id"))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		c.unlogged, err = true, nil
	}
	return nil, err
}
