package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// manyLogs makes a table's worth of rows behind the store's back, so that copies take more than one step.
func manyLogs(t testing.TB, url string, n, size int) {
	t.Helper()
	statement(t, url, fmt.Sprintf(`INSERT INTO logs (tenant, id, type, user_id, client_id, doc, date)
		WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
		SELECT 'acme', 'n' || n, 's', '', '', '{"text":"%s"}', n FROM c`, n, strings.Repeat("x", size)))
}

// A backup that is made while a server writes holds all that was acknowledged before it began, and is one moment.
func TestBackupWhileWriting(t *testing.T) {
	path := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, path)
	s := storetest.Tenant(t, db, "acme")
	newUser(t, s, "auth0|ada")
	newUser(t, s, "auth0|bob")
	manyLogs(t, path, 20000, 400)
	var acknowledged atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			for _, user := range []string{"auth0|ada", "auth0|bob"} { // ada is never behind bob
				if _, err := s.PatchMetadata(context.Background(), user, object(t, fmt.Sprintf(`{"n":%d}`, n)), nil, mebibyte); err != nil {
					written <- err
					return
				}
			}
			acknowledged.Store(int64(n))
		}
		written <- nil
	}()
	file := filepath.Join(t.TempDir(), "backup.db")
	for acknowledged.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	before, steps := acknowledged.Load(), 0
	report, err := store.Backup(t.Context(), path, file, store.BackupOptions{Progress: func(done, total int64) {
		if steps++; done > total {
			t.Errorf("%d of %d bytes", done, total)
		}
		time.Sleep(5 * time.Millisecond) // writes come in between
	}})
	ok(t, err)
	after := acknowledged.Load()
	cancel()
	ok(t, <-written)
	info := must(os.Stat(file))(t)
	if info.Mode().Perm() != 0o600 || info.Size() != report.Bytes || report.Users != 2 || report.Tenants != 1 {
		t.Errorf("%v, %+v", info.Mode(), report)
	}
	if steps < 5 || after <= before {
		t.Fatalf("the test does not write meanwhile: %d steps, %d to %d", steps, before, after)
	}
	same(t, len(must(filepath.Glob(filepath.Join(filepath.Dir(file), "*")))(t)), 1)
	if head := must(os.ReadFile(file))(t)[:20]; head[18] != 1 || head[19] != 1 {
		t.Errorf("the backup wants a log beside it: %v", head[18:])
	}
	saved := must(storetest.OpenURL(t, file).TenantByID(t.Context(), "acme"))(t)
	var n [2]int64
	for i, user := range []string{"auth0|ada", "auth0|bob"} {
		fmt.Sscan(string(must(saved.User(t.Context(), user))(t).UserMetadata["n"]), &n[i])
	}
	if n[1] < before || n[0] < n[1] || n[0] > n[1]+1 || n[1] > after {
		t.Errorf("the backup has %v, between %d and %d were acknowledged", n, before, after)
	}
}

func TestBackupReplacesNothing(t *testing.T) {
	path, file := storetest.Migrated(t, storetest.SQLite), filepath.Join(t.TempDir(), "backup.db")
	ok(t, os.WriteFile(file, []byte("precious"), 0o600))
	_, err := store.Backup(t.Context(), path, file, store.BackupOptions{})
	says(t, err, "--force")
	same(t, string(must(os.ReadFile(file))(t)), "precious")
	must(store.Backup(t.Context(), path, file, store.BackupOptions{Force: true}))(t)
	storetest.OpenURL(t, file)
	meanwhile := filepath.Join(t.TempDir(), "meanwhile.db")
	_, err = store.Backup(t.Context(), path, meanwhile, store.BackupOptions{Progress: func(int64, int64) { ok(t, os.WriteFile(meanwhile, []byte("precious"), 0o600)) }})
	says(t, err, "--force")
	same(t, string(must(os.ReadFile(meanwhile))(t)), "precious")
	link := filepath.Join(t.TempDir(), "link")
	ok(t, os.Symlink(path, link))
	for _, itself := range []string{path, link} { // a server that has it open would lose it
		before := must(os.Stat(path))(t)
		_, err := store.Backup(t.Context(), path, itself, store.BackupOptions{Force: true})
		says(t, err, "is the database itself")
		same(t, os.SameFile(before, must(os.Stat(path))(t)), true)
	}
}

// A database that is closed is one file: nothing lies beside it.
func TestClosedIsOneFile(t *testing.T) {
	path := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, path)
	furnish(t, storetest.Tenant(t, db, "acme"))
	ok(t, db.Close())
	same(t, len(must(filepath.Glob(path+"*"))(t)), 1)
}

// What cannot be saved leaves nothing behind.
func TestBackupRefuses(t *testing.T) {
	damaged := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, damaged)
	storetest.Tenant(t, db, "acme")
	manyLogs(t, damaged, 2000, 400)
	ok(t, db.Close())
	damage(t, damaged)
	none := filepath.Join(t.TempDir(), "none.db")
	text := filepath.Join(t.TempDir(), "text")
	ok(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	ok(t, os.WriteFile(empty, nil, 0o600))
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	ok(t, os.WriteFile(foreign, nil, 0o600))
	statement(t, foreign, "CREATE TABLE x (y)")
	for path, want := range map[string]string{damaged: "damaged", none: "no such file", text: "no database of stagedoor", empty: "empty", foreign: "no database of stagedoor"} {
		dir := t.TempDir()
		_, err := store.Backup(t.Context(), path, filepath.Join(dir, "backup.db"), store.BackupOptions{})
		says(t, err, want)
		same(t, len(must(os.ReadDir(dir))(t)), 0)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("the backup made the database")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := store.Backup(cancelled, storetest.Migrated(t, storetest.SQLite), filepath.Join(dir, "backup.db"), store.BackupOptions{}); err == nil {
		t.Error("a backup that was given up is there")
	}
	same(t, len(must(os.ReadDir(dir))(t)), 0)
	says(t, store.EnoughSpace(dir, 1<<60), "MB free")
}

// damage writes over pages in the middle of a database.
func damage(t testing.TB, path string) {
	t.Helper()
	f := must(os.OpenFile(path, os.O_RDWR, 0))(t)
	defer f.Close()
	info := must(f.Stat())(t)
	_, err := f.WriteAt([]byte(strings.Repeat("damage! ", 4096)), info.Size()/2)
	ok(t, err)
}

func says(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestRestore(t *testing.T) {
	path := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, path)
	s := storetest.Tenant(t, db, "acme")
	furnish(t, s)
	file := filepath.Join(t.TempDir(), "backup.db")
	want := photograph(t, s) // which writes the log events that wait
	must(store.Backup(t.Context(), path, file, store.BackupOptions{}))(t)
	ok(t, s.DeleteUser(t.Context(), "auth0|acme")) // the accident
	o := store.RestoreOptions{Sealer: storetest.Sealer(t), Now: time.Unix(1e9, 0)}
	ok(t, db.Close())

	r, err := store.Restore(t.Context(), file, path, o)
	ok(t, err)
	same(t, r.Aside, path+".before-20010909T014640Z")
	restored := must(storetest.OpenURL(t, path).TenantByID(t.Context(), "acme"))(t)
	if photograph(t, restored) != want {
		t.Error("what was restored is not what was saved")
	}
	old := must(storetest.OpenURL(t, r.Aside).TenantByID(t.Context(), "acme"))(t)
	if _, err := old.User(t.Context(), "auth0|acme"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Errorf("the database that was set aside is not the old one: %v", err)
	}
	elsewhere := filepath.Join(t.TempDir(), "new", "stagedoor.db")
	if r, err = store.Restore(t.Context(), file, elsewhere, o); err != nil || r.Aside != "" || r.Users == 0 {
		t.Errorf("into an empty place: %+v, %v", r, err)
	}
	same(t, must(os.Stat(elsewhere))(t).Mode().Perm(), os.FileMode(0o600))
}

// What cannot be restored changes nothing, and leaves nothing behind.
func TestRestoreRefuses(t *testing.T) {
	source := storetest.Migrated(t, storetest.SQLite)
	db := storetest.OpenURL(t, source)
	furnish(t, storetest.Tenant(t, db, "acme"))
	backup := func(name string) string {
		file := filepath.Join(t.TempDir(), name)
		must(store.Backup(t.Context(), source, file, store.BackupOptions{}))(t)
		return file
	}
	good, damaged, newer, live, text := backup("good"), backup("damaged"), backup("newer"), backup("live"), filepath.Join(t.TempDir(), "text")
	damage(t, damaged)
	statement(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	ok(t, os.WriteFile(live+"-wal", []byte("x"), 0o600))
	ok(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600))
	huge := filepath.Join(t.TempDir(), "huge")
	ok(t, errors.Join(os.WriteFile(huge, nil, 0o600), os.Truncate(huge, 8<<40)))
	ours, err := jose.NewSealer(jose.MasterKey{9})
	ok(t, err)
	for file, c := range map[string]struct {
		want   string
		sealer store.Sealer
	}{
		damaged: {"damaged", storetest.Sealer(t)}, newer: {"newer stagedoor", storetest.Sealer(t)}, live: {"stagedoor backup", storetest.Sealer(t)},
		text: {"no database of stagedoor", storetest.Sealer(t)}, good: {"another master key", ours}, "nowhere": {"no such file", ours}, huge: {"MB free", ours},
	} {
		path := storetest.Migrated(t, storetest.SQLite)
		before := string(must(os.ReadFile(path))(t))
		_, err := store.Restore(t.Context(), file, path, store.RestoreOptions{Sealer: c.sealer, Now: time.Now()})
		says(t, err, c.want)
		if string(must(os.ReadFile(path))(t)) != before || len(must(os.ReadDir(filepath.Dir(path)))(t)) != 1 {
			t.Errorf("%s changed something", filepath.Base(file))
		}
	}
}

// A database that is damaged can be replaced: it is set aside with what lies beside it.
func TestRestoreOverDamage(t *testing.T) {
	source := storetest.Migrated(t, storetest.SQLite)
	file := filepath.Join(t.TempDir(), "backup")
	must(store.Backup(t.Context(), source, file, store.BackupOptions{}))(t)
	path := filepath.Join(t.TempDir(), "stagedoor.db")
	ok(t, os.WriteFile(path, []byte(strings.Repeat("rubbish ", 1000)), 0o600))
	ok(t, os.WriteFile(path+"-wal", []byte("old"), 0o600))
	r, err := store.Restore(t.Context(), file, path, store.RestoreOptions{Sealer: storetest.Sealer(t), Now: time.Now()})
	ok(t, err)
	same(t, string(must(os.ReadFile(r.Aside+"-wal"))(t)), "old")
	ok(t, storetest.OpenURL(t, path).CheckMigrated(t.Context()))
}
