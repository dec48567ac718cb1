package store_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// target is an empty place to copy into.
func target(t testing.TB, kind string) string {
	t.Helper()
	if kind == storetest.SQLite {
		return filepath.Join(t.TempDir(), "copy.db")
	}
	return storetest.URL(t, kind)
}

// A copy that the disk has no room for is not begun.
func TestCopyWithoutRoom(t *testing.T) {
	from, to := storetest.Migrated(t, storetest.SQLite), filepath.Join(t.TempDir(), "new", "copy.db")
	ok(t, os.Truncate(from, 8<<40))
	_, err := store.Copy(t.Context(), from, to, func(store.CopyProgress) { t.Error("it has begun") })
	says(t, err, "MB free")
	if _, err := os.Stat(filepath.Dir(to)); err == nil {
		t.Error("its folder was made")
	}
	for kind, from := range map[string]string{storetest.SQLite: storetest.Migrated(t, storetest.SQLite), storetest.Postgres: storetest.Migrated(t, storetest.Postgres)} {
		if size := must(store.SizeOf(t.Context(), from))(t); size < 100<<10 || size > 100<<20 {
			t.Errorf("an empty database on %s has %d bytes", kind, size)
		}
	}
}

// A copy there and back holds everything, whatever way each database writes it.
func TestCopyThereAndBack(t *testing.T) {
	for _, route := range [][3]string{
		{storetest.SQLite, storetest.Postgres, storetest.SQLite}, {storetest.Postgres, storetest.SQLite, storetest.Postgres},
	} {
		t.Run(strings.Join(route[:], " "), func(t *testing.T) {
			from := storetest.Migrated(t, route[0])
			db := storetest.OpenURL(t, from)
			s := storetest.Tenant(t, db, "acme")
			furnish(t, s)
			store.ImportFactors(t, s, "auth0|acme", `{}`)
			must(s.PatchMetadata(t.Context(), "auth0|acme", object(t, `{"z":1e5,"a":{"k":1.0,"b":[1E+2,12345678901234567890.5,"\u00e9\ud83d\ude00\"\n"],"k":2}}`), nil, mebibyte))(t)
			ok(t, s.CreateUser(t.Context(), &stagedoor.User{ID: "auth0|bob", Connection: "Users", Email: "bob@example.com", UserMetadata: stagedoor.Metadata{"x": json.RawMessage(`"ümlaut"`)}}, ""))
			want := photograph(t, s)
			there, back := target(t, route[1]), target(t, route[2])
			first := must(store.Copy(t.Context(), from, there, nil))(t)
			second := must(store.Copy(t.Context(), there, back, nil))(t)
			if len(first.Tables) < 40 || fmt.Sprint(first.Tables) != fmt.Sprint(second.Tables) {
				t.Errorf("there:\n%v\nback:\n%v", first.Tables, second.Tables)
			}
			for _, url := range []string{there, back} {
				copied := storetest.OpenURL(t, url)
				ok(t, copied.CheckMigrated(t.Context()))
				if got := photograph(t, must(copied.TenantByID(t.Context(), "acme"))(t)); canonical(t, got) != canonical(t, want) {
					t.Errorf("the copy %s is not what was copied", url)
				}
				if c := must(copied.Check(t.Context(), nil))(t); len(c.Faults) > 0 {
					t.Errorf("%+v", c.Faults)
				}
			}
		})
	}
}

// canonical writes a photograph with its documents in one order.
func canonical(t testing.TB, text string) string {
	t.Helper()
	var v any
	ok(t, json.Unmarshal([]byte(text), &v))
	return string(must(json.Marshal(v))(t))
}

// No table is forgotten: each one has rows in the test above, and is in the report.
func TestCopyKnowsEveryTable(t *testing.T) {
	url := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, url)
	s := storetest.Tenant(t, db, "acme")
	furnish(t, s)
	r := must(store.Copy(t.Context(), url, target(t, storetest.SQLite), nil))(t)
	reported := map[string]bool{}
	for _, one := range r.Tables {
		reported[one.Name] = true
	}
	for _, name := range store.TableNames(t, db) {
		if !reported[name] && !slices.Contains([]string{"goose_db_version", "schema_compatible", "write_marks", "config_versions"}, name) {
			t.Errorf("%s is not copied", name)
		}
	}
}

func TestCopyRefuses(t *testing.T) {
	full := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, full)
	furnish(t, storetest.Tenant(t, db, "acme"))
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		occupied := storetest.Migrated(t, kind)
		taken := storetest.OpenURL(t, occupied)
		storetest.Tenant(t, taken, "evil")
		_, err := store.Copy(t.Context(), full, occupied, nil)
		says(t, err, map[string]string{storetest.SQLite: "is there already", storetest.Postgres: "the database to copy into is not empty: its table "}[kind])
		if strings.Count(err.Error(), "the database to copy into") > 1 {
			t.Error(err)
		}
		must(taken.TenantByID(t.Context(), "evil"))(t)
	}
	nowhere := filepath.Join(t.TempDir(), "none.db")
	_, err := store.Copy(t.Context(), nowhere, target(t, storetest.SQLite), nil)
	says(t, err, "no such file")
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("the copy made its own source")
	}
	for _, pair := range [][2]string{{full, "mysql://u:secret@h/d"}, {"mysql://u:secret@h/d", target(t, storetest.SQLite)}} {
		_, err = store.Copy(t.Context(), pair[0], pair[1], nil)
		says(t, err, `a database is a file or a postgres:// URL; "mysql" is not known`)
		if _, err := os.Stat("mysql:"); err == nil {
			t.Error("the address became a folder")
		}
	}
	old := storetest.URL(t, storetest.SQLite)
	ok(t, os.WriteFile(old, nil, 0o600))
	_, err = store.Copy(t.Context(), old, target(t, storetest.SQLite), nil)
	says(t, err, "stagedoor migrate")
	// What goes wrong in the middle leaves nothing behind.
	statement(t, full, "UPDATE roles SET doc = 'no document'")
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		to := target(t, kind)
		_, err = store.Copy(t.Context(), full, to, nil)
		says(t, err, "roles")
		if kind == storetest.SQLite {
			same(t, len(must(os.ReadDir(filepath.Dir(to)))(t)), 0)
			continue
		}
		same(t, len(must(storetest.OpenURL(t, to).Tenants(t.Context()))(t)), 0)
	}
}

// What arrives otherwise than it was sent is found out before anybody sees the copy.
func TestCopyIsCompared(t *testing.T) {
	from := storetest.Migrated(t, storetest.SQLite)
	s := storetest.Tenant(t, storetest.OpenURL(t, from), "acme")
	furnish(t, s)
	photograph(t, s) // which has its log written
	manyLogs(t, from, 1500, 10)
	for what, body := range map[string]string{
		"lost": "RETURN NULL", "changed": "NEW.sent_at = 7; RETURN NEW",
	} {
		to, spoilt := target(t, storetest.Postgres), false
		_, err := store.Copy(t.Context(), from, to, func(p store.CopyProgress) {
			if !spoilt && p.Table == "logs" { // the mails come behind them
				spoilt = true
				statement(t, to, "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+body+"; END $$")
				statement(t, to, "CREATE TRIGGER spoil BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION spoil()")
			}
		})
		if !spoilt {
			t.Fatal("nothing was spoilt")
		}
		if err == nil || !strings.Contains(err.Error(), "the copy of mails is not the same") {
			t.Errorf("%s: error %v", what, err)
		}
		same(t, len(must(storetest.OpenURL(t, to).Tenants(t.Context()))(t)), 0)
	}
}

// A copy is of one moment, whatever is written meanwhile.
func TestCopyOfAMoment(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			from := storetest.Migrated(t, kind)
			s := storetest.Tenant(t, storetest.OpenURL(t, from), "acme")
			for i := range 1100 {
				s.Log(stagedoor.LogEvent{Type: "s", UserID: fmt.Sprint(i)})
			}
			ok(t, s.SaveMail(t.Context(), &stagedoor.Mail{ID: "early", Subject: "Hello"}))
			_, _, err := s.Logs(t.Context(), store.LogQuery{PerPage: 1})
			ok(t, err)
			to, written := target(t, storetest.SQLite), false
			must(store.Copy(t.Context(), from, to, func(p store.CopyProgress) {
				if !written {
					written = true
					ok(t, s.SaveMail(t.Context(), &stagedoor.Mail{ID: "late", Subject: "Hello"})) // the mails come behind the log
				}
			}))(t)
			if !written {
				t.Fatal("nothing was written meanwhile")
			}
			copied := must(storetest.OpenURL(t, to).TenantByID(t.Context(), "acme"))(t)
			if mails := must(copied.Mails(t.Context()))(t); len(mails) != 1 || mails[0].ID != "early" {
				t.Errorf("%+v", mails)
			}
		})
	}
}

// Memory does not grow with the rows.
func TestCopyIsFlat(t *testing.T) {
	url := storetest.Migrated(t, storetest.SQLite)
	storetest.Tenant(t, storetest.OpenURL(t, url), "acme")
	manyLogs(t, url, 15000, 1600)
	var peak uint64
	r := must(store.Copy(t.Context(), url, target(t, storetest.Postgres), func(store.CopyProgress) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}))(t)
	if peak > 32<<20 || r.Rows < 15000 { // the documents alone are 24 MB, and pass through twice
		t.Errorf("%d rows, %d MB", r.Rows, peak>>20)
	}
	t.Logf("%d rows, %d KB, %.1f s", r.Rows, peak>>10, r.Seconds)
}

func TestCanonicalJSON(t *testing.T) {
	for _, same := range [][]string{
		{`{"a":1,"b":[2]}`, `{ "b" : [2.0], "a" : 1 }`, `{"a":9,"b":[20e-1],"a":1e0}`},
		{`[0]`, `[-0]`, `[0.00]`, `[0e5]`},
		{`[100000]`, `[1e5]`, `[1E+5]`, `[0.1e6]`},
		{`["é"]`, `["\u00e9"]`},
	} {
		for _, text := range same {
			if got, want := must(store.CanonicalJSON(text))(t), must(store.CanonicalJSON(same[0]))(t); got != want {
				t.Errorf("%s is %s, %s is %s", text, got, same[0], want)
			}
		}
	}
	different := map[string]bool{}
	for _, text := range []string{`[1]`, `["1"]`, `[[1]]`, `[10]`, `[-1]`, `[0.1]`, `{"1":1}`, `[null]`, `[true]`, `[12345678901234567890]`, `[12345678901234567891]`, `["a","b"]`, `["a,b"]`} {
		different[must(store.CanonicalJSON(text))(t)] = true
	}
	same(t, len(different), 13)
}
