package oauth

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Native to Web SSO: a native client gets a session transfer token for its refresh token, and a browser opens a session with it at /authorize.

// transferParam is the parameter of /authorize that brings a session transfer token.
const transferParam = "session_transfer_token"

// transferType is what a session transfer token is among tokens (RFC 8693 section 3).
const transferType = "urn:auth0:params:oauth:token-type:session_transfer_token"

// transferLife is how long a session transfer token is good: the client opens the browser at once.
const transferLife = time.Minute

// namesTransfer tells whether an audience asks for a session transfer token.
func namesTransfer(audience string) bool {
	return strings.HasPrefix(audience, "urn:") && strings.HasSuffix(audience, ":session_transfer")
}

// mayTransfer tells whether the client gets a session transfer token for the refresh token. A session that such a token opened gives no other one.
func (t *tokenRequest) mayTransfer(rt *stagedoor.RefreshToken) error {
	switch {
	case !token.IsSessionTransfer(t.st.Tenant(), t.params["audience"]):
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Service not found: %s", cut(t.params["audience"]))
	case !t.client.GetsTransferTokens():
		return stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "The client is not allowed to create session transfer tokens.")
	case rt.Online:
		return invalidGrant("An online refresh token gives no session transfer token.")
	case rt.Transfer != nil:
		return invalidGrant("The refresh token comes from a session transfer token, and gives no other one.")
	}
	return nil
}

// transferToken is the answer to a client that asks for a session transfer token. next is its refresh token from now on.
func (t *tokenRequest) transferToken(ctx context.Context, user *stagedoor.User, a *stagedoor.Authorization, rt *stagedoor.RefreshToken, next string) (*tokenResponse, error) {
	kept := &stagedoor.SessionTransferToken{
		Transferred: stagedoor.Transferred{ClientID: t.client.ID, Family: rt.FamilyID, TokenID: rt.ID},
		UserID:      rt.UserID, Connection: cmp.Or(a.Connection, user.Connection), OrgID: rt.OrgID, Scope: a.Scope,
		IP: t.visit.IP, UserAgent: t.visit.UserAgent, ExpiresAt: t.st.Clock().Now().Add(transferLife),
	}
	if err := t.howProved(ctx, rt, kept); err != nil {
		return nil, err
	}
	resp := &tokenResponse{AccessToken: stagedoor.NewToken(), IssuedTokenType: transferType, TokenType: "N_A", ExpiresIn: int(transferLife.Seconds())}
	if err := t.st.SaveSessionTransfer(ctx, resp.AccessToken, kept); err != nil {
		return nil, err
	}
	if t.client.RefreshToken.Rotating() {
		resp.RefreshToken = next
	}
	var err error
	if a.HasScope("openid") {
		resp.IDToken, err = t.Minter.IDToken(ctx, t.st, t.client, user, a, token.Beside{Nonce: a.Nonce})
	}
	return resp, err
}

// howProved notes when and how the person of a refresh token proved themselves, as far as that is known: not later than the token was first given. A second
// factor does not come along: the browser is asked for it where the tenant's policy says so.
func (t *tokenRequest) howProved(ctx context.Context, rt *stagedoor.RefreshToken, kept *stagedoor.SessionTransferToken) error {
	kept.AuthenticatedAt = rt.CreatedAt
	if rt.AuthTime != 0 {
		kept.AuthenticatedAt = time.Unix(rt.AuthTime, 0)
	}
	s, err := t.st.Session(ctx, rt.SessionID)
	if err == nil && s.UserID == rt.UserID {
		if s.AuthenticatedAt.Before(kept.AuthenticatedAt) {
			kept.AuthenticatedAt = s.AuthenticatedAt
		}
		kept.Methods = slices.DeleteFunc(s.Methods, func(m stagedoor.AuthMethod) bool { return m.Name == "mfa" })
		return nil
	}
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	conn, err := t.st.ConnectionByName(ctx, kept.Connection)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	method := "federated"
	switch {
	case err == nil && conn.SendsCodes():
		method = conn.Strategy
	case err == nil && conn.ForLogin():
		method = "pwd"
	}
	kept.Methods = []stagedoor.AuthMethod{{Name: method, Timestamp: kept.AuthenticatedAt.UnixMilli()}}
	return nil
}

// transferLives refuses a refresh token that came by a session transfer token and ends with its session, once that has ended.
func (t *tokenRequest) transferLives(ctx context.Context, rt *stagedoor.RefreshToken) error {
	if rt.Transfer == nil || rt.SessionID == "" {
		return nil
	}
	if s := t.client.SessionTransfer(); s == nil || !s.OnlineRefresh {
		return nil
	}
	_, err := t.st.Session(ctx, rt.SessionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if gone := t.st.EndRefreshTokens(ctx, rt.UserID, rt.FamilyID); gone != nil {
			return gone
		}
	}
	return err
}
