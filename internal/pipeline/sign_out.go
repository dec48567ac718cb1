package pipeline

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/session"
)

// askSignOut is the step of a stored way back from a provider at which somebody signs out.
const askSignOut = "sign-out"

// SignOut is where the person of an ended session goes to sign out at their provider too, from where they come back to to; empty where there is
// no such place. The way back works once, in this browser. asked are the parameters of the logout.
func (p *Pipeline) SignOut(ctx context.Context, v Visit, s *stagedoor.Session, asked url.Values, to string) (string, error) {
	if s == nil || p.Upstream == nil {
		return "", nil
	}
	conn, err := v.Store.ConnectionByName(ctx, s.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !conn.Redirects() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	came := stagedoor.CameBy{}
	if s.CameBy != nil && s.CameBy.Connection == conn.ID {
		came = *s.CameBy
	} else if u, err := v.Store.User(ctx, s.UserID); err == nil {
		for i := range u.Identities {
			if u.Identities[i].Connection == conn.Name {
				came.NameID = strings.TrimPrefix(u.Identities[i].UserID, conn.Name+"|")
			}
		}
	}
	tx := &stagedoor.Transaction{
		ID: stagedoor.NewToken(), Browser: hash(v.Browser), Step: askSignOut, ExpiresAt: v.Store.Clock().Now().Add(transactionLife),
		Request: stagedoor.AuthorizationRequest{RedirectURI: to},
	}
	address, err := p.Upstream.SignOut(ctx, v.Store, conn, came, told(asked, to), v.Issuer, tx.ID)
	if stagedoor.IsKind(err, stagedoor.Scripted) {
		v.Log(stagedoor.LogEvent{
			Type: "federated_logout_failed", Description: describe(err), UserID: s.UserID, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy,
		})
	}
	if kind := stagedoor.AsError(err).Kind; err != nil && kind != stagedoor.Internal && kind != stagedoor.Unavailable || strings.TrimSpace(address) == "" {
		return "", nil // they are signed out here; that the provider cannot be asked shall not keep them
	}
	if err != nil {
		return "", err
	}
	return address, v.Store.SaveTransaction(ctx, tx)
}

// told are the parameters of a logout that scripts see: no token of the person's, and nowhere to go to where the client may lead nobody away.
func told(asked url.Values, to string) url.Values {
	out := maps.Clone(asked)
	out.Del("id_token_hint")
	if to == "" {
		out.Del("returnTo")
		out.Del("post_logout_redirect_uri")
	}
	return out
}

// SignedOut is where somebody goes on who comes back from signing out at their provider; empty where nobody knows.
func (p *Pipeline) SignedOut(ctx context.Context, v Visit, state string) (string, error) {
	tx, err := p.take(ctx, v, state, askSignOut)
	if stagedoor.HasCode(err, "lost_transaction") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return tx.Request.RedirectURI, nil
}

// LoggedOut ends the sessions of somebody whose identity provider says that they have signed out there (SAML profiles section 4.4), and returns where
// the browser goes on: past the clients of SAML 2.0 that know the session that ended in it, then with our answer; empty where there are no such clients
// and the provider names no place for an answer. The provider's word must be signed, of now, and new.
func (p *Pipeline) LoggedOut(ctx context.Context, v Visit, m connection.Message) (string, error) {
	if p.Upstream == nil {
		return "", lost()
	}
	if err := guard.Signer(ctx, v.Store, v.IP); err != nil {
		return "", err
	}
	own, err := session.Live(ctx, v.Store, v.Session)
	if err != nil {
		return "", err
	}
	word, err := p.Upstream.ReadLogout(ctx, v.Store, v.Issuer, m)
	if err == nil {
		err = word.Once(ctx, v.Store)
	}
	if err != nil {
		e := stagedoor.LogEvent{Type: "flo", Description: describe(err)}
		if word != nil {
			e.Connection, e.ConnID, e.Strategy = word.Connection.Name, word.Connection.ID, word.Connection.Strategy
		}
		v.Log(e)
		return "", err
	}
	var here *stagedoor.Session // the one of this browser, which alone can tell its clients
	for _, conn := range append([]*stagedoor.Connection{word.Connection}, word.Others...) {
		ended, err := v.Store.EndCameBy(ctx, conn.ID, word.NameID, word.Indexes)
		if err != nil { // it may be asked for again
			return "", errors.Join(err, word.GiveBack(context.WithoutCancel(ctx), v.Store))
		}
		for i := range ended {
			if own != nil && ended[i].ID == own.ID {
				here = &ended[i]
			}
			v.Log(stagedoor.LogEvent{
				Type: "slo", Description: "The identity provider says that the person has signed out there.", UserID: ended[i].UserID,
				Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, Details: v.Store.Tenant().LogoutDetails(&ended[i]),
			})
		}
	}
	if err := guard.Signed(ctx, v.Store, v.IP); err != nil {
		return "", err
	}
	next, err := p.TellParticipants(ctx, v, here, "", stagedoor.SignOut{To: word.Answer})
	return cmp.Or(next, word.Answer), err
}
