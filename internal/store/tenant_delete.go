package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// TenantSummary is a line of the operator's list of tenants.
type TenantSummary struct {
	ID        string    `json:"name"`
	Domains   []string  `json:"domains"`
	Users     int       `json:"users"`
	CreatedAt time.Time `json:"created_at"`
}

// TenantSummaries lists all tenants by name. Their users are counted.
func (db *DB) TenantSummaries(ctx context.Context) ([]TenantSummary, error) {
	all, at := []TenantSummary{}, map[string]int{}
	err := db.reader().each(ctx, "SELECT t.id, t.created_at, (SELECT COUNT(*) FROM users u WHERE u.tenant = t.id) FROM tenants t ORDER BY t.id", nil, func(scan func(...any) error) error {
		t, created := TenantSummary{Domains: []string{}}, int64(0)
		err := scan(&t.ID, &created, &t.Users)
		t.CreatedAt = fromMillis(created)
		at[t.ID] = len(all)
		all = append(all, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = db.reader().each(ctx, "SELECT tenant, host FROM domains ORDER BY tenant, position", nil, func(scan func(...any) error) error {
		var id, host string
		err := scan(&id, &host)
		if i, known := at[id]; known {
			all[i].Domains = append(all[i].Domains, host)
		}
		return err
	})
	return all, err
}

// deletedAtOnce is how many rows of a tenant one transaction deletes: others write between.
const deletedAtOnce = 2000

// A tenantTable is a table of which a tenant may have millions of rows, with its key within the tenant.
type tenantTable struct {
	table, key string
	atOnce     int
}

// manyRows are those tables: of all that expires by itself, and more. The rest goes with the tenant itself.
func manyRows() (all []tenantTable) {
	for _, w := range sweeps {
		if !slices.ContainsFunc(all, func(t tenantTable) bool { return t.table == w.table }) {
			all = append(all, tenantTable{w.table, strings.TrimPrefix(w.key, "tenant, "), cmp.Or(w.rows, deletedAtOnce)})
		}
	}
	return append(all, tenantTable{"logs", "id", deletedAtOnce}, tenantTable{"users", "id", deletedAtOnce}, tenantTable{"attr", "path, value, at, user_id", deletedAtOnce})
}

// DeleteTenant removes a tenant with everything that belongs to it, and tells how many rows are gone so far. It answers under no domain from the
// first moment on, for servers that have it in memory within the bound of docs/guide/many-servers.md; what is large goes in pieces, so that others
// can write meanwhile. One that was interrupted is to be deleted again. A tenant that is not there is no error.
func (db *DB) DeleteTenant(ctx context.Context, id string, progress func(rows int64)) error {
	err := db.write(ctx, func(q querier) error {
		var there int
		if err := q.row(ctx, "SELECT 1 FROM tenants WHERE id = ?", []any{id}, &there); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM domains WHERE tenant = ?", id); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "UPDATE jobs SET status = 'failed', owner = '' WHERE tenant = ? AND status IN ('uploading', 'pending', 'processing')", id); err != nil { // whoever works on one loses it
			return err
		}
		return newVersion(ctx, q, id)
	})
	db.forget(id)
	if errors.Is(err, errNoRows) {
		return nil
	}
	gone := int64(0)
	for _, m := range manyRows() {
		for n := int64(m.atOnce); err == nil && n == int64(m.atOnce); {
			err = db.writeOne(ctx, func(q querier) error {
				var err error
				n, err = q.exec(ctx, "DELETE FROM "+m.table+" WHERE tenant = ? AND ("+m.key+") IN (SELECT "+m.key+" FROM "+m.table+" WHERE tenant = ? LIMIT ?)", id, id, m.atOnce)
				return err
			})
			if gone += n; err == nil && progress != nil {
				progress(gone)
			}
		}
	}
	if err == nil {
		err = db.write(ctx, func(q querier) error {
			_, err := q.exec(ctx, "DELETE FROM tenants WHERE id = ?", id)
			if err == nil {
				_, err = q.exec(ctx, "DELETE FROM attr WHERE tenant = ?", id) // what was written meanwhile
			}
			return err
		})
	}
	db.forget(id)
	return err
}

// deleteInPieces deletes those rows of one of the tenant's tables for which the condition holds, with others' writes between. It waits for nobody: rows that somebody
// works on at the moment stay.
func (s *Store) deleteInPieces(ctx context.Context, of goesAlong, args ...any) error {
	const atOnce = endedAtOnce
	from, lock := of.table, ""
	if s.db.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	} else if of.by != "" {
		from += s.db.by(of.by)
	}
	query := "WITH doomed AS MATERIALIZED (SELECT " + of.key + " FROM " + from + " WHERE tenant = ? AND " + of.where + " LIMIT ?" + lock +
		") DELETE FROM " + of.table + " WHERE tenant = ? AND (" + of.key + ") IN (SELECT " + of.key + " FROM doomed)"
	for n := int64(atOnce); n == atOnce; {
		err := s.write(ctx, func(q querier) (err error) {
			n, err = q.exec(ctx, query, slices.Concat([]any{s.tenant.ID}, args, []any{atOnce, s.tenant.ID})...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// goesAlong are rows that go with something that is deleted, of which there may be any number.
type goesAlong struct {
	table, key, where string
	by                string // the index that SQLite would not take by itself
}

// deleteManyOf deletes in pieces what goes with something, before that is deleted itself with what has come meanwhile. What was interrupted is to be asked for again.
func (s *Store) deleteManyOf(ctx context.Context, id string, all ...goesAlong) error {
	for _, of := range all {
		if err := s.deleteInPieces(ctx, of, id); err != nil {
			return err
		}
	}
	return nil
}
