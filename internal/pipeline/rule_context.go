package pipeline

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// maxConsole bounds the console lines in a log event.
const maxConsole = 100

// The members of an Error's Extra that only the log reads.
const (
	logRule  = "rule"
	logKind  = "kind"
	logStack = "stack" // of the rule's error
)

// ruleContext is context of rules (extensibility fact sheet 1.7).
func (p *Pipeline) ruleContext(ctx context.Context, v Visit, in *ruleInput) (json.RawMessage, error) {
	name := cmp.Or(in.connection(), in.user.Connection)
	conn, err := v.Store.ConnectionByName(ctx, name)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		conn, err = &stagedoor.Connection{Name: name}, nil
	}
	if err != nil {
		return nil, err
	}
	methods, clients := in.methods(v), []string{}
	sessionID := ""
	if s := in.session; s != nil {
		sessionID = s.ID
		clients = append(clients, s.Clients...)
	}
	body := v.Body
	if body == nil {
		body = map[string]any{}
	}
	held, err := in.roleList(ctx, v.Store)
	if err != nil {
		return nil, err
	}
	roles := roleNames(held)
	protocol, query := in.protocol, in.query
	if in.back != nil {
		query = in.back.query
		if in.state.Binding == "" {
			protocol = "redirect-callback"
		}
	}
	c := map[string]any{
		"tenant": v.Store.Tenant().ID, "clientID": in.client.ID, "clientName": in.client.Name,
		"clientMetadata": nonNil(in.client.Metadata),
		"connectionID":   conn.ID, "connection": conn.Name, "connectionStrategy": conn.Strategy,
		"connectionOptions": ruleOptions(conn), "connectionMetadata": nonNil(conn.Metadata), "samlConfiguration": map[string]any{},
		"protocol": protocol,
		"stats":    map[string]any{"loginsCount": in.user.LoginsCount},
		"sso": map[string]any{
			"with_auth0": in.session != nil, "with_dbconn": conn.Strategy == "auth0", "current_clients": clients,
		},
		"accessToken": map[string]any{}, "idToken": map[string]any{},
		"authentication": map[string]any{"methods": methods},
		"authorization":  map[string]any{"roles": roles},
		"request": map[string]any{
			"userAgent": v.UserAgent, "ip": v.IP, "hostname": v.Hostname, "query": flat(query), "body": body,
			"geoip": cmp.Or(v.Store.Place(v.IP), &stagedoor.Place{}),
		},
	}
	if in.risk != nil {
		c["riskAssessment"] = in.risk
	}
	if o := in.org; o != nil {
		c["organization"] = scriptOrganization(o)
	}
	if protocol != in.protocol {
		c["original_protocol"] = in.protocol
	}
	if sessionID != "" {
		c["sessionID"] = sessionID
	}
	return json.Marshal(c)
}

// ruleOptions are the options of a connection that rules see: which domains its people may have. Rules that let in nobody else take a connection
// without tenant_domain for one that lets in all, and walk through the list.
func ruleOptions(c *stagedoor.Connection) map[string]any {
	options := map[string]any{}
	if domain := c.Option("tenant_domain"); domain != "" {
		options["tenant_domain"] = domain
	}
	if aliases := c.OptionList("domain_aliases"); len(aliases) > 0 || len(options) > 0 {
		options["domain_aliases"] = nonNilList(aliases)
	}
	return options
}

// roleList are a person's roles, read once in a login.
func (in *ruleInput) roleList(ctx context.Context, st *store.Store) (_ []stagedoor.Role, err error) {
	if in.roles != nil {
		return in.roles, nil
	}
	orgID := ""
	if in.org != nil {
		orgID = in.org.ID
	}
	in.roles, err = st.RolesFor(ctx, in.user.ID, orgID)
	return in.roles, err
}

// connection is the name of the one through which the person has signed in, which may be that of a linked identity; empty if that is not known.
func (in *ruleInput) connection() string {
	switch {
	case in.session != nil:
		return in.session.Connection
	case in.direct != nil:
		return in.direct.Connection
	}
	return in.through
}

// methods are how the person proved themselves: in the session, or just now.
func (in *ruleInput) methods(v Visit) []stagedoor.AuthMethod {
	methods := []stagedoor.AuthMethod{}
	if in.session != nil {
		return append(methods, in.session.Methods...)
	}
	if in.direct != nil {
		methods = append(methods, in.direct.Methods...)
	}
	if in.proof != "" {
		methods = append(methods, stagedoor.AuthMethod{Name: "mfa", Type: in.proof, Timestamp: v.Store.Clock().Now().UnixMilli()})
	}
	return methods
}

// roleNames are the names of roles, as scripts know them: context.authorization.roles of rules, event.authorization.roles of actions.
func roleNames(all []stagedoor.Role) []string {
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.Name
	}
	return names
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// flat shows a query as rules know it: one value per name.
func flat(query map[string][]string) map[string]string {
	out := map[string]string{}
	for name, values := range query {
		if len(values) > 0 {
			out[name] = values[0]
		}
	}
	return out
}

// scriptOrganization is an organization as rules and actions see it.
func scriptOrganization(o *stagedoor.Organization) map[string]any {
	return map[string]any{"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "metadata": nonNil(o.Metadata)}
}
