package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// introspect tells a client with a secret whether a token works, and what it stands for (RFC 7662): one that it got itself, or one that is for the API
// that it stands for. Of other tokens it learns that they do not work, as of any text.
func (d *Door) introspect(w http.ResponseWriter, r *http.Request, st *store.Store) {
	raw, client, err := aboutToken(w, r, st)
	if err == nil && client.Public() {
		err = asInvalidClient(errClient())
	}
	var out map[string]any
	if err == nil {
		out, err = d.told(r.Context(), st, client, raw)
	}
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	if out == nil {
		out = map[string]any{"active": false}
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

// told is what the client may know of a token; nil if it does not work or is none of the client's business.
func (d *Door) told(ctx context.Context, st *store.Store, client *stagedoor.Client, raw string) (map[string]any, error) {
	if len(raw) > jose.MaxTokenSize {
		return nil, nil
	}
	out, user, err := d.jwtTold(ctx, st, raw)
	if err == nil && out == nil {
		out, user, err = opaqueTold(ctx, st, raw)
	}
	refresh := err == nil && out == nil
	if refresh {
		out, user, err = refreshTold(ctx, st, client, raw)
	}
	if err != nil || out == nil || !concerns(client, out, refresh) {
		return nil, err
	}
	of, _ := out["client_id"].(string)
	if _, err := tokenClient(ctx, st, of); err != nil {
		if errors.Is(err, jose.ErrMalformed) {
			err = nil
		}
		return nil, err
	}
	if user != "" {
		u, err := st.User(ctx, user)
		if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && u.IsBlocked() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	out["active"] = true
	return out, nil
}

// concerns tells whether a token is the client's, or for the API that the client stands for. A refresh token is for no API (RFC 6749 section 1.5): one that took it for an
// access token would let its holder in.
func concerns(client *stagedoor.Client, out map[string]any, refresh bool) bool {
	if out["client_id"] == client.ID {
		return true
	}
	if refresh {
		return false
	}
	audiences, _ := out["aud"].([]string)
	api := client.ResourceServer()
	return api != "" && slices.Contains(audiences, api)
}

// jwtTold reads an access token that the tenant signed, with its own key or with the API's secret. An ID token is none: its audience is no API.
func (d *Door) jwtTold(ctx context.Context, st *store.Store, raw string) (map[string]any, string, error) {
	header, peeked, err := jose.Peek(raw)
	if err != nil || len(peeked.Audience) == 0 {
		return nil, "", nil //nolint:nilerr // it is another kind of token
	}
	api, err := token.ResourceServer(ctx, st, peeked.Audience[0])
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	now := st.Clock().Now()
	var claims jose.Claims
	if header.Algorithm == jose.HS256 && api.SigningAlgorithm == jose.HS256 {
		claims, err = jose.Parse(raw, now, func(jose.Header) (string, any, error) { return jose.HS256, []byte(api.SigningSecret), nil })
	} else {
		claims, err = d.Minter.Keys.Parse(ctx, st, raw, now)
	}
	if err != nil || !token.IsIssuer(st.Tenant(), claims.Issuer) {
		if stagedoor.IsKind(err, stagedoor.Unavailable) {
			return nil, "", err
		}
		return nil, "", nil
	}
	if claims.ID != "" {
		if refused, err := st.TokenBlacklisted(ctx, claims.Audience, claims.ID); refused || err != nil {
			return nil, "", err
		}
	}
	out := map[string]any{
		"iss": claims.Issuer, "sub": claims.Subject, "aud": claims.Audience, "exp": claims.ExpiresAt.Unix(), "iat": claims.IssuedAt.Unix(), "client_id": claims.AuthorizedParty,
		"token_type": typeOf(token.ConfirmationOf(claims).JKT),
	}
	if of, has := claims.Raw["client_id"]; has {
		out["client_id"] = of
	}
	for name, value := range claims.Members() { // what rules and actions have put there is what the API would read in the token itself
		if _, has := out[name]; !has && name != "azp" { // azp is client_id
			out[name] = value
		}
	}
	if of, _ := out["client_id"].(string); claims.Subject == of+"@clients" || stagedoor.IsAnonymous(claims.Subject) { // people's ids may end like that
		return out, "", nil
	}
	return out, claims.Subject, nil
}

func opaqueTold(ctx context.Context, st *store.Store, raw string) (map[string]any, string, error) {
	a, err := st.AccessToken(ctx, raw)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	out := map[string]any{
		"iss": a.Issuer, "sub": a.UserID, "aud": []string{a.Issuer + "userinfo"}, "exp": a.ExpiresAt.Unix(), "client_id": a.ClientID, "scope": joined(a.Scope),
		"token_type": typeOf(a.JKT),
	}
	if cnf := (token.Confirmation{JKT: a.JKT, X5T: a.X5T}).Claim(); cnf != nil {
		out["cnf"] = cnf
	}
	return out, a.UserID, nil
}

// refreshTold reads a refresh token. One that was superseded does not work, and to look at it ends no family.
func refreshTold(ctx context.Context, st *store.Store, client *stagedoor.Client, raw string) (map[string]any, string, error) {
	var rt *stagedoor.RefreshToken
	var s *stagedoor.Session
	var err error
	if store.IsOnlineToken(raw) {
		if rt, s, err = online(ctx, st, raw, client.ID); err == nil {
			err = stillOnline(ctx, st, rt, s)
		}
	} else {
		rt, err = st.UnusedRefreshToken(ctx, raw)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	out := map[string]any{"sub": rt.UserID, "client_id": rt.ClientID, "scope": joined(rt.Scope), "iat": rt.CreatedAt.Unix()}
	if rt.Audience != "" {
		out["aud"] = []string{rt.Audience}
	}
	if cnf := (token.Confirmation{JKT: rt.JKT, X5T: rt.X5T}).Claim(); cnf != nil {
		out["cnf"] = cnf
	}
	until := rt.ExpiresAt
	if until.IsZero() || !rt.IdleExpiry.IsZero() && rt.IdleExpiry.Before(until) {
		until = rt.IdleExpiry
	}
	if !until.IsZero() {
		out["exp"] = until.Unix()
	}
	return out, rt.UserID, nil
}
