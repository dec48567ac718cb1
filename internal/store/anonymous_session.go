package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// Anonymous sessions lie in no table, however many there are: the session is what its token says, sealed for the tenant. What is kept is the name of one that ended before its
// time, and of a ticket that was used, with the used proofs, until either would be over by itself.

// sessionTokenPrefix begins session tokens, so that whoever finds one knows what it is.
const sessionTokenPrefix = "ANONYMOUS_SESSION_"

// What sealed texts of anonymous sessions are bound to.
const (
	anonymousTokens  = "anonymous_sessions"
	anonymousTickets = "anonymous_tickets"
)

// AnonymousToken is the session token of an anonymous session.
func (s *Store) AnonymousToken(v *stagedoor.AnonymousSession) (string, error) {
	doc, err := plainJSON(v)
	return sessionTokenPrefix + s.seal(doc, anonymousTokens, ""), err
}

// AnonymousSession returns the session that a session token is: session_expired once it is over, also where the tenant has made sessions shorter meanwhile, and
// invalid_session_token if it is none of the tenant's, or was ended.
func (s *Store) AnonymousSession(ctx context.Context, token string) (*stagedoor.AnonymousSession, error) {
	v := new(stagedoor.AnonymousSession)
	sealed, is := strings.CutPrefix(token, sessionTokenPrefix)
	if !is || s.unsealJSON(sealed, anonymousTokens, v) != nil {
		return nil, errAnonymous("invalid_session_token", "The session token is not valid.")
	}
	return v, s.checkAnonymous(ctx, v)
}

// checkAnonymous tells whether a session lives.
func (s *Store) checkAnonymous(ctx context.Context, v *stagedoor.AnonymousSession) error {
	life, _ := s.tenant.Settings.AnonymousSessions()
	if end := v.CreatedAt.Add(life); end.Before(v.ExpiresAt) {
		v.ExpiresAt = end
	}
	if !s.db.clock.Now().Before(v.ExpiresAt) {
		return errAnonymous("session_expired", "The session has expired.")
	}
	var one int
	err := s.lookup().row(ctx, "SELECT 1 FROM used_proofs WHERE tenant = ? AND hash = ?", []any{s.tenant.ID, jose.HashToken(endedName(v))}, &one)
	switch {
	case errors.Is(err, errNoRows):
		return nil
	case err == nil:
		return errAnonymous("invalid_session_token", "The session has ended.")
	}
	return err
}

// EndAnonymousSession ends a session before its time. One that has ended is no error.
func (s *Store) EndAnonymousSession(ctx context.Context, v *stagedoor.AnonymousSession) error {
	_, err := s.UseProof(ctx, endedName(v), v.ExpiresAt)
	return err
}

func endedName(v *stagedoor.AnonymousSession) string { return "anonymous session " + v.ID }

// AnonymousTicket is a ticket that carries a session into a login.
func (s *Store) AnonymousTicket(t *stagedoor.AnonymousTicket) (string, error) {
	doc, err := plainJSON(t)
	return s.seal(doc, anonymousTickets, ""), err
}

// TakeAnonymousTicket uses a ticket up: of many callers one gets it. NotFound if it is none of the tenant's, is over, was used, or its session has ended.
func (s *Store) TakeAnonymousTicket(ctx context.Context, ticket string) (*stagedoor.AnonymousTicket, error) {
	t := new(stagedoor.AnonymousTicket)
	if s.unsealJSON(ticket, anonymousTickets, t) != nil || !s.db.clock.Now().Before(t.ExpiresAt) {
		return nil, errNotFound("anonymous ticket")
	}
	if err := s.checkAnonymous(ctx, &t.Session); stagedoor.IsKind(err, stagedoor.Invalid) {
		return nil, errNotFound("anonymous session")
	} else if err != nil {
		return nil, err
	}
	fresh, err := s.UseProof(ctx, "anonymous ticket "+t.ID, t.ExpiresAt.Add(time.Minute)) // clocks of servers differ
	if err == nil && !fresh {
		err = errNotFound("anonymous ticket")
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func errAnonymous(code, text string) error {
	return stagedoor.Errorf(stagedoor.Invalid, code, "%s", text)
}

func (s *Store) unsealJSON(sealed, table string, into any) error {
	doc, err := s.unseal(sealed, table, "")
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(doc), into) // an empty text is no JSON
}

// plainJSON is v as JSON without the escapes for HTML, which would make six bytes of one: it has to fit into a cookie.
func plainJSON(v any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(out.String(), "\n"), err
}
