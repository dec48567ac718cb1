package store_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func withWait(d time.Duration) storetest.Option { return func(o *store.Options) { o.Wait = d } }

// throughProxy returns a tenant's handle whose every statement passes a proxy, and one that goes straight to the database.
func throughProxy(t *testing.T, wait time.Duration, parameters string) (*storetest.Proxy, *store.Store, *store.Store) {
	t.Helper()
	return proxied(t, storetest.Migrated(t, storetest.Postgres), "acme", wait, parameters)
}

func proxied(t *testing.T, url, tenant string, wait time.Duration, parameters string) (*storetest.Proxy, *store.Store, *store.Store) {
	t.Helper()
	direct := storetest.Tenant(t, storetest.OpenURL(t, url), tenant)
	p := storetest.NewProxy(t, url)
	db := storetest.OpenURL(t, p.URL+parameters, withWait(wait))
	return p, must(db.TenantByID(t.Context(), tenant))(t), direct
}

// modes are the ways in which the driver sends statements: prepared, and as one must behind a pooler that cannot have it so.
var modes = map[string]string{"prepared": "", "unprepared": "&default_query_exec_mode=exec", "simple": "&default_query_exec_mode=simple_protocol"}

// A connection that is cut at any moment of a write costs time, not a write, and no write is made twice.
func TestCutConnectionsLoseNothing(t *testing.T) {
	count := func(ctx context.Context, s *store.Store) (int, error) { // one statement
		return s.CountAttempt(ctx, stagedoor.Attempts{Identifier: "ada", IP: "192.0.2.1"}, time.Hour)
	}
	rename := func(ctx context.Context, s *store.Store) (int, error) { // a transaction that changes what it reads
		n := 0
		_, err := s.UpdateUser(ctx, "auth0|ada", func(u *stagedoor.User) error {
			n = len(u.GivenName) + 1
			u.GivenName += "x"
			return nil
		})
		return n, err
	}
	url := storetest.Migrated(t, storetest.Postgres)
	for mode, parameters := range modes {
		for _, c := range []struct {
			name  string
			write func(context.Context, *store.Store) (int, error)
			when  storetest.When
			text  string
			lost  bool // the write is there, but its answer is not
		}{
			{"one statement, before", count, storetest.Before, "INTO attempts", false},
			{"one statement, before its mark", count, storetest.Before, "INTO write_marks", false},
			{"one statement, after", count, storetest.After, "INTO attempts", true},
			{"transaction, before it begins", rename, storetest.Before, "begin", false},
			{"transaction, after it began", rename, storetest.After, "begin", false},
			{"transaction, before a statement", rename, storetest.Before, "UPDATE users", false},
			{"transaction, after a statement", rename, storetest.After, "UPDATE users", false},
			{"transaction, before COMMIT", rename, storetest.Before, "commit", false},
			{"transaction, after COMMIT", rename, storetest.After, "commit", false},
		} {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				p, s, direct := proxied(t, url, "t"+stagedoor.NewHexID(), 5*time.Second, parameters)
				newUser(t, direct, "auth0|ada")
				first, err := c.write(t.Context(), s)
				ok(t, err)
				p.Cut(c.when, c.text, 1)
				second, err := c.write(t.Context(), s)
				if p.Left() != 0 {
					t.Fatal("nothing was cut")
				}
				switch {
				case c.lost && !stagedoor.HasCode(err, store.CodeAnswerLost):
					t.Errorf("error %v", err)
				case !c.lost && (err != nil || second != first+1):
					t.Errorf("%d after %d, error %v", second, first, err)
				}
				if third, err := c.write(t.Context(), s); err != nil || third != first+2 {
					t.Errorf("the next one finds %d after %d, error %v", third, first, err)
				}
			})
		}
	}
}

// A database that stays away is said to be, in time; nothing waits for ever, nothing was written, and no restart is needed.
func TestDatabaseAway(t *testing.T) {
	p, s, direct := throughProxy(t, 300*time.Millisecond, "")
	newUser(t, direct, "auth0|ada")
	must(s.User(t.Context(), "auth0|ada"))(t)
	p.Down()
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"read", func() error { _, err := s.User(t.Context(), "auth0|ada"); return err }}, // and no connection is left that looks alive
		{"list", func() error { _, err := s.Clients(t.Context()); return err }},
		{"search", func() error { _, _, err := s.Users(t.Context(), store.UserQuery{PerPage: 10}); return err }},
		{"write", func() error {
			_, err := s.UpdateUser(t.Context(), "auth0|ada", func(u *stagedoor.User) error { u.GivenName = "no"; return nil })
			return err
		}},
		{"one statement", func() error {
			_, err := s.CountAttempt(t.Context(), stagedoor.Attempts{Identifier: "ada"}, time.Hour)
			return err
		}},
	} {
		start := time.Now()
		if err := c.do(); !stagedoor.HasCode(err, store.CodeUnavailable) {
			t.Errorf("%s: error %v", c.name, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %v", c.name, took)
		}
	}
	p.Up()
	if u := must(s.User(t.Context(), "auth0|ada"))(t); u.GivenName == "no" {
		t.Error("a write that was refused was made")
	}
}

// A request that meets a database that is away for a moment waits and succeeds.
func TestDatabaseComesBack(t *testing.T) {
	p, s, direct := throughProxy(t, 5*time.Second, "")
	newUser(t, direct, "auth0|ada")
	p.Down()
	time.AfterFunc(400*time.Millisecond, p.Up)
	must(s.User(t.Context(), "auth0|ada"))(t)
	p.Down()
	time.AfterFunc(400*time.Millisecond, p.Up)
	if n := must(s.CountAttempt(t.Context(), stagedoor.Attempts{Identifier: "ada"}, time.Hour))(t); n != 1 {
		t.Errorf("counted %d", n)
	}
}

// A database that is not there is told of once, although it is tried with TLS and without.
func TestUnreachableIsSaidOnce(t *testing.T) {
	_, err := store.Open(t.Context(), store.Options{URL: "postgres://nobody@127.0.0.1:1/nothing"})
	says(t, err, "reaching the database")
	if n := strings.Count(err.Error(), "dial error"); n != 1 {
		t.Errorf("%d times: %v", n, err)
	}
}

// Who gives up is not kept waiting.
func TestDatabaseAwayHeedsContext(t *testing.T) {
	p, s, _ := throughProxy(t, time.Minute, "")
	p.Down()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.CountAttempt(ctx, stagedoor.Attempts{Identifier: "ada"}, time.Hour); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

// Where nobody can be asked how the write ended, that is what the caller hears.
func TestUnknownOutcomeIsSaid(t *testing.T) {
	p, s, direct := throughProxy(t, 300*time.Millisecond, "")
	newUser(t, direct, "auth0|ada")
	must(s.User(t.Context(), "auth0|ada"))(t)
	p.Cut(storetest.After, "commit", 1)
	p.Cut(storetest.Before, "RETURNING seq", 1000)
	_, err := s.UpdateUser(t.Context(), "auth0|ada", func(u *stagedoor.User) error { u.GivenName = "Grace"; return nil })
	if !stagedoor.HasCode(err, store.CodeUnknown) || !stagedoor.IsKind(err, stagedoor.Unavailable) {
		t.Errorf("error %v", err)
	}
	if u := must(direct.User(t.Context(), "auth0|ada"))(t); u.GivenName != "Grace" {
		t.Errorf("given name %q", u.GivenName)
	}
}

// The backend of a connection that was cut may still be at work when the write is asked about and tried again: it must not come through then.
func TestWriteThatIsStillUnderWay(t *testing.T) {
	p, s, direct := throughProxy(t, 10*time.Second, "")
	newUser(t, direct, "auth0|ada")
	entered, leave := make(chan bool), make(chan bool)
	var group sync.WaitGroup
	group.Go(func() { // holds the record that the write wants
		_, err := direct.UpdateUser(t.Context(), "auth0|ada", func(*stagedoor.User) error {
			close(entered)
			<-leave
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	var n int
	group.Go(func() {
		var err error
		if n, err = store.CountAttemptBehind(t.Context(), s, "auth0|ada"); err != nil {
			t.Errorf("error %v", err)
		}
	})
	time.Sleep(300 * time.Millisecond) // the statement waits for the record
	p.Down()
	p.Up()
	time.Sleep(300 * time.Millisecond)
	close(leave)
	group.Wait()
	if must(direct.CountAttempt(t.Context(), stagedoor.Attempts{Identifier: "behind"}, time.Hour))(t) != n+1 || n != 1 {
		t.Errorf("counted %d", n)
	}
}

// Under random cuts every write that was acknowledged is there, and none is there twice.
func TestRandomCuts(t *testing.T) {
	p, s, direct := throughProxy(t, 5*time.Second, "")
	newUser(t, direct, "auth0|ada")
	stop := make(chan bool)
	var cutting, writing sync.WaitGroup
	cutting.Go(func() {
		texts := []string{"INTO attempts", "begin", "commit", "UPDATE users", "INTO write_marks", "RETURNING seq"}
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				if p.Left() < 3 {
					p.Cut(storetest.When(rand.IntN(2)), texts[rand.IntN(len(texts))], 1)
				}
				if rand.IntN(100) == 0 {
					p.Down()
					p.Up()
				}
			}
		}
	})
	var counted, countUnclear, named, nameUnclear, answered atomic.Int64
	for w := range 8 {
		writing.Go(func() {
			for range 40 {
				var err error
				sure, unclear := &counted, &countUnclear
				if w%2 == 0 {
					_, err = s.CountAttempt(t.Context(), stagedoor.Attempts{Identifier: "ada"}, time.Hour)
				} else {
					sure, unclear = &named, &nameUnclear
					_, err = s.UpdateUser(t.Context(), "auth0|ada", func(u *stagedoor.User) error { u.GivenName += "x"; return nil })
				}
				switch {
				case err == nil:
					sure.Add(1)
				case stagedoor.HasCode(err, store.CodeAnswerLost):
					sure.Add(1)
					answered.Add(1)
				case stagedoor.HasCode(err, store.CodeUnknown):
					unclear.Add(1)
				case !stagedoor.HasCode(err, store.CodeUnavailable):
					t.Errorf("error %v", err)
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	cutting.Wait()
	attempts := must(direct.CountAttempt(t.Context(), stagedoor.Attempts{Identifier: "ada"}, time.Hour))(t) - 1
	name := len(must(direct.User(t.Context(), "auth0|ada"))(t).GivenName)
	for what, c := range map[string]struct{ found, sure, unclear int64 }{
		"attempts": {int64(attempts), counted.Load(), countUnclear.Load()}, "names": {int64(name), named.Load(), nameUnclear.Load()},
	} {
		if c.found < c.sure || c.found > c.sure+c.unclear {
			t.Errorf("%s: %d are there, of %d acknowledged and %d unclear", what, c.found, c.sure, c.unclear)
		}
	}
	t.Logf("%d and %d written, %d answers lost, %d unclear", counted.Load(), named.Load(), answered.Load(), countUnclear.Load()+nameUnclear.Load())
}

// Of several hosts the one is found that answers; and one that takes reads only, as the former primary does after a switch-over, is not taken for
// the one that writes.
func TestSeveralHosts(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	p, gone := storetest.NewProxy(t, url), storetest.NewProxy(t, url)
	gone.Down()
	host := func(p *storetest.Proxy) string { return strings.Split(strings.Split(p.URL, "@")[1], "/")[0] }
	s := storetest.Tenant(t, storetest.OpenURL(t, strings.Replace(p.URL, host(p), host(gone)+","+host(p), 1)), "acme")
	newUser(t, s, "auth0|ada")

	readOnly := "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
	statement(t, url, readOnly)
	p.Down()
	p.Up()
	time.AfterFunc(400*time.Millisecond, func() {
		statement(t, url+"&default_transaction_read_only=off", strings.Replace(readOnly, "= on", "= off", 1))
	})
	newUser(t, s, "auth0|grace")
}
