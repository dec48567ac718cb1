package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestReplayLocksInOrder: whoever presents a used code again waits for the tokens that are being saved without holding the code, which
// they lock after their user. Else each waits for the other, and PostgreSQL finds that out after a second.
func TestReplayLocksInOrder(t *testing.T) {
	ctx := t.Context()
	address := storetest.URL(t, storetest.Postgres)
	db := storetest.OpenURL(t, address)
	ok(t, db.Migrate(ctx))
	s := storetest.Tenant(t, db, "acme")
	newUser(t, s, "auth0|ada")
	ok(t, s.SaveCode(ctx, "code", &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada"}, ExpiresAt: time.Now().Add(time.Hour)}))
	_, _, err := s.ConsumeCode(ctx, "code")
	ok(t, err)

	conn, err := pgx.Connect(ctx, address)
	ok(t, err)
	defer conn.Close(ctx)
	saving, err := conn.Begin(ctx)
	ok(t, err)
	defer saving.Rollback(ctx)
	_, err = saving.Exec(ctx, "SELECT id FROM users FOR KEY SHARE")
	ok(t, err)

	replayed := make(chan error, 1)
	go func() {
		_, _, err := s.ConsumeCode(ctx, "code")
		replayed <- err
	}()
	for waits := false; !waits; {
		ok(t, saving.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))").Scan(&waits))
	}
	_, err = saving.Exec(ctx, "SELECT id FROM codes FOR SHARE NOWAIT")
	ok(t, err)
	ok(t, saving.Commit(ctx))
	isKind(t, <-replayed, stagedoor.NotFound)
}
