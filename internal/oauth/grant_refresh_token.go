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
	rt, err := t.present(ctx, presented)
	if err != nil {
		return nil, err
	}
	t.event.UserID, t.event.Audience = rt.UserID, rt.Audience
	api, err := apiOf(ctx, t.st, rt.Audience)
	if err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.Refresh(ctx, t.visit, t.client, rt, narrowed(rt.Scope, t.params["scope"]), t.event)
	if stagedoor.HasCode(err, "inexistent_user") {
		return nil, invalidGrant("The refresh_token was generated for a user who doesn't exist anymore.")
	}
	if err != nil {
		return nil, err
	}
	next, err := t.supersede(ctx, presented)
	if err != nil {
		return nil, err
	}
	resp, err := t.tokens(ctx, user, a, api, rt.FamilyID)
	if stagedoor.IsKind(err, stagedoor.NotFound) { // its code was replayed meanwhile
		return nil, errRefresh()
	}
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
		return presented, t.refused(t.st.TouchRefreshToken(ctx, presented, idleLife(rules)))
	}
	next = stagedoor.NewToken()
	_, err = t.st.RotateRefreshToken(ctx, presented, next, leeway(rules), idleLife(rules))
	return next, t.refused(err)
}

// present looks a token up before anything is done for it: one that was superseded, and so may be stolen, ends its
// family here and runs no script.
func (t *tokenRequest) present(ctx context.Context, presented string) (*stagedoor.RefreshToken, error) {
	rt, err := t.st.RefreshToken(ctx, presented)
	if err == nil && rt.ClientID != t.client.ID {
		return nil, errRefresh()
	}
	if err == nil {
		rt, err = t.st.PresentRefreshToken(ctx, presented, leeway(t.client.RefreshToken))
	}
	return rt, t.refused(err)
}

// refused gives an error of the store the wire's words, and logs the reuse of a token.
func (t *tokenRequest) refused(err error) error {
	var reuse *store.Reused
	switch {
	case errors.As(err, &reuse):
		rt := reuse.Token
		t.st.Log(stagedoor.LogEvent{
			Type: "ferrt", ClientID: t.client.ID, ClientName: t.client.Name, UserID: rt.UserID, IP: t.visit.IP, UserAgent: t.visit.UserAgent,
			Hostname: t.visit.Hostname, Description: "Reused rotating refresh token: its family is revoked.",
			Details: map[string]any{"familyId": rt.FamilyID, "tokenCounter": rt.Counter, "latestCounter": reuse.Latest},
		})
		return errRefresh()
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return errRefresh()
	}
	return err
}

func leeway(rules stagedoor.RefreshTokenRules) time.Duration {
	return time.Duration(rules.Leeway) * time.Second
}

// narrowed returns the scopes asked for, none of which may be new.
func narrowed(granted []string, asked string) []string {
	if strings.TrimSpace(asked) == "" {
		return granted
	}
	isNew := func(s string) bool { return !slices.Contains(granted, s) }
	return slices.DeleteFunc(distinct(strings.Fields(asked)), isNew)
}
