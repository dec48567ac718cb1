package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// mayRead is whose authenticators a request may list, and what those that are being set up belong to.
func (d *Door) mayRead(r *http.Request, st *store.Store) (userID, key string, err error) {
	if bearsJWT(r) {
		b, err := d.accessMFA(r, st, token.ReadAuthenticators)
		if err != nil {
			return "", "", err
		}
		return b.User.ID, b.Raw, nil
	}
	t, key, err := bearerMFA(r, st)
	if err != nil {
		return "", "", err
	}
	return t.UserID, key, nil
}

// accessMFA is who a request's access token stands for: one of the tenant's for the MFA API, with the scope, of somebody who is there and not blocked.
func (d *Door) accessMFA(r *http.Request, st *store.Store, scope string) (*token.Bearer, error) {
	b, err := d.Minter.Keys.Bearer(r, st, "MFA API", token.IsMFA)
	if err != nil {
		return nil, err
	}
	if !b.Has(scope) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "insufficient_scope", "Insufficient scope, expected: %s", scope)
	}
	return b, nil
}

// mayEnroll is who may set up a second factor, and what the token is to which it belongs: an mfa_token, or an access token with the scope.
func (d *Door) mayEnroll(r *http.Request, st *store.Store) (*stagedoor.MFAToken, string, error) {
	if !bearsJWT(r) {
		return bearerMFA(r, st)
	}
	ctx := r.Context()
	b, err := d.accessMFA(r, st, token.EnrollAuthenticator)
	if err != nil {
		return nil, "", err
	}
	all, err := st.AuthenticationMethods(ctx, b.User.ID)
	if err != nil {
		return nil, "", err
	}
	methods, err := mfa.MethodsIn(ctx, st, b.User.ID, all)
	if err != nil {
		return nil, "", err
	}
	if before, since := factorsAround(b, all); since && !before {
		return nil, "", errOlderToken()
	}
	t := &stagedoor.MFAToken{
		UserID: b.User.ID, ClientID: b.Client.ID, Scope: b.Scope, Connection: b.User.Connection, Protocol: "oidc-basic-profile",
		ExpiresAt: b.Claims.ExpiresAt, AccessEnded: b.User.AccessEnded, Enroll: true, Beside: !methods.None(),
	}
	if at := slices.IndexFunc(b.Claims.Audience, func(a string) bool { return token.IsMFA(st.Tenant(), a) }); at >= 0 {
		t.Audience = b.Claims.Audience[at]
	}
	t.Organization, _ = b.Claims.Raw["org_id"].(string)
	if t.GrantType, _ = b.Claims.Raw["gty"].(string); t.GrantType == "password" {
		t.Protocol = "oauth2-password"
	}
	return t, b.Raw, st.SaveMFAToken(ctx, b.Raw, t)
}

// bearsJWT tells whether a request comes with an access token and not with an mfa_token.
func bearsJWT(r *http.Request) bool {
	_, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.Count(raw, ".") == 2
}

// factorsAround tells whether the person had a second factor before their token, which they gave for it then, and whether they have one since: whoever got
// the token before their first one may have known the password alone. A recovery code by itself is asked of nobody.
func factorsAround(b *token.Bearer, all []stagedoor.AuthenticationMethod) (before, since bool) {
	for _, m := range all {
		if kind := mfa.KindOf(m.Type); kind != "" && kind != mfa.Recovery {
			earlier := m.CreatedAt.Unix() < b.Claims.IssuedAt.Unix()
			before, since = before || earlier, since || !earlier
		}
	}
	return before, since
}

func errOlderToken() error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The token is older than the authenticator. Please log in again.")
}

// errForEnrolment refuses another use of an access token with which a factor is set up.
func errForEnrolment() error {
	return invalidGrant("With this token nothing is being set up. Call /mfa/associate, and give the code of the new authenticator.")
}

// removeAuthenticator takes one of their second factors from the person of an access token. An mfa_token does not do: with it somebody has proved their
// first factor alone.
func (d *Door) removeAuthenticator(w http.ResponseWriter, r *http.Request, st *store.Store) {
	noStore(w)
	b, err := d.accessMFA(r, st, token.RemoveAuthenticators)
	if err == nil {
		err = d.unenroll(r, st, b)
	}
	if err != nil {
		token.OfferNonce(w, r, st)
		token.Challenge(w, err)
		answerError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) unenroll(r *http.Request, st *store.Store, b *token.Bearer) error {
	ctx, id := r.Context(), r.PathValue("id")
	all, _, err := factorsOf(ctx, st, b.User.ID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(m stagedoor.AuthenticationMethod) bool { return id == authenticatorID(&m) || id == m.ID })
	if at < 0 || mfa.KindOf(all[at].Type) == "" {
		return errNoAuthenticator()
	}
	m := all[at]
	if m.CreatedAt.Unix() > b.Claims.IssuedAt.Unix() { // whoever got the token may have known the password alone
		return errOlderToken()
	}
	if err := mfa.Remove(ctx, st, b.User.ID, &m); stagedoor.IsKind(err, stagedoor.NotFound) { // the person's own address, or gone meanwhile
		return errNoAuthenticator()
	} else if err != nil {
		return err
	}
	e := web.LogEvent(r, stagedoor.LogEvent{Type: "gd_unenroll", ClientID: b.Client.ID, UserID: b.User.ID, Description: "The person took a second factor away: " + m.Type})
	if u, err := st.User(context.WithoutCancel(ctx), b.User.ID); err == nil {
		e.UserName, e.Connection = u.Shown(), u.Connection
	}
	st.Log(e)
	d.Pipeline.FactorChanged(ctx, visit(r, st), b.User.ID, "removed")
	return nil
}

func errNoAuthenticator() error {
	return stagedoor.Errorf(stagedoor.NotFound, "invalid_request", "The authenticator is not one of the user's.")
}
