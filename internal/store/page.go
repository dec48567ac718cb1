package store

import (
	"context"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// Pages reads a tenant's configuration of one kind in parts, in the order of its list: there may be much of it.
type Pages[T any] struct {
	n *noun[T]
	s *Store
}

// ID is the id of a value.
func (p Pages[T]) ID(v T) string { return *p.n.id(&v) }

// Page returns take values behind the first from, and how many there are in all.
func (p Pages[T]) Page(ctx context.Context, from, take int) (page []T, total int, err error) {
	err = p.s.read().row(ctx, "SELECT COUNT(*) FROM "+p.n.table+p.n.mine(), []any{p.s.tenant.ID}, &total)
	if err == nil {
		page, err = p.some(ctx, "", take, from)
	}
	return page, total, err
}

// Behind returns up to take values that stand behind the one with the id last or, if that is gone, from the one with the id following on. Of nothing it begins at the
// first; where both are gone there is none, as the kind says it.
func (p Pages[T]) Behind(ctx context.Context, last, following string, take int) ([]T, error) {
	if last == "" && following == "" {
		return p.some(ctx, "", take, 0)
	}
	for _, from := range [][2]string{{last, ">"}, {following, ">="}} {
		var there string
		err := p.s.read().row(ctx, "SELECT id FROM "+p.n.table+p.n.mine()+" AND id = ?", []any{p.s.tenant.ID, from[0]}, &there)
		if err == nil {
			return p.some(ctx, " AND ("+p.n.order+") "+from[1]+" (SELECT "+p.n.order+" FROM "+p.n.table+p.n.mine()+" AND id = ?)", take, 0, p.s.tenant.ID, there)
		}
		if !errors.Is(err, errNoRows) {
			return nil, err
		}
	}
	missing := *p.n.missing
	return nil, &missing
}

func (p Pages[T]) some(ctx context.Context, where string, take, from int, args ...any) ([]T, error) {
	out := []T{}
	query := p.n.selects() + p.n.mine() + where + " ORDER BY " + p.n.order + " LIMIT ? OFFSET ?"
	err := p.s.read().each(ctx, query, append(append([]any{p.s.tenant.ID}, args...), take, from), func(scan func(...any) error) error {
		v, err := p.n.known(p.s, scan)
		if err == nil {
			out = append(out, *v)
		}
		return err
	})
	return out, err
}

// ClientPages are the tenant's clients.
func (s *Store) ClientPages() Pages[stagedoor.Client] { return Pages[stagedoor.Client]{&clients, s} }

// ConnectionPages are the tenant's connections.
func (s *Store) ConnectionPages() Pages[stagedoor.Connection] {
	return Pages[stagedoor.Connection]{&connections, s}
}

// ResourceServerPages are the tenant's APIs.
func (s *Store) ResourceServerPages() Pages[stagedoor.ResourceServer] {
	return Pages[stagedoor.ResourceServer]{&resourceServers, s}
}

// ClientGrantPages are the tenant's client grants.
func (s *Store) ClientGrantPages() Pages[stagedoor.ClientGrant] {
	return Pages[stagedoor.ClientGrant]{&clientGrants, s}
}

// RulePages are the tenant's rules.
func (s *Store) RulePages() Pages[stagedoor.Rule] { return Pages[stagedoor.Rule]{&rules, s} }
