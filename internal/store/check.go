package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
)

// A Fault is one thing that is wrong with a database.
type Fault struct {
	Tenant string `json:"tenant,omitempty"`
	Where  string `json:"where"` // file, or table and key: "users auth0|4f…"
	What   string `json:"what"`
}

// Checked is what [DB.Check] has looked at and found.
type Checked struct {
	Users     int     `json:"users"`
	IndexRows int     `json:"index_rows"`
	Sealed    int     `json:"sealed_values"`
	Logs      int     `json:"log_events"`
	Faults    []Fault `json:"faults"`      // at most maxFaults
	Further   int     `json:"more_faults"` // how many there are beside them
}

// maxFaults is how many faults are told one by one.
const maxFaults = 200

func (c *Checked) fault(tenant, where, format string, args ...any) {
	if len(c.Faults) >= maxFaults {
		c.Further++
		return
	}
	c.Faults = append(c.Faults, Fault{tenant, where, fmt.Sprintf(format, args...)})
}

// Check looks at the whole database, in one snapshot, while servers may run: that its pages and references are sound (the embedded
// database's; PostgreSQL has tools of its own), that users and log events can be read, that the search index holds what the users say
// and nothing else, and that every sealed value opens under the master keys. What is damaged is a [Fault] of the report; an error
// means that the check did not come to its end. step is told what is looked at next; it may be nil.
func (db *DB) Check(ctx context.Context, step func(what string)) (*Checked, error) {
	if step == nil {
		step = func(string) {}
	}
	c := &Checked{Faults: []Fault{}}
	err := db.snapshot(ctx, func(q querier) error {
		c.Users, c.IndexRows, c.Sealed, c.Logs = 0, 0, 0, 0
		if !db.postgres {
			step("the file's pages")
			c.step("file", checkPages(ctx, q, c))
		}
		tenants, err := tenantIDs(ctx, q)
		c.step("tenants", err)
		for _, id := range tenants {
			step("the users of " + id)
			s := newStore(db, &stagedoor.Tenant{ID: id})
			c.step("attr of "+id, s.checkIndex(ctx, q, c))
		}
		for _, t := range sealedTables {
			step("sealed values in " + t.table)
			c.step(t.table, db.checkSealedIn(ctx, q, c, t))
		}
		step("log events")
		c.step("logs", checkLogs(ctx, q, c))
		return ctx.Err()
	})
	return c, err
}

// step notes what kept a part of the check from coming to its end.
func (c *Checked) step(where string, err error) {
	if err != nil {
		c.fault("", where, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
}

// checkPages asks the embedded database for damage to its pages, its own indexes and its references.
func checkPages(ctx context.Context, q querier, c *Checked) error {
	err := q.adhoc(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", maxFaults), nil, func(scan func(...any) error) error {
		var what string
		if err := scan(&what); err != nil || what == "ok" {
			return err
		}
		for line := range strings.Lines(what) {
			c.fault("", "file", "%s", strings.TrimSpace(line))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.adhoc(ctx, "PRAGMA foreign_key_check", nil, func(scan func(...any) error) error {
		var table, parent string
		var row *int64
		var key int
		err := scan(&table, &row, &parent, &key)
		c.fault("", table, "a row belongs to one of %s that is not there", parent)
		return err
	})
}

func tenantIDs(ctx context.Context, q querier) (ids []string, err error) {
	err = q.each(ctx, "SELECT id FROM tenants ORDER BY id", nil, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// indexSum is what the index holds of one user: how many rows, and the sum of their hashes.
type indexSum struct {
	rows int
	sum  uint64
}

// checkSeed makes the hashes of a run comparable among themselves.
var checkSeed = maphash.MakeSeed()

func (i *indexSum) add(a attr) {
	i.rows++
	i.sum += maphash.Comparable(checkSeed, a)
}

// checkIndex goes through the index once and through the users once, and compares the sums.
func (s *Store) checkIndex(ctx context.Context, q querier, c *Checked) error {
	pending := ""
	err := q.row(ctx, "SELECT tenant FROM attr_pending WHERE tenant = ?", []any{s.tenant.ID}, &pending)
	if err != nil && !errors.Is(err, errNoRows) {
		return err
	}
	held := map[string]*indexSum{}
	err = q.each(ctx, "SELECT path, value, at, user_id FROM attr WHERE tenant = ?", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var a attr
		if err := scan(&a.path, &a.value, &a.at, &a.user); err != nil {
			return err
		}
		c.IndexRows++
		if held[a.user] == nil {
			held[a.user] = &indexSum{}
		}
		held[a.user].add(a)
		return nil
	})
	if err != nil {
		return err
	}
	last := ""
	for {
		users, err := s.usersIn(ctx, q, " WHERE u.tenant = ? AND u.id > ? ORDER BY u.id LIMIT 500", s.tenant.ID, last)
		if err != nil {
			return fmt.Errorf("reading the users after %q: %w", last, err)
		}
		if len(users) == 0 {
			break
		}
		for i := range users {
			c.Users++
			s.compareIndex(c, &users[i], held[users[i].ID], pending != "")
			delete(held, users[i].ID)
		}
		last = users[len(users)-1].ID
	}
	for id, has := range held {
		c.fault(s.tenant.ID, "attr "+id, "%d rows of the search index belong to a user who is not there: run `stagedoor reindex`", has.rows)
	}
	if pending != "" {
		c.fault(s.tenant.ID, "attr", "the users are not indexed for searching yet: run `stagedoor migrate`")
	}
	return nil
}

func (s *Store) compareIndex(c *Checked, u *stagedoor.User, has *indexSum, pending bool) {
	ix, want, seen := indexOf(u), indexSum{}, map[lucene.Leaf]bool{}
	for _, l := range ix.leaves() {
		if !seen[l] {
			seen[l] = true
			want.add(ix.row(l))
		}
	}
	if has == nil {
		has = &indexSum{}
	}
	if *has != want && !pending {
		c.fault(s.tenant.ID, "attr "+u.ID, "the search index holds %d rows of the user, other than the %d that it should: run `stagedoor reindex`", has.rows, want.rows)
	}
}

func checkLogs(ctx context.Context, q querier, c *Checked) error {
	return q.each(ctx, "SELECT id, doc, date, tenant, id FROM logs", nil, func(scan func(...any) error) error {
		var tenant, id string
		c.Logs++
		_, err := scanLog(func(dest ...any) error { return scan(append(dest, &tenant, &id)...) })
		if err != nil && id != "" {
			c.fault(tenant, "logs "+id, "the event cannot be read: %s", err)
			return nil
		}
		return err
	})
}
