//go:build unix

package ordeal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A postgres is a PostgreSQL server of one's own, which waits for the disk as in production.
type postgres struct {
	testing.TB
	bin, dir, url, port string
	root                bool // PostgreSQL refuses to run as root: it runs as the user postgres then
}

// need ends the test where a program is missing: at home it is skipped.
func need(t testing.TB, missing string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: scripts/install installs it", missing)
	}
	t.Skipf("%s is missing: scripts/install installs it", missing)
}

// postgresBin is the directory of the newest PostgreSQL's programs.
func postgresBin(t testing.TB) string {
	t.Helper()
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(all) == 0 {
		path, err := exec.LookPath("initdb")
		if err != nil {
			need(t, "PostgreSQL")
		}
		return filepath.Dir(path)
	}
	slices.Sort(all)
	return filepath.Dir(all[len(all)-1])
}

func newPostgres(t testing.TB) *postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "stagedoor-ordeal-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	_, port, _ := net.SplitHostPort(freeAddress(t))
	p := &postgres{TB: t, bin: postgresBin(t), dir: dir, port: port, root: os.Getuid() == 0}
	p.url = "postgres://stagedoor@127.0.0.1:" + port + "/postgres?sslmode=disable"
	giveToPostgres(t, dir)
	p.must("initdb", "-D", p.data(), "-U", "stagedoor", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	p.start()
	t.Cleanup(func() { p.run("pg_ctl", "-D", p.data(), "-m", "immediate", "-w", "stop") }) //nolint:errcheck // it may be down
	return p
}

// giveToPostgres makes a directory the user postgres's, where tests run as root.
func giveToPostgres(t testing.TB, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *postgres) run(name string, args ...string) ([]byte, error) {
	args = append([]string{filepath.Join(p.bin, name)}, args...)
	if p.root {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	out, err := os.CreateTemp("", "ordeal-out-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out // a file: a server that stays behind would hold a pipe open
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	return text, err
}

func (p *postgres) must(name string, args ...string) {
	p.Helper()
	if out, err := p.run(name, args...); err != nil {
		p.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// start starts the server, also one that was killed and whose last processes still end.
func (p *postgres) start() {
	p.Helper()
	options := "-c listen_addresses=127.0.0.1 -c port=" + p.port + " -c unix_socket_directories=" + p.dir + " -c max_connections=100 -c restart_after_crash=on"
	var out []byte
	var err error
	for range 100 {
		if out, err = p.run("pg_ctl", "-D", p.data(), "-l", filepath.Join(p.dir, "log"), "-o", options, "-w", "-t", "60", "start"); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.Fatalf("PostgreSQL does not start: %v\n%s", err, out)
}

// stop ends the server as an operator does in a hurry.
func (p *postgres) stop() { p.must("pg_ctl", "-D", p.data(), "-m", "fast", "-w", "stop") }

// killPostmaster kills the process that all others depend on.
func (p *postgres) killPostmaster() {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	if err != nil {
		p.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// killBackend kills one of the processes that work for clients; the postmaster then ends all of them and recovers.
func (p *postgres) killBackend() {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY state, pid")
	if err != nil {
		p.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil || len(pids) == 0 {
		p.Fatalf("%d backends: %v", len(pids), err)
	}
	if err := syscall.Kill(int(pids[rand.IntN(len(pids))]), syscall.SIGKILL); err != nil {
		p.Fatal(err)
	}
}

// TestKillPostgres kills the server, one of the database's backends, and the database's postmaster, by turns. The server that
// lives on must find the database again by itself.
func TestKillPostgres(t *testing.T) {
	pg := newPostgres(t)
	w := newWorld(t, pg.url, 1)
	l := newLoad(w, 8)
	l.warm(2)
	reports := []*report{newReport("PostgreSQL, kill -9 of the server"), newReport("PostgreSQL, kill -9 of a backend"), newReport("PostgreSQL, kill -9 of the postmaster")}
	for n := range *postgresKills {
		r := reports[n%len(reports)]
		before := [...]int64{l.c.done.Load(), l.c.unanswered.Load(), l.c.kept.Load()}
		l.during(func(last func()) {
			time.Sleep(rand.N(killLoad))
			switch last(); n % len(reports) {
			case 0:
				w.servers[0].kill()
			case 1:
				pg.killBackend()
			case 2:
				pg.killPostmaster()
			}
		})
		switch n % len(reports) {
		case 0:
			w.servers[0].start(t)
		case 2:
			pg.start()
		}
		r.kill(w.ready(0, 60*time.Second))
		l.verify()
		if err := w.check(); err != nil {
			t.Errorf("after kill %d: %v", n+1, err)
		}
		r.done, r.unanswered, r.kept = r.done+l.c.done.Load()-before[0], r.unanswered+l.c.unanswered.Load()-before[1], r.kept+l.c.kept.Load()-before[2]
		if reports[0].progress(t, n+1, *postgresKills, l); t.Failed() {
			t.Fatalf("after kill %d, %s\n%s", n+1, r.name, w.servers[0].log)
		}
	}
	l.everything()
	l.verify()
	reports[0].logs(l, pg.countLogins())
	printReports(reports...)
}

func (p *postgres) countLogins() (n int64) {
	p.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.url)
	if err == nil {
		defer conn.Close(ctx)
		err = conn.QueryRow(ctx, "SELECT COUNT(*) FROM logs WHERE type = 's'").Scan(&n)
	}
	if err != nil {
		p.Fatal(fmt.Errorf("counting: %w", err))
	}
	return n
}
