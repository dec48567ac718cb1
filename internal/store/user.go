package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// profile is what of a user has no column of its own.
type profile struct {
	EmailVerified bool                 `json:"email_verified,omitempty"`
	PhoneNumber   string               `json:"phone_number,omitempty"`
	PhoneVerified bool                 `json:"phone_verified,omitempty"`
	Nickname      string               `json:"nickname,omitempty"`
	GivenName     string               `json:"given_name,omitempty"`
	FamilyName    string               `json:"family_name,omitempty"`
	Picture       string               `json:"picture,omitempty"`
	Blocked       *bool                `json:"blocked,omitempty"`
	Identities    []stagedoor.Identity `json:"identities"`
	PasswordReset int64                `json:"last_password_reset,omitempty"` // milliseconds

	Attributes map[string]json.RawMessage `json:"attributes,omitempty"`
}

const userColumns = `u.id, u.connection, COALESCE(u.email, ''), COALESCE(u.username, ''), COALESCE(u.name, ''), CAST(u.profile AS TEXT),
	COALESCE(CAST(u.user_metadata AS TEXT), ''), COALESCE(CAST(u.app_metadata AS TEXT), ''), u.created_at, u.updated_at, u.access_ended,
	COALESCE(l.last_login, 0), COALESCE(l.last_ip, ''), COALESCE(l.count, 0)`

const userTables = ` FROM users u LEFT JOIN logins l ON l.tenant = u.tenant AND l.user_id = u.id`

func errUserMissing() *stagedoor.Error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist.")
}

func scanUser(scan func(...any) error) (*stagedoor.User, error) {
	t, err := scanUserText(scan)
	if err != nil {
		return nil, err
	}
	return t.Decoded()
}

// userRow is where a row of userColumns is read to.
type userRow struct {
	text                                stagedoor.UserText
	doc                                 string
	created, updated, lastLogin, logins int64
}

func scanUserText(scan func(...any) error) (*stagedoor.UserText, error) {
	r := &userRow{}
	t, u := &r.text, &r.text.User
	err := scan(&u.ID, &u.Connection, &u.Email, &u.Username, &u.Name, &r.doc, &t.UserMetadata, &t.AppMetadata, &r.created, &r.updated, &u.AccessEnded, &r.lastLogin, &u.LastIP, &r.logins)
	if errors.Is(err, errNoRows) {
		return nil, errUserMissing()
	}
	if err != nil {
		return nil, err
	}
	u.CreatedAt, u.UpdatedAt = fromMillis(r.created), fromMillis(r.updated)
	u.LastLogin, u.LoginsCount = fromMillis(r.lastLogin), int(r.logins)
	return t, readProfile(r.doc, u)
}

// readProfile reads what userArgs writes of a profile.
func readProfile(doc string, u *stagedoor.User) error {
	return stagedoor.EachMember(doc, func(name string, from, to int) (err error) {
		value := doc[from:to]
		switch name {
		case "email_verified":
			u.EmailVerified = value == "true"
		case "phone_number":
			u.PhoneNumber = stagedoor.TextOfJSON(value)
		case "phone_verified":
			u.PhoneVerified = value == "true"
		case "nickname":
			u.Nickname = stagedoor.TextOfJSON(value)
		case "given_name":
			u.GivenName = stagedoor.TextOfJSON(value)
		case "family_name":
			u.FamilyName = stagedoor.TextOfJSON(value)
		case "picture":
			u.Picture = stagedoor.TextOfJSON(value)
		case "blocked":
			if value != "null" {
				blocked := value == "true"
				u.Blocked = &blocked
			}
		case "identities":
			u.Identities, err = readIdentities(value)
		case "last_password_reset":
			var at int64
			at, err = strconv.ParseInt(value, 10, 64)
			u.LastPasswordReset = fromMillis(at)
		case "attributes":
			err = json.Unmarshal([]byte(value), &u.Attributes)
		}
		return err
	})
}

// readIdentities reads a list of identities. The usual one has no profile of its own.
func readIdentities(list string) ([]stagedoor.Identity, error) {
	one, found := strings.CutPrefix(list, "[")
	if one, closed := strings.CutSuffix(one, "]"); found && closed && strings.Count(one, "{") == 1 && strings.IndexByte(one, '\\') < 0 {
		all := make([]stagedoor.Identity, 1)
		i := &all[0]
		return all, stagedoor.EachMember(one, func(name string, from, to int) error {
			switch value := one[from:to]; name {
			case "connection":
				i.Connection = stagedoor.TextOfJSON(value)
			case "provider":
				i.Provider = stagedoor.TextOfJSON(value)
			case "user_id":
				i.UserID = stagedoor.TextOfJSON(value)
			case "isSocial":
				i.IsSocial = value == "true"
			}
			return nil
		})
	}
	var all []stagedoor.Identity
	err := json.Unmarshal([]byte(list), &all)
	return all, err
}

func metadataArg(m stagedoor.Metadata) (any, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m) // which looks at the syntax, too
	return document(b), err
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// userArgs are the columns of a user that both an insert and an update write; phone is the number that they are known by.
func userArgs(u *stagedoor.User, phone any) ([]any, error) {
	doc, err := json.Marshal(profile{
		EmailVerified: u.EmailVerified, PhoneNumber: u.PhoneNumber, PhoneVerified: u.PhoneVerified,
		Nickname: u.Nickname, GivenName: u.GivenName, FamilyName: u.FamilyName, Picture: u.Picture,
		Blocked: u.Blocked, Identities: u.Identities, PasswordReset: millis(u.LastPasswordReset),
		Attributes: u.Attributes,
	})
	if err != nil {
		return nil, err
	}
	userMD, err := metadataArg(u.UserMetadata)
	if err != nil {
		return nil, err
	}
	appMD, err := metadataArg(u.AppMetadata)
	if err != nil {
		return nil, err
	}
	return []any{nullable(u.Email), nullable(u.Username), phone, nullable(u.Name), document(doc), userMD, appMD, millis(u.UpdatedAt)}, nil
}

// userClash gives a duplicate the wire's words.
func userClash(err error) error {
	what := uniqueViolation(err)
	switch {
	case what == "":
		return err
	case strings.Contains(what, "username"):
		return stagedoor.Errorf(stagedoor.Conflict, "username_exists", "The username provided is in use already.")
	case strings.Contains(what, "phone"):
		e := stagedoor.Errorf(stagedoor.Conflict, "user_exists", "The user already exists.")
		e.Err = ErrPhoneTaken
		return e
	}
	return stagedoor.Errorf(stagedoor.Conflict, "user_exists", "The user already exists.")
}

// CreateUser adds a user. The hash is kept apart; an empty one means that the user has no
// password. A taken e-mail address, id or username is a Conflict.
func (s *Store) CreateUser(ctx context.Context, u *stagedoor.User, passwordHash string) error {
	u.CreatedAt = s.db.clock.Now()
	u.UpdatedAt = u.CreatedAt
	return userClash(s.write(ctx, func(q querier) error { return s.insertUser(ctx, q, u, passwordHash) }))
}

// CreateUserWithFactors is CreateUser of somebody who brings second factors along, as imports write them (mfa_factors): there is never a moment
// in which the user is there without. The factors are checked before.
func (s *Store) CreateUserWithFactors(ctx context.Context, u *stagedoor.User, passwordHash string, factors json.RawMessage) error {
	u.CreatedAt = s.db.clock.Now()
	u.UpdatedAt = u.CreatedAt
	return userClash(s.write(ctx, func(q querier) error {
		err := s.insertUser(ctx, q, u, passwordHash)
		if err == nil && len(factors) > 0 {
			err = s.importFactors(ctx, q, u.ID, factors)
		}
		return err
	}))
}

func (s *Store) insertUser(ctx context.Context, q querier, u *stagedoor.User, passwordHash string) error {
	err := s.insertRow(ctx, q, u)
	if err == nil {
		err = s.reindex(ctx, q, nil, indexOf(u))
	}
	if err == nil {
		err = s.userEvent(ctx, q, "user.created", u)
	}
	if err != nil || passwordHash == "" {
		return err
	}
	return s.putPassword(ctx, q, u.ID, passwordHash)
}

// insertRow adds a user without search rows and password.
func (s *Store) insertRow(ctx context.Context, q querier, u *stagedoor.User) error {
	phone, err := s.phones(q).of(ctx, u)
	if err != nil {
		return err
	}
	args, err := userArgs(u, phone)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO users (email, username, phone, name, profile, user_metadata, app_metadata, updated_at, created_at, tenant, id, connection)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(args, millis(u.CreatedAt), s.tenant.ID, u.ID, u.Connection)...)
	if err == nil {
		err = s.checkLinked(ctx, q, u, phone)
	}
	return err
}

// CreateUsers adds users without passwords, all of them or none. Many at once cost less than one by one: a few thousand
// are a good number. A CreatedAt that is set stays. A taken e-mail address, id or username is a Conflict.
func (s *Store) CreateUsers(ctx context.Context, users []*stagedoor.User) error {
	now := s.db.clock.Now()
	for _, u := range users {
		if u.CreatedAt.IsZero() {
			u.CreatedAt = now
		}
		u.UpdatedAt = u.CreatedAt
	}
	rows := make([]*ImportRow, len(users))
	for i, u := range users {
		rows[i] = &ImportRow{User: u}
	}
	return s.write(ctx, func(q querier) error {
		added, err := s.insertUsers(ctx, q, rows)
		if err == nil && len(added) < len(users) {
			err = stagedoor.Errorf(stagedoor.Conflict, "user_exists", "The user already exists.")
		}
		return err
	})
}

func (s *Store) user(ctx context.Context, q querier, where string, args ...any) (*stagedoor.User, error) {
	return scanUser(func(dest ...any) error {
		return q.row(ctx, "SELECT "+userColumns+userTables+" WHERE u.tenant = ? AND "+where, append([]any{s.tenant.ID}, args...), dest...)
	})
}

// UserText is User for who shows the user and nothing else.
func (s *Store) UserText(ctx context.Context, id string) (*stagedoor.UserText, error) {
	return scanUserText(func(dest ...any) error {
		return s.lookup().row(ctx, "SELECT "+userColumns+userTables+" WHERE u.tenant = ? AND u.id = ?", []any{s.tenant.ID, id}, dest...)
	})
}

// User returns a user by id.
func (s *Store) User(ctx context.Context, id string) (*stagedoor.User, error) {
	return s.user(ctx, s.lookup(), "u.id = ?", id)
}

// ownUser is the condition of the indexes that keep addresses and usernames unique (0038_own_addresses.sql): the people of databases and of passwordless
// connections, who sign in by them. People of somebody else's servers are known by their id there; several may have one address. It must read
// as in the migration, or the databases do not use the indexes.
const ownUser = `(substr(u.id, 1, 6) IN ('auth0|', 'email|') OR substr(u.id, 1, 4) = 'sms|')`

// isOwn tells whether ownUser holds of an id.
func isOwn(id string) bool {
	strategy, _, _ := strings.Cut(id, "|")
	return strategy == "auth0" || strategy == stagedoor.StrategyEmail || strategy == stagedoor.StrategySMS
}

// UserByIdentifier returns the user of a database or of a passwordless connection whose e-mail address or username, both compared in lower
// case, is the identifier, or who is known by it as a telephone number.
func (s *Store) UserByIdentifier(ctx context.Context, connection, identifier string) (*stagedoor.User, error) {
	identifier = strings.ToLower(strings.TrimSpace(identifier))
	if strings.ContainsRune(identifier, 0) || identifier == "" {
		return nil, errUserMissing()
	}
	u, err := s.user(ctx, s.lookup(), "u.connection = ? AND u.email = ? AND "+ownUser, connection, identifier)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		u, err = s.user(ctx, s.lookup(), "u.connection = ? AND u.username = ? AND "+ownUser, connection, identifier)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) && stagedoor.IsPhoneNumber(identifier) {
		u, err = s.user(ctx, s.lookup(), "u.connection = ? AND u.phone = ?", connection, identifier)
	}
	return u, err
}

// UsersByEmail returns the users of all connections with exactly this e-mail address.
func (s *Store) UsersByEmail(ctx context.Context, email string) ([]stagedoor.User, error) {
	// The plus keeps SQLite from the index that has this order, and everybody in it.
	return s.users(ctx, " WHERE u.tenant = ? AND u.email = ? ORDER BY +u.created_at, u.id", s.tenant.ID, email)
}

func (s *Store) users(ctx context.Context, rest string, args ...any) ([]stagedoor.User, error) {
	return s.usersIn(ctx, s.read(), rest, args...)
}

func (s *Store) usersIn(ctx context.Context, q querier, rest string, args ...any) ([]stagedoor.User, error) {
	texts, err := s.textsIn(ctx, q, rest, args...)
	if err != nil {
		return nil, err
	}
	return decodedUsers(texts)
}

func decodedUsers(texts []*stagedoor.UserText) ([]stagedoor.User, error) {
	out := make([]stagedoor.User, len(texts))
	for i, t := range texts {
		u, err := t.Decoded()
		if err != nil {
			return nil, err
		}
		out[i] = *u
	}
	return out, nil
}

func (s *Store) textsIn(ctx context.Context, q querier, rest string, args ...any) ([]*stagedoor.UserText, error) {
	out := []*stagedoor.UserText{}
	err := s.eachTextIn(ctx, q, func(t *stagedoor.UserText) { out = append(out, t) }, rest, args...)
	return out, err
}

func (s *Store) eachTextIn(ctx context.Context, q querier, fn func(*stagedoor.UserText), rest string, args ...any) error {
	return q.each(ctx, "SELECT "+userColumns+userTables+rest, args, func(scan func(...any) error) error {
		t, err := scanUserText(scan)
		if err == nil {
			fn(t)
		}
		return err
	})
}

// UpdateUser changes a user in one transaction. The login counters are not written. A block and a new e-mail
// address end the user's sessions.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*stagedoor.User) error) (*stagedoor.User, error) {
	var u *stagedoor.User
	err := s.mayBlock(ctx, id, []goesAlong{opaqueTokens}, change, func(q querier, change func(*stagedoor.User) error) (err error) {
		u, err = s.updateUser(ctx, q, id, change)
		return err
	})
	if err != nil {
		return nil, userClash(err)
	}
	return u, nil
}

// lockUser waits for writes that concern the user, those that add a token included, and holds back
// new ones: what is deleted next is all there is. SQLite has one writer anyway.
func (s *Store) lockUser(ctx context.Context, q querier, id string) error {
	if !s.db.postgres {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id = ? FOR UPDATE", s.tenant.ID, id)
	return err
}

// shareUsers locks users as references to them do, in one order: whoever writes rows of several users does so before, so that each waits for whoever ends or changes one of
// the users while they hold nothing that those want.
func (s *Store) shareUsers(ctx context.Context, q querier, ids ...string) error {
	if ids = storableIDs(ids); !s.db.postgres || len(ids) == 0 {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id = ANY (?) ORDER BY id FOR KEY SHARE", s.tenant.ID, ids)
	return err
}

// lockedUser locks a user and reads what is there then. In that order: the reading must not be older than the lock.
func (s *Store) lockedUser(ctx context.Context, q querier, id string) (*stagedoor.User, error) {
	if s.db.postgres {
		n, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id = ? FOR UPDATE", s.tenant.ID, id)
		if err != nil {
			return nil, err
		}
		if n == 0 { // one of that id who comes up meanwhile would not be locked
			return nil, errUserMissing()
		}
	}
	return s.user(ctx, q, "u.id = ?", id)
}

// updateUser changes a user inside the caller's transaction. A block and another e-mail address end the user's
// sessions (Authentication API fact sheet 3.5), an address also the links that were mailed. Refresh tokens are refused as long as the block lasts.
func (s *Store) updateUser(ctx context.Context, q querier, id string, change func(*stagedoor.User) error) (*stagedoor.User, error) {
	u, err := s.lockedUser(ctx, q, id)
	if err != nil {
		return nil, err
	}
	before := indexOf(u)
	was := *u
	was.Identities = slices.Clone(u.Identities)
	said, err := s.wasSaid(ctx, q, u)
	if err != nil {
		return nil, err
	}
	if err := change(u); err != nil {
		return nil, err
	}
	u.UpdatedAt = s.db.clock.Now()
	phone, set := any(nil), "COALESCE(?, phone)" // a number that stays counts as it did
	lets := false
	if u.PhoneNumber != was.PhoneNumber {
		if lets, err = s.shares(ctx, q, &was); err != nil {
			return nil, err
		}
		if phone, err = s.phones(q).of(ctx, u); err != nil {
			return nil, err
		}
		set = "?"
	}
	args, err := userArgs(u, phone)
	if err != nil {
		return nil, err
	}
	_, err = q.exec(ctx, `UPDATE users SET email = ?, username = ?, phone = `+set+`, name = ?, profile = ?, user_metadata = ?, app_metadata = ?, updated_at = ?
		WHERE tenant = ? AND id = ?`, append(args, s.tenant.ID, id)...)
	if err == nil {
		err = s.syncLinked(ctx, q, &was, u, phone)
	}
	if err == nil && lets {
		err = s.letShared(ctx, q, &was)
	}
	if err == nil {
		err = s.reindex(ctx, q, before, indexOf(u))
	}
	switch {
	case err != nil:
	case u.IsBlocked() && !was.IsBlocked():
		err = s.endSessions(ctx, q, stagedoor.LogoutBlocked, "user_id = ?", id)
	case u.Email != was.Email:
		err = s.endSessions(ctx, q, stagedoor.LogoutEmail, "user_id = ?", id)
	}
	if err == nil && u.Email != was.Email {
		err = s.endLinks(ctx, q, id)
	}
	if err == nil && u.IsBlocked() && !was.IsBlocked() {
		if err = s.noteAccessEnded(ctx, q, id); err == nil {
			_, err = q.exec(ctx, "DELETE FROM access_tokens WHERE tenant = ? AND user_id = ?", s.tenant.ID, id)
		}
	}
	if err == nil {
		err = s.userUpdated(ctx, q, said, u)
	}
	return u, err
}

// DeleteUser removes a user with password, sessions, codes, tokens, grants and
// tickets. A user who is not there is no error.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.endingAll(ctx, id, func(q querier) error { return s.deleteUser(ctx, q, id) })
}

func (s *Store) deleteUser(ctx context.Context, q querier, id string) error {
	u, err := s.lockedUser(ctx, q, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	lets := false
	if err == nil {
		lets, err = s.shares(ctx, q, u)
	}
	if err == nil {
		err = s.reindex(ctx, q, indexOf(u), nil)
	}
	if err == nil {
		err = s.endSessions(ctx, q, stagedoor.LogoutDeleted, "user_id = ?", id)
	}
	if err == nil {
		_, err = q.exec(ctx, "DELETE FROM users WHERE tenant = ? AND id = ?", s.tenant.ID, id)
	}
	if err == nil && lets {
		err = s.letShared(ctx, q, u)
	}
	if err == nil {
		err = s.userEvent(ctx, q, "user.deleted", u)
	}
	return err
}
