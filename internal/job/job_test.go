package job

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func each(t *testing.T, fn func(t *testing.T, st *store.Store, r *Runner, c *clock)) {
	c := &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		st := storetest.Tenant(t, db, "acme")
		conn := &stagedoor.Connection{ID: "con_0123456789abcdef", Name: "Users", Strategy: "auth0"}
		ok(t, st.CreateConnection(t.Context(), conn))
		fn(t, st, newRunner(db), c)
	}, storetest.WithClock(c.time))
}

func newRunner(db *store.DB) *Runner {
	return New(Deps{
		DB: db, Log: slog.Default(), Identify: connection.Identify,
		Send:             func(context.Context, *store.Store, mail.Message) error { return nil },
		SendVerification: func(context.Context, *store.Store, *stagedoor.User, string, string) error { return nil },
	})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// submit adds an import of n users.
func submit(t testing.TB, st *store.Store, n int) *stagedoor.Job {
	t.Helper()
	j := &stagedoor.Job{Type: stagedoor.JobImport, Status: stagedoor.JobUploading, ConnectionID: "con_0123456789abcdef", Connection: "Users"}
	ok(t, st.CreateJob(t.Context(), j, 0))
	var file strings.Builder
	for i := range n {
		fmt.Fprintf(&file, `{"email":"u%06d@x.test","user_id":"u%06d","app_metadata":{"plan":"gold"}}`+"\n", i, i)
	}
	for i, piece := range slices.Collect(slices.Chunk([]byte(file.String()), 1000)) {
		ok(t, st.AddJobPart(t.Context(), j.ID, i, piece))
	}
	ok(t, st.SubmitJob(t.Context(), j))
	return j
}

func count(t testing.TB, st *store.Store) int {
	t.Helper()
	n, err := st.CountUsers(t.Context(), "Users")
	ok(t, err)
	return n
}

func ended(t testing.TB, st *store.Store, id, want string) *stagedoor.Job {
	t.Helper()
	j, err := st.Job(t.Context(), id)
	ok(t, err)
	got := j.Status
	if s := j.Summary; s != nil {
		got += fmt.Sprintf(" inserted %d updated %d failed %d of %d", s.Inserted, s.Updated, s.Failed, s.Total)
	}
	if got != want {
		t.Errorf("the job: %s, %s; want %s", got, j.Details, want)
	}
	return j
}

// TestStopped: a server that stops in the middle gives the job back at once; the next one goes on where it was.
func TestStopped(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, _ *clock) {
		j := submit(t, st, 1000)
		ctx, stop := context.WithCancel(t.Context())
		seen := 0
		r.Identify = func(c *stagedoor.Connection, u *stagedoor.User) error {
			if seen++; seen == 450 {
				stop()
			}
			return connection.Identify(c, u)
		}
		some, err := r.Once(ctx)
		if !some || err != nil {
			t.Fatal(some, err)
		}
		if n := count(t, st); n != 400 {
			t.Errorf("%d users when it stopped", n)
		}
		ended(t, st, j.ID, "processing inserted 400 updated 0 failed 0 of 400")
		again, err := newRunner(r.DB).Once(t.Context())
		if !again || err != nil {
			t.Fatal(again, err)
		}
		ended(t, st, j.ID, "completed inserted 1000 updated 0 failed 0 of 1000")
		if n := count(t, st); n != 1000 {
			t.Errorf("%d users in the end", n)
		}
		if _, _, err := st.JobPart(t.Context(), j.ID, store.JobFile, 0); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the file is still there: %v", err)
		}
	})
}

// TestStopsAreNoTries: however often servers stop while they work on one step of a job, it is done in the end.
func TestStopsAreNoTries(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, _ *clock) {
		ok(t, st.CreateUser(t.Context(), &stagedoor.User{ID: "auth0|a", Connection: "Users", Email: "a@x.test"}, ""))
		j := &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending, UserID: "auth0|a"}
		ok(t, st.CreateJob(t.Context(), j, 0))
		var stop context.CancelFunc
		r.SendVerification = func(ctx context.Context, _ *store.Store, _ *stagedoor.User, _, _ string) error {
			if stop == nil {
				return nil
			}
			stop()
			return ctx.Err()
		}
		for range 2 * maxTries {
			var ctx context.Context
			ctx, stop = context.WithCancel(t.Context())
			_, err := r.Once(ctx)
			ok(t, err)
			ended(t, st, j.ID, "processing")
		}
		stop = nil
		_, err := r.Once(t.Context())
		ok(t, err)
		ended(t, st, j.ID, "completed")
	})
}

// TestServersShare: of several servers one does each job.
func TestServersShare(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, _ *clock) {
		const jobs = 24
		var ids []string
		for i := range jobs {
			u := &stagedoor.User{ID: fmt.Sprintf("auth0|%d", i), Connection: "Users", Email: fmt.Sprintf("u%d@x.test", i)}
			ok(t, st.CreateUser(t.Context(), u, ""))
			j := &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending, UserID: u.ID}
			ok(t, st.CreateJob(t.Context(), j, 0))
			ids = append(ids, j.ID)
		}
		var mu sync.Mutex
		sent := map[string]int{}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var group sync.WaitGroup
		for range 4 {
			server := newRunner(r.DB)
			server.SendVerification = func(_ context.Context, _ *store.Store, u *stagedoor.User, _, _ string) error {
				mu.Lock()
				defer mu.Unlock()
				sent[u.ID]++
				if len(sent) == jobs {
					time.AfterFunc(200*time.Millisecond, stop)
				}
				return nil
			}
			group.Go(func() { server.Run(ctx) })
		}
		group.Wait()
		for id, n := range sent {
			if n != 1 {
				t.Errorf("%s got %d mails", id, n)
			}
		}
		for _, id := range ids {
			ended(t, st, id, "completed")
		}
	})
}

// TestTries: what fails again and again ends, and what it was is not told to the tenant.
func TestTries(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, c *clock) {
		ok(t, st.CreateUser(t.Context(), &stagedoor.User{ID: "auth0|a", Connection: "Users", Email: "a@x.test"}, ""))
		for name, send := range map[string]func() error{
			"error": func() error { return errors.New("no route to mail.internal") },
			"panic": func() error { panic("no route to mail.internal") },
		} {
			j := &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending, UserID: "auth0|a"}
			ok(t, st.CreateJob(t.Context(), j, 0))
			tries := 0
			r.SendVerification = func(context.Context, *store.Store, *stagedoor.User, string, string) error { tries++; return send() }
			for range 2 * maxTries {
				_, err := r.Once(t.Context())
				ok(t, err)
				c.pass(10 * time.Minute)
			}
			if j = ended(t, st, j.ID, "failed"); tries != maxTries || j.Details != "The job failed because of an internal error." {
				t.Errorf("%s: %d tries, %q", name, tries, j.Details)
			}
		}
		verifications := func() map[string]int {
			events, _, err := st.Logs(t.Context(), store.LogQuery{PerPage: 100})
			ok(t, err)
			n := map[string]int{}
			for _, e := range events {
				if body, _ := e.Details["body"].(map[string]any); e.UserID != "auth0|a" || body["email"] != "a@x.test" || body["job_id"] == nil {
					t.Errorf("%+v", e)
				}
				n[e.Type]++
			}
			return n
		}
		if n := verifications(); n["fvr"] != 1 || n["svr"] != 0 { // a panic is told by the job alone
			t.Errorf("the log has %v", n)
		}
		r.SendVerification = func(context.Context, *store.Store, *stagedoor.User, string, string) error { return nil }
		good := &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending, UserID: "auth0|a"}
		ok(t, st.CreateJob(t.Context(), good, 0))
		_, err := r.Once(t.Context())
		ok(t, err)
		if ended(t, st, good.ID, "completed"); verifications()["svr"] != 1 {
			t.Errorf("the log has %v", verifications())
		}
		killed := &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending, UserID: "auth0|a", Tries: maxTries} // each of them ended its server
		ok(t, st.CreateJob(t.Context(), killed, 0))
		r.SendVerification = func(context.Context, *store.Store, *stagedoor.User, string, string) error {
			t.Error("what ends servers is tried without end")
			return nil
		}
		_, err = r.Once(t.Context())
		ok(t, err)
		if j := ended(t, st, killed.ID, "failed"); j.Details != "The job failed because of an internal error." {
			t.Error(j.Details)
		}
		unknown := &stagedoor.Job{Type: "dance", Status: stagedoor.JobPending}
		ok(t, st.CreateJob(t.Context(), unknown, 0))
		_, err = r.Once(t.Context())
		ok(t, err)
		if j := ended(t, st, unknown.ID, "failed"); j.Details != "This server does not know jobs of the type dance." {
			t.Error(j.Details)
		}
	})
}

// TestSwept: a job and what it wrote go a day after its end.
func TestSwept(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, c *clock) {
		j := submit(t, st, 3)
		_, err := r.Once(t.Context())
		ok(t, err)
		c.pass(23 * time.Hour)
		ok(t, r.DB.Sweep(t.Context()))
		ended(t, st, j.ID, "completed inserted 3 updated 0 failed 0 of 3")
		c.pass(2 * time.Hour)
		ok(t, r.DB.Sweep(t.Context()))
		if _, err := st.Job(t.Context(), j.ID); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("still there: %v", err)
		}
	})
}

// TestWaitingJobsAreKept: a job that was accepted is done, also when no server was there for days.
func TestWaitingJobsAreKept(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, c *clock) {
		waits, begun := submit(t, st, 3), &stagedoor.Job{Type: stagedoor.JobExport, Status: stagedoor.JobProcessing, Format: "json"}
		ok(t, st.CreateJob(t.Context(), begun, 0)) // its server is gone
		broken := &stagedoor.Job{Type: stagedoor.JobImport, Status: stagedoor.JobUploading}
		ok(t, st.CreateJob(t.Context(), broken, 0))
		c.pass(72 * time.Hour)
		ok(t, r.DB.Sweep(t.Context()))
		for range 2 {
			some, err := r.Once(t.Context())
			if !some || err != nil {
				t.Fatal(some, err)
			}
		}
		ended(t, st, waits.ID, "completed inserted 3 updated 0 failed 0 of 3")
		ended(t, st, begun.ID, "completed")
		if err := st.AddJobPart(t.Context(), broken.ID, 0, []byte("x")); err == nil {
			t.Error("a file that never came is waited for without end")
		}
	})
}

// FuzzRows: what the splitter takes is what encoding/json takes, and nothing stops it.
func FuzzRows(f *testing.F) {
	for _, text := range []string{`[]`, `[{"a":1},{"b":"}"}]`, "{\"a\":1}\n{\"b\":2}", `[{"a":"\""}]`, "\xef\xbb\xbf[{}]", `[{}`, `{`, `[{},]`, `[[[]]]`, `"x"`, `{}{}`, `[{}] x`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := newRows(strings.NewReader(text), 1000)
		for n := 0; ; n++ {
			raw, err := in.next()
			if err != nil {
				return
			}
			if n > len(text) || len(raw) > 1000 || !strings.Contains(text, string(raw)) {
				t.Fatalf("row %d: %q", n, raw)
			}
		}
	})
}

// FuzzRow: no row stops an import.
func FuzzRow(f *testing.F) {
	f.Add(`{"email":"a@x.test","custom_password_hash":{"algorithm":"md5","hash":{"value":"00","encoding":"hex"}},"mfa_factors":[{"totp":{"secret":"JBSWY3DPEHPK3PXP"}}]}`)
	f.Add(`{"email":"a@x.test","user_metadata":{"a":null},"blocked":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		im := &importer{conn: &stagedoor.Connection{Name: "Users"}, limit: 1000, identify: connection.Identify, seen: newSeen()}
		row := im.row([]byte(text))
		if (row.Error == nil) != (row.User != nil) || len(row.Shown()) == 0 {
			t.Fatalf("%+v", row)
		}
	})
}

// TestConnectionGoes: an import into a connection that is deleted meanwhile ends, and leaves nobody behind whom no connection has.
func TestConnectionGoes(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, _ *clock) {
		j := submit(t, st, 1000)
		seen := 0
		r.Identify = func(c *stagedoor.Connection, u *stagedoor.User) error {
			if seen++; seen == 450 {
				ok(t, st.DeleteConnection(context.WithoutCancel(t.Context()), c.ID))
			}
			return connection.Identify(c, u)
		}
		_, err := r.Once(t.Context())
		ok(t, err)
		if n := count(t, st); n != 0 {
			t.Errorf("%d users of no connection", n)
		}
		if got := ended(t, st, j.ID, "failed inserted 400 updated 0 failed 0 of 400"); got.Details != "The connection does not exist any more." {
			t.Errorf("details: %s", got.Details)
		}
	})
}

// TestTenantGoes: whoever works for a tenant that is deleted stops at the next step.
func TestTenantGoes(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, _ *clock) {
		j := submit(t, st, 1000)
		seen := 0
		r.Identify = func(c *stagedoor.Connection, u *stagedoor.User) error {
			if seen++; seen == 450 {
				ctx, stop := context.WithCancel(t.Context())
				_ = r.DB.DeleteTenant(ctx, "acme", func(int64) { stop() }) // it is interrupted
				stop()
			}
			return connection.Identify(c, u)
		}
		_, err := r.Once(t.Context())
		ok(t, err)
		if seen > 800 {
			t.Errorf("%d rows were looked at", seen)
		}
		if again, err := r.Once(t.Context()); again || err != nil {
			t.Errorf("there is still something to do: %v, %v", j.ID, err)
		}
		ok(t, r.DB.DeleteTenant(t.Context(), "acme", nil))
	})
}

// TestRoomForOthers: one tenant's jobs that take long leave room for those of others.
func TestRoomForOthers(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, c *clock) {
		ok(t, st.CreateUser(t.Context(), &stagedoor.User{ID: "auth0|a", Connection: "Users", Email: "a@x.test"}, ""))
		other := storetest.Tenant(t, r.DB, "other")
		ok(t, other.CreateConnection(t.Context(), &stagedoor.Connection{ID: "con_0123456789abcdef", Name: "Users", Strategy: "auth0"}))
		for range 10 {
			ok(t, st.CreateJob(t.Context(), &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending, UserID: "auth0|a"}, 0))
		}
		c.pass(time.Second)
		j := submit(t, other, 3)
		hangs, most, at := make(chan struct{}), 0, 0
		var mu sync.Mutex
		r.SendVerification = func(context.Context, *store.Store, *stagedoor.User, string, string) error {
			mu.Lock()
			at++
			most = max(most, at)
			mu.Unlock()
			<-hangs
			mu.Lock()
			at--
			mu.Unlock()
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			full := at >= ofTenant // the others may come later than the job that has room beside them
			mu.Unlock()
			if got, err := other.Job(t.Context(), j.ID); err == nil && got.Over() && full {
				break
			}
		}
		ended(t, other, j.ID, "completed inserted 3 updated 0 failed 0 of 3")
		stop()
		close(hangs)
		<-done
		if most != ofTenant {
			t.Errorf("%d jobs of one tenant at a time", most)
		}
	})
}

// TestLargeUsers: what a step of an export reads is bounded by how large the users are, and the file is the same.
func TestLargeUsers(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, _ *clock) {
		words := json.RawMessage(`"` + strings.Repeat("word ", 200_000) + `"`)
		for i := range 12 {
			u := &stagedoor.User{ID: fmt.Sprintf("auth0|%02d", i), Connection: "Users", Email: fmt.Sprintf("u%d@x.test", i)}
			if i > 1 {
				u.UserMetadata = stagedoor.Metadata{"words": words}
			}
			ok(t, st.CreateUser(t.Context(), u, ""))
		}
		for _, format := range []string{"json", "csv"} {
			j := &stagedoor.Job{Type: stagedoor.JobExport, Status: stagedoor.JobPending, Format: format, Fields: []stagedoor.JobField{{Name: "user_id"}, {Name: "user_metadata.words"}}}
			ok(t, st.CreateJob(t.Context(), j, 0))
			_, err := r.Once(t.Context())
			ok(t, err)
			j = ended(t, st, j.ID, "completed")
			var file bytes.Buffer
			for n := 0; ; n++ {
				data, _, err := st.JobPart(t.Context(), j.ID, store.JobResult, n)
				if stagedoor.IsKind(err, stagedoor.NotFound) {
					break
				}
				ok(t, err)
				file.Write(data)
			}
			zip, err := gzip.NewReader(&file)
			ok(t, err)
			text, err := io.ReadAll(zip)
			ok(t, err)
			lines := map[string]int{"json": 12, "csv": 13}[format]
			if got := strings.Count(string(text), "\n"); got != lines || strings.Count(string(text), "auth0|") != 12 || j.Done != 12 || j.Parts != 2 {
				t.Errorf("%s: %d lines, %d users in %d pieces", format, got, j.Done, j.Parts)
			}
		}
	})
}
