package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Of 20 logins with one ticket one gets the session, and none once it has ended or is over. Nothing is kept of sessions that go on.
func TestAnonymousTicketIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), s.Clock().Now()
		v := stagedoor.NewAnonymousSession(now, time.Hour, json.RawMessage(`{"cart":"c1"}`))
		ticket := func(id string, life time.Duration) string {
			sealed, err := s.AnonymousTicket(&stagedoor.AnonymousTicket{ID: id, Session: *v, ClientID: "app", ExpiresAt: now.Add(life)})
			ok(t, err)
			return sealed
		}
		first, second := ticket("1", time.Minute), ticket("2", time.Minute)
		won := race(20, func(int) error {
			got, err := s.TakeAnonymousTicket(ctx, first)
			if err == nil && (got.Session.Subject != v.Subject || string(got.Session.Metadata) != `{"cart":"c1"}`) {
				t.Errorf("%+v", got)
			}
			return err
		})
		if won != 1 {
			t.Errorf("%d got it", won)
		}
		token, err := s.AnonymousToken(v)
		ok(t, err)
		for _, no := range []string{"", "s1.x.y", token, ticket("3", 0)} {
			_, err = s.TakeAnonymousTicket(ctx, no)
			isKind(t, err, stagedoor.NotFound)
		}
		must(s.AnonymousSession(ctx, token))(t)
		ok(t, s.EndAnonymousSession(ctx, v))
		ok(t, s.EndAnonymousSession(ctx, v))
		_, err = s.TakeAnonymousTicket(ctx, second)
		isKind(t, err, stagedoor.NotFound)
		_, err = s.AnonymousSession(ctx, token)
		if !stagedoor.HasCode(err, "invalid_session_token") {
			t.Error(err)
		}
		_, err = s.AnonymousSession(ctx, "ANONYMOUS_SESSION_"+second) // a ticket is no session
		if !stagedoor.HasCode(err, "invalid_session_token") {
			t.Error(err)
		}
	})
}
