package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

type shelf struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Key   string `json:"key,omitempty"`
	Count int    `json:"count"`
}

var shelves = store.Kind[shelf]{
	Name: "shelf", ID: func(v *shelf) *string { return &v.ID }, Unique: func(v *shelf) string { return v.Name },
	Secret: func(v *shelf) *string { return &v.Key }, NewID: func() string { return stagedoor.NewID("shf_") },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "no_shelf", "There is no such shelf."),
	Clash: func(*shelf) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "two_shelves", "The name is taken.")
	},
}

var boxes = store.Kind[shelf]{
	Name: "box", ID: func(v *shelf) *string { return &v.ID }, Missing: stagedoor.Errorf(stagedoor.NotFound, "no_box", "There is no such box."),
}

func TestKind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		acme, evil := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "evil")
		var ids []string
		for _, name := range []string{"zebra", "", "ant", ""} { // the empty name is nobody's
			v := &shelf{Name: name, Key: "key of " + name}
			ok(t, shelves.Create(ctx, acme, v))
			ids = append(ids, v.ID)
		}
		ok(t, shelves.Create(ctx, evil, &shelf{ID: ids[0], Name: "zebra", Key: "evil"}))
		ok(t, boxes.Create(ctx, acme, &shelf{ID: ids[0], Name: "zebra"}))
		hasCode(t, shelves.Create(ctx, acme, &shelf{Name: "ant"}), stagedoor.Conflict, "two_shelves")
		hasCode(t, boxes.Create(ctx, acme, &shelf{ID: ids[0]}), stagedoor.Conflict, "")

		all := must(shelves.All(ctx, acme))(t)
		if len(all) != 4 || all[0].ID != ids[0] || all[2].Key != "key of ant" {
			t.Errorf("all: %+v", all)
		}
		same(t, must(shelves.ByName(ctx, acme, "ant"))(t).ID, ids[2])
		same(t, must(shelves.Get(ctx, evil, ids[0]))(t).Key, "evil")
		_, err := shelves.Get(ctx, evil, ids[2])
		hasCode(t, err, stagedoor.NotFound, "no_shelf")
		_, err = shelves.Update(ctx, evil, ids[2], func(v *shelf) error { v.Count = 9; return nil })
		hasCode(t, err, stagedoor.NotFound, "no_shelf")
		_, err = shelves.Update(ctx, acme, ids[2], func(v *shelf) error { v.Name = "zebra"; return nil })
		hasCode(t, err, stagedoor.Conflict, "two_shelves")
		same(t, must(shelves.Update(ctx, acme, ids[2], func(v *shelf) error { v.Key = "new"; return nil }))(t).Key, "new")
		same(t, must(shelves.Get(ctx, acme, ids[2]))(t).Key, "new")

		if must(shelves.Delete(ctx, evil, ids[2]))(t) || !must(shelves.Delete(ctx, acme, ids[0]))(t) || must(shelves.Delete(ctx, acme, ids[0]))(t) {
			t.Error("deleted what was not there, or another tenant's")
		}
		if len(must(shelves.All(ctx, evil))(t)) != 1 || len(must(boxes.All(ctx, acme))(t)) != 1 {
			t.Error("deleting touched other kinds or tenants")
		}
	})
}

func TestKindSet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				_, err := boxes.Set(t.Context(), s, "one", func() *shelf { return &shelf{Count: 100} }, func(v *shelf) error { v.Count++; return nil })
				ok(t, err)
			})
		}
		group.Wait()
		same(t, must(boxes.Get(t.Context(), s, "one"))(t), &shelf{ID: "one", Count: 120})
	})
}

// TestKindSeals looks for the secret in the database itself.
func TestKindSeals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		v := &shelf{Name: "n", Key: "a very secret key"}
		ok(t, shelves.Create(t.Context(), s, v))
		same(t, v.Key, "a very secret key")
		raw := fmt.Sprint(store.RawRow(t, db, "SELECT doc, sealed FROM documents"))
		if !strings.Contains(raw, v.ID) || strings.Contains(raw, "very secret") {
			t.Errorf("kept as %s", raw)
		}
	})
}
