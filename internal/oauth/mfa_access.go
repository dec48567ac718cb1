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
	if _, raw, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.Count(raw, ".") == 2 {
		a, err := d.accessMFA(r, st, token.ReadAuthenticators)
		if err != nil {
			return "", "", err
		}
		return a.UserID, raw, nil
	}
	t, key, err := bearerMFA(r, st)
	if err != nil {
		return "", "", err
	}
	return t.UserID, key, nil
}

// accessMFA is who a request's access token stands for: one of the tenant's for the MFA API, with the scope, of somebody who is there and not blocked.
func (d *Door) accessMFA(r *http.Request, st *store.Store, scope string) (*stagedoor.Authorization, error) {
	b, err := d.Minter.Keys.Bearer(r, st, "MFA API", token.IsMFA)
	if err != nil {
		return nil, err
	}
	if !b.Has(scope) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "insufficient_scope", "Insufficient scope, expected: %s", scope)
	}
	return &stagedoor.Authorization{UserID: b.User.ID, ClientID: b.Client.ID, Scope: b.Scope, AuthTime: b.Claims.IssuedAt.Unix()}, nil
}

// removeAuthenticator takes one of their second factors from the person of an access token. An mfa_token does not do: with it somebody has proved their
// first factor alone.
func (d *Door) removeAuthenticator(w http.ResponseWriter, r *http.Request, st *store.Store) {
	noStore(w)
	a, err := d.accessMFA(r, st, token.RemoveAuthenticators)
	if err == nil {
		err = d.unenroll(r, st, a)
	}
	if err != nil {
		token.OfferNonce(w, r, st)
		token.Challenge(w, err)
		answerError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) unenroll(r *http.Request, st *store.Store, a *stagedoor.Authorization) error {
	ctx, id := r.Context(), r.PathValue("id")
	all, _, err := factorsOf(ctx, st, a.UserID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(m stagedoor.AuthenticationMethod) bool { return id == authenticatorID(&m) || id == m.ID })
	if at < 0 || mfa.KindOf(all[at].Type) == "" {
		return errNoAuthenticator()
	}
	m := all[at]
	if m.CreatedAt.Unix() > a.AuthTime { // whoever got the token may have known the password alone
		return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The token is older than the authenticator. Please log in again.")
	}
	if err := mfa.Remove(ctx, st, a.UserID, &m); stagedoor.IsKind(err, stagedoor.NotFound) { // the person's own address, or gone meanwhile
		return errNoAuthenticator()
	} else if err != nil {
		return err
	}
	e := web.LogEvent(r, stagedoor.LogEvent{Type: "gd_unenroll", ClientID: a.ClientID, UserID: a.UserID, Description: "The person took a second factor away: " + m.Type})
	if u, err := st.User(context.WithoutCancel(ctx), a.UserID); err == nil {
		e.UserName, e.Connection = u.Shown(), u.Connection
	}
	st.Log(e)
	d.Pipeline.FactorChanged(ctx, visit(r, st), a.UserID, "removed")
	return nil
}

func errNoAuthenticator() error {
	return stagedoor.Errorf(stagedoor.NotFound, "invalid_request", "The authenticator is not one of the user's.")
}
