package oauth

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/token"
)

// The grants by which a person's password is given to the client (RFC 6749 section 4.3; Authentication API fact sheet 4.5). A client gets them
// only if its settings name them.
const (
	grantPassword = "password"
	grantRealm    = "http://auth0.com/oauth/grant-type/password-realm"
)

// redeemPassword signs somebody in through the tenant's default directory, or through the realm that the request names: SDKs send one with this grant, too.
func redeemPassword(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	name := cmp.Or(t.params["realm"], t.st.Tenant().Settings.DefaultDirectory)
	if name == "" {
		return nil, stagedoor.Errorf(stagedoor.Scripted, "server_error", "Authorization server not configured with default connection.")
	}
	return t.byPassword(ctx, name)
}

// redeemRealm signs somebody in through the connection that the request names.
func redeemRealm(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	realm := t.params["realm"]
	if realm == "" {
		return nil, missing("realm")
	}
	return t.byPassword(ctx, realm)
}

func (t *tokenRequest) byPassword(ctx context.Context, name string) (*tokenResponse, error) {
	for _, param := range []string{"username", "password"} {
		if t.params[param] == "" {
			return nil, missing(param)
		}
	}
	conn, err := t.directory(ctx, name)
	if err != nil {
		return nil, err
	}
	x, err := t.direct(ctx, "oauth2-password", "password")
	if err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.ByPassword(ctx, t.visit, x, conn, t.params["username"], t.params["password"], t.event)
	return t.directly(ctx, x, a, user, err)
}

// directory is the connection that a password grant names, by its name or one of its realms.
func (t *tokenRequest) directory(ctx context.Context, name string) (*stagedoor.Connection, error) {
	all, err := t.st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return c.Name == name || slices.Contains(c.Realms, name) })
	if i < 0 {
		return nil, invalid("unknown realm: %s", cut(name))
	}
	if !all[i].ForLogin() || !all[i].Passwords() {
		return nil, invalid("invalid connection specified for password grant")
	}
	return connection.ForClient(ctx, t.st, t.client.ID, name)
}

// direct reads what a person who signs in without a browser asks for. Who names no scope gets all that there are.
func (t *tokenRequest) direct(ctx context.Context, protocol, gty string) (*pipeline.Direct, error) {
	w, err := askedFor(ctx, t.st, t.client, t.params, token.AllScopes)
	if err != nil {
		return nil, err
	}
	t.event.Audience = w.audience
	return &pipeline.Direct{
		Client: t.client, API: w.api, Audience: w.audience, Scope: w.scope, Organization: t.params["organization"], Protocol: protocol, GrantType: gty,
	}, nil
}

// directly answers a person who signs in without a browser: with tokens, or with an mfa_token where a second factor is wanted.
func (t *tokenRequest) directly(ctx context.Context, x *pipeline.Direct, a *stagedoor.Authorization, user *stagedoor.User, err error) (*tokenResponse, error) {
	if stagedoor.HasCode(err, "mfa_required") {
		return nil, t.requireFactor(ctx, stagedoor.MFAToken{
			UserID: user.ID, Scope: x.Scope, Audience: x.Audience, Organization: x.Organization, Protocol: x.Protocol, GrantType: x.GrantType, Methods: x.Methods,
			Connection: x.Connection, AccessEnded: a.AccessEnded,
		})
	}
	if err != nil {
		return nil, err
	}
	return t.issue(ctx, user, a, stagedoor.NewToken())
}

// resume goes on with the request of a person who has given their second factor.
func (t *tokenRequest) resume(ctx context.Context, w *stagedoor.MFAToken) (*tokenResponse, error) {
	x := &pipeline.Direct{
		Client: t.client, Audience: w.Audience, Scope: w.Scope, Organization: w.Organization, Protocol: w.Protocol, GrantType: w.GrantType,
		Methods: w.Methods, Connection: w.Connection, Proof: t.given(), Since: &w.AccessEnded,
	}
	var err error
	if x.API, err = apiOf(ctx, t.st, w.Audience); err != nil {
		return nil, err
	}
	t.event.Audience = w.Audience
	if x.Scope, _, err = t.still(ctx, x.API, x.Scope, nil); err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.Direct(ctx, t.visit, x, w.UserID, t.event)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = invalidGrant("Malformed mfa_token")
	}
	return t.directly(ctx, x, a, user, err)
}

// forwardedFor is the address of the person for whom a client asks, if the tenant trusts it to know: it must have proved itself
// (Authentication API fact sheet 4.1).
func forwardedFor(r *http.Request, c *stagedoor.Client) string {
	if !c.TrustsForwardedAddress() {
		return ""
	}
	a, err := netip.ParseAddr(strings.TrimSpace(r.Header.Get("Auth0-Forwarded-For")))
	if err != nil {
		return ""
	}
	return a.WithZone("").Unmap().String()
}
