package pipeline

import (
	"context"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Unasked takes the answer of an identity provider that nobody has asked for (SAML profiles section 4.1.5), opens a session for its person,
// and returns where the browser goes on: to an authorization request of the connection's client, which its options complete, for the organization that the answer's address names,
// or to where a client of SAML or WS-Federation signs people in.
// The rest of the login, scripts and factors, runs there.
func (p *Pipeline) Unasked(ctx context.Context, v Visit, name, organization string, answer *connection.Answer) (*Opened, string, error) {
	conn, err := v.Store.ConnectionByName(ctx, name)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (p.Upstream == nil || conn.Strategy != stagedoor.StrategySAML) {
		return nil, "", lost()
	}
	if err != nil {
		return nil, "", err
	}
	unasked := connection.UnaskedOf(conn)
	refused := func(why error) stagedoor.LogEvent {
		return stagedoor.LogEvent{Type: "f", Description: describe(why), Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, ClientID: unasked.ClientID}
	}
	q, _ := url.ParseQuery(unasked.Authorize) // what cannot be read is left out
	if organization != "" {
		q.Set("organization", organization)
	}
	var client *stagedoor.Client
	if unasked.Enabled {
		client, err = v.Store.Client(ctx, unasked.ClientID)
		reaches := false
		if err == nil {
			reaches, err = reachesUnasked(ctx, v.Store, conn, client, q.Get("organization"))
		}
		if err == nil && (signsIn[unasked.Protocol] == "" || !reaches) {
			err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The client of IdP-initiated logins cannot be used.")
		}
		if err == nil && signsIn[unasked.Protocol] == authorizePath && q.Get("redirect_uri") == "" {
			if q.Set("redirect_uri", firstCallback(client)); q.Get("redirect_uri") == "" {
				err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The client of IdP-initiated logins has no callback without a wildcard: client_authorizequery must say the redirect_uri.")
			}
		}
		if err != nil {
			v.Log(refused(err))
			return nil, "", err
		}
	}
	u, came, err := p.Upstream.IdentifyUnasked(ctx, v.Store, conn, v.Issuer+callbackPath, answer)
	if err != nil {
		v.Log(refused(err))
		return nil, "", err
	}
	risk, err := assessCounted(ctx, v, u.ID, false)
	if err != nil {
		return nil, "", err
	}
	opened, err := p.open(ctx, v, proof{conn: conn, user: u, method: "federated", came: came, risk: risk})
	if err == nil {
		err = v.Store.RecordLogin(ctx, u, v.IP)
	}
	if err != nil {
		return nil, "", err
	}
	q.Set("connection", conn.Name)
	if path := signsIn[unasked.Protocol]; path != authorizePath {
		if path == federationPath {
			q.Set("wa", "wsignin1.0")
		}
		return opened, path + "/" + client.ID + "?" + q.Encode(), nil
	}
	for name, value := range map[string]string{"response_type": "code", "scope": "openid profile email"} {
		if q.Get(name) == "" {
			q.Set(name, value)
		}
	}
	q.Set("client_id", client.ID)
	return opened, authorizePath + "?" + q.Encode(), nil
}

const (
	authorizePath  = "/authorize"
	federationPath = "/wsfed"
)

// signsIn is where clients sign people in, by the client_protocol of idpinitiated. oauth2 is what tools of old write for oidc.
var signsIn = map[string]string{"": authorizePath, "oidc": authorizePath, "oauth2": authorizePath, "samlp": "/samlp", "wsfed": federationPath}

// reachesUnasked tells whether people come to the client through the connection: in a login to an organization, if that has enabled it.
func reachesUnasked(ctx context.Context, st *store.Store, conn *stagedoor.Connection, client *stagedoor.Client, organization string) (bool, error) {
	if organization == "" {
		return conn.EnabledFor(client.ID), nil
	}
	o, err := FindOrganization(ctx, st, organization)
	if err != nil {
		return false, err
	}
	oc, err := throughConnection(ctx, st, o.ID, conn.Name)
	return oc != nil, err
}

// firstCallback is the first address of the client's that is one: others stand for several, or for those of organizations.
func firstCallback(c *stagedoor.Client) string {
	for _, address := range c.Callbacks {
		if !strings.ContainsAny(address, "*{") {
			return address
		}
	}
	return ""
}

// Metadata are what the identity provider of a SAML connection is told of us.
func (p *Pipeline) Metadata(ctx context.Context, v Visit, name string) ([]byte, error) {
	conn, err := v.Store.ConnectionByName(ctx, name)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (conn.Strategy != stagedoor.StrategySAML || p.Upstream == nil) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "invalid_request", "There is no SAML connection of this name.")
	}
	if err != nil {
		return nil, err
	}
	own, err := p.Upstream.SAMLOwn(ctx, v.Store, conn, v.Issuer)
	if err != nil {
		return nil, err
	}
	return own.Metadata(v.Store.Clock().Now())
}
