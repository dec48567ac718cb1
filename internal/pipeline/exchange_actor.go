package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/token"
)

// typeIDToken says that the actor's token is an ID token of ours, which actions need not verify.
const typeIDToken = "urn:ietf:params:oauth:token-type:id_token"

// actingUser is the user of the actor's token, as actions see them; nil where the token is of another kind, of which only the action knows whose it is.
func (p *Pipeline) actingUser(ctx context.Context, v Visit, x *TokenExchange) (map[string]any, error) {
	if x.ActorType != typeIDToken {
		return nil, nil //nolint:nilnil // there is none
	}
	u, err := p.actor(ctx, v, x)
	if err != nil {
		return nil, err
	}
	return enrolledUser(ctx, v.Store, u)
}

// actor is whose ID token the actor's is. Programs of others get ID tokens of people who log in there, and whoever knows the secret of a client can make
// those that are signed with it: neither shall act as the person here. So the token is one of the client that asks, or of a first-party client
// and signed by the tenant's own key; one that a secret signs names only people whom the client could sign in.
func (p *Pipeline) actor(ctx context.Context, v Visit, x *TokenExchange) (*stagedoor.User, error) {
	wrong := stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The actor_token is not a valid ID token.")
	claims, err := p.Minter.ParseIDToken(ctx, v.Store, x.Actor)
	if err != nil || !token.IsIssuer(v.Store.Tenant(), claims.Issuer) || len(claims.Audience) != 1 || claims.Subject == "" || claims.Header.Type == "at+jwt" {
		return nil, wrong
	}
	of, err := v.Store.Client(ctx, claims.Audience[0]) // which no API is
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, wrong
	}
	if err != nil {
		return nil, err
	}
	if of.ID != x.Client.ID && (!of.IsFirstParty || claims.Header.Algorithm == jose.HS256) {
		return nil, wrong
	}
	var u *stagedoor.User
	if claims.Header.Algorithm == jose.HS256 {
		u, err = token.Reachable(ctx, v.Store, of, claims.Subject)
	} else {
		u, err = v.Store.User(ctx, claims.Subject)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && u.IsBlocked() {
		return nil, wrong
	}
	return u, err
}
