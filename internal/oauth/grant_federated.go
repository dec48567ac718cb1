package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// grantFederated is the grant by which a client has the token that a provider gave for an account that its person connected.
const (
	grantFederated   = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
	typeFederated    = "http://auth0.com/oauth/token-type/federated-connection-access-token"
	typeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"
)

// How long one server renews a provider's token alone, and how often others look whether it has.
const (
	renewAlone = 20 * time.Second
	renewLook  = 200 * time.Millisecond
)

// mayFederate tells whether a client may have providers' tokens: one that proves itself, for it gets what is worth as much as the person's account.
func mayFederate(c *stagedoor.Client) bool {
	return c.Allows(grantFederated) && !c.Public() && c.IsFirstParty && c.OIDCConformant
}

// exchangeFederated gives the access token of a connected account for a refresh token of the client's, or, to a client that stands for an API, for an access token for it.
func exchangeFederated(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	for _, name := range []string{"subject_token", "subject_token_type", "requested_token_type", "connection"} {
		if t.params[name] == "" {
			return nil, missing(name)
		}
	}
	if t.params["requested_token_type"] != typeFederated {
		return nil, invalid("Unsupported requested_token_type: %s", cut(t.params["requested_token_type"]))
	}
	u, err := t.federatedUser(ctx)
	if err != nil {
		return nil, err
	}
	t.event.UserID, t.event.UserName = u.ID, u.Shown()
	conn, a, err := t.connectedAccount(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	t.event.Connection, t.event.ConnID, t.event.Strategy = conn.Name, conn.ID, conn.Strategy
	tokens, err := t.working(ctx, conn, a)
	if err != nil {
		return nil, err
	}
	scope := tokens.Scope
	if scope == "" {
		scope = strings.Join(a.Scopes, " ")
	}
	life := time.Hour // a provider that does not say: the client asks again
	if !tokens.ExpiresAt.IsZero() {
		life = tokens.ExpiresAt.Sub(t.st.Clock().Now())
	}
	return &tokenResponse{AccessToken: tokens.Access, Scope: &scope, ExpiresIn: int(life.Seconds()), TokenType: "Bearer", IssuedTokenType: typeFederated}, nil
}

// federatedUser is whose the subject token is.
func (t *tokenRequest) federatedUser(ctx context.Context) (*stagedoor.User, error) {
	refused := stagedoor.Errorf(stagedoor.Unauthorized, "invalid_grant", "The subject_token is invalid, or expired.")
	var userID string
	switch kind := t.params["subject_token_type"]; kind {
	case typeRefreshToken:
		if t.client.RefreshToken.Rotating() { // it is not used up here, and so would be one that was used again
			return nil, invalid("The client's refresh tokens rotate: they cannot be exchanged.")
		}
		rt, err := t.present(ctx, t.params["subject_token"])
		if err != nil {
			return nil, err
		}
		userID = rt.UserID
	case typeAccessToken:
		claims, err := t.Minter.Keys.Parse(ctx, t.st, t.params["subject_token"], t.st.Clock().Now())
		if errors.Is(err, jose.ErrExpired) || errors.Is(err, jose.ErrSignature) || errors.Is(err, jose.ErrMalformed) || errors.Is(err, jose.ErrAlgorithm) || errors.Is(err, jose.ErrNotYetValid) {
			return nil, refused
		}
		if err != nil {
			return nil, err
		}
		if api := t.client.ResourceServer(); api == "" || !slices.Contains(claims.Audience, api) || !token.IsIssuer(t.st.Tenant(), claims.Issuer) {
			return nil, refused
		}
		if claims.ID != "" {
			if is, err := t.st.TokenBlacklisted(ctx, claims.Audience, claims.ID); err != nil || is {
				return nil, errors.Join(err, refused)
			}
		}
		userID = claims.Subject
	default:
		return nil, invalid("Unsupported subject_token_type: %s", cut(kind))
	}
	u, err := t.st.User(ctx, userID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && u.IsBlocked() {
		return nil, refused
	}
	return u, err
}

// connectedAccount is the person's account at the connection that the request names: the one that login_hint means, else the one that came last.
func (t *tokenRequest) connectedAccount(ctx context.Context, userID string) (*stagedoor.Connection, *stagedoor.ConnectedAccount, error) {
	none := stagedoor.Errorf(stagedoor.Unauthorized, "federated_connection_not_found", "The user has connected no account of this connection.")
	conn, err := t.st.ConnectionByName(ctx, t.params["connection"])
	mine := func() bool { return conn.EnabledFor(t.client.ID) || t.client.ResourceServer() != "" } // an API signs nobody in
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !(conn.ConnectsAccounts() && mine()) {
		return nil, nil, none
	}
	if err != nil {
		return nil, nil, err
	}
	all, err := t.st.ConnectedAccounts(ctx, userID)
	if err != nil {
		return nil, nil, err
	}
	hint := t.params["login_hint"]
	for i := len(all) - 1; i >= 0; i-- {
		a := &all[i]
		named := hint == "" || a.Account == hint || slices.ContainsFunc(a.Names, func(n string) bool { return strings.EqualFold(n, hint) })
		if a.ConnectionID == conn.ID && named {
			return conn, a, nil
		}
	}
	return nil, nil, none
}

// working are an account's tokens, renewed where the access token has expired. One request renews at a time: many providers take each refresh token once.
func (t *tokenRequest) working(ctx context.Context, conn *stagedoor.Connection, a *stagedoor.ConnectedAccount) (*stagedoor.ProviderTokens, error) {
	now := t.st.Clock().Now()
	if a.Tokens.Works(now) {
		return &a.Tokens, t.st.UseConnectedAccount(ctx, a.UserID, a.ID, now)
	}
	gone := stagedoor.Errorf(stagedoor.Unauthorized, "federated_connection_refresh_token_not_found", "The provider's token has expired and cannot be renewed. The user has to connect the account again.")
	if a.Tokens.Refresh == "" {
		return nil, gone
	}
	lease := "connected account " + a.ID + " " + a.Tokens.Refresh
	ours, err := t.st.Lease(ctx, lease, time.Time{}, now.Add(renewAlone))
	if err != nil {
		return nil, err
	}
	if !ours {
		return t.renewedByAnother(ctx, a, gone)
	}
	renewing, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewAlone) // a client that does not wait for the answer must not lose the next refresh token with it
	defer cancel()
	renewed, err := t.Pipeline.Upstream.Renew(renewing, t.st, conn, a.Tokens)
	if err != nil {
		refused := *gone
		if errors.Is(err, connection.ErrForNow) {
			refused = *notNow()
		}
		refused.Err = err
		return nil, errors.Join(&refused, t.st.ReturnProof(context.WithoutCancel(ctx), lease))
	}
	return renewed, t.st.RenewConnectedAccount(context.WithoutCancel(ctx), a, renewed, now)
}

// renewedByAnother waits for the tokens that another request is fetching.
func (t *tokenRequest) renewedByAnother(ctx context.Context, a *stagedoor.ConnectedAccount, gone error) (*stagedoor.ProviderTokens, error) {
	for range int(renewAlone / renewLook) {
		all, err := t.st.ConnectedAccounts(ctx, a.UserID)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(o stagedoor.ConnectedAccount) bool { return o.ID == a.ID })
		if i < 0 {
			return nil, gone
		}
		if all[i].Tokens.Works(t.st.Clock().Now()) {
			return &all[i].Tokens, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(renewLook):
		}
	}
	return nil, notNow() // what came of it nobody knows
}

// notNow is the answer where the provider could not be asked: the account stays connected, and the client may come again.
func notNow() *stagedoor.Error {
	e := stagedoor.Errorf(stagedoor.Unavailable, "temporarily_unavailable", "The provider cannot be reached to renew its token. Try again later.")
	e.Extra = map[string]any{web.Patience: 5}
	return e
}
