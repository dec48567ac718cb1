package oauth

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

const (
	grantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccessToken    = "urn:ietf:params:oauth:token-type:access_token"
)

// mayExchange tells whether the client may exchange tokens of somebody else's making: its settings name the type of the profiles.
func mayExchange(c *stagedoor.Client) bool {
	var settings struct {
		Types []string `json:"allow_any_profile_of_type"`
	}
	return c.OIDCConformant && c.IsFirstParty && json.Unmarshal(c.Stored["token_exchange"], &settings) == nil && slices.Contains(settings.Types, "custom_authentication")
}

// exchangeToken gives tokens for a token of somebody else's making (RFC 8693; Authentication API fact sheet 4.9): an action of the tenant's says
// whose it is.
func exchangeToken(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	x := &pipeline.TokenExchange{
		Client: t.client, Organization: t.params["organization"],
		Subject: t.params["subject_token"], SubjectType: t.params["subject_token_type"], RequestedType: t.params["requested_token_type"],
		Actor: t.params["actor_token"], ActorType: t.params["actor_token_type"],
	}
	switch {
	case x.Subject == "":
		return nil, missing("subject_token")
	case x.SubjectType == "":
		return nil, missing("subject_token_type")
	case x.Actor != "" && x.ActorType == "":
		return nil, missing("actor_token_type")
	case x.Actor == "" && x.ActorType != "":
		return nil, missing("actor_token")
	case x.RequestedType != "" && x.RequestedType != typeAccessToken:
		return nil, invalid("Unsupported requested_token_type: %s", x.RequestedType)
	}
	if connection.NativeStrategies[x.SubjectType] != "" {
		return exchangeNative(ctx, t)
	}
	if !mayExchange(t.client) {
		return nil, errGrant(grantTokenExchange)
	}
	if x.RequestedType == "" {
		x.RequestedType = typeAccessToken
	}
	w, err := askedFor(ctx, t.st, t.client, t.params, nil)
	if err != nil {
		return nil, err
	}
	x.API, x.Audience, x.Scope, t.event.Audience = w.api, w.audience, w.scope, w.audience
	a, user, err := t.Pipeline.Exchange(ctx, t.visit, x, t.event)
	if err != nil {
		return nil, err
	}
	resp, err := t.issue(ctx, user, a, stagedoor.NewToken())
	if err != nil {
		return nil, err
	}
	resp.IssuedTokenType = typeAccessToken
	return resp, nil
}
