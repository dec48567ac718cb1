package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// patchTogether patches users as one group.
func patchTogether(t *testing.T, s *store.Store, ids ...string) []error {
	t.Helper()
	wait, do := store.HoldPatches(t, store.DBOf(s))
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			_, errs[i] = s.PatchMetadata(t.Context(), id, stagedoor.Metadata{"a": json.RawMessage("1")}, nil, mebibyte)
		})
	}
	wait(len(ids))
	do()
	wg.Wait()
	return errs
}

// Each of a group that nobody can be asked about hears that, and none is made again.
func TestUnknownOutcomeOfAGroup(t *testing.T) {
	p, s, direct := throughProxy(t, 300*time.Millisecond, "")
	ids := []string{"auth0|ada", "auth0|grace", "auth0|edsger"}
	for _, id := range ids {
		newUser(t, direct, id)
	}
	must(s.User(t.Context(), ids[0]))(t)
	p.Cut(storetest.After, "commit", 1)
	p.Cut(storetest.Before, "RETURNING seq", 1000)
	for i, err := range patchTogether(t, s, ids...) {
		if !stagedoor.HasCode(err, store.CodeUnknown) {
			t.Errorf("%s: error %v", ids[i], err)
		}
		if u := must(direct.User(t.Context(), ids[i]))(t); len(u.UserMetadata) != 1 {
			t.Errorf("%s: %v", ids[i], u.UserMetadata)
		}
	}
}

// What the database refuses of one patch of a group is the affair of that one.
func TestRefusedPatchSpoilsNoOther(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	s := storetest.Tenant(t, db, "acme")
	ids := []string{"auth0|ada", "auth0|grace", "auth0|edsger", "auth0|nobody"}
	for _, id := range ids[:3] {
		newUser(t, s, id)
	}
	store.Exec(t, db, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '22000'; END $$")
	store.Exec(t, db, "CREATE TRIGGER refuse BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.id = 'auth0|grace') EXECUTE FUNCTION refuse()")
	errs := patchTogether(t, s, ids...)
	if errs[0] != nil || errs[2] != nil {
		t.Errorf("patches that nothing is wrong with: %v, %v", errs[0], errs[2])
	}
	if errs[1] == nil || !strings.Contains(errs[1].Error(), "refused") {
		t.Errorf("the patch that was refused: %v", errs[1])
	}
	isKind(t, errs[3], stagedoor.NotFound)
}

// A patch that is beyond the limit, whose user is not there, or whose caller has left is left out of its group, and the others are written by it.
func TestWrongPatchSpoilsNoOther(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	s := storetest.Tenant(t, db, "acme")
	gone, leave := context.WithCancel(t.Context())
	leave()
	one := stagedoor.Metadata{"a": json.RawMessage("1")}
	ids := []string{"auth0|ada", "auth0|large", "auth0|left", "auth0|nobody", "auth0|last"}
	for _, id := range ids {
		if id != "auth0|nobody" {
			newUser(t, s, id)
		}
	}
	out := store.WriteGroup(db, s, []context.Context{t.Context(), t.Context(), gone, t.Context(), t.Context()}, ids, []stagedoor.Metadata{one, one, one, one, one},
		[]int{mebibyte, 3, mebibyte, mebibyte, mebibyte})
	for _, i := range []int{0, 4} {
		if o := out[i]; o.Err != nil || o.Alone || o.User == nil || len(o.User.UserMetadata) != 1 {
			t.Errorf("%s: %+v", ids[i], o)
		}
	}
	if isKind(t, out[1].Err, stagedoor.TooLarge); !errors.Is(out[2].Err, context.Canceled) || !out[3].Alone {
		t.Errorf("%+v", out)
	}
	for i, id := range ids {
		if u, err := s.User(t.Context(), id); err == nil && len(u.UserMetadata) != len(map[bool]string{true: "x"}[i == 0 || i == 4]) {
			t.Errorf("%s: %v", id, u.UserMetadata)
		}
	}
}

// Groups are of 64 at most, and no two that are written at once have a user in common.
func TestGroupsOfPatches(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	s := storetest.Tenant(t, db, "acme")
	group, waiting := store.TakeGroup(db, s, []string{"ada", "grace", "ada", "edsger"}, []string{"ada"})
	if fmt.Sprint(group) != "[grace edsger]" || waiting != 2 {
		t.Errorf("beside a group of the same user: %v, %d wait on", group, waiting)
	}
	if group, waiting = store.TakeGroup(db, s, make([]string, 100), nil); len(group) != 64 || waiting != 36 {
		t.Errorf("a group of %d, %d wait on", len(group), waiting)
	}
}

// Where somebody listens to changes of users, a patch is written alone, with its event: groups tell nobody.
func TestPatchThatIsToldOfWaitsForNoGroup(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	s := storetest.Tenant(t, db, "acme")
	newUser(t, s, "auth0|ada")
	ok(t, store.EventStreams.Create(t.Context(), s, &stagedoor.Document{ID: "stream", Sealed: `{"status":"enabled","subscriptions":[{"event_type":"user.updated"}]}`}))
	s = must(db.TenantByID(t.Context(), "acme"))(t) // as the next request has it
	_, do := store.HoldPatches(t, db)
	defer do()
	patched := make(chan error, 1)
	go func() {
		_, err := s.PatchMetadata(context.Background(), "auth0|ada", stagedoor.Metadata{"a": json.RawMessage("1")}, nil, mebibyte)
		patched <- err
	}()
	select {
	case err := <-patched:
		ok(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for a group")
	}
	if n := store.Number(t, db, "SELECT COUNT(*) FROM events WHERE tenant = 'acme'"); n != 1 {
		t.Errorf("%d events", n)
	}
}
