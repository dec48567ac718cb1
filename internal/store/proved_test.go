package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A login that the database refuses after the password was right is not counted: its state and its count are kept together.
func TestFailedLoginIsNotCounted(t *testing.T) {
	refuse := map[string]string{
		storetest.SQLite:   "CREATE TRIGGER refuse BEFORE INSERT ON transactions BEGIN SELECT RAISE(ABORT, 'refused'); END",
		storetest.Postgres: "ALTER TABLE transactions ADD CONSTRAINT refuse CHECK (id = 'x') NOT VALID",
	}
	again := map[string]string{storetest.SQLite: "DROP TRIGGER refuse", storetest.Postgres: "ALTER TABLE transactions DROP CONSTRAINT refuse"}
	for kind, sql := range refuse {
		t.Run(kind, func(t *testing.T) {
			db := storetest.Open(t, kind)
			s := storetest.Tenant(t, db, "acme")
			newUser(t, s, "auth0|ada")
			proved := &stagedoor.Transaction{ID: "tx", UserID: "auth0|ada", ExpiresAt: time.Now().Add(time.Hour)}
			store.Exec(t, db, sql)
			if err := s.SaveProved(t.Context(), proved, &stagedoor.User{ID: proved.UserID}, "::1"); err == nil {
				t.Fatal("the database took it")
			}
			for _, want := range []int{0, 1} {
				u, err := s.User(t.Context(), "auth0|ada")
				ok(t, err)
				if u.LoginsCount != want || u.LastLogin.IsZero() != (want == 0) {
					t.Errorf("%d logins, the last %v; want %d", u.LoginsCount, u.LastLogin, want)
				}
				if want == 0 {
					store.Exec(t, db, again[kind])
					ok(t, s.SaveProved(t.Context(), proved, &stagedoor.User{ID: proved.UserID}, "::1"))
				}
			}
		})
	}
}
