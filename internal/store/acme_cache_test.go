package store_test

import (
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What one server gets by ACME every server of the database has, and who reads the database does not.
func TestACMEValues(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url := storetest.Migrated(t, kind)
			one, other, ctx := storetest.OpenURL(t, url), storetest.OpenURL(t, url), t.Context()
			ok(t, one.SetACMEValue(ctx, "login.acme.example", []byte("first")))
			ok(t, one.SetACMEValue(ctx, "login.acme.example", []byte("the key of a certificate")))
			ok(t, one.SetACMEValue(ctx, "acme_account+key", []byte{0, 255}))
			if got := must(other.ACMEValue(ctx, "login.acme.example"))(t); string(got) != "the key of a certificate" {
				t.Errorf("the other server has %q", got)
			}
			if got := must(other.ACMEValue(ctx, "acme_account+key"))(t); string(got) != "\x00\xff" {
				t.Errorf("the other server has %q", got)
			}
			if where := store.Holding(t, one, "certificate"); len(where) > 0 {
				t.Errorf("in clear: %v", where)
			}
			ok(t, other.DeleteACMEValue(ctx, "login.acme.example"))
			ok(t, other.DeleteACMEValue(ctx, "never there"))
			if _, err := one.ACMEValue(ctx, "login.acme.example"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("deleted, and yet: %v", err)
			}
			if _, err := one.ACMEValue(ctx, strings.Repeat("x", 300)); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("never there, and yet: %v", err)
			}
		})
	}
}
