package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// lockScene is what two writes of lockPairs meet over: everything in it is new.
type lockScene struct {
	db       *store.DB
	s        *store.Store
	id       string
	ada, eve string // users, of whom the second one comes first by id
	until    time.Time
}

// lockPair is a write that stops, and one that comes meanwhile.
type lockPair struct {
	name         string
	furnish      func(c *lockScene, t testing.TB)
	stops, comes func(c *lockScene, ctx context.Context) error
}

// lockPairs are writes that want the same rows: each in the one order of the package's documentation.
var lockPairs = []lockPair{
	{
		"a session's cookie, and the end of all sessions", (*lockScene).sessions,
		func(c *lockScene, ctx context.Context) error {
			return c.s.RenewSession(ctx, "sid "+c.ada, "next "+c.id, func(*stagedoor.Session) {})
		},
		func(c *lockScene, ctx context.Context) error {
			return c.s.EndAccess(ctx, c.ada, stagedoor.LogoutByProvider)
		},
	},
	{
		"a session that becomes another user's, and the end of all of theirs", (*lockScene).sessions,
		func(c *lockScene, ctx context.Context) error {
			return c.s.UpdateSession(ctx, "sid "+c.ada, func(v *stagedoor.Session) { v.UserID = c.eve })
		},
		func(c *lockScene, ctx context.Context) error {
			return second(c.s.LinkIdentity(ctx, c.eve, stagedoor.Identity{Connection: "Users", Provider: "auth0", UserID: c.ada[len("auth0|"):]}, true))
		},
	},
	{
		"the end of a session that opened another, and of its refresh tokens", (*lockScene).transferred,
		func(c *lockScene, ctx context.Context) error {
			return c.s.DeleteSession(ctx, "opened "+c.id, stagedoor.LogoutByClient)
		}, (*lockScene).revokeTokens,
	},
	{
		"the end of such sessions by a provider, and of their refresh tokens", (*lockScene).transferred,
		func(c *lockScene, ctx context.Context) error {
			return second(c.s.EndCameBy(ctx, "con", "name "+c.id, nil))
		}, (*lockScene).revokeTokens,
	},
	{
		"such sessions that expire, and the end of their refresh tokens", (*lockScene).expired,
		func(c *lockScene, ctx context.Context) error { return c.db.EndExpired(ctx) }, (*lockScene).revokeTokens,
	},
	{
		"a link, and another password", (*lockScene).links,
		func(c *lockScene, ctx context.Context) error {
			return c.s.CreateTicket(ctx, "next "+c.id, &stagedoor.Ticket{Kind: stagedoor.TicketReset, UserID: c.ada, ExpiresAt: c.until})
		}, (*lockScene).newPassword,
	},
	{
		"a hash for no password, and another password", (*lockScene).links,
		func(c *lockScene, ctx context.Context) error {
			return c.s.SetPasswordHash(ctx, c.ada, "hash", time.Time{})
		}, (*lockScene).newPassword,
	},
	{
		"a browser that is remembered, and all that are forgotten", (*lockScene).browsers,
		func(c *lockScene, ctx context.Context) error {
			return c.s.RememberBrowser(ctx, "browser "+c.id, "next "+c.id, c.ada, "", "", c.until)
		},
		func(c *lockScene, ctx context.Context) error { return c.s.ForgetBrowsers(ctx, c.ada) },
	},
	{
		"a consent, and the end of all", (*lockScene).consents,
		func(c *lockScene, ctx context.Context) error {
			return c.s.AddGrant(ctx, c.ada, "app", "api", []string{"b"})
		},
		func(c *lockScene, ctx context.Context) error { return c.s.DeleteUserGrants(ctx, c.ada) },
	},
}

func (c *lockScene) sessions(t testing.TB) {
	newUser(t, c.s, c.eve)
	newUser(t, c.s, c.ada)
	access(t, c.s, c.ada, c.until)
}

// transferred opens a session by a session transfer token, and gives tokens in it.
func (c *lockScene) transferred(t testing.TB) { c.opened(t, c.until) }

func (c *lockScene) expired(t testing.TB) { c.opened(t, time.Now().Add(-time.Minute)) }

func (c *lockScene) opened(t testing.TB, until time.Time) {
	ctx := t.Context()
	newUser(t, c.s, c.ada)
	access(t, c.s, c.ada, c.until)
	ok(t, c.s.CreateSession(ctx, "opened "+c.id, &stagedoor.Session{
		ID: "opened " + c.id, UserID: c.ada, ExpiresAt: until, IdleExpiresAt: until, CameBy: &stagedoor.CameBy{Connection: "con", NameID: "name " + c.id},
		Transfer: &stagedoor.Transferred{ClientID: "native", Family: "family " + c.ada},
	}))
	token := &stagedoor.RefreshToken{FamilyID: "more " + c.id, UserID: c.ada, ClientID: "native", SessionID: "opened " + c.id}
	if until.After(time.Now()) {
		token.Transfer = &stagedoor.Transferred{ClientID: "native", Family: "family " + c.ada}
	}
	ok(t, c.s.CreateRefreshToken(ctx, "more "+c.id, token))
}

func (c *lockScene) revokeTokens(ctx context.Context) error {
	return second(c.s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{UserID: c.ada}))
}

func (c *lockScene) links(t testing.TB) {
	newUser(t, c.s, c.ada)
	ok(t, c.s.CreateTicket(t.Context(), "link "+c.id, &stagedoor.Ticket{Kind: stagedoor.TicketReset, UserID: c.ada, ExpiresAt: c.until}))
}

func (c *lockScene) newPassword(ctx context.Context) error {
	return c.s.SetPasswordHash(ctx, c.ada, "other", time.Now())
}

func (c *lockScene) browsers(t testing.TB) {
	newUser(t, c.s, c.ada)
	ok(t, c.s.RememberBrowser(t.Context(), "", "browser "+c.id, c.ada, "", "", c.until))
}

func (c *lockScene) consents(t testing.TB) {
	newUser(t, c.s, c.ada)
	ok(t, c.s.AddGrant(t.Context(), c.ada, "app", "api", []string{"a"}))
}

// pauseKey is where the context of a write says before which of its statements it stops.
type pauseKey struct{}

type pause struct {
	at, n        int
	reached, end chan struct{}
}

// TestLocksAreTakenInOneOrder stops a write before each of its statements and lets another one begin meanwhile: neither may wait for the other while that waits for it. PostgreSQL would end one of them after a second, and the caller begin anew.
func TestLocksAreTakenInOneOrder(t *testing.T) {
	ctx := t.Context()
	address := storetest.Migrated(t, storetest.Postgres)
	db := storetest.OpenURL(t, address+"&options=-c%20deadlock_timeout%3D10ms")
	conn, err := pgx.Connect(ctx, address)
	ok(t, err)
	defer conn.Close(ctx)
	must(storetest.Tenant(t, db, "acme").UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error {
		delete(v.Flags, stagedoor.FlagClientConnections) // a client would be enabled on the connections of all scenes
		return nil
	}))(t)
	s := must(db.TenantByID(ctx, "acme"))(t)
	ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "native", Name: "Native", Stored: map[string]json.RawMessage{
		"session_transfer": json.RawMessage(`{"can_create_session_transfer_token":true,"enforce_cascade_revocation":true,"enforce_online_refresh_tokens":true}`),
	}}))
	deadlocks := store.WatchWrites(db, func(ctx context.Context) {
		if p, is := ctx.Value(pauseKey{}).(*pause); is {
			if p.n++; p.n == p.at {
				close(p.reached)
				<-p.end
			}
		}
	})
	scenes := 0
	for _, pair := range slices.Concat(lockPairs, configLockPairs) {
		t.Run(pair.name, func(t *testing.T) {
			for at, more := 1, true; more && !t.Failed(); at++ {
				scenes++
				c := &lockScene{db, s, fmt.Sprint(scenes), fmt.Sprintf("auth0|b%d", scenes), fmt.Sprintf("auth0|a%d", scenes), time.Now().Add(time.Hour)}
				pair.furnish(c, t)
				before := deadlocks.Load()
				more = meet(t, conn, at, func(ctx context.Context) error { return pair.stops(c, ctx) }, func(ctx context.Context) error { return pair.comes(c, ctx) })
				if deadlocks.Load() > before {
					t.Errorf("they wait for each other where the first has stopped %d times", at)
				}
			}
		})
	}
}

// meet stops one write for the at-th time, if it stops so often, runs the other until that has ended or waits, and then both to their ends.
func meet(t *testing.T, conn *pgx.Conn, at int, one, other func(context.Context) error) bool {
	t.Helper()
	p := &pause{at: at, reached: make(chan struct{}), end: make(chan struct{})}
	ends := make(chan error, 2)
	run := func(ctx context.Context, fn func(context.Context) error) chan error {
		ended := make(chan error, 1)
		go func() {
			err := fn(ctx)
			ended <- err
			ends <- err
		}()
		return ended
	}
	first := run(context.WithValue(t.Context(), pauseKey{}, p), one)
	select {
	case <-p.reached:
	case err := <-first:
		bearable(t, err)
		return false
	}
	second := run(t.Context(), other)
	for waits := false; !waits; {
		select {
		case <-second:
			waits = true
		default:
			ok(t, conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)").Scan(&waits))
		}
	}
	close(p.end)
	bearable(t, <-ends)
	bearable(t, <-ends)
	return true
}

// bearable fails for an error that says anything but that the other was faster.
func bearable(t *testing.T, err error) {
	t.Helper()
	kinds := []stagedoor.Kind{stagedoor.NotFound, stagedoor.Conflict, stagedoor.Invalid}
	if err != nil && !slices.ContainsFunc(kinds, func(k stagedoor.Kind) bool { return stagedoor.IsKind(err, k) }) {
		t.Error(err)
	}
}
