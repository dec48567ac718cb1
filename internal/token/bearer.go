package token

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Bearer is what an access token of a person's stands for at one of the tenant's own APIs.
type Bearer struct {
	User   *stagedoor.User   // who is there, and not blocked
	Client *stagedoor.Client // through which the token was given; the tenant serves it
	Scope  []string
	Claims jose.Claims
	Raw    string
}

// Has tells whether the token has a scope.
func (b *Bearer) Has(scope string) bool { return slices.Contains(b.Scope, scope) }

// Bearer reads the access token of a request for an API of the tenant's own, which errors call by its name. meant knows the API's audiences. The token must be one of the tenant's,
// signed, not expired, from after all access of the person last ended, and used by whoever has the key that it is bound to, if it is bound to one.
func (k *Keys) Bearer(r *http.Request, st *store.Store, api string, meant func(*stagedoor.Tenant, string) bool) (*Bearer, error) {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if raw = strings.TrimSpace(raw); raw == "" || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "Missing authorization header")
	}
	refused := stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The token is not an access token for the %s.", api)
	if len(raw) > jose.MaxTokenSize {
		return nil, refused
	}
	claims, err := k.Parse(r.Context(), st, raw, st.Clock().Now())
	switch {
	case errors.Is(err, jose.ErrExpired):
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "expired_token", "The token is expired.")
	case errors.Is(err, jose.ErrSignature), errors.Is(err, jose.ErrMalformed), errors.Is(err, jose.ErrAlgorithm), errors.Is(err, jose.ErrNotYetValid):
		return nil, refused
	case err != nil:
		return nil, err
	}
	if !slices.ContainsFunc(claims.Audience, func(a string) bool { return meant(st.Tenant(), a) }) || !IsIssuer(st.Tenant(), claims.Issuer) {
		return nil, refused
	}
	if claims.ID != "" {
		if is, err := st.TokenBlacklisted(r.Context(), claims.Audience, claims.ID); err != nil {
			return nil, err
		} else if is {
			return nil, refused
		}
	}
	if err := ConfirmationOf(claims).Check(r, st, scheme, raw); err != nil {
		return nil, err
	}
	b := &Bearer{Scope: stagedoor.Words(claims.Scope), Claims: claims, Raw: raw}
	named, _ := claims.Raw["client_id"].(string) // of the profile of RFC 9068
	b.Client, err = st.Client(r.Context(), cmp.Or(claims.AuthorizedParty, named))
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(b.Client) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	b.User, err = st.User(r.Context(), claims.Subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && b.User.IsBlocked() {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if before, err := FromBefore(r.Context(), st, claims, raw, b.User); err != nil {
		return nil, err
	} else if before {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The token is from before all access of the user ended. Please log in again.")
	}
	return b, nil
}
