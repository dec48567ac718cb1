package pipeline

import (
	"context"
	"net/netip"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Transfer are the session transfer tokens that a browser brings; empty: it brings none.
type Transfer struct{ Query, Cookie string }

// taken returns the one that the client takes.
func (t Transfer) taken(client *stagedoor.Client) string {
	if t.Query != "" && client.TakesTransferTokens(stagedoor.TransferQuery) {
		return t.Query
	}
	if t.Cookie != "" && client.TakesTransferTokens(stagedoor.TransferCookie) {
		return t.Cookie
	}
	return ""
}

// transfer opens a session for the person of a session transfer token, which is used up whatever comes of it. A token that is no good asks for a login,
// also of who is signed in; so does one of another person, whose session it ends: a token that was planted leads nobody unseen into an account that is
// not theirs. Logins without a page leave tokens alone.
func (l *login) transfer(ctx context.Context) (string, error) {
	req, token := &l.tx.Request, l.visit.Transfer.taken(l.client)
	if token == "" || req.HasPrompt("none") {
		return "", nil
	}
	l.taken = true
	t, err := l.st.TakeSessionTransfer(ctx, token)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return l.refuseTransfer("", "The session transfer token is unknown, was used before, or has expired.")
	}
	if err != nil {
		return "", err
	}
	if why := l.notHere(t); why != "" {
		return l.refuseTransfer(t.UserID, why)
	}
	s, err := session.Live(ctx, l.st, l.visit.Session)
	if err != nil || !l.transfers(t) {
		return "", err
	}
	if s != nil && s.UserID != t.UserID {
		if err := l.st.DeleteSession(ctx, s.ID, stagedoor.LogoutRevoked); err != nil {
			return "", err
		}
		return l.refuseTransfer(t.UserID, "The session transfer token is another person's than who was signed in in the browser, whose session has ended.")
	}
	return l.openTransferred(ctx, t, s)
}

// notHere says why a session transfer token is no good for this request; empty: it is.
func (l *login) notHere(t *stagedoor.SessionTransferToken) string {
	binding := l.client.SessionTransfer().DeviceBinding
	switch here := SameNetwork(l.st, binding, t.IP, l.visit.IP); {
	case !here && binding == "asn" && l.st.PlacesKnown().Networks:
		return "The session transfer token was asked for from another network."
	case !here:
		return "The session transfer token was asked for from another address."
	case t.OrgID != l.tx.Request.Organization:
		return "The session transfer token is of another organization than the login."
	}
	return ""
}

// SameNetwork tells whether two addresses are as near to each other as a binding wants: asn, ip, none. Without files that know networks asn is held to the address.
func SameNetwork(st *store.Store, binding, a, b string) bool {
	switch {
	case binding == "none":
		return true
	case binding == "asn" && st.PlacesKnown().Networks:
		return sameNetwork(st, a, b)
	}
	return sameAddress(a, b)
}

// sameAddress tells whether two addresses are one, however they are written.
func sameAddress(a, b string) bool {
	x, err := netip.ParseAddr(a)
	y, wrong := netip.ParseAddr(b)
	return err == nil && wrong == nil && x.Unmap() == y.Unmap()
}

// sameNetwork tells whether two addresses belong to one autonomous system, or are one.
func sameNetwork(st *store.Store, a, b string) bool {
	network := st.Place(a).AS()
	return network != "" && network == st.Place(b).AS() || sameAddress(a, b)
}

// transfers tells whether the request lets its person be known by the token: not where they are to prove themselves here, or did so too long ago, nor
// where somebody else is expected.
func (l *login) transfers(t *stagedoor.SessionTransferToken) bool {
	req := &l.tx.Request
	at := &stagedoor.Session{AuthenticatedAt: t.AuthenticatedAt}
	return !req.HasPrompt("login") && !req.HasPrompt("select_account") && !tooOld(l.st, at, req.MaxAge) && hinted(req, t.UserID)
}

// openTransferred opens the session of the token's person, unless it is the one that the browser has.
func (l *login) openTransferred(ctx context.Context, t *stagedoor.SessionTransferToken, s *stagedoor.Session) (string, error) {
	if s != nil {
		l.tx.Transfer = t
		return "", nil
	}
	u, err := l.st.User(ctx, t.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return l.refuseTransfer("", "The user of the session transfer token does not exist.")
	}
	if err != nil {
		return "", err
	}
	if u.IsBlocked() {
		l.user, l.tx.Transfer = u, t
		return "", errBlocked()
	}
	if ok, err := l.serves(ctx, &stagedoor.Session{UserID: u.ID, Connection: t.Connection}); err != nil {
		return "", err
	} else if !ok {
		return l.refuseTransfer(u.ID, "The login is for people of another connection than that of the session transfer token.")
	}
	conn, err := l.st.ConnectionByName(ctx, t.Connection)
	if err != nil {
		return "", err
	}
	risk, err := assessCounted(ctx, l.visit, u.ID, false)
	if err != nil {
		return "", err
	}
	handle, s, err := session.OpenTransferred(ctx, l.st, t, u, conn, risk, l.visit.who())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return l.refuseTransfer(u.ID, "The refresh token of the session transfer token has ended.")
	}
	if err != nil {
		return "", err
	}
	l.opened, l.visit.Session, l.tx.Transfer = &Opened{Handle: handle, Session: s}, handle, t
	return l.unlessEnded(l.st.RecordLogin(ctx, u, l.visit.IP))
}

// refuseTransfer notes why a session transfer token is no good, and asks for a login.
func (l *login) refuseTransfer(userID, why string) (string, error) {
	l.visit.Log(stagedoor.LogEvent{Type: "w", Description: why, ClientID: l.client.ID, ClientName: l.client.Name, UserID: userID})
	return AskLogin, nil
}

// eventTransfer is event.session_transfer_token: who got the token, for what, and where.
func eventTransfer(st *store.Store, t *stagedoor.SessionTransferToken) map[string]any {
	place := st.Place(t.IP)
	request := map[string]any{"ip": t.IP, "geoip": place.Event()}
	set(request, map[string]string{"user_agent": t.UserAgent, "asn": place.AS()})
	return map[string]any{"client_id": t.ClientID, "scope": nonNilList(t.Scope), "request": request}
}

// transferredSession is eventSession, with the refresh token that the session comes from, if a session transfer token opened it.
func (p *Pipeline) transferredSession(ctx context.Context, v Visit, s *stagedoor.Session) (map[string]any, error) {
	m := eventSession(v.Store, s)
	if s.Transfer == nil {
		return m, nil
	}
	parent := map[string]any{"id": s.Transfer.TokenID}
	rt, err := v.Store.RefreshTokenByID(ctx, s.Transfer.TokenID)
	switch {
	case err == nil:
		parent["metadata"] = nonNilAny(rt.Metadata)
	case !stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, err
	}
	m["session_transfer"] = map[string]any{"parent_refresh_token": parent}
	return m, nil
}
