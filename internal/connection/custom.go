package connection

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// StrategyOAuth2 is the strategy of custom social connections.
const StrategyOAuth2 = stagedoor.StrategyOAuth2

// custom is the plan of a custom social connection: its options say the addresses, its script who the person is (extensibility fact sheet 5.6).
func (o *Upstream) custom(c *stagedoor.Connection) *plan {
	options := c.OAuth2()
	p := &plan{
		authorize: options.AuthorizationURL, token: options.TokenURL, clientID: options.ClientID, secret: options.ClientSecret, auth: authPost,
		scopes: append(strings.Fields(options.ScopeText()), c.OptionList("freeform_scopes")...), commas: !options.SpaceScopes, params: options.AuthParams, aliases: options.AuthParamsMap, headers: options.CustomHeaders, logout: c.Option("logoutUrl"),
		profile: scripted,
	}
	if options.PKCE {
		p.pkce = "S256"
	}
	return p
}

// scripted lets the tenant's script fetch who the person is.
func scripted(g *given) (*profile, error) {
	source := g.conn.OAuth2().Scripts[script.FetchUserProfile]
	if source == "" {
		return nil, missing(script.FetchUserProfile)
	}
	learns := maps.Clone(g.tokens)
	options := map[string]any{}
	for name, value := range g.conn.Options.Stored {
		if name != "scripts" {
			options[name] = value
		}
	}
	learns["options"] = options
	out, err := g.up.Scripts.Call(g.ctx, script.CallRun{
		Tenant: g.st.Tenant().ID, Connection: g.conn.Name, Operation: script.OperationNamed(script.FetchUserProfile), Source: source,
		Arguments: []any{g.tokens["access_token"]}, Context: learns,
	})
	if err != nil {
		return nil, err
	}
	g.on.hear(out.Console)
	if out.Failure != nil {
		e := stagedoor.AsError(refusal(script.FetchUserProfile, out.Failure))
		if e.Code != "unauthorized" {
			e.Kind, e.Code, e.Message = stagedoor.Forbidden, CodeScript, out.Failure.Message
		}
		return nil, e
	}
	if nobody(out.Result) {
		return nil, badProfile("there is none.")
	}
	p, _, err := describePerson(renamed(out.Result, g.conn.OAuth2().FieldsMap), StrategyOAuth2+"|"+g.conn.Name+"|")
	return p, err
}

// renamed is a profile with the attributes that a map takes from other members of it. What the profile does not have stays as it is.
func renamed(profile json.RawMessage, fields map[string]string) json.RawMessage {
	var members map[string]json.RawMessage
	if len(fields) == 0 || json.Unmarshal(profile, &members) != nil {
		return profile
	}
	out := maps.Clone(members)
	for attribute, member := range fields {
		if value, there := members[member]; there {
			out[attribute] = value
		}
	}
	if b, err := json.Marshal(out); err == nil {
		return b
	}
	return profile
}

// scriptedSignOut lets the tenant's script say where somebody signs out at the provider of a custom social connection; empty where there is none. asked are
// the parameters of the logout: the provider sends people straight back to where the script has it send them.
func (o *Upstream) scriptedSignOut(ctx context.Context, st *store.Store, c *stagedoor.Connection, asked url.Values) (string, error) {
	source := c.OAuth2().Scripts[script.GetLogoutURL]
	if source == "" {
		return "", nil
	}
	query := map[string]string{}
	for name := range asked {
		query[name] = asked.Get(name)
	}
	out, err := o.Scripts.Call(ctx, script.CallRun{
		Tenant: st.Tenant().ID, Connection: c.Name, Operation: script.OperationNamed(script.GetLogoutURL), Source: source, Arguments: []any{query},
	})
	if err != nil {
		return "", err
	}
	if out.Failure != nil {
		return "", refusal(script.GetLogoutURL, out.Failure)
	}
	var address string
	if json.Unmarshal(out.Result, &address) != nil || !isWebAddress(address) {
		return "", refusal(script.GetLogoutURL, &script.Failure{Message: "The script " + script.GetLogoutURL + " called back with no http or https address."})
	}
	return address, nil
}
