package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// errRefresh is matched by its text: SDKs fall back to a new login on it.
func errRefresh() error { return invalidGrant("Unknown or invalid refresh token.") }

// redeemRefreshToken gives new tokens for a refresh token (RFC 6749 section 6). Rules run first, with
// the user as they are now: if they refuse, the token stays good. Then the token is
// superseded, and only then is anything signed.
func redeemRefreshToken(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	presented := t.params["refresh_token"]
	if presented == "" {
		return nil, missing("refresh_token")
	}
	rt, err := t.st.RefreshToken(ctx, presented)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && rt.ClientID != t.client.ID {
		return nil, errRefresh()
	}
	if err != nil {
		return nil, err
	}
	t.event.UserID, t.event.Audience = rt.UserID, rt.Audience
	scope, err := narrowed(rt.Scope, t.params["scope"])
	if err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.Refresh(ctx, t.visit, t.client, rt, scope)
	if stagedoor.HasCode(err, "inexistent_user") {
		return nil, invalidGrant("The refresh_token was generated for a user who doesn't exist anymore.")
	}
	if err != nil {
		return nil, err
	}
	t.event.UserName = user.Email
	next, err := t.supersede(ctx, presented)
	if err != nil {
		return nil, err
	}
	resp, err := t.tokens(ctx, user, a, rt.FamilyID)
	if err != nil {
		return nil, err
	}
	resp.RefreshToken = next
	return resp, nil
}

// supersede uses the token: a rotating client gets another one, others keep theirs.
func (t *tokenRequest) supersede(ctx context.Context, presented string) (next string, err error) {
	rules := t.client.RefreshToken
	if !rules.Rotating() {
		err = t.st.TouchRefreshToken(ctx, presented, idleLife(rules))
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			err = errRefresh()
		}
		return presented, err
	}
	next = stagedoor.NewToken()
	rt, err := t.st.RotateRefreshToken(ctx, presented, next, time.Duration(rules.Leeway)*time.Second, idleLife(rules))
	switch {
	case errors.Is(err, store.ErrReused):
		t.st.Log(stagedoor.LogEvent{
			Type: "ferrt", ClientID: t.client.ID, ClientName: t.client.Name, UserID: rt.UserID, IP: t.visit.IP, UserAgent: t.visit.UserAgent,
			Hostname: t.visit.Hostname, Description: "Reused rotating refresh token: its family is revoked.",
			Details: map[string]any{"familyId": rt.FamilyID, "tokenCounter": rt.Counter},
		})
		return "", errRefresh()
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return "", errRefresh()
	}
	return next, err
}

// narrowed returns the scopes asked for, none of which may be new.
func narrowed(granted []string, asked string) ([]string, error) {
	if strings.TrimSpace(asked) == "" {
		return granted, nil
	}
	known := func(s string) bool { return !slices.Contains(granted, s) }
	return slices.DeleteFunc(distinct(strings.Fields(asked)), known), nil
}
