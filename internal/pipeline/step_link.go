package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
)

// suggest asks a person who has come by a provider whether to link the account that they have here already, where the tenant wants that. It
// never links by itself, and both addresses must be verified: else whoever writes somebody's address into a profile, or signs up with it before they
// do, would come into their account ("pre-hijacking").
func (l *login) suggest(ctx context.Context) (string, error) {
	if !l.tx.Fresh || l.tx.Alone || !l.st.Tenant().Settings.Local.SuggestLinking || l.session == nil {
		return "", nil
	}
	other, err := twin(ctx, l.st, &l.tx.Request, l.session, l.user)
	if other == nil || err != nil {
		return "", err
	}
	l.tx.Twin = other.ID
	return AskLink, nil
}

// twin is the user of a database whose verified address is that of u, who has come by a provider; nil if there is none that u could prove to be.
// One with second factors is none: to link it by the password alone would pass over them.
func twin(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, s *stagedoor.Session, u *stagedoor.User) (*stagedoor.User, error) {
	if u.Email == "" || !u.EmailVerified || len(u.Identities) != 1 || u.Identities[0].Connection != s.Connection {
		return nil, nil
	}
	came, err := st.ConnectionByName(ctx, s.Connection)
	if err != nil || !came.Redirects() {
		return nil, err
	}
	all, err := st.UsersByEmail(ctx, u.Email)
	if err != nil {
		return nil, err
	}
	for i := range all {
		other := &all[i]
		if other.ID == u.ID || !other.EmailVerified || other.IsBlocked() {
			continue
		}
		asked := *req
		asked.Connection = other.Connection
		conn, err := connection.ForRequest(ctx, st, &asked)
		if stagedoor.IsKind(err, stagedoor.Invalid) || err == nil && (!conn.ForLogin() || !conn.Passwords() || conn.Name != other.Connection) {
			continue
		}
		if err != nil {
			return nil, err
		}
		factors, err := st.AuthenticationMethods(ctx, other.ID)
		if err != nil {
			return nil, err
		}
		if len(factors) == 0 {
			return other, nil
		}
	}
	return nil, nil
}

// StayAlone lets a login go on without linking.
func (p *Pipeline) StayAlone(ctx context.Context, v Visit, id, nonce string) error {
	tx, err := p.answered(ctx, v, id, AskLink, nonce)
	if err != nil {
		return err
	}
	tx.Alone, tx.Twin = true, ""
	return v.Store.SaveTransaction(ctx, tx)
}

// Link makes the identity by which the person has come one of their other account, whose password they give, and lets the login go on as that.
func (p *Pipeline) Link(ctx context.Context, v Visit, id, nonce, secret string) error {
	tx, err := p.answered(ctx, v, id, AskLink, nonce)
	if err != nil {
		return err
	}
	s, err := session.Live(ctx, v.Store, v.Session)
	if err != nil {
		return err
	}
	if !sameSession(tx, s) {
		return lost()
	}
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return gone(err)
	}
	other, err := twin(ctx, v.Store, &tx.Request, s, u) // as it is now
	if err != nil {
		return err
	}
	if other == nil || other.ID != tx.Twin {
		return lost()
	}
	conn, err := v.Store.ConnectionByName(ctx, other.Connection)
	if err != nil {
		return err
	}
	proved, err := p.password(ctx, v, conn, &connection.Occasion{ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}, connection.KnownBy(conn, other), secret)
	if err != nil {
		return err
	}
	if proved.ID != other.ID {
		return lost()
	}
	risk, err := assessCounted(ctx, v, proved.ID, false)
	if err != nil {
		return err
	}
	if err := v.Store.RecordLogin(ctx, proved, v.IP); err != nil { // before they get anything by it
		return wrongSince(err)
	}
	s.Risk, s.Settled = risk, false
	if _, err := v.Store.LinkIdentity(ctx, other.ID, u.Identities[0], true); err != nil {
		return err
	}
	if err := hand(ctx, v, s, proved); err != nil {
		return err
	}
	v.Log(stagedoor.LogEvent{
		Type: "w", Description: "The person has linked " + u.ID + " to their account.", UserID: other.ID, UserName: other.Shown(), ClientID: tx.Request.ClientID,
		Connection: s.Connection, Strategy: s.Strategy,
	})
	tx.UserID, tx.Twin, tx.Alone = other.ID, "", true
	return v.Store.SaveTransaction(ctx, tx)
}
