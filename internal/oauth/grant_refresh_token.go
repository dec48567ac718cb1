package oauth

import (
	"context"
	"errors"
	"slices"
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
	known, transfer := rt, namesTransfer(t.params["audience"])
	if t.event.UserID = rt.UserID; transfer {
		err = t.mayTransfer(rt)
	} else if rt, err = t.elsewhere(ctx, rt); err == nil {
		t.event.Audience = rt.Audience
	}
	if err != nil {
		return nil, err
	}
	api, err := apiOf(ctx, t.st, rt.Audience)
	if err != nil {
		return nil, err
	}
	scope, details, err := t.still(ctx, api, rt.Scope, rt.Details)
	if err != nil {
		return nil, err
	}
	now := *rt
	if now.Details, err = narrowedDetails(details, t.params["authorization_details"]); err != nil {
		return nil, err
	}
	if rt.Online { // as a login does, before scripts say how long it lasts
		if err := t.refused(t.useSession(ctx)); err != nil {
			return nil, err
		}
	}
	a, user, err := t.Pipeline.Refresh(ctx, t.visit, t.client, &now, narrowed(defined(t.client, api, scope, rt.Beyond), t.params["scope"]), t.given(), t.event)
	if stagedoor.HasCode(err, "inexistent_user") {
		return nil, invalidGrant("The refresh_token was generated for a user who doesn't exist anymore.")
	}
	if stagedoor.HasCode(err, "mfa_required") {
		return nil, t.requireFactor(ctx, stagedoor.MFAToken{UserID: rt.UserID, Scope: stagedoor.Words(t.params["scope"]), Audience: t.params["audience"], RefreshToken: presented, AccessEnded: user.AccessEnded})
	}
	if err != nil {
		return nil, err
	}
	if err := t.mintable(ctx, a, api); err != nil { // and the token stays good
		return nil, err
	}
	next, err := t.supersede(ctx, presented, known)
	if err != nil {
		return nil, err
	}
	if !a.Refreshing.IsZero() && !rt.Online {
		_, err = t.st.ChangeRefreshTokens(ctx, rt.ID, func(rt *stagedoor.RefreshToken) error { return t.scripted(rt, a.Refreshing) })
		if err != nil {
			return nil, t.refused(err)
		}
	}
	if transfer {
		return t.transferToken(ctx, user, a, rt, next)
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

// supersede uses the token: a rotating client gets another one, others keep theirs. An online one is never given twice.
func (t *tokenRequest) supersede(ctx context.Context, presented string, known *stagedoor.RefreshToken) (next string, err error) {
	rules := t.client.RefreshToken
	if known.Online {
		return "", nil
	}
	if !rules.Rotating() {
		return presented, t.refused(t.st.TouchRefreshToken(ctx, presented, known, idleLife(rules)))
	}
	next = stagedoor.NewToken()
	_, err = t.st.RotateRefreshToken(ctx, presented, next, known, leeway(rules), idleLife(rules))
	return next, t.refused(err)
}

// scripted changes a refresh token as scripts want it, within what the client's settings allow.
func (t *tokenRequest) scripted(rt *stagedoor.RefreshToken, c *stagedoor.AccessChange) (err error) {
	if c.IsZero() {
		return nil
	}
	rules, latest, latestIdle := t.client.RefreshToken, time.Time{}, time.Time{}
	if rules.ExpirationType == "expiring" && !rules.InfiniteTokenLifetime {
		latest = rt.CreatedAt.Add(time.Duration(rules.TokenLifetime) * time.Second)
	}
	if idle := idleLife(rules); idle > 0 {
		latestIdle = t.st.Clock().Now().Add(idle)
	}
	if c.ExpiresAt != 0 {
		rt.ExpiresAt = stagedoor.Capped(c.ExpiresAt, latest)
	}
	if c.IdleExpiresAt != 0 {
		rt.IdleExpiry = stagedoor.Capped(c.IdleExpiresAt, latestIdle)
	}
	if rt.Metadata, err = c.MetadataOf(rt.Metadata); stagedoor.HasCode(err, "invalid_metadata") {
		err = stagedoor.Errorf(stagedoor.Scripted, "access_denied", "%s", stagedoor.AsError(err).Message)
	}
	return err
}

// present looks a token up before anything is done for it: one that was superseded, and so may be stolen, ends its
// family here and runs no script.
func (t *tokenRequest) present(ctx context.Context, presented string) (*stagedoor.RefreshToken, error) {
	mine := func(rt *stagedoor.RefreshToken) bool { // any other stays as it is: a thief without the key cannot spoil it
		return rt.ClientID == t.client.ID && (rt.JKT == "" || rt.JKT == t.bound.JKT) && (rt.X5T == "" || rt.X5T == t.bound.X5T)
	}
	if store.IsOnlineToken(presented) {
		rt, s, err := online(ctx, t.st, presented, t.client.ID)
		if err == nil {
			err = stillOnline(ctx, t.st, rt, s)
		}
		if err == nil && (!mine(rt) || t.client.Public() && unbound(rt)) { // of a client that had a secret then
			err = errRefresh()
		}
		t.session = s
		return rt, t.refused(err)
	}
	rt, err := t.st.PresentRefreshToken(ctx, presented, leeway(t.client.RefreshToken), mine)
	if err == nil {
		err = t.transferLives(ctx, rt)
	}
	return rt, t.refused(err)
}

// refused gives an error of the store the wire's words, and logs the reuse of a token.
func (t *tokenRequest) refused(err error) error {
	var reuse *store.Reused
	switch {
	case errors.As(err, &reuse):
		rt := reuse.Token
		t.visit.Log(stagedoor.LogEvent{
			Type: "ferrt", ClientID: t.client.ID, ClientName: t.client.Name, UserID: rt.UserID, Description: "Reused rotating refresh token: its family is revoked.",
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
	wanted := distinct(stagedoor.Words(asked))
	if len(wanted) == 0 {
		return granted
	}
	isNew := func(s string) bool { return !slices.Contains(granted, s) }
	return slices.DeleteFunc(wanted, isNew)
}
