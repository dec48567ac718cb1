package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// redeemCode gives tokens for an authorization code (RFC 6749 section 4.1.3, RFC 7636). The code is
// used up before anything is checked: who presents a stolen one spoils it.
func redeemCode(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	if t.params["code"] == "" {
		return nil, missing("code")
	}
	code, origin, err := t.st.ConsumeCode(ctx, t.params["code"])
	if err != nil {
		return nil, errCode(err)
	}
	if code.ClientID != t.client.ID {
		return nil, errCode(nil)
	}
	t.event.UserID, t.event.Audience = code.UserID, code.Audience
	if err := checkRedirect(code, t.params); err != nil {
		return nil, err
	}
	if err := checkVerifier(code, t.params["code_verifier"]); err != nil {
		return nil, err
	}
	if err := t.targeted("code", code.Audience); err != nil {
		return nil, err
	}
	if code.DPoPJKT != "" && code.DPoPJKT != t.bound.JKT {
		return nil, invalidGrant("The code is bound to another key")
	}
	user, err := t.person(ctx, &code.Authorization)
	if err != nil {
		return nil, errCode(err)
	}
	if err := t.stillGranted(ctx, &code.Authorization, code.Asked); err != nil {
		return nil, err
	}
	resp, err := t.issue(ctx, user, &code.Authorization, origin)
	if err != nil {
		return nil, errCode(err)
	}
	return resp, nil
}

// errCode is the one answer for a code that was never given, is used, or has expired, also when it is replayed
// or its user deleted while it is redeemed.
func errCode(err error) error {
	if err == nil || stagedoor.IsKind(err, stagedoor.NotFound) {
		return invalidGrant("Invalid authorization code")
	}
	return err
}

// person is whom an authorization is of that was given some time ago: they must not be blocked since, and still be a member of its organization, which must still take the client and
// the connection by which they came.
func (t *tokenRequest) person(ctx context.Context, a *stagedoor.Authorization) (*stagedoor.User, error) {
	t.event.UserID, t.event.Audience = a.UserID, a.Audience
	user, err := t.st.User(ctx, a.UserID)
	if err != nil {
		return nil, err
	}
	if t.event.UserName = user.Shown(); user.IsBlocked() {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "unauthorized", "user is blocked")
	}
	if a.OrgID != "" {
		o, _, err := t.Pipeline.StillIn(ctx, t.st, t.client, a.OrgID, user.ID, a.Connection)
		if err != nil {
			return nil, err
		}
		t.event.OrgID, t.event.OrgName = o.ID, o.Name
	}
	return user, nil
}

func checkRedirect(code *stagedoor.Code, params map[string]string) error {
	sent, has := params["redirect_uri"]
	switch {
	case has && sent != code.RedirectURI && unanswered(sent, params["code"]) != code.RedirectURI, !has && code.RedirectGiven:
		return invalidGrant("The redirect URI is wrong. You sent %s, and we expected %s", sent, code.RedirectURI)
	}
	return nil
}

// unanswered is the address that an answer with this code was sent to, without what the answer added. The vendor's omniauth-auth0 gives
// the address at which the code came back in the place of the one that it asked for: it is the same if all else is.
func unanswered(sent, code string) string {
	address, query, _ := strings.Cut(sent, "?")
	holds := false
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		holds = holds || name == "code" && value == code // codes are base64url: nothing of them is escaped
		return name == "code" || name == "state" || name == "iss"
	})
	switch {
	case !holds:
		return sent
	case len(kept) == 0:
		return address
	}
	return address + "?" + strings.Join(kept, "&")
}

func checkVerifier(code *stagedoor.Code, verifier string) error {
	switch {
	case code.CodeChallenge == "" && verifier == "":
		return nil
	case code.CodeChallenge == "": // a downgrade: the challenge was taken out of the request
		return invalidGrant("Failed to verify code verifier")
	case verifier == "":
		return invalidGrant("Parameter 'code_verifier' is required")
	}
	challenge := verifier
	if code.CodeMethod == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		challenge = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if !unreserved(verifier) || !jose.Equal(challenge, code.CodeChallenge) {
		return invalidGrant("Failed to verify code verifier")
	}
	return nil
}

// issue makes the tokens of a code: access token, ID token, and the first refresh token of a family
// that carries the code's id, so that a replay of the code can take it back.
func (t *tokenRequest) issue(ctx context.Context, user *stagedoor.User, a *stagedoor.Authorization, origin string) (*tokenResponse, error) {
	api, err := apiOf(ctx, t.st, a.Audience)
	if err != nil {
		return nil, err
	}
	given := *a // the refresh token holds all that was agreed to
	if given.Details, err = narrowedDetails(a.Details, t.params["authorization_details"]); err != nil {
		return nil, err
	}
	kept, err := t.onlineToken(ctx, a, api, origin)
	if err != nil {
		return nil, err
	}
	resp, err := t.tokens(ctx, user, &given, api, origin)
	if err != nil {
		return nil, err
	}
	resp.RefreshToken = kept
	if a.HasScope("offline_access") && t.keepsAccess(a) {
		family := t.newFamily(a, api, origin)
		if err := t.scripted(family, a.Refreshing); err != nil {
			return nil, err
		}
		resp.RefreshToken = stagedoor.NewToken()
		err = t.st.CreateRefreshToken(ctx, resp.RefreshToken, family)
	}
	return resp, err
}

// keepsAccess tells whether the client may have refresh tokens, and those of a session that a session transfer token opened.
func (t *tokenRequest) keepsAccess(a *stagedoor.Authorization) bool {
	return t.client.Allows("refresh_token") && (a.Transfer == nil || !t.client.KeepsTransfersOffline())
}

// tokens makes the access token and the ID token of an authorization.
func (t *tokenRequest) tokens(ctx context.Context, user *stagedoor.User, a *stagedoor.Authorization, api *stagedoor.ResourceServer, origin string) (resp *tokenResponse, err error) {
	bound := t.binding(api)
	a.JKT, a.X5T = bound.JKT, bound.X5T
	resp = &tokenResponse{TokenType: t.tokenType(), Scope: new(joined(a.Scope))}
	resp.AccessToken, resp.ExpiresIn, err = t.Minter.AccessToken(ctx, t.st, a, token.Access{Client: t.client, API: api, Origin: origin})
	if err != nil {
		return nil, err
	}
	if api != nil {
		resp.Details = a.Details
	}
	if a.HasScope("openid") {
		resp.IDToken, err = t.Minter.IDToken(ctx, t.st, t.client, user, a, token.Beside{Nonce: a.Nonce})
	}
	return resp, err
}

// mintable refuses what no token would be made of.
func (t *tokenRequest) mintable(ctx context.Context, a *stagedoor.Authorization, api *stagedoor.ResourceServer) error {
	bound := t.binding(api)
	a.JKT, a.X5T = bound.JKT, bound.X5T
	return token.Mintable(ctx, t.st, a, token.Access{Client: t.client, API: api})
}

// apiOf returns the API of an audience; nil where only /userinfo is meant.
func apiOf(ctx context.Context, st *store.Store, audience string) (*stagedoor.ResourceServer, error) {
	if token.IsUserInfo(st.Tenant(), audience) {
		return nil, nil
	}
	api, err := token.ResourceServer(ctx, st, audience)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Service not found: %s", audience)
	}
	return api, err
}

func (t *tokenRequest) newFamily(a *stagedoor.Authorization, api *stagedoor.ResourceServer, origin string) *stagedoor.RefreshToken {
	now, rules := t.st.Clock().Now(), t.client.RefreshToken
	rt := &stagedoor.RefreshToken{
		ID: stagedoor.NewID("rt_"), FamilyID: origin, Counter: 1, ClientID: t.client.ID, UserID: a.UserID, SessionID: a.SessionID,
		Audience: a.Audience, Consent: pipeline.ConsentAudience(t.st, api), Scope: slices.Clone(a.Scope), Beyond: undefined(t.client, api, a.Scope), Conformant: a.Conformant,
		Rotating: rules.Rotating(), AuthTime: a.AuthTime, OrgID: a.OrgID, OrgSet: a.OrgSet, Details: a.Details, Connection: a.Connection, Transfer: a.Transfer,
		AccessEnded: a.AccessEnded, CreatedAt: now, LastUsedAt: now, InitialIP: t.visit.IP, InitialUserAgent: t.visit.UserAgent,
	}
	if t.client.Public() { // others prove themselves by more than the token (RFC 9449 section 5)
		bound := t.binding(api)
		rt.JKT, rt.X5T = bound.JKT, bound.X5T
	}
	if rules.ExpirationType == "expiring" {
		if !rules.InfiniteTokenLifetime {
			rt.ExpiresAt = now.Add(time.Duration(rules.TokenLifetime) * time.Second)
		}
		if idle := idleLife(rules); idle > 0 {
			rt.IdleExpiry = now.Add(idle)
		}
	}
	return rt
}

// idleLife is how long a refresh token may lie unused; 0 means for ever.
func idleLife(rules stagedoor.RefreshTokenRules) time.Duration {
	if rules.ExpirationType != "expiring" || rules.InfiniteIdleTokenLifetime {
		return 0
	}
	return time.Duration(rules.IdleTokenLifetime) * time.Second
}
