package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Two tenants that are copies of one, for trials say, have the same ids. Whatever is done to the one, no row of the other changes; and whatever is asked of the one
// has the answer that it has where there is no other. Each is done to a twin that has all, and undone again.
func TestTwinsAreApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		acme, twin := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "twin")
		furnishAs(t, twin, "acme")
		belongings(t, twin)
		tables := store.TablesOf(t, db)
		tried := func(before string) (map[string]string, map[string]bool) {
			answers, changes := map[string]string{}, map[string]bool{}
			for name, trespass := range trespasses {
				answers[name], changes[name] = tryOn(t, db, tables, before, trespass.try)
			}
			return answers, changes
		}
		alone, _ := tried("")
		again, _ := tried("")
		sent := sentEvent()
		furnish(t, acme)
		sentEvents.Store("acme", sent)
		photograph(t, acme)                                                                      // which has its log written
		for _, table := range []string{"device_credentials", "organization_domains", "grants"} { // ids that the server gives are the same in a copy, too
			store.Exec(t, db, "UPDATE "+table+" SET id = (SELECT MIN(id) FROM "+table+" WHERE tenant = 'twin') WHERE tenant = 'acme'")
		}
		beside, changed := tried(store.Dump(t.Context(), t, db, tables, "acme"))
		for name := range trespasses {
			if changed[name] {
				t.Errorf("%s of a tenant changed its twin", name)
			}
			if alone[name] == again[name] && beside[name] != alone[name] {
				t.Errorf("%s of a tenant answers otherwise beside its twin:\n%s\n%s", name, alone[name], beside[name])
			}
		}
	})
}

// tryOn does something to the twin, and undoes it. It returns the answer, and whether anything of the other tenant is not as it was.
func tryOn(t *testing.T, db *store.DB, tables store.Tables, before string, try func(context.Context, *store.Store) (any, error)) (answer string, changed bool) {
	t.Helper()
	undo := errors.New("undo")
	err := db.Together(t.Context(), func(in *store.DB) error {
		got, err := try(t.Context(), must(in.TenantByID(t.Context(), "twin"))(failing{t}))
		text, _ := json.Marshal(got)
		answer = fmt.Sprintf("%s, %v", text, err)
		changed = before != "" && store.Dump(t.Context(), failing{t}, in, tables, "acme") != before
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	return answer, changed
}

// failing is a test in the goroutine of another: it panics where it would end, which the transaction makes its error.
type failing struct{ testing.TB }

func (f failing) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (f failing) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
