//go:build unix

package ordeal

import (
	"database/sql"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A database that goes away is answered with 503 and found again without a restart; so is one that only hangs, within the limit.
func TestDatabaseGoesAwayOrHangs(t *testing.T) {
	pg := newPostgres(t)
	door := newSlowDoor(t, "127.0.0.1:"+pg.port)
	w := newWorld(t, strings.Replace(pg.url, ":"+pg.port+"/", door.port+"/", 1), 1, "--request-limit", "3s")
	l := newLoad(w, 1)
	l.wantWell("before")

	pg.stop()
	if status, r := l.patchOnce("away"); status != 503 && status != 500 {
		t.Errorf("without a database: %d %+v", status, r)
	}
	if status := w.call(0, "GET", "/readyz", "", nil, nil); status != 503 {
		t.Errorf("ready without a database: %d", status)
	}
	if status, _, _ := w.logIn(0, l.all.email); status < 500 {
		t.Errorf("a login without a database: %d", status)
	}
	pg.start()
	w.ready(0, 30*time.Second)
	l.wantWell("back")

	door.stuck.Store(true)
	began := time.Now()
	status, r := l.patchOnce("stuck")
	if took := time.Since(began); status != 503 || r.ErrorCode == "" || took > 15*time.Second {
		t.Errorf("with a database that hangs: %d %+v after %v", status, r, took)
	}
	door.stuck.Store(false)
	w.ready(0, 30*time.Second)
	l.wantWell("moves again")
}

// slowDoor passes bytes on to a database, or holds them.
type slowDoor struct {
	port  string // with its colon
	stuck atomic.Bool
}

func newSlowDoor(t *testing.T, target string) *slowDoor {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	d := &slowDoor{port: address[strings.LastIndexByte(address, ':'):]}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go d.pass(client, target)
		}
	}()
	return d
}

func (d *slowDoor) pass(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var wg sync.WaitGroup
	wg.Go(func() { d.copy(server, client) })
	wg.Go(func() { d.copy(client, server) })
	wg.Wait()
}

func (d *slowDoor) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		for d.stuck.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				return
			}
			return
		}
	}
}

// Servers of two versions: who knows less than the database does not start and says so; who runs already goes on.
func TestNewerSchema(t *testing.T) {
	w := newWorld(t, "", 1)
	l := newLoad(w, 1)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data, "stagedoor.db")+"?_pragma=busy_timeout(10000)")
	if err == nil {
		_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1); UPDATE schema_compatible SET version = 99999")
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(program(t), "serve", "--http", freeAddress(t), "--https", ""); err == nil || !strings.Contains(err.Error(), "use a newer stagedoor") {
		t.Errorf("it ends with %v", err)
	}
	if status, r := l.patchOnce("still"); status != 200 {
		t.Errorf("the server that runs: %d %+v", status, r)
	}
	if status := w.call(0, "GET", "/readyz", "", nil, nil); status != 200 {
		t.Errorf("ready: %d", status)
	}
}
