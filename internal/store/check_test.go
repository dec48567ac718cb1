package store_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestCheckFindsWhatIsWrong(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		acme := storetest.Tenant(t, db, "acme")
		furnish(t, acme)
		furnish(t, storetest.Tenant(t, db, "evil"))
		newUser(t, acme, "auth0|bob")
		acme.Log(stagedoor.LogEvent{Type: "s", ID: "log"})
		must(acme.LogEvent(t.Context(), "log"))(t) // writes what waits
		var steps []string
		c := must(db.Check(t.Context(), func(what string) { steps = append(steps, what) }))(t)
		if len(c.Faults) > 0 || c.Users < 3 || c.IndexRows < 20 || c.Sealed < 20 || c.Logs == 0 || len(steps) < 10 {
			t.Fatalf("of a sound database: %+v, steps %v", c, steps)
		}
		for _, one := range []struct{ name, statement, where, what string }{
			{"a row of the index is missing", "DELETE FROM attr WHERE tenant = 'acme' AND user_id = 'auth0|bob' AND value LIKE '%bob@example.com%'", "attr auth0|bob", "reindex"},
			{"rows of nobody", "INSERT INTO attr (tenant, path, value, at, user_id) VALUES ('evil', 1, 'x', 1, 'auth0|gone')", "attr auth0|gone", "not there"},
			{"a sealed value of elsewhere", "UPDATE clients SET sealed = (SELECT sealed FROM clients WHERE tenant = 'evil') WHERE tenant = 'acme'", "clients client acme", "master key"},
			{"an event that is none", "UPDATE logs SET doc = '[]' WHERE id = 'log'", "logs log", "cannot be read"},
			{"not indexed", "INSERT INTO attr_pending (tenant) VALUES ('evil')", "attr", "stagedoor migrate"},
		} {
			store.Exec(t, db, one.statement)
			c := must(db.Check(t.Context(), nil))(t)
			if !slices.ContainsFunc(c.Faults, func(f store.Fault) bool {
				return f.Where == one.where && strings.Contains(f.What, one.what) && f.Tenant != ""
			}) {
				t.Errorf("%s: %+v", one.name, c.Faults)
			}
		}
		if c := must(db.Check(t.Context(), nil))(t); len(c.Faults) != 5 {
			t.Errorf("%d faults: %+v", len(c.Faults), c.Faults)
		}
		ok(t, db.Close())
		other := storetest.OpenURL(t, url, func(o *store.Options) { o.Sealer = must(jose.NewSealer(jose.MasterKey{9}))(t) })
		if c := must(other.Check(t.Context(), nil))(t); len(c.Faults)+c.Further < c.Sealed {
			t.Errorf("under another master key: %d faults, %d sealed values", len(c.Faults)+c.Further, c.Sealed)
		}
	})
}

// Every column of sealed values is among those that a check opens.
func TestSealedTablesAreAllOfThem(t *testing.T) {
	db := storetest.OpenURL(t, storetest.Migrated(t, storetest.SQLite))
	want, got := store.SealedColumns(t, db)
	if !slices.Equal(want, got) {
		t.Errorf("tables with a column sealed:\n%v\nlisted:\n%v", want, got)
	}
}

// A page that is damaged is told, not only stumbled over.
func TestCheckOfADamagedFile(t *testing.T) {
	path := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, path)
	acme := storetest.Tenant(t, db, "acme")
	for _, u := range storetest.Listeners(200) {
		ok(t, acme.CreateUser(t.Context(), u, ""))
	}
	ok(t, db.Close())
	file := must(os.ReadFile(path))(t)
	const page = 4096
	for at := len(file) / 4 * 3 / page * page; at < len(file)-8*page; at += 8 * page {
		copy(file[at:at+64], slices.Repeat([]byte{0xff}, 64))
	}
	ok(t, os.WriteFile(path, file, 0o600))
	c := must(storetest.OpenURL(t, path).Check(t.Context(), nil))(t)
	if len(c.Faults) == 0 || c.Faults[0].Where != "file" {
		t.Errorf("%+v", c)
	}
	t.Logf("%+v", c.Faults[:min(3, len(c.Faults))])
}
