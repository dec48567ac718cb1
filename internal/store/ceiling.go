package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// What a tenant has of a kind of configuration is read whole, by lists that are filtered, by logins and by deletions that look for who names what goes: without a
// ceiling, whoever administers one tenant could make one read as large as the memory of the server. The ceiling is of the texts together, of one tenant
// and one kind: a document alone may have the megabyte of a request. Each row tells its size, so that the sum is read from an index.

// sizedTables are the tables whose rows tell how long their texts are.
var sizedTables = []string{"clients", "connections", "resource_servers", "client_grants", "rules", "actions", "documents"}

func (n *noun[T]) sized() bool { return slices.Contains(sizedTables, n.table) }

// called is what the noun is called where there is too much of it.
func (n *noun[T]) called() string {
	if n.kind != "" {
		return strings.ReplaceAll(n.kind, "_", " ") + "s"
	}
	return strings.ReplaceAll(n.table, "_", " ")
}

// fits refuses a row that would take the tenant's rows above the ceiling. One that does not grow fits: where there is too much, less is no harm.
func (n *noun[T]) fits(ctx context.Context, s *Store, q querier, id string, size int) error {
	if s.db.ceiling <= 0 {
		return nil
	}
	var all, was int64
	err := q.row(ctx, "SELECT COALESCE(SUM(size), 0), COALESCE(SUM(CASE WHEN id = ? THEN size ELSE 0 END), 0) FROM "+n.table+n.mine()+" AND size >= 0", []any{id, s.tenant.ID}, &all, &was)
	if err != nil || int64(size) <= was {
		return err
	}
	return s.under(ctx, q, all-was+int64(size), n.called(), "SELECT COALESCE(SUM(size), 0) FROM "+n.table+n.mine()+" AND size >= 0")
}

// configFits is fits for what rules see as configuration.
func (s *Store) configFits(ctx context.Context, q querier, name, sealed string) error {
	if s.db.ceiling <= 0 {
		return nil
	}
	var others int64
	err := q.row(ctx, "SELECT COALESCE(SUM(octet_length(sealed)), 0) FROM rules_configs WHERE tenant = ? AND name <> ?", []any{s.tenant.ID, name}, &others)
	if err != nil {
		return err
	}
	return s.under(ctx, q, others+int64(len(sealed)), "rules configs", "SELECT COALESCE(SUM(octet_length(sealed)), 0) FROM rules_configs WHERE tenant = ?")
}

// under refuses what would be above the ceiling. On PostgreSQL no write sees what others add at the same time: so one sums up once more when it has its
// version, which writes of a tenant get one after the other (newVersion). All before it is there by then.
func (s *Store) under(ctx context.Context, q querier, all int64, called, sum string) error {
	if all > s.db.ceiling {
		return s.errCeiling(called)
	}
	if w, is := q.(*configWrites); is && s.db.postgres {
		w.last = append(w.last, func() error {
			err := w.querier.row(ctx, sum, []any{s.tenant.ID}, &all)
			if err == nil && all > s.db.ceiling {
				err = s.errCeiling(called)
			}
			return err
		})
	}
	return nil
}

func (s *Store) errCeiling(called string) error {
	e := stagedoor.AsError(errTooMany())
	e.Message += fmt.Sprintf(" Its %s may have %d bytes together (--configuration-limit of the server).", called, s.db.ceiling)
	return e
}
