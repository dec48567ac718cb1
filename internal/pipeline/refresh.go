package pipeline

import (
	"cmp"
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Refresh runs the login's scripts for a refresh token, with the user as they are now, and
// returns what new tokens are made from. scope may narrow what the token stands for. proof is the second factor that the person has just given, if any; where
// scripts want one and there is none the error is ErrFactorRequired. The event, which the
// caller writes, is completed with the user and with what the scripts said.
func (p *Pipeline) Refresh(ctx context.Context, v Visit, client *stagedoor.Client, t *stagedoor.RefreshToken, scope []string, proof Second, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	u, has, err := v.Store.UserWith(ctx, t.UserID)
	if err != nil {
		return nil, nil, err
	}
	through, err := signedInThrough(ctx, v, t, u)
	if err != nil {
		return nil, nil, err
	}
	e.UserName, e.Connection = u.Shown(), cmp.Or(through, u.Connection)
	if u.IsBlocked() {
		return nil, nil, errBlocked()
	}
	a := &stagedoor.Authorization{
		Factor: proof.Kind != "", ClientID: client.ID, UserID: u.ID, SessionID: t.SessionID, Audience: t.Audience, Scope: scope,
		AuthTime: t.AuthTime, Conformant: t.Conformant, GrantType: "refresh_token", Issuer: v.Issuer, Details: t.Details, Connection: through, AccessEnded: u.AccessEnded,
	}
	in := &ruleInput{client: client, user: u, has: &has, protocol: "oauth2-refresh-token", refresh: t, through: through, proof: proof.Kind, fresh: proof.Fresh, state: &stagedoor.ScriptState{}}
	if in.risk, err = assess(ctx, v, u.ID, true); err != nil {
		return nil, nil, err
	}
	if t.OrgID != "" {
		if t.OrgSet {
			in.org, a.OrgName, err = p.Organization(ctx, v.Store, t.OrgID, u.ID)
		} else {
			in.org, a.OrgName, err = p.StillIn(ctx, v.Store, client, t.OrgID, u.ID, through)
		}
		if err != nil {
			return nil, nil, err
		}
		a.OrgID, e.OrgID, e.OrgName = t.OrgID, t.OrgID, in.org.Name
	}
	var spoken said
	if in.api, err = p.api(ctx, v.Store, a.Audience); err == nil {
		spoken, err = p.runScripts(ctx, v, in, a)
		u = in.user
	}
	if err == nil && in.elsewhere != "" { // there is no browser
		err = cannotAsk(AskRedirect)
	}
	if err == nil && demandsDuo(in.factor) {
		err = ErrDuoBrowser()
	}
	if d := in.factor; err == nil && d != nil && !d.None && proof.Kind == "" {
		err = ErrFactorRequired()
	}
	if err == nil && !a.Factor && in.api != nil && token.IsMyAccount(v.Store.Tenant(), in.api.Identifier) {
		err = p.gaveBefore(ctx, v, t, a, in.api)
	}
	e.Details = spoken.details(e.Details)
	if err != nil {
		*e = failed(*e, err)
	}
	return a, u, err
}

// gaveBefore is ErrFactorRequired where a token that changes what the person proves themselves with needs their second factor, and they have not given it lately in the session that the
// refresh token comes from.
func (p *Pipeline) gaveBefore(ctx context.Context, v Visit, t *stagedoor.RefreshToken, a *stagedoor.Authorization, api *stagedoor.ResourceServer) error {
	guards, err := guardsFactors(ctx, v.Store, api, a.Scope, a.UserID)
	if err != nil || !guards {
		return err
	}
	var s *stagedoor.Session
	if t.SessionID != "" {
		if s, err = v.Store.Session(ctx, t.SessionID); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
	}
	if a.Factor = err == nil && gaveLately(v.Store, s); !a.Factor {
		return ErrFactorRequired()
	}
	return nil
}

// signedInThrough is the name of the connection of the login that a refresh token comes from. Older tokens do not have it: their session does, as
// long as it lives. It is empty where that is not known, or there is but one that it can be.
func signedInThrough(ctx context.Context, v Visit, t *stagedoor.RefreshToken, u *stagedoor.User) (string, error) {
	if t.Connection != "" || t.SessionID == "" || len(u.Identities) < 2 {
		return t.Connection, nil
	}
	s, err := v.Store.Session(ctx, t.SessionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return s.Connection, nil
}
