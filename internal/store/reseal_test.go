package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// keyFile makes a file of one master key, and returns how a database is opened with it.
func keyFile(t testing.TB) (string, storetest.Option) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	must(jose.LoadOrCreateMasterKeys(path))(t)
	return path, func(o *store.Options) { o.Sealer = must(jose.OpenSealer(path))(t) }
}

// Everything that is sealed is sealed again under a new key while two servers go on, also if it is stopped amid that and begun again, and nothing needs the
// old key then.
func TestReseal(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url := storetest.Migrated(t, kind)
			path, sealed := keyFile(t)
			db, other := storetest.OpenURL(t, url, sealed), storetest.OpenURL(t, url, sealed)
			tenants := map[string]*store.Store{"acme": storetest.Tenant(t, db, "acme"), "evil": storetest.Tenant(t, db, "evil")}
			want := map[string]string{}
			for id, s := range tenants {
				furnish(t, s)
				ok(t, s.SetPasswordHash(t.Context(), "auth0|"+id, strings.Repeat("long ", 30), time.Time{}))
				store.SealPassword(t, s, "auth0|"+id, "a hash of elsewhere")
				store.ImportFactors(t, s, "auth0|"+id, `{}`)
				want[id] = photograph(t, s)
			}
			ok(t, db.SetACMEValue(t.Context(), "login.acme.example", []byte("key")))
			for n := range 450 { // more than two batches
				ok(t, tenants["acme"].SetRulesConfig(t.Context(), fmt.Sprint("key ", n), "value"))
			}
			want["acme"] = photograph(t, tenants["acme"])
			uses := must(db.KeysInUse(t.Context()))(t)
			if len(uses) != 1 {
				t.Fatalf("%+v", uses)
			}
			for _, table := range store.SealedTables() {
				if uses[0].Tables[table] == 0 {
					t.Errorf("nothing is sealed in %s: the test proves nothing about it", table)
				}
			}
			old := uses[0].Key
			fresh := must(jose.AddMasterKey(path, false))(t)
			ctx, cancel := context.WithCancel(t.Context())
			written := make(chan error, 1)
			go func() { // the other server goes on, under the old key at first
				for n := 0; ctx.Err() == nil; n++ {
					if err := must(other.TenantByID(context.Background(), "evil"))(t).SetRulesConfig(context.Background(), "busy", fmt.Sprint(n)); err != nil {
						written <- err
						return
					}
				}
				written <- nil
			}()
			time.Sleep(jose.SettleTime)
			stopped, stop := context.WithCancel(t.Context())
			part, err := db.Reseal(stopped, func(table string, done int64) {
				if done > 300 { // amid a table of several batches
					stop()
				}
			})
			stop()
			if err == nil || part.Done <= 300 {
				t.Errorf("stopped amid it: %+v, %v", part, err)
			}
			if uses := must(db.KeysInUse(t.Context()))(t); len(uses) != 2 {
				t.Errorf("stopped amid it, all is under one key: %+v", uses)
			}
			reports := 0
			r := must(db.Reseal(t.Context(), func(string, int64) { reports++ }))(t)
			if r.Left != 0 || len(r.Failed) > 0 || r.Done == 0 || part.Done+r.Done < 450 || reports < 10 {
				t.Errorf("%+v, %d reports", r, reports)
			}
			cancel()
			ok(t, <-written)
			ok(t, tenants["evil"].DeleteRulesConfig(t.Context(), "busy"))
			if where := store.Holding(t, db, "s1."+old+"."); len(where) > 0 {
				t.Errorf("sealed under the old key: %v", where)
			}
			if where := store.Holding(t, db, "s1."+fresh.ID()+"."); len(where) != len(store.SealedTables()) {
				t.Errorf("the test does not see sealed values: %v", where)
			}
			ok(t, jose.WriteMasterKeys(path, []jose.MasterKey{fresh})) // the old key goes
			last := storetest.OpenURL(t, url, sealed)
			for id := range tenants {
				if got := photograph(t, must(last.TenantByID(t.Context(), id))(t)); got != want[id] {
					t.Errorf("%s is not what it was", id)
				}
			}
			if r := must(db.Reseal(t.Context(), nil))(t); r.Done != 0 || r.Left != 0 {
				t.Errorf("a second time: %+v", r)
			}
		})
	}
}

// Without the old key nothing is touched, and it is told what cannot be opened.
func TestResealWithoutTheOldKey(t *testing.T) {
	url := storetest.Migrated(t, storetest.SQLite)
	path, sealed := keyFile(t)
	s := storetest.Tenant(t, storetest.OpenURL(t, url, sealed), "acme")
	ok(t, s.SetRulesConfig(t.Context(), "key", "value"))
	old := must(os.ReadFile(path))(t)
	ok(t, os.Remove(path))
	r := must(storetest.OpenURL(t, url, func(o *store.Options) { o.Sealer = must(jose.OpenSealer(path))(t) }).Reseal(t.Context(), nil))(t)
	if r.Done != 0 || r.Left != 1 || len(r.Failed) != 1 || r.Failed[0] != "rules_configs key" {
		t.Errorf("%+v", r)
	}
	ok(t, os.WriteFile(path, old, 0o600))
	same(t, must(s.RulesConfigs(t.Context()))(t)["key"], "value")
}

// meddling is a sealer that has something done when it opens a value for the first time.
type meddling struct {
	store.Sealer
	once *sync.Once
	do   func()
}

func (m meddling) Open(sealed string, additional []byte) ([]byte, error) {
	plain, err := m.Sealer.Open(sealed, additional)
	if string(plain) == "before" {
		m.once.Do(m.do)
	}
	return plain, err
}

// What a server changes while its old value is on the way to another key stays as the server wrote it.
func TestResealLeavesWhatChanges(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url := storetest.Migrated(t, kind)
			old, fresh := jose.MasterKey{1}, jose.MasterKey{2}
			before, after := must(jose.NewSealer(old))(t), must(jose.NewSealer(fresh, old))(t)
			s := storetest.Tenant(t, storetest.OpenURL(t, url, func(o *store.Options) { o.Sealer = before }), "acme")
			ok(t, s.SetRulesConfig(t.Context(), "key", "before"))
			other := must(storetest.OpenURL(t, url, func(o *store.Options) { o.Sealer = after }).TenantByID(t.Context(), "acme"))(t)
			changed := false
			db := storetest.OpenURL(t, url, func(o *store.Options) {
				o.Sealer = meddling{after, &sync.Once{}, func() {
					changed = true
					ok(t, other.SetRulesConfig(t.Context(), "key", "after"))
				}}
			})
			r := must(db.Reseal(t.Context(), nil))(t)
			if config := must(other.RulesConfigs(t.Context()))(t); !changed || config["key"] != "after" || r.Left != 0 {
				t.Errorf("%v, %+v", config, r)
			}
		})
	}
}
