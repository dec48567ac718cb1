package oauth

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

// mayNative tells whether the client may exchange what its app got from a provider: its settings say so for each.
func mayNative(c *stagedoor.Client, kind string) bool {
	names := map[string]string{connection.NativeApple: "apple", connection.NativeFacebook: "facebook", connection.NativeGoogle: "google"}
	var settings map[string]struct{ Enabled bool }
	return json.Unmarshal(c.Stored["native_social_login"], &settings) == nil && settings[names[kind]].Enabled
}

// mayExchangeAny tells whether the client may exchange any kind of token.
func mayExchangeAny(c *stagedoor.Client) bool {
	return mayExchange(c) || mayNative(c, connection.NativeApple) || mayNative(c, connection.NativeFacebook) || mayNative(c, connection.NativeGoogle)
}

// exchangeNative gives tokens for a proof that an app got from the provider itself (Authentication API fact sheet 4.9).
func exchangeNative(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	kind := t.params["subject_token_type"]
	t.event.Type, t.success = "fens", "sens"
	if !mayNative(t.client, kind) {
		return nil, errGrant(grantTokenExchange)
	}
	all, err := t.st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	var conn *stagedoor.Connection
	for i := range all {
		if c := &all[i]; conn == nil && c.Strategy == connection.NativeStrategies[kind] && c.EnabledFor(t.client.ID) && c.Redirects() {
			conn = c
		}
	}
	if conn == nil || t.Pipeline.Upstream == nil {
		return nil, invalid("no connections enabled for the client")
	}
	w, err := askedFor(ctx, t.st, t.client, t.params, nil)
	if err != nil {
		return nil, err
	}
	t.event.Audience = w.audience
	x := &pipeline.Direct{Client: t.client, API: w.api, Audience: w.audience, Scope: w.scope, Organization: t.params["organization"], Protocol: "oauth2-token-exchange"}
	n := &connection.Native{Kind: kind, Token: t.params["subject_token"], Profile: t.params["user_profile"]}
	var mobile struct {
		IOS struct {
			App string `json:"app_bundle_identifier"`
		} `json:"ios"`
	}
	if json.Unmarshal(t.client.Stored["mobile"], &mobile) == nil {
		n.AppID = mobile.IOS.App
	}
	a, user, err := t.Pipeline.ByNative(ctx, t.visit, x, conn, n, t.event)
	if stagedoor.HasCode(err, "access_denied") && stagedoor.AsError(err).Kind == stagedoor.Forbidden {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", "%s", stagedoor.AsError(err).Message)
	}
	resp, err := t.directly(ctx, x, a, user, err)
	if err == nil {
		resp.IssuedTokenType = typeAccessToken
	}
	return resp, err
}
