package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// userInfo answers what a token's scopes say of its user, as the user is now (OpenID Connect Core
// 5.3; Authentication API fact sheet 6.1).
func (d *Door) userInfo(w http.ResponseWriter, r *http.Request, st *store.Store) {
	noStore(w)
	a, err := d.bearer(w, r, st)
	if err == nil && a.UserID == "" {
		err = jose.ErrMalformed
	}
	var u *stagedoor.User
	if err == nil {
		u, err = st.User(r.Context(), a.UserID)
	}
	if err == nil && u.IsBlocked() {
		err = jose.ErrMalformed
	}
	var client *stagedoor.Client
	if err == nil {
		client, err = tokenClient(r.Context(), st, a.ClientID)
	}
	if err != nil {
		unauthorized(w, r, st, err)
		return
	}
	claims := map[string]any{}
	if !a.Conformant {
		claims = legacyProfile(u, a)
	} else if a.HasScope("openid") {
		claims = token.UserInfo(u, a)
	}
	claims["sub"] = u.ID
	signed, err := d.signedUserInfo(r, st, client, claims)
	if err != nil {
		answerError(w, r, err)
		return
	}
	if signed != "" {
		w.Header().Set("Content-Type", "application/jwt")
		w.Write([]byte(signed))
		return
	}
	web.WriteJSON(w, http.StatusOK, claims)
}

// tokenClient returns the client that a token was given to. The token works as long as the client is there and the tenant takes such clients.
func tokenClient(ctx context.Context, st *store.Store, id string) (*stagedoor.Client, error) {
	client, err := st.Client(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(client) {
		return nil, jose.ErrMalformed
	}
	return client, err
}

// signedUserInfo signs the answer for a client whose settings want that (OpenID Connect Core 5.3.2); empty for others.
func (d *Door) signedUserInfo(r *http.Request, st *store.Store, client *stagedoor.Client, claims map[string]any) (string, error) {
	if client.UserInfoAlgorithm() == "" {
		return "", nil
	}
	claims["iss"], claims["aud"] = web.Issuer(r), client.ID
	return d.Minter.Sign(r.Context(), st, client.UserInfoAlgorithm(), claims)
}

// legacyProfile is the whole profile: as it stood after rules, with what has changed since.
func legacyProfile(u *stagedoor.User, a *stagedoor.Authorization) map[string]any {
	profile := map[string]any{}
	if json.Unmarshal(a.Profile, &profile) != nil {
		profile = map[string]any{}
	}
	for k, v := range u.Wire() {
		profile[k] = v
	}
	for k, v := range a.IDClaims {
		profile[k] = v
	}
	for k, v := range map[string]string{"org_id": a.OrgID, "org_name": a.OrgName} {
		if delete(profile, k); v != "" {
			profile[k] = v
		}
	}
	return profile
}

// bearer returns what the request's token stands for: an opaque token, or a JWT that the tenant made
// for an API and for /userinfo.
func (d *Door) bearer(w http.ResponseWriter, r *http.Request, st *store.Store) (*stagedoor.Authorization, error) {
	scheme, raw := presentedToken(w, r)
	if raw == "" || len(raw) > jose.MaxTokenSize {
		return nil, jose.ErrMalformed
	}
	a, err := d.accessToken(r, st, raw)
	if err == nil {
		err = token.Confirmation{JKT: a.JKT, X5T: a.X5T}.Check(r, st, scheme, raw)
	}
	return a, err
}

// accessToken returns what a token for /userinfo stands for.
func (d *Door) accessToken(r *http.Request, st *store.Store, raw string) (*stagedoor.Authorization, error) {
	a, err := st.AccessToken(r.Context(), raw)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return a, err
	}
	claims, err := d.Minter.Keys.Parse(r.Context(), st, raw, st.Clock().Now())
	if err != nil {
		return nil, err
	}
	meant := false
	for _, audience := range claims.Audience {
		meant = meant || audience != "" && token.IsUserInfo(st.Tenant(), audience)
	}
	if !meant || !token.IsIssuer(st.Tenant(), claims.Issuer) {
		return nil, jose.ErrMalformed
	}
	a = &stagedoor.Authorization{UserID: claims.Subject, Conformant: true, Scope: stagedoor.Words(claims.Scope)}
	a.OrgID, _ = claims.Raw["org_id"].(string)
	a.OrgName, _ = claims.Raw["org_name"].(string)
	if a.ClientID = claims.AuthorizedParty; a.ClientID == "" {
		a.ClientID, _ = claims.Raw["client_id"].(string)
	}
	bound := token.ConfirmationOf(claims)
	a.JKT, a.X5T = bound.JKT, bound.X5T
	return a, nil
}

// presentedToken returns the request's token and the scheme that it comes under.
func presentedToken(w http.ResponseWriter, r *http.Request) (scheme, raw string) {
	if scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
		return scheme, strings.TrimSpace(value)
	}
	if r.Method == http.MethodPost {
		if params, err := readParams(w, r); err == nil {
			return "Bearer", params["access_token"]
		}
	} else if given := r.URL.Query()["access_token"]; len(given) == 1 && r.Header.Get("Authorization") == "" {
		return "Bearer", given[0] // passport-auth0 has no other way
	}
	return "", ""
}

func unauthorized(w http.ResponseWriter, r *http.Request, st *store.Store, err error) {
	token.OfferNonce(w, r, st)
	token.Challenge(w, err)
	why := "The token is invalid"
	if errors.Is(err, jose.ErrExpired) {
		why = "The token has expired"
	}
	w.Header().Add("WWW-Authenticate", `Bearer realm="Users", error="invalid_token", error_description="`+why+`"`)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	w.Write([]byte("Unauthorized"))
}
