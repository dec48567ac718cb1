package oauth

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// What becomes of an anonymous session: a login that knows of it, or its end.

// visitorOf is the session of the browser's cookie; nil if there is none, or the tenant has no such cookies.
func visitorOf(r *http.Request, st *store.Store) (*stagedoor.AnonymousSession, error) {
	held := session.Visitor(r)
	if _, cookie := st.Tenant().Settings.AnonymousSessions(); !cookie || held == "" {
		return nil, nil
	}
	return lives(st.AnonymousSession(r.Context(), held))
}

// lives leaves out a session that is over, or none.
func lives(s *stagedoor.AnonymousSession, err error) (*stagedoor.AnonymousSession, error) {
	if err == nil {
		return s, nil
	}
	if stagedoor.IsKind(err, stagedoor.Invalid) {
		err = nil
	}
	return nil, err
}

// endAnonymous ends the session of the browser's cookie, and takes the cookie away. Access tokens live on.
func (d *Door) endAnonymous(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: anonymousFailed})
	s, err := d.leaving(w, r, st, &event)
	if err == nil && s != nil {
		if err = d.room(st, stagedoor.Network(r.RemoteAddr), guard.Leavers, endsPart); err == nil {
			err = st.EndAnonymousSession(r.Context(), s)
		}
	}
	if err != nil {
		d.logVisitor(st, &event, err)
		answerError(w, r, err)
		return
	}
	if s != nil {
		event.Type, event.UserID, event.Details = anonymousEnded, s.Subject, map[string]any{"session_id": s.ID}
		logToken(st, &event, nil)
	}
	session.ClearVisitor(w, r)
	noStore(w)
	w.WriteHeader(http.StatusNoContent)
}

// leaving is the session that the request ends; nil: there is none.
func (d *Door) leaving(w http.ResponseWriter, r *http.Request, st *store.Store, event *stagedoor.LogEvent) (*stagedoor.AnonymousSession, error) {
	params, _, err := visitorParams(w, r)
	if err != nil {
		return nil, err
	}
	event.ClientID = params["client_id"]
	client := &stagedoor.Client{} // which lives nowhere
	if event.ClientID != "" {
		if client, err = knownClient(r, st, event.ClientID); err != nil {
			return nil, err
		}
	}
	if err := ofClient(w, r, client); err != nil {
		return nil, err
	}
	if params["session_token"] != "" {
		return nil, invalid("The request is invalid")
	}
	return visitorOf(r, st)
}

// visitor is the anonymous session that a login is to know of: that of the ticket, of the browser's cookie, or of the header. Without a good one there is none: nobody is
// kept from signing in.
func (d *Door) visitor(r *http.Request, st *store.Store, client *stagedoor.Client, ticket string) (*stagedoor.AnonymousSession, error) {
	if !client.AnonymousSessions() {
		return nil, nil
	}
	if ticket != "" {
		s, err := taken(r, st, client, ticket)
		if s != nil || err != nil {
			return s, err
		}
	}
	s, err := visitorOf(r, st)
	if header := r.Header.Get(anonymousHeader); s == nil && err == nil && header != "" {
		s, err = lives(st.AnonymousSession(r.Context(), header))
	}
	return s, err
}

// taken is the session of a ticket, which is used up.
func taken(r *http.Request, st *store.Store, client *stagedoor.Client, ticket string) (*stagedoor.AnonymousSession, error) {
	t, err := st.TakeAnonymousTicket(r.Context(), ticket)
	why := ""
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		why = "The ticket of an anonymous session is unknown, was used before, or has expired."
	case err != nil:
		return nil, err
	case t.ClientID != client.ID:
		why = "The ticket of an anonymous session is another client's."
	case !pipeline.SameNetwork(st, client.AnonymousBinding(), t.IP, r.RemoteAddr):
		why = "The ticket of an anonymous session was asked for from elsewhere."
	default:
		return &t.Session, nil
	}
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "w"})
	event.Description, event.ClientID, event.ClientName = why, client.ID, client.Name
	logToken(st, &event, nil)
	return nil, nil
}
