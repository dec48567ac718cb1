package session

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// touchEvery is how often at most the use of a session is written down.
const touchEvery = time.Minute

// Visit is who comes: an address and a user agent.
type Visit struct{ IP, UserAgent string }

// Open starts a session for a user who has just proved who they are through a connection; by is nil unless they came from a provider that names
// its sessions. risk is that of the login, nil where it was not measured.
func Open(ctx context.Context, st *store.Store, u *stagedoor.User, conn *stagedoor.Connection, methods []stagedoor.AuthMethod, by *stagedoor.CameBy, risk *stagedoor.RiskAssessment, v Visit) (handle string, s *stagedoor.Session, err error) {
	s = begun(st, u, conn, methods, v)
	s.CameBy, s.Risk = by, risk
	handle = stagedoor.NewToken()
	return handle, s, st.CreateSession(ctx, handle, s)
}

// OpenTransferred starts a session for u, the person of a session transfer token, who proved themselves when the token says, through the connection.
// NotFound: the refresh token has ended that it comes from.
func OpenTransferred(ctx context.Context, st *store.Store, t *stagedoor.SessionTransferToken, u *stagedoor.User, conn *stagedoor.Connection, risk *stagedoor.RiskAssessment, v Visit) (handle string, s *stagedoor.Session, err error) {
	s = begun(st, u, conn, t.Methods, v)
	s.AuthenticatedAt, s.Transfer, s.Risk = t.AuthenticatedAt, &t.Transferred, risk
	handle = stagedoor.NewToken()
	return handle, s, st.CreateSession(ctx, handle, s)
}

// begun is a session that begins now.
func begun(st *store.Store, u *stagedoor.User, conn *stagedoor.Connection, methods []stagedoor.AuthMethod, v Visit) *stagedoor.Session {
	now := st.Clock().Now()
	absolute, idle := st.Tenant().Settings.SessionLifetimes()
	mode := st.Tenant().Settings.SessionCookie
	v.UserAgent = stagedoor.Clip(v.UserAgent, stagedoor.MaxAgent)
	return &stagedoor.Session{
		ID: stagedoor.NewID("sess_"), UserID: u.ID, AccessEnded: u.AccessEnded, Connection: conn.Name, Strategy: conn.Strategy, Methods: methods,
		AuthenticatedAt: now, CreatedAt: now, LastInteractionAt: now,
		ExpiresAt: now.Add(absolute), IdleExpiresAt: now.Add(idle),
		Persistent: mode == nil || mode.Mode != "non-persistent",
		InitialIP:  v.IP, InitialUserAgent: v.UserAgent, LastIP: v.IP, LastUserAgent: v.UserAgent,
	}
}

// Live returns the session of a cookie, or nil if there is none or it has ended. Lifetimes that
// the tenant has lowered since count at once.
func Live(ctx context.Context, st *store.Store, handle string) (*stagedoor.Session, error) {
	if handle == "" {
		return nil, nil
	}
	s, err := st.SessionByHandle(ctx, handle)
	return live(st, s, err)
}

// Named is Live for the public id of a session.
func Named(ctx context.Context, st *store.Store, id string) (*stagedoor.Session, error) {
	if id == "" {
		return nil, nil
	}
	s, err := st.Session(ctx, id)
	return live(st, s, err)
}

func live(st *store.Store, s *stagedoor.Session, err error) (*stagedoor.Session, error) {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	absolute, idle := st.Tenant().Settings.SessionLifetimes()
	now := st.Clock().Now()
	if !now.Before(s.CreatedAt.Add(absolute)) || !now.Before(s.LastInteractionAt.Add(idle)) {
		return nil, nil
	}
	return s, nil
}

// Touch notes that the session was used.
func Touch(ctx context.Context, st *store.Store, s *stagedoor.Session, v Visit) error {
	now := st.Clock().Now()
	if now.Sub(s.LastInteractionAt) < touchEvery {
		return nil
	}
	_, idle := st.Tenant().Settings.SessionLifetimes()
	return st.UpdateSession(ctx, s.ID, func(s *stagedoor.Session) {
		s.LastInteractionAt, s.IdleExpiresAt = now, now.Add(idle)
		s.LastIP, s.LastUserAgent = v.IP, stagedoor.Clip(v.UserAgent, stagedoor.MaxAgent)
	})
}

// Join notes that a client gets to know the session, by the issuer of its request: it is told when the session ends.
func Join(ctx context.Context, st *store.Store, s *stagedoor.Session, clientID, issuer string) error {
	if issuer == "https://"+st.Tenant().Domain()+"/" {
		issuer = ""
	}
	if slices.Contains(s.Clients, clientID) && s.Issuers[clientID] == issuer {
		return nil
	}
	return st.UpdateSession(ctx, s.ID, func(s *stagedoor.Session) {
		if !slices.Contains(s.Clients, clientID) {
			s.Clients = append(s.Clients, clientID)
		}
		delete(s.Issuers, clientID)
		if issuer == "" {
			return
		}
		if s.Issuers == nil {
			s.Issuers = map[string]string{}
		}
		s.Issuers[clientID] = issuer
	})
}

// GoOnline notes that a client gets an online refresh token in the session, and returns the token's turn: 0 if the session has ended meanwhile.
func GoOnline(ctx context.Context, st *store.Store, s *stagedoor.Session, clientID string) (turn int, err error) {
	if turn = s.Online[clientID]; turn > 0 {
		return turn, nil
	}
	err = st.UpdateSession(ctx, s.ID, func(s *stagedoor.Session) {
		s.BeginOnline(clientID)
		turn = s.OnlineTurn(clientID)
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return 0, nil
	}
	return turn, err
}

// Settle notes that a login in the session has come to its end, whatever the risk was.
func Settle(ctx context.Context, st *store.Store, s *stagedoor.Session) error {
	return st.UpdateSession(ctx, s.ID, func(s *stagedoor.Session) { s.Settled = true })
}

// Renew notes that the session's user proved themselves again, through a connection that may be another one, and returns the session's new handle: what
// the old one opens is not more than before, for it opens nothing any more. by is as of Open; nil leaves what there is.
func Renew(ctx context.Context, st *store.Store, s *stagedoor.Session, conn *stagedoor.Connection, methods []stagedoor.AuthMethod, by *stagedoor.CameBy, risk *stagedoor.RiskAssessment) (handle string, err error) {
	now := st.Clock().Now()
	note := func(s *stagedoor.Session) {
		s.AuthenticatedAt, s.Methods, s.Connection, s.Strategy, s.Transfer = now, methods, conn.Name, conn.Strategy, nil
		s.Risk, s.Settled = risk, false
		if by != nil {
			s.CameBy = by
		}
	}
	note(s)
	handle = stagedoor.NewToken()
	return handle, st.RenewSession(ctx, s.ID, handle, note)
}

// SignOut ends the session of the browser as its person asks for, and tells the log and the clients; e says through which client, if through one.
func SignOut(w http.ResponseWriter, r *http.Request, st *store.Store, s *stagedoor.Session, e stagedoor.LogEvent) error {
	ClearCookie(w, r)
	if err := st.DeleteSession(r.Context(), s.ID, stagedoor.LogoutByClient); err != nil {
		return err
	}
	e.Type, e.Description, e.Details = "slo", "User successfully logged out", st.Tenant().LogoutDetails(s)
	e.UserID, e.Connection, e.Strategy = s.UserID, s.Connection, s.Strategy
	st.Log(web.LogEvent(r, e))
	return nil
}
