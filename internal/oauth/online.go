package oauth

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Online refresh tokens are for programs in browsers: they go on as long as the session does from which they come, and each use of one is a use of the session. Their
// clients alone keep them; what ends the session ends them. Where the session goes on and a client's tokens end, as the person takes its access back, the session knows so: each token
// is of a turn, and those of one turn work at a time.

// onlineToken is the online refresh token of an authorization; empty where there is none to be had. In the hands of anybody else it is worth a session's cookie, so
// that those of public clients are bound to a key.
func (t *tokenRequest) onlineToken(ctx context.Context, a *stagedoor.Authorization, api *stagedoor.ResourceServer, origin string) (string, error) {
	if !a.Online || api == nil || a.HasScope("offline_access") || !t.keepsAccess(a) {
		return "", nil
	}
	s, err := session.Named(ctx, t.st, a.SessionID)
	if err != nil || s == nil || s.UserID != a.UserID || !api.AllowsOnline(s.Persistent) {
		return "", err
	}
	rt := t.newFamily(a, api, origin)
	if t.client.Public() && unbound(rt) {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_dpop_proof", "Online refresh tokens of public clients are bound to a key: send a DPoP proof.")
	}
	if rt.Turn, err = session.GoOnline(ctx, t.st, s, t.client.ID); err != nil || rt.Turn == 0 {
		return "", err
	}
	rt.Online, rt.Agreed, rt.Rotating = true, a.Agreed, false
	rt.LastUsedAt, rt.ExpiresAt, rt.IdleExpiry = time.Time{}, time.Time{}, time.Time{} // the session tells
	rt.InitialIP, rt.InitialUserAgent = "", ""
	if rt.Agreed {
		g, err := t.st.GrantFor(ctx, rt.UserID, rt.ClientID, rt.Consent)
		if err != nil {
			return "", err
		}
		rt.Agreement = g.ID
	}
	return t.st.SealOnlineToken(rt)
}

// unbound tells whether a refresh token is bound to no key.
func unbound(rt *stagedoor.RefreshToken) bool { return rt.JKT == "" && rt.X5T == "" }

// online is what an online refresh token of a client stands for now, and its session. NotFound: it is none, or has ended.
func online(ctx context.Context, st *store.Store, presented, clientID string) (*stagedoor.RefreshToken, *stagedoor.Session, error) {
	rt, err := st.OpenOnlineToken(presented, clientID)
	if err != nil {
		return nil, nil, err
	}
	s, err := session.Named(ctx, st, rt.SessionID)
	if err == nil && (s == nil || s.UserID != rt.UserID) {
		err = stagedoor.Errorf(stagedoor.NotFound, "not_found", "The session of the refresh token has ended.")
	}
	if err == nil && s.OnlineTurn(rt.ClientID) != max(rt.Turn, 1) {
		err = stagedoor.Errorf(stagedoor.NotFound, "not_found", "The refresh token was taken back.")
	}
	if err == nil && rt.Agreed {
		err = agreed(ctx, st, rt)
	}
	if err != nil {
		return nil, nil, err
	}
	rt.ExpiresAt, rt.IdleExpiry = s.ExpiresAt, s.IdleExpiresAt
	rt.InitialIP, rt.InitialUserAgent = s.InitialIP, s.InitialUserAgent
	return rt, s, nil
}

// agreed is NotFound where the consent on which an online refresh token rests was taken back. Another one since says nothing of what this one may do.
func agreed(ctx context.Context, st *store.Store, rt *stagedoor.RefreshToken) error {
	g, err := st.GrantFor(ctx, rt.UserID, rt.ClientID, rt.Consent)
	if err == nil && g.ID != rt.Agreement {
		err = stagedoor.Errorf(stagedoor.NotFound, "not_found", "The consent of the refresh token was taken back.")
	}
	return err
}

// stillOnline is NotFound for an online refresh token of an API that has none any more, or none in such sessions.
func stillOnline(ctx context.Context, st *store.Store, rt *stagedoor.RefreshToken, s *stagedoor.Session) error {
	api, err := token.ResourceServer(ctx, st, rt.Audience)
	if err == nil && !api.AllowsOnline(s.Persistent) {
		err = stagedoor.Errorf(stagedoor.NotFound, "not_found", "The API has no online refresh tokens any more.")
	}
	return err
}

// useSession notes that the session of the online refresh token is used. Where from, only a program tells that is in the browser itself.
func (t *tokenRequest) useSession(ctx context.Context) error {
	who := session.Visit{IP: t.session.LastIP, UserAgent: t.session.LastUserAgent}
	if t.client.Public() {
		who = session.Visit{IP: t.visit.IP, UserAgent: t.visit.UserAgent}
	}
	return session.Touch(ctx, t.st, t.session, who)
}

// endOnline ends the session of an online refresh token that its client revokes, and with it all online refresh tokens of the session.
func endOnline(ctx context.Context, st *store.Store, raw, clientID string) (*stagedoor.RefreshToken, error) {
	rt, s, err := online(ctx, st, raw, clientID)
	if err == nil {
		err = st.DeleteSession(ctx, s.ID, stagedoor.LogoutRevoked)
	}
	return rt, err
}
