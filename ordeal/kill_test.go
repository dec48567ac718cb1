//go:build unix

package ordeal

import (
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	_ "modernc.org/sqlite" // to count in the file
)

var (
	kills         = flag.Int("kills", 5, "how often the server is killed on SQLite")
	postgresKills = flag.Int("postgres-kills", 3, "how often server, backend and postmaster are killed on PostgreSQL")
)

// killLoad is how long writers may work before a kill, at most.
const killLoad = 900 * time.Millisecond

// TestKill kills the server, in the middle of writes and now and then while it starts, and starts it again. What was acknowledged
// is there each time, nothing is half there, nothing was done twice, and the database is sound.
func TestKill(t *testing.T) {
	w := newWorld(t, "", 1)
	l := newLoad(w, 8)
	l.warm(2)
	r := newReport("SQLite, kill -9 of the server")
	for n := range *kills {
		delay := rand.N(killLoad)
		l.during(func(last func()) {
			time.Sleep(delay)
			last()
			w.servers[0].kill()
		})
		w.servers[0].start(t)
		if n%10 == 3 { // as it reads the database for the first time
			time.Sleep(rand.N(100 * time.Millisecond))
			w.servers[0].kill()
			w.servers[0].start(t)
			r.kills++
		}
		r.kill(w.ready(0, 30*time.Second))
		l.verify()
		if err := w.check(); err != nil {
			t.Errorf("after kill %d: %v", n+1, err)
		}
		if r.progress(t, n+1, *kills, l); t.Failed() {
			t.Fatalf("after kill %d\n%s", n+1, w.servers[0].log)
		}
	}
	l.everything()
	l.verify()
	r.logs(l, countLogins(t, filepath.Join(w.data, "stagedoor.db")))
	r.done, r.unanswered, r.kept = l.c.done.Load(), l.c.unanswered.Load(), l.c.kept.Load()
	printReports(r)
}

// countLogins counts the log events of logins in the embedded database.
func countLogins(t *testing.T, path string) (n int64) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM logs WHERE type = 's'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A report is a line of the table of a run.
type report struct {
	name                   string
	kills                  int
	done, unanswered, kept int64 // writes: acknowledged, without a clear answer, and of those, found done
	logins, lost           int64 // that were acknowledged; log events of theirs that are not there
	back                   []time.Duration
	began                  time.Time
}

func newReport(name string) *report { return &report{name: name, began: time.Now()} }

func (r *report) kill(back time.Duration) {
	r.kills++
	r.back = append(r.back, back)
}

func (r *report) progress(t *testing.T, n, of int, l *load) {
	if n%25 == 0 || n == of {
		t.Logf("%d of %d kills, %d writes acknowledged, %d unanswered, %v", n, of, l.c.done.Load(), l.c.unanswered.Load(), time.Since(r.began).Round(time.Second))
	}
}

// logs compares the log events of logins with the logins: none may tell of a login that was not.
func (r *report) logs(l *load, events int64) {
	r.logins = l.c.logins.Load()
	r.lost = max(r.logins-events, 0)
	if counted := r.logins + l.c.unanswered.Load(); events > counted {
		l.w.violation("%d log events of logins, at most %d logins", events, counted)
	}
}

// printReports prints the table of runs without a violation: one that had any has failed before.
func printReports(reports ...*report) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "run\tkills\tacknowledged\tunanswered\tof those done\tlost, twice, half\tback after (median, most)")
	for _, r := range reports {
		slices.Sort(r.back)
		median, most := time.Duration(0), time.Duration(0)
		if n := len(r.back); n > 0 {
			median, most = r.back[n/2], r.back[n-1]
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t0\t%v, %v\n", r.name, r.kills, r.done, r.unanswered, r.kept, median.Round(time.Millisecond), most.Round(time.Millisecond))
	}
	w.Flush()
	fmt.Printf("%d logins were acknowledged; log events of %d are not there: those of the last moments before a kill\n", reports[0].logins, reports[0].lost)
}
