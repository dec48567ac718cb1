package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// What somebody has here may be any number of rows, most of which nobody needs any more: refresh tokens that were superseded, codes that are spent. Where all of it ends, these
// go first, in pieces, so that others can write meanwhile; then the rest ends at once. Who is interrupted between has ended next to nothing, and asks again.

// endedAtOnce is how many rows, and families of refresh tokens, end in one transaction.
const endedAtOnce = 500

// lookedAtOnce is how many refresh tokens are looked at for the families that end: a client may have a million of them.
const lookedAtOnce = 20 * endedAtOnce

// RefreshTokensOf names refresh tokens: by their public ids, or by whose they are, for which client and API, and from which session. Empty names any, but
// a user or a client must be named.
type RefreshTokensOf struct {
	IDs                                 []string
	UserID, ClientID, Audience, Session string
}

// families lists the families of refresh tokens that of names, and their users, in the order of users. Those of which nothing works any more are left out. It looks at
// no more tokens than most, and tells whether there may be others.
func (s *Store) families(ctx context.Context, q querier, of RefreshTokensOf, most int) (users, families []string, more bool, err error) {
	where, args, by := "", []any{s.tenant.ID, s.db.clock.Now().UnixMilli()}, "refresh_tokens_client"
	add := func(condition string, arg any) { where, args = where+" AND "+condition, append(args, arg) }
	switch {
	case of.UserID != "":
		by = "refresh_tokens_user"
		add("user_id = ?", of.UserID)
	case len(of.IDs) > 0:
		in, list, err := s.idList(storableIDs(of.IDs))
		if err != nil {
			return nil, nil, false, err
		}
		by = "refresh_tokens_public_id"
		add("public_id "+in, list)
	default:
		add("client_id = ?", of.ClientID)
	}
	for _, c := range [][2]string{{"client_id = ?", of.ClientID}, {"doc ->> 'Audience' = ?", of.Audience}, {"doc ->> 'SessionID' = ?", of.Session}} {
		if c[1] != "" {
			add(c[0], c[1])
		}
	}
	query := "SELECT user_id, family, COUNT(*) FROM (SELECT user_id, family FROM refresh_tokens" + s.db.by(by) + " WHERE tenant = ? AND expires_at > ?" + where +
		" LIMIT ?) AS looked_at GROUP BY user_id, family ORDER BY user_id, family"
	looked := 0
	err = q.each(ctx, query, append(args, most), func(scan func(...any) error) error {
		var user, family string
		var n int
		err := scan(&user, &family, &n)
		users, families, looked = append(users, user), append(families, family), looked+n
		return err
	})
	return users, families, looked == most, err
}

// userFamilies lists the families of a user's refresh tokens, of one session if of names it.
func (s *Store) userFamilies(ctx context.Context, q querier, of AccessOf) ([]string, error) {
	_, families, _, err := s.families(ctx, q, RefreshTokensOf{UserID: of.UserID, Session: of.Session}, math.MaxInt32)
	return families, err
}

// familiesBy lists the families of a user's refresh tokens that came by a connection, and of those of which it is not known how they came those whose session ended says so. The
// session stays keeps its own.
func (s *Store) familiesBy(ctx context.Context, q querier, userID, connection, stays string, ended func(session string) bool) (families []string, err error) {
	query := "SELECT DISTINCT family, COALESCE(doc ->> 'SessionID', ''), COALESCE(doc ->> 'Connection', '') FROM refresh_tokens" + s.db.by("refresh_tokens_user") + " WHERE tenant = ? AND user_id = ? AND expires_at > ?"
	err = q.each(ctx, query, []any{s.tenant.ID, userID, s.db.clock.Now().UnixMilli()}, func(scan func(...any) error) error {
		var family, session, came string
		err := scan(&family, &session, &came)
		if here := stays != "" && session == stays; !here && (came == connection || came == "" && ended(session)) {
			families = append(families, family)
		}
		return err
	})
	return families, err
}

// RevokeRefreshTokens ends the families of refresh tokens that of names, and tells how many. Which are gone already are no error. There may be any number of them: they are read and end in
// pieces, and what was interrupted is to be asked for again.
func (s *Store) RevokeRefreshTokens(ctx context.Context, of RefreshTokensOf) (n int, err error) {
	for more := true; more && err == nil; {
		var users, families []string
		users, families, more, err = s.families(ctx, s.read(), of, lookedAtOnce)
		for len(families) > 0 && err == nil {
			some := min(endedAtOnce, len(families))
			if err = s.endFamilies(ctx, slices.Compact(slices.Clone(users[:some])), families[:some]); err == nil {
				users, families, n = users[some:], families[some:], n+some
			}
		}
	}
	return n, err
}

// lockUsers is lockUser for several, in the one order.
func (s *Store) lockUsers(ctx context.Context, q querier, ids []string) error {
	if ids = storableIDs(ids); !s.db.postgres || len(ids) == 0 {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id = ANY (?) ORDER BY id FOR UPDATE", s.tenant.ID, ids)
	return err
}

// endFamilies ends families of refresh tokens of users, who are in order.
func (s *Store) endFamilies(ctx context.Context, users, families []string) error {
	if err := s.thinFamilies(ctx, families); err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if err := s.lockUsers(ctx, q, users); err != nil {
			return err
		}
		return s.deleteFamilies(ctx, q, users, families)
	})
}

// thinTokens takes what was superseded from the refresh tokens that are about to end with sessions.
func (s *Store) thinTokens(ctx context.Context, of AccessOf) error {
	if of.UserID == "" {
		v, err := s.Session(ctx, of.Session)
		if stagedoor.IsKind(err, stagedoor.NotFound) { // which the caller finds out, too
			return nil
		}
		if err != nil {
			return err
		}
		of.UserID = v.UserID
	}
	families, err := s.userFamilies(ctx, s.read(), of)
	if err != nil {
		return err
	}
	return s.thinFamilies(ctx, families)
}

// thinFamilies takes what was superseded from families of refresh tokens that are about to end.
func (s *Store) thinFamilies(ctx context.Context, families []string) error {
	for some := range slices.Chunk(families, endedAtOnce) {
		in, list, err := s.idList(some)
		if err == nil {
			err = s.thin(ctx, goesAlong{table: "refresh_tokens", key: "hash", where: "family " + in + " AND used_at IS NOT NULL", by: "refresh_tokens_family"}, list)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// What a user may have any number of: refresh tokens that were superseded, and opaque access tokens, which are asked for anew.
var (
	supersededTokens = goesAlong{table: "refresh_tokens", key: "hash", where: "user_id = ? AND used_at IS NOT NULL", by: "refresh_tokens_user"}
	opaqueTokens     = goesAlong{table: "access_tokens", key: "hash", where: "user_id = ?", by: "access_tokens_user"}
)

// errEndsMuch is why a change that would block a user is begun anew: so much ends with it that it goes in pieces first.
var errEndsMuch = errors.New("store: much ends with a block")

// mayBlock is write for a change of a user who may be blocked by it, and whose rows of end then: where they are many they go in pieces before, as in endingAll. The block and
// what is left end in one transaction: nobody who is blocked has anything that works. fn changes the user by the change that it gets, before it writes anything.
func (s *Store) mayBlock(ctx context.Context, userID string, ends []goesAlong, change func(*stagedoor.User) error, fn func(q querier, change func(*stagedoor.User) error) error) error {
	for thinned := false; ; thinned = true {
		err := s.write(ctx, func(q querier) error {
			return fn(q, func(u *stagedoor.User) error {
				was := u.IsBlocked()
				if err := change(u); err != nil || thinned || was || !u.IsBlocked() {
					return err
				}
				for _, of := range ends {
					if many, err := s.areMany(ctx, q, of, userID); err != nil {
						return err
					} else if many {
						return errEndsMuch
					}
				}
				return nil
			})
		})
		if !errors.Is(err, errEndsMuch) {
			return err
		}
		for _, of := range ends {
			if err := s.thin(ctx, of, userID); err != nil {
				return err
			}
		}
	}
}

// endingAll is write for what ends all that a user has here.
func (s *Store) endingAll(ctx context.Context, userID string, fn func(querier) error) error {
	for _, of := range []goesAlong{supersededTokens, {table: "codes", key: "hash", where: "user_id = ? AND used_at IS NOT NULL", by: "codes_user"}, opaqueTokens} {
		if err := s.thin(ctx, of, userID); err != nil {
			return err
		}
	}
	return s.write(ctx, fn)
}

// thin deletes in pieces what is about to end, where there is so much of it that one transaction would hold others up.
func (s *Store) thin(ctx context.Context, of goesAlong, arg any) error {
	if many, err := s.areMany(ctx, s.read(), of, arg); err != nil || !many {
		return err
	}
	return s.deleteInPieces(ctx, of, arg)
}

// areMany tells whether there are so many rows that they end in pieces.
func (s *Store) areMany(ctx context.Context, q querier, of goesAlong, arg any) (bool, error) {
	n := 0
	err := q.row(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+of.table+s.db.by(of.by)+" WHERE tenant = ? AND "+of.where+" LIMIT ?) AS many", []any{s.tenant.ID, arg, endedAtOnce + 1}, &n)
	if errors.Is(err, errNoRows) { // a text that no row can hold
		err = nil
	}
	return n > endedAtOnce, err
}
