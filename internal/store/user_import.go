package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
)

// An ImportRow is one row of an import.
type ImportRow struct {
	User    *stagedoor.User         // as it is added; nil if there is an Error
	Change  func(u *stagedoor.User) // makes of a user who is there what the row says
	Hash    string                  // of the password; "" if there is none
	Factors json.RawMessage         // second factors, as they came; nil if there are none
	Shown   func() json.RawMessage  // the row without secrets, for the report
	Error   *stagedoor.JobRowError  // why the row cannot be imported; nil if it can
}

// rowReport is a row in the report of errors.
type rowReport struct {
	User   json.RawMessage         `json:"user"`
	Errors []stagedoor.JobRowError `json:"errors"`
}

// ImportUsers adds or changes the users of the rows and notes how far the job has come, all in one transaction: whoever takes
// the job over finds each row done or not begun.
func (s *Store) ImportUsers(ctx context.Context, j *stagedoor.Job, l JobLease, rows []ImportRow) error {
	var next stagedoor.Job
	now := s.db.clock.Now()
	err := s.write(ctx, func(q querier) error {
		gone := s.importsInto(ctx, q, j.ConnectionID) // before any user is locked
		if gone != nil && !stagedoor.IsKind(gone, stagedoor.Invalid) {
			return gone
		}
		next = *j
		summary := *j.Summary
		next.Summary, next.Done, next.Tries = &summary, j.Done+len(rows), 0
		failures := make([]*stagedoor.JobRowError, len(rows))
		var fresh []*ImportRow
		for i := range rows {
			if failures[i] = rows[i].Error; failures[i] != nil {
				continue
			}
			rows[i].User.CreatedAt, rows[i].User.UpdatedAt = now, now
			fresh = append(fresh, &rows[i])
		}
		slices.SortFunc(fresh, byIdentifier)
		inserted, err := s.insertUsers(ctx, q, fresh)
		if err != nil {
			return err
		}
		var again []*ImportRow
		var owners []string // the users whom these rows change
		for i := range rows {
			switch {
			case failures[i] != nil:
			case inserted[rows[i].User.ID] == &rows[i]:
				summary.Inserted++
				continue
			default:
				id, wrong, err := s.importOwner(ctx, q, j.Upsert, &rows[i])
				if err != nil {
					return err
				}
				if failures[i] = wrong; wrong == nil {
					again, owners = append(again, &rows[i]), append(owners, id)
					continue
				}
			}
			summary.Failed++
		}
		if err := s.importAgain(ctx, q, owners, again); err != nil {
			return err
		}
		summary.Updated += len(again)
		summary.Total = next.Done
		if err := s.reportRows(ctx, q, j, rows, failures); err != nil {
			return err
		}
		if err := s.saveJob(ctx, q, &next, l); err != nil {
			return err
		}
		return gone
	})
	if err == nil {
		*j = next
	}
	return err
}

// byIdentifier is the one order in which imports add users: two that bring the same people, whose ids may be new ones, do not wait for each other.
func byIdentifier(a, b *ImportRow) int {
	return cmp.Or(cmp.Compare(a.User.Email, b.User.Email), cmp.Compare(a.User.Username, b.User.Username), cmp.Compare(a.User.PhoneNumber, b.User.PhoneNumber), cmp.Compare(a.User.ID, b.User.ID))
}

// importsInto refuses rows for a connection that was deleted meanwhile: nobody could find, or delete, such users. Who deletes it waits until the rows are written, and takes them along.
func (s *Store) importsInto(ctx context.Context, q querier, connection string) error {
	var one int
	err := q.row(ctx, "SELECT 1 FROM connections WHERE tenant = ? AND id = ?"+s.db.forShare(), []any{s.tenant.ID, connection}, &one)
	if errors.Is(err, errNoRows) {
		return stagedoor.Errorf(stagedoor.Invalid, "", "The connection does not exist any more.")
	}
	return err
}

// userRows are the sizes of the statements that add users.
var userRows = []int{32, 8, 1}

// insertUsers adds those users whose id, address and username are free, and returns them by their ids.
func (s *Store) insertUsers(ctx context.Context, q querier, rows []*ImportRow) (map[string]*ImportRow, error) {
	added := map[string]*ImportRow{}
	var users []*stagedoor.User
	phones := s.phones(q)
	for _, size := range userRows {
		for len(rows) >= size {
			chunk := rows[:size]
			rows = rows[size:]
			byID := make(map[string]*ImportRow, size)
			var args []any
			for _, row := range chunk {
				phone, err := phones.of(ctx, row.User)
				if err != nil {
					return nil, err
				}
				more, err := userArgs(row.User, phone)
				if err != nil {
					return nil, err
				}
				args = append(append(args, more...), millis(row.User.CreatedAt), s.tenant.ID, row.User.ID, row.User.Connection)
				byID[row.User.ID] = row
			}
			query := `INSERT INTO users (email, username, phone, name, profile, user_metadata, app_metadata, updated_at, created_at, tenant, id, connection) VALUES ` +
				strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), ", size), ", ") + ` ON CONFLICT DO NOTHING RETURNING id`
			err := q.each(ctx, query, args, func(scan func(...any) error) error {
				var id string
				err := scan(&id)
				added[id] = byID[id]
				users = append(users, byID[id].User)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	users, err := s.dropLinked(ctx, q, users, added)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if err := s.importSecrets(ctx, q, u.ID, added[u.ID]); err != nil {
			return nil, err
		}
	}
	if err := s.usersCreated(ctx, q, users); err != nil {
		return nil, err
	}
	return added, s.indexNew(ctx, q, users...)
}

// dropLinked takes those users out again whose place a linked identity has (see putLinked), and returns the others.
func (s *Store) dropLinked(ctx context.Context, q querier, users []*stagedoor.User, added map[string]*ImportRow) ([]*stagedoor.User, error) {
	var some string
	err := q.row(ctx, "SELECT id FROM linked_identities WHERE tenant = ? LIMIT 1", []any{s.tenant.ID}, &some)
	if errors.Is(err, errNoRows) {
		return users, nil
	}
	if err != nil {
		return nil, err
	}
	var free []*stagedoor.User
	phones := s.phones(q)
	for _, u := range users {
		phone, err := phones.of(ctx, u)
		if err == nil {
			err = s.checkLinked(ctx, q, u, phone)
		}
		if err == nil {
			free = append(free, u)
			continue
		}
		if !stagedoor.IsKind(userClash(err), stagedoor.Conflict) {
			return nil, err
		}
		if _, err := q.exec(ctx, "DELETE FROM users WHERE tenant = ? AND id = ?", s.tenant.ID, u.ID); err != nil {
			return nil, err
		}
		delete(added, u.ID)
	}
	return free, nil
}

// importSecrets keeps what of a row only the server reads.
func (s *Store) importSecrets(ctx context.Context, q querier, id string, row *ImportRow) error {
	if row.Hash != "" {
		if err := s.putPassword(ctx, q, id, row.Hash); err != nil {
			return err
		}
	}
	if row.Factors == nil {
		return nil
	}
	return s.importFactors(ctx, q, id, row.Factors)
}

// importOwner finds whom a row changes whose user is there already, or tells why it does not.
func (s *Store) importOwner(ctx context.Context, q querier, upsert bool, row *ImportRow) (id string, wrong *stagedoor.JobRowError, err error) {
	if !upsert {
		return "", &stagedoor.JobRowError{Code: "DUPLICATED_USER", Message: "The user already exist and upsert parameter is false"}, nil
	}
	by, value := "u.email = ?", any(row.User.Email)
	if row.User.Email == "" { // they are known by something else
		by, value = "u.username = ?", any(row.User.Username)
		if phone, err := s.phones(q).of(ctx, row.User); err != nil {
			return "", nil, err
		} else if phone != nil {
			by, value = "u.phone = ?", phone
		}
	}
	there, err := s.user(ctx, q, "u.connection = ? AND "+by+" AND "+ownUser, row.User.Connection, value)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if row.User.Username != "" {
			_, err := s.user(ctx, q, "u.connection = ? AND u.username = ? AND "+ownUser, row.User.Connection, row.User.Username)
			if err == nil {
				return "", &stagedoor.JobRowError{Code: "CONFLICT_USERNAME", Message: "The username is in use by a user with another email", Path: "username"}, nil
			}
			if !stagedoor.IsKind(err, stagedoor.NotFound) {
				return "", nil, err
			}
		}
		if phone, err := s.phones(q).of(ctx, row.User); err != nil {
			return "", nil, err
		} else if phone != nil {
			_, err := s.user(ctx, q, "u.connection = ? AND u.phone = ?", row.User.Connection, phone)
			if err == nil {
				return "", &stagedoor.JobRowError{Code: "CONFLICT", Message: "The phone_number is in use by a user with another email", Path: "phone_number"}, nil
			}
			if !stagedoor.IsKind(err, stagedoor.NotFound) {
				return "", nil, err
			}
		}
		return "", &stagedoor.JobRowError{Code: "CONFLICT", Message: "The user_id is in use by a user with another email", Path: "user_id"}, nil
	}
	if err != nil {
		return "", nil, err
	}
	return there.ID, nil, nil
}

// importAgain changes users as rows say.
func (s *Store) importAgain(ctx context.Context, q querier, users []string, rows []*ImportRow) error {
	if err := s.lockUsers(ctx, q, users); err != nil {
		return err
	}
	for i, row := range rows {
		if err := s.importOver(ctx, q, users[i], row); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) importOver(ctx context.Context, q querier, id string, row *ImportRow) error {
	if _, err := s.updateUser(ctx, q, id, func(u *stagedoor.User) error { row.Change(u); return nil }); err != nil {
		return err
	}
	used, err := s.passwordUsed(ctx, q, id)
	if err != nil {
		return err
	}
	secrets := *row
	if used {
		secrets.Hash = "" // the person has made it theirs
	}
	return s.importSecrets(ctx, q, id, &secrets)
}

// passwordUsed tells whether a user has a password that is no imported one, or no longer.
func (s *Store) passwordUsed(ctx context.Context, q querier, id string) (bool, error) {
	hash, err := s.passwordHash(ctx, q, id)
	return hash != "" && !password.IsForeign(hash), err
}

// reportRows adds the rows that failed to the job's report.
func (s *Store) reportRows(ctx context.Context, q querier, j *stagedoor.Job, rows []ImportRow, failures []*stagedoor.JobRowError) error {
	if !slices.ContainsFunc(failures, func(e *stagedoor.JobRowError) bool { return e != nil }) {
		return nil
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for i, failure := range failures {
		if failure == nil {
			continue
		}
		if err := enc.Encode(rowReport{rows[i].Shown(), []stagedoor.JobRowError{*failure}}); err != nil {
			return err
		}
	}
	return s.addJobPart(ctx, q, j.ID, JobErrors, j.Done, lines.Bytes())
}

// Storable tells whether both databases can keep the user's texts.
func Storable(u *stagedoor.User) bool {
	args, err := userArgs(u, nil) // the number is part of the profile, too
	return err == nil && storable(args) && plainText(u.ID)
}
