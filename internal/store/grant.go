package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// GrantFor returns what a user has let a client do at an audience.
func (s *Store) GrantFor(ctx context.Context, userID, clientID, audience string) (*stagedoor.Grant, error) {
	g := &stagedoor.Grant{UserID: userID, ClientID: clientID, Audience: audience}
	var scope string
	err := s.read().row(ctx, "SELECT id, scope FROM grants WHERE tenant = ? AND user_id = ? AND client_id = ? AND audience = ?",
		[]any{s.tenant.ID, userID, clientID, audience}, &g.ID, &scope)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("grant")
	}
	g.Scope = stagedoor.Words(scope)
	return g, err
}

// AddGrant keeps a consent; scopes that were granted before stay.
func (s *Store) AddGrant(ctx context.Context, userID, clientID, audience string, scope []string) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, userID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO grants (tenant, id, user_id, client_id, audience, scope) VALUES (?, ?, ?, ?, ?, '')
			ON CONFLICT (tenant, user_id, client_id, audience) DO UPDATE SET scope = grants.scope`, // one that is there is locked: it does not go before it is written
			s.tenant.ID, stagedoor.NewHexID(), userID, clientID, audience)
		if err != nil {
			return err
		}
		var id, old string
		err = q.row(ctx, "SELECT id, scope FROM grants WHERE tenant = ? AND user_id = ? AND client_id = ? AND audience = ?", []any{s.tenant.ID, userID, clientID, audience}, &id, &old)
		if err != nil {
			return err
		}
		union := append(stagedoor.Words(old), scope...)
		slices.Sort(union)
		_, err = q.exec(ctx, "UPDATE grants SET scope = ? WHERE tenant = ? AND id = ?",
			strings.Join(slices.Compact(union), " "), s.tenant.ID, id)
		return err
	})
}

// Grants lists a page of consents, in the order of their ids, and tells how many there are; an empty argument matches all.
func (s *Store) Grants(ctx context.Context, userID, clientID, audience string, in OrganizationQuery) (page []stagedoor.Grant, total int, err error) {
	by, where, args := "", " WHERE tenant = ?", []any{s.tenant.ID}
	for _, f := range []struct{ column, value string }{{"user_id", userID}, {"client_id", clientID}, {"audience", audience}} {
		if f.value != "" {
			where, args = where+" AND "+f.column+" = ?", append(args, f.value)
		}
	}
	switch {
	case userID != "":
		by = s.db.by("grants_triple")
	case clientID != "":
		by = s.db.by("grants_client_page")
	case audience != "":
		by = s.db.by("grants_audience_page")
	}
	if !in.Uncounted {
		if err := s.read().row(ctx, "SELECT COUNT(*) FROM grants"+by+where, args, &total); err != nil {
			return nil, 0, err
		}
	}
	page, err = s.grants(ctx, by+where+" ORDER BY id LIMIT ? OFFSET ?", append(args, in.PerPage, in.Page*in.PerPage)...)
	return page, total, err
}

// UserGrants lists all consents of a user, to one client if it is named: at most one for each client and API.
func (s *Store) UserGrants(ctx context.Context, userID, clientID string) ([]stagedoor.Grant, error) {
	where, args := " WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, userID}
	if clientID != "" {
		where, args = where+" AND client_id = ?", append(args, clientID)
	}
	return s.grants(ctx, s.db.by("grants_triple")+where+" ORDER BY id", args...)
}

func (s *Store) grants(ctx context.Context, which string, args ...any) ([]stagedoor.Grant, error) {
	out := []stagedoor.Grant{}
	err := s.read().each(ctx, "SELECT id, user_id, client_id, audience, scope FROM grants"+which, args, func(scan func(...any) error) error {
		var g stagedoor.Grant
		var scope string
		if err := scan(&g.ID, &g.UserID, &g.ClientID, &g.Audience, &scope); err != nil {
			return err
		}
		g.Scope = append([]string{}, stagedoor.Words(scope)...)
		out = append(out, g)
		return nil
	})
	return out, err
}

// DeleteGrant takes a consent back, and the refresh tokens that rested on it.
func (s *Store) DeleteGrant(ctx context.Context, id string) error {
	return s.deleteGrants(ctx, "id = ?", id)
}

// DeleteUserGrants takes all consents of a user back, and their refresh tokens.
func (s *Store) DeleteUserGrants(ctx context.Context, userID string) error {
	return s.deleteGrants(ctx, "user_id = ?", userID)
}

// tokensOfGrants are the refresh tokens that rest on consents.
func (s *Store) tokensOfGrants() string {
	return "FROM grants g JOIN refresh_tokens t" + s.db.by("refresh_tokens_user") +
		" ON t.tenant = g.tenant AND t.user_id = g.user_id AND t.client_id = g.client_id AND t.audience = g.audience WHERE g.tenant = ? AND g."
}

func (s *Store) deleteGrants(ctx context.Context, where, arg string) error {
	var all []string
	err := s.read().each(ctx, "SELECT DISTINCT t.family "+s.tokensOfGrants()+where, []any{s.tenant.ID, arg}, func(scan func(...any) error) error {
		var family string
		err := scan(&family)
		all = append(all, family)
		return err
	})
	if err == nil {
		err = s.thinFamilies(ctx, all)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if s.db.postgres { // as lockUser does
			_, err := q.exec(ctx, "SELECT u.id FROM users u JOIN grants g ON g.tenant = u.tenant AND g.user_id = u.id WHERE g.tenant = ? AND g."+where+" ORDER BY u.id FOR UPDATE OF u", s.tenant.ID, arg)
			if err != nil {
				return err
			}
		}
		var users, families []string
		err := q.each(ctx, "DELETE FROM refresh_tokens WHERE (tenant, hash) IN (SELECT t.tenant, t.hash "+s.tokensOfGrants()+where+") RETURNING user_id, family",
			[]any{s.tenant.ID, arg}, func(scan func(...any) error) error {
				var user, family string
				err := scan(&user, &family)
				users, families = append(users, user), append(families, family)
				return err
			})
		if err == nil && len(families) > 0 {
			err = s.endTransferred(ctx, q, slices.Compact(slices.Sorted(slices.Values(users))), families)
		}
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "DELETE FROM grants WHERE tenant = ? AND "+where, s.tenant.ID, arg)
		return err
	})
}
