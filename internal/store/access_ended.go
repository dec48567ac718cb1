package store

import (
	"context"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// All that a person has here may end at once: by another password, a block, the word of an administrator or their own. What is under way then has been looked at before and would be kept
// afterwards: a login that verifies the password of yesterday, a token request whose scripts run. So users.access_ended counts how often it happened; who makes something
// of a person's access brings the count of when the person was looked at, and the transaction that would keep it holds it to the count of now. What waits in a table goes with the rest when all
// ends, and has the count of when it is taken from there.

// CodeAccessEnded is the code of the error about something that began before all access of its user ended.
const CodeAccessEnded = "access_ended"

func errAccessEnded() error {
	return stagedoor.Errorf(stagedoor.NotFound, CodeAccessEnded, "All access of the user has ended meanwhile.")
}

// CheckAccessEnded refuses what a user does who proved themselves when all their access had ended since times; nil: somebody else does it.
func CheckAccessEnded(u *stagedoor.User, since *int64) error {
	if since != nil && u.AccessEnded != *since {
		return errAccessEnded()
	}
	return nil
}

// noteAccessEnded counts that all access of a user, who is locked, ends.
func (s *Store) noteAccessEnded(ctx context.Context, q querier, userID string) error {
	_, err := q.exec(ctx, "UPDATE users SET access_ended = access_ended + 1 WHERE tenant = ? AND id = ?", s.tenant.ID, userID)
	return err
}

// ofUserAsWas ends a statement that adds what it selects: nothing once all access of the user has ended more often than is said, for which it waits where that is under way. It takes
// [Store.asWas].
func (s *Store) ofUserAsWas() string {
	return " FROM users WHERE tenant = ? AND id = ? AND access_ended = ?" + s.db.keyShare()
}

func (s *Store) asWas(userID string, ended int64) []any { return []any{s.tenant.ID, userID, ended} }

// checkAccessEnded is [Store.ofUserAsWas] for what takes several statements.
func (s *Store) checkAccessEnded(ctx context.Context, q querier, userID string, ended int64) error {
	n := 0
	err := q.row(ctx, "SELECT 1"+s.ofUserAsWas(), s.asWas(userID, ended), &n)
	if errors.Is(err, errNoRows) {
		err = s.orMissing(ctx, q, userID, errAccessEnded())
	}
	return err
}

// orMissing is err, unless that says that all access of a user has ended and there is no such user.
func (s *Store) orMissing(ctx context.Context, q querier, userID string, err error) error {
	if stagedoor.HasCode(err, CodeAccessEnded) {
		if _, missing := s.user(ctx, q, "u.id = ?", userID); missing != nil {
			return missing
		}
	}
	return err
}

// accessEndedOf is the column of a user's count in a statement about the rows of a table that has user_id.
func accessEndedOf(table string) string {
	return "(SELECT u.access_ended FROM users u WHERE u.tenant = " + table + ".tenant AND u.id = " + table + ".user_id)"
}
