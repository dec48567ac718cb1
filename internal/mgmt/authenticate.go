package mgmt

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// caller is who a verified token stands for.
type caller struct {
	subject  string
	clientID string
	audience string
	scopes   []string
	expires  time.Time
	person   bool   // an end user, not a machine: may act on the record of subject only
	raw      string // a person's token
	email    string // of an administrator
	ended    int64  // the count of User.AccessEnded for which it works
}

func (c *caller) has(scope string) bool { return slices.Contains(c.scopes, scope) }

func (c *caller) hasAny(scopes ...string) bool { return slices.ContainsFunc(scopes, c.has) }

// among returns those of the scopes that the caller has.
func (c *caller) among(scopes []string) []string {
	out := []string{}
	for _, s := range scopes {
		if c.has(s) {
			out = append(out, s)
		}
	}
	return out
}

// personScopes are all that a person's token can do here, whatever else stands in it (Management API fact sheet 2.9).
var personScopes = []string{
	"read:current_user", "delete:current_user", "update:current_user_identities",
	"create:current_user_metadata", "update:current_user_metadata", "delete:current_user_metadata",
	"create:current_user_device_credentials", "delete:current_user_device_credentials",
}

// legacyScopes are what an ID token can do where the tenant lets it.
var legacyScopes = []string{"read:current_user", "update:current_user_metadata"}

func unauthorized(message string) *stagedoor.Error {
	return &stagedoor.Error{
		Kind: stagedoor.Unauthorized, Message: message,
		Extra: map[string]any{"attributes": map[string]string{"error": message}},
	}
}

// authenticate verifies the access token of a request: signed by the tenant with RS256, of one of its issuers, for its
// Management API, not expired, and used by whoever has the key that it is bound to, if it is bound to one.
func (a *API) authenticate(ctx context.Context, r *http.Request, st *store.Store) (*caller, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 || headers[0] == "" {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "", "Missing authentication")
	}
	scheme, bearer, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") || strings.Count(bearer, ".") != 2 {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "Bearer", "Bad HTTP authentication header format")
	}
	got, client, err := a.verify(ctx, st, bearer)
	switch {
	case errors.Is(err, jose.ErrExpired):
		return nil, unauthorized("Expired token received for JSON Web Token validation")
	case errors.Is(err, jose.ErrSignature):
		return nil, unauthorized("Invalid signature received for JSON Web Token validation")
	case errors.Is(err, jose.ErrMalformed), errors.Is(err, jose.ErrAlgorithm), errors.Is(err, jose.ErrNotYetValid):
		return nil, unauthorized("Invalid token")
	case err != nil:
		return nil, err
	}
	tenant, claims := st.Tenant(), &got.claims
	if client == nil && !slices.ContainsFunc(claims.Audience, func(aud string) bool { return token.IsManagement(tenant, aud) }) {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "", "Bad audience: %s", strings.Join(claims.Audience, ","))
	}
	if !token.IsIssuer(tenant, claims.Issuer) || claims.Subject == "" {
		return nil, unauthorized("Invalid token")
	}
	if claims.ID != "" {
		if refused, err := st.TokenBlacklisted(ctx, claims.Audience, claims.ID); err != nil {
			return nil, err
		} else if refused {
			return nil, unauthorized("Invalid token")
		}
	}
	if err := token.ConfirmationOf(*claims).Check(r, st, scheme, bearer); err != nil {
		return nil, err
	}
	c := got.caller
	if client != nil || c == nil {
		c = newCaller(*claims, client)
	}
	if names := token.AdministratorNames(claims); client == nil && len(names) > 0 {
		return ofAdministrator(ctx, st, *c, claims, names)
	}
	if !c.person {
		return c, nil
	}
	return ofPerson(ctx, st, *c, *claims, bearer, client != nil && client.OIDCConformant)
}

// everyScope are the values of ManagementScopes.
var everyScope = sync.OnceValue(func() []string {
	var all []string
	for _, scope := range ManagementScopes() {
		all = append(all, scope.Value)
	}
	return all
})

// ofAdministrator gives an administrator what the names of the token may do at this moment, and refuses one who is none any more.
func ofAdministrator(ctx context.Context, st *store.Store, c caller, claims *jose.Claims, names []string) (*caller, error) {
	all, err := st.Administrators(ctx)
	if err != nil {
		return nil, err
	}
	c.person, c.scopes = false, nil
	c.email, _ = claims.Raw["email"].(string)
	known := stagedoor.Among(all, names)
	if len(known) == 0 {
		return nil, unauthorized("Invalid token")
	}
	for _, a := range known {
		if len(a.Scopes) == 0 {
			a.Scopes = everyScope()
		}
		c.scopes = append(c.scopes, a.Scopes...)
	}
	return &c, nil
}

// ofPerson refuses the token of somebody who is blocked, and one from before all their access ended. An ID token of a conformant client does not say from when it is; it changes their metadata alone.
func ofPerson(ctx context.Context, st *store.Store, c caller, claims jose.Claims, bearer string, undated bool) (*caller, error) {
	u, err := st.User(ctx, c.subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) { // as the operation says
		return &c, nil
	}
	before := false
	if err == nil && !undated {
		before, err = token.FromBefore(ctx, st, claims, bearer, u)
	}
	if err == nil && (before || u.IsBlocked()) {
		err = unauthorized("Invalid token")
	}
	if err != nil {
		return nil, err
	}
	c.raw, c.ended = bearer, u.AccessEnded
	return &c, nil
}

// challenged gives an error about the possession of a key the status of a request without authentication, and tells in the header what is
// wanted (RFC 9449 section 7.1).
func challenged(c *call, err error) error {
	token.OfferNonce(c.w, c.r, c.store)
	if !token.Challenge(c.w, err) {
		return err
	}
	refused := unauthorized(stagedoor.AsError(err).Message)
	refused.Code = stagedoor.AsError(err).Code
	return refused
}

func newCaller(claims jose.Claims, client *stagedoor.Client) *caller {
	c := &caller{subject: claims.Subject, clientID: claims.AuthorizedParty, scopes: stagedoor.Words(claims.Scope), expires: claims.ExpiresAt, person: true}
	if len(claims.Audience) > 0 {
		c.audience = claims.Audience[0]
	}
	switch {
	case client != nil:
		c.clientID, c.scopes = client.ID, slices.Clone(legacyScopes)
	case claims.Raw["gty"] == "client-credentials" && claims.Subject == claims.AuthorizedParty+"@clients":
		c.person = false // a user id holds a |, which no client id does, so that no user can look like a client
	default:
		c.scopes = slices.DeleteFunc(c.scopes, func(s string) bool { return !slices.Contains(personScopes, s) })
		if c.has("create:current_user_metadata") && !c.has("update:current_user_metadata") {
			c.scopes = append(c.scopes, "update:current_user_metadata") // both let a person patch their metadata
		}
	}
	return c
}

// verify checks signature and time. It returns a client if the token is one of that client's ID tokens and the tenant has the
// legacy switch on.
func (a *API) verify(ctx context.Context, st *store.Store, bearer string) (*remembered, *stagedoor.Client, error) {
	now := a.Clock.Now()
	client, err := a.legacyClient(ctx, st, bearer)
	if err != nil {
		return nil, nil, err
	}
	if client == nil || idTokenAlgorithm(client, bearer) != jose.HS256 {
		got, err := a.verified.parse(ctx, a.Keys, st, bearer, now)
		return got, client, err
	}
	secret, err := token.SigningSecret(client)
	if err != nil || len(secret) == 0 {
		return nil, nil, jose.ErrSignature
	}
	claims, err := jose.Parse(bearer, now, func(jose.Header) (string, any, error) { return jose.HS256, secret, nil })
	if err != nil {
		return nil, nil, err
	}
	// Whoever knows the secret of a client can make such a token, so that it speaks only for people whom the client could sign in.
	_, err = token.Reachable(ctx, st, client, claims.Subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil, unauthorized("Invalid token")
	}
	return &remembered{claims: claims}, client, err
}

// legacyClient returns the client that an ID token is meant for, or nil: unless the tenant's switch is on, there is none.
// What the token claims is not yet verified, and decides only whose key verifies it.
func (a *API) legacyClient(ctx context.Context, st *store.Store, bearer string) (*stagedoor.Client, error) {
	if !st.Tenant().Settings.Flags[stagedoor.FlagIDTokenAPI2] {
		return nil, nil
	}
	header, claims, err := jose.Peek(bearer)
	if err != nil || len(claims.Audience) != 1 || header.Type == "at+jwt" || token.IsManagement(st.Tenant(), claims.Audience[0]) ||
		strings.ContainsRune(claims.Audience[0], 0) {
		return nil, nil //nolint:nilerr // the verification will say what is wrong
	}
	client, err := st.Client(ctx, claims.Audience[0])
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	return client, err
}

// idTokenAlgorithm returns how the client's ID tokens are signed. A client whose tokens have HS256 gets RS256 in some flows,
// so that RS256, which only the tenant can make, is always right; HS256 must be what the client's record says.
func idTokenAlgorithm(client *stagedoor.Client, bearer string) string {
	header, _, _ := jose.Peek(bearer)
	if header.Algorithm == jose.RS256 {
		return jose.RS256
	}
	return token.IDTokenAlgorithm(client, false)
}
