package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The token endpoints of clients of the old kind (Authentication API fact sheets 5.2, 6.2 and 6.16). Each is there where the tenant's flag says so, for clients
// that are not conformant and whose grant types name it; no new tenant and no new client has either.

// The grant types by which clients may use them.
const (
	legacyRO              = "http://auth0.com/oauth/legacy/grant-type/ro"
	legacyROBearer        = "http://auth0.com/oauth/legacy/grant-type/ro/jwt-bearer"
	legacyAccessToken     = "http://auth0.com/oauth/legacy/grant-type/access_token" //nolint:gosec // a name
	legacyDelegationID    = "http://auth0.com/oauth/legacy/grant-type/delegation/id_token"
	legacyDelegationToken = "http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token" //nolint:gosec // a name
	grantBearer           = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// legacyEndpoint serves one of them: it finds the client, which has no secret to show, and writes the log.
func (d *Door) legacyEndpoint(w http.ResponseWriter, r *http.Request, st *store.Store, success, failure, flag string, serve func(context.Context, *tokenRequest) (map[string]any, error)) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: failure})
	params, err := readParams(w, r)
	if err != nil {
		answerError(w, r, err)
		return
	}
	event.ClientID = params["client_id"]
	client, err := oldClient(r, st, params["client_id"], flag)
	var out map[string]any
	if err == nil {
		event.ClientName = client.Name
		v := visit(r, st)
		v.Body = scriptBody(params)
		out, err = serve(r.Context(), &tokenRequest{Door: d, st: st, client: client, params: params, visit: v, event: &event})
	}
	if err == nil {
		event.Type = success
	}
	logToken(st, &event, err)
	if err != nil {
		answerError(w, r, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

// oldClient is the client that asks, if it is of the old kind and the tenant's flag is set.
func oldClient(r *http.Request, st *store.Store, id, flag string) (*stagedoor.Client, error) {
	if id == "" {
		return nil, invalid("missing client_id parameter")
	}
	client, err := st.Client(r.Context(), id)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && client.Global:
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "invalid client")
	case err != nil:
		return nil, err
	case client.OIDCConformant:
		return nil, invalid("OIDC conformant clients cannot use %s", r.URL.Path)
	case !st.Tenant().Settings.Flags[flag]:
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "%s is switched off for this tenant.", r.URL.Path)
	}
	if err := checkProof(client, token.Confirmation{}); err != nil { // nothing proves the possession of a key here
		return nil, err
	}
	web.EventOf(r.Context()).SetClient(client.ID)
	return client, nil
}

// resourceOwner is /oauth/ro.
func (d *Door) resourceOwner(w http.ResponseWriter, r *http.Request, st *store.Store) {
	d.legacyEndpoint(w, r, st, "s", "f", stagedoor.FlagLegacyRO, func(ctx context.Context, t *tokenRequest) (map[string]any, error) {
		x := &pipeline.Direct{Client: t.client, Scope: distinct(stagedoor.Words(t.params["scope"])), Legacy: true}
		offline := (&stagedoor.Authorization{Scope: x.Scope}).HasScope("offline_access")
		if offline && t.params["device"] == "" {
			return nil, invalid("missing device parameter")
		}
		var a *stagedoor.Authorization
		var u *stagedoor.User
		var err error
		switch t.params["grant_type"] {
		case "":
			return nil, invalid("missing grant_type parameter")
		case "password":
			x.Protocol = "oauth2-resource-owner"
			a, u, err = t.roPassword(ctx, x)
		case grantBearer:
			x.Protocol = "oauth2-resource-owner-jwt-bearer"
			a, u, err = t.roBearer(ctx, x)
		default:
			return nil, stagedoor.Errorf(stagedoor.Invalid, "unsupported_grant_type", "Unsupported grant type: %s", cut(t.params["grant_type"]))
		}
		if err != nil {
			return nil, roError(err)
		}
		return t.old(ctx, u, a)
	})
}

// old issues tokens and answers them as these endpoints do.
func (t *tokenRequest) old(ctx context.Context, u *stagedoor.User, a *stagedoor.Authorization) (map[string]any, error) {
	resp, err := t.issue(ctx, u, a, stagedoor.NewToken())
	if err != nil {
		return nil, roError(err)
	}
	out := map[string]any{"access_token": resp.AccessToken, "token_type": "bearer"}
	for name, value := range map[string]string{"id_token": resp.IDToken, "refresh_token": resp.RefreshToken} {
		if value != "" {
			out[name] = value
		}
	}
	return out, nil
}

// providerToken is /oauth/access_token: tokens for an access token that an app got from a provider. Those of providers that do not say for whom
// they gave it are refused: any site at which a person signs in with the provider could be them here (token substitution, RFC 9700 section 4.14
// and OpenID Connect Core 16.6).
func (d *Door) providerToken(w http.ResponseWriter, r *http.Request, st *store.Store) {
	d.legacyEndpoint(w, r, st, "s", "f", stagedoor.FlagLegacyRO, func(ctx context.Context, t *tokenRequest) (map[string]any, error) {
		if !t.client.Allows(legacyAccessToken) {
			return nil, errGrant(legacyAccessToken)
		}
		for _, name := range []string{"connection", "access_token"} {
			if t.params[name] == "" {
				return nil, invalid("missing %s parameter", name)
			}
		}
		x := &pipeline.Direct{Client: t.client, Scope: distinct(stagedoor.Words(t.params["scope"])), Protocol: "oauth2-access-token", Legacy: true}
		if slices.Contains(x.Scope, "offline_access") && t.params["device"] == "" {
			return nil, invalid("missing device parameter")
		}
		conn, err := connection.ForClient(ctx, t.st, t.client.ID, t.params["connection"])
		switch {
		case err != nil:
			return nil, err
		case !connection.TellsClient(conn) || t.Pipeline.Upstream == nil:
			return nil, invalid("specified strategy does not support requested operation: %s does not tell for which client it gave a token", conn.Strategy)
		}
		a, u, err := t.Pipeline.ByNative(ctx, t.visit, x, conn, &connection.Native{Kind: connection.NativeAccess, Token: t.params["access_token"]}, t.event)
		if connection.IsUnknownToken(err) {
			return nil, stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "invalid access_token: invalid_token")
		}
		if err != nil {
			return nil, roError(err)
		}
		return t.old(ctx, u, a)
	})
}

func (t *tokenRequest) roPassword(ctx context.Context, x *pipeline.Direct) (*stagedoor.Authorization, *stagedoor.User, error) {
	if !t.client.Allows(legacyRO) {
		return nil, nil, errGrant(legacyRO)
	}
	for _, name := range []string{"connection", "username", "password"} {
		if t.params[name] == "" {
			return nil, nil, invalid("missing %s parameter", name)
		}
	}
	conn, err := forPasswords(ctx, t.st, t.client, t.params["connection"])
	if err != nil {
		return nil, nil, err
	}
	return t.Pipeline.ByPassword(ctx, t.visit, x, conn, t.params["username"], t.params["password"], t.event)
}

func (t *tokenRequest) roBearer(ctx context.Context, x *pipeline.Direct) (*stagedoor.Authorization, *stagedoor.User, error) {
	if !t.client.Allows(legacyROBearer) {
		return nil, nil, errGrant(legacyROBearer)
	}
	sub, err := t.owner(ctx, t.params["id_token"])
	if err != nil {
		return nil, nil, err
	}
	return t.Pipeline.Direct(ctx, t.visit, x, sub, t.event)
}

// forPasswords is the connection that an old request names, if people sign in with a password through it.
func forPasswords(ctx context.Context, st *store.Store, client *stagedoor.Client, name string) (*stagedoor.Connection, error) {
	conn, err := connection.ForClient(ctx, st, client.ID, name)
	if err == nil && !(conn.ForLogin() && conn.Passwords()) {
		err = invalid("specified strategy does not support requested operation")
	}
	return conn, err
}

// owner is whom an ID token that the client got tells of. Whoever knows the secret of a client can make one that is signed with it, so that it
// names only people whom the client could sign in.
func (t *tokenRequest) owner(ctx context.Context, raw string) (string, error) {
	if raw == "" {
		return "", invalid("missing id_token parameter")
	}
	claims, err := t.Minter.ParseIDToken(ctx, t.st, raw)
	switch {
	case errors.Is(err, jose.ErrExpired):
		return "", stagedoor.Errorf(stagedoor.Unauthorized, "invalid_grant", "The id_token has expired.")
	case err != nil || !token.IsIssuer(t.st.Tenant(), claims.Issuer) || len(claims.Audience) != 1 || claims.Audience[0] != t.client.ID || claims.Subject == "":
		return "", stagedoor.Errorf(stagedoor.Unauthorized, "invalid_grant", "The id_token is not valid for this client.")
	}
	u, err := token.Reachable(ctx, t.st, t.client, claims.Subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", stagedoor.Errorf(stagedoor.Unauthorized, "invalid_grant", "The id_token is not valid for this client.")
	}
	before := false
	if err == nil {
		before, err = token.FromBefore(ctx, t.st, claims, raw, u)
	}
	if before {
		err = stagedoor.Errorf(stagedoor.Unauthorized, "invalid_grant", "All access of the user has ended since the id_token was given.")
	}
	return claims.Subject, err
}

// roError is an error in the words of these endpoints. There is nowhere to ask for a second factor.
func roError(err error) error {
	e := stagedoor.AsError(ended("", err))
	switch {
	case e.Code == "invalid_grant" && e.Kind == stagedoor.Forbidden:
		return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_user_password", "%s", e.Message)
	case e.Code == "mfa_required":
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Multifactor authentication required")
	case e.Kind == stagedoor.NotFound:
		return stagedoor.Errorf(stagedoor.Unauthorized, "unauthorized", "the user does not exist")
	}
	return err
}

// delegation gives a client an ID token for another one, or a new one for itself.
func (d *Door) delegation(w http.ResponseWriter, r *http.Request, st *store.Store) {
	d.legacyEndpoint(w, r, st, "sd", "fd", stagedoor.FlagLegacyDelegation, func(ctx context.Context, t *tokenRequest) (map[string]any, error) {
		if t.params["grant_type"] != grantBearer {
			return nil, stagedoor.Errorf(stagedoor.Invalid, "unsupported_grant_type", "Unsupported grant type: %s", cut(t.params["grant_type"]))
		}
		switch t.params["api_type"] {
		case "", "app", "auth0":
		default:
			return nil, stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "Delegation to %s is not supported by this server.", cut(t.params["api_type"]))
		}
		target, err := t.delegate(ctx)
		if err != nil {
			return nil, err
		}
		sub, through, err := t.delegator(ctx)
		if err != nil {
			return nil, err
		}
		scope := distinct(stagedoor.Words(t.params["scope"]))
		if len(scope) == 0 {
			scope = []string{"openid"}
		}
		x := &pipeline.Direct{Client: target, Scope: scope, Connection: through, Protocol: "delegation", Legacy: true}
		a, u, err := t.Pipeline.Direct(ctx, t.visit, x, sub, t.event)
		if err != nil {
			return nil, roError(err)
		}
		signed, err := t.Minter.IDToken(ctx, st, target, u, a, token.Beside{})
		return map[string]any{"token_type": "Bearer", "expires_in": target.IDTokenLifetime(), "id_token": signed}, err
	})
}

// delegate is the client that the token is to be for: the one that asks, or one that lists it among its allowed clients.
func (t *tokenRequest) delegate(ctx context.Context) (*stagedoor.Client, error) {
	id := t.params["target"]
	if id == "" || id == t.client.ID {
		return t.client, nil
	}
	target, err := t.st.Client(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "invalid target client")
	}
	if err == nil && (target.OIDCConformant || target.Global || !target.TakesDelegationOf(t.client.ID)) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "The target client does not allow delegation from this client.")
	}
	return target, err
}

// delegator is whose token the client brings, and the name of the connection through which they signed in, if that is known.
func (t *tokenRequest) delegator(ctx context.Context) (userID, through string, err error) {
	if raw := t.params["refresh_token"]; raw != "" {
		if !t.client.Allows(legacyDelegationToken) {
			return "", "", errGrant(legacyDelegationToken)
		}
		rt, err := t.present(ctx, raw)
		if err == nil && rt.Rotating {
			err = errRefresh()
		}
		if err != nil {
			return "", "", err
		}
		return rt.UserID, rt.Connection, nil
	}
	if !t.client.Allows(legacyDelegationID) {
		return "", "", errGrant(legacyDelegationID)
	}
	userID, err = t.owner(ctx, t.params["id_token"])
	return userID, "", err
}

// tokenInfo answers the whole profile of whom an ID token tells (fact sheet 6.2).
func (d *Door) tokenInfo(w http.ResponseWriter, r *http.Request, st *store.Store) {
	noStore(w)
	raw := r.URL.Query().Get("id_token")
	if r.Method == http.MethodPost {
		params, err := readParams(w, r)
		if err != nil {
			answerError(w, r, err)
			return
		}
		raw = params["id_token"]
	}
	out, err := d.profileOf(r, st, raw)
	switch {
	case stagedoor.IsKind(err, stagedoor.Unauthorized):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte("Unauthorized"))
	case err != nil:
		answerError(w, r, err)
	default:
		web.WriteJSON(w, http.StatusOK, out)
	}
}

func (d *Door) profileOf(r *http.Request, st *store.Store, raw string) (map[string]any, error) {
	refused := stagedoor.Errorf(stagedoor.Unauthorized, "unauthorized", "Unauthorized")
	if raw == "" {
		return nil, invalid("missing id_token parameter")
	}
	claims, err := d.Minter.ParseIDToken(r.Context(), st, raw)
	if err != nil || !token.IsIssuer(st.Tenant(), claims.Issuer) || len(claims.Audience) != 1 {
		return nil, refused
	}
	client, err := oldClient(r, st, claims.Audience[0], stagedoor.FlagLegacyTokenInfo)
	if err != nil {
		return nil, err
	}
	u, err := token.Reachable(r.Context(), st, client, claims.Subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	out := u.Wire()
	out["clientID"] = client.ID
	return out, nil
}
