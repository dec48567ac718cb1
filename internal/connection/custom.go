package connection

import (
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// StrategyOAuth2 is the strategy of custom social connections.
const StrategyOAuth2 = stagedoor.StrategyOAuth2

// custom is the plan of a custom social connection: its options say the addresses, its script who the person is (extensibility fact sheet 5.6).
func (o *Upstream) custom(c *stagedoor.Connection) *plan {
	options := c.OAuth2()
	p := &plan{
		authorize: options.AuthorizationURL, token: options.TokenURL, clientID: options.ClientID, secret: options.ClientSecret, auth: authPost,
		scopes: strings.Fields(options.ScopeText()), params: options.AuthParams, aliases: options.AuthParamsMap, headers: options.CustomHeaders, logout: c.Option("logoutUrl"),
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
	p, _, err := describePerson(out.Result, StrategyOAuth2+"|"+g.conn.Name+"|")
	return p, err
}
