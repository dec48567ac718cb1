//go:build unix

package ordeal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refused is what a caller reads of an error.
type refused struct {
	Status    int    `json:"statusCode"`
	Error     string `json:"error"`
	ErrorCode string `json:"errorCode"`
	Message   string `json:"message"`
}

// patchOnce patches the user of all and returns what was answered.
func (l *load) patchOnce(key string) (status int, r refused) {
	l.w.tokens.Lock()
	token := l.w.token
	l.w.tokens.Unlock()
	status, text, err := l.w.exchange(0, "PATCH", "/api/v2"+userPath(l.all.id), token, pair(key))
	if err != nil {
		return 0, refused{Message: err.Error()}
	}
	l.all.keys[key] = status == 200
	_ = json.Unmarshal(text, &r)
	return status, r
}

// wantRefused holds a patch to a clear refusal with a code.
func (l *load) wantRefused(key, code string) {
	l.w.Helper()
	status, r := l.patchOnce(key)
	if status != 503 || r.ErrorCode != code || r.Status != 503 || r.Message == "" {
		l.w.Errorf("answered with %d %+v, want 503 %s", status, r, code)
	}
	for range 500 { // what a program prints takes a moment
		if strings.Contains(l.w.servers[0].log.String(), "level=ERROR") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.w.Errorf("the operator reads nothing of it: %s", l.w.servers[0].log)
}

// wantRead holds a read to an answer.
func (l *load) wantRead() {
	l.w.Helper()
	var u shown
	if status := l.w.manage(0, "GET", userPath(l.all.id), nil, &u); status != 200 {
		l.w.Errorf("a read is answered with %d\n%s", status, l.w.servers[0].log)
	}
}

// wantWell holds the server to work again without a restart, and the database to be sound.
func (l *load) wantWell(key string) {
	l.w.Helper()
	var status int
	var r refused
	for range 300 {
		if status, r = l.patchOnce(key); status == 200 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if status != 200 {
		l.w.Errorf("afterwards a patch is answered with %d %+v", status, r)
	}
	l.all.touched = true
	l.verify()
	if err := l.w.check(); err != nil {
		l.w.Error(err)
	}
}

// A file that is taken away while the server has it open would swallow what is written: writes are refused until it is back.
func TestRemovedFile(t *testing.T) {
	w := newWorld(t, "", 1)
	l := newLoad(w, 1)
	path, away := filepath.Join(w.data, "stagedoor.db"), filepath.Join(w.data, "away.db")
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(path, away)
	l.wantRefused("removed", "database_unavailable")
	if status := w.call(0, "GET", "/readyz", "", nil, nil); status != 503 {
		t.Errorf("ready: %d", status)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l.wantRefused("replaced", "database_unavailable")
	if !strings.Contains(w.servers[0].log.String(), "removed or replaced") { // wantRefused has waited for the line
		t.Errorf("the operator reads %s", w.servers[0].log)
	}
	move(away, path)
	l.wantWell("back")
}

// Another master key is told at the start, and so is a lost one: nothing is made in its place.
func TestWrongMasterKey(t *testing.T) {
	w := newWorld(t, "", 1)
	w.servers[0].stop()
	path := filepath.Join(w.data, "master.key")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(program(t), "serve", "--http", w.servers[0].address, "--https", ""); err == nil || !strings.Contains(err.Error(), "another master key") {
		t.Errorf("under another key: %v", err)
	}
	if err := w.check(); err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Errorf("the check under another key: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(program(t), "serve", "--http", w.servers[0].address, "--https", ""); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("without a key: %v", err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.servers[0].start(t)
	w.ready(0, 20*time.Second)
}

// A damaged page: who meets it is told so, everybody else is served, and the check finds it.
func TestDamagedPage(t *testing.T) {
	w := newWorld(t, "", 1)
	l := newLoad(w, 4)
	l.warm(10)
	w.servers[0].stop()
	if err := w.check(); err != nil { // whoever closes the file last brings the log into it
		t.Fatal(err)
	}
	path := filepath.Join(w.data, "stagedoor.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	victim := l.writers[0].people[9] // the page that holds this user's record
	damaged := 0
	for from := 0; ; {
		next := strings.Index(string(file[from:]), victim.id)
		if next < 0 {
			break
		}
		page := (from + next) / 4096 * 4096
		if page > 0 {
			copy(file[page:page+16], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
			damaged++
		}
		from = page + 4096
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	w.servers[0].start(t)
	w.ready(0, 20*time.Second)
	status, text, err := w.exchange(0, "GET", "/api/v2"+userPath(victim.id), w.token, nil)
	var r refused
	if json.Unmarshal(text, &r); err != nil || status != 503 || r.ErrorCode != "database_damaged" {
		t.Errorf("of %d damaged pages the user's is answered with %d %s", damaged, status, text)
	}
	if status := w.manage(0, "GET", "/clients", nil, nil); status != 200 {
		t.Errorf("what lies elsewhere is answered with %d", status)
	}
	if err := w.check(); err == nil || !strings.Contains(err.Error(), "faults") {
		t.Errorf("the check says %v", err)
	}
	if log := w.servers[0].log.String(); !strings.Contains(log, "malformed") {
		t.Errorf("the operator reads %s", log)
	}
}
