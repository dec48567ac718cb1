package store

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// checkLinked refuses what an identity has that is linked to a user: its id, and who it identifies. It comes after the user was
// written: what is linked meanwhile by somebody else has claimed the user's place and is seen now.
func (s *Store) checkLinked(ctx context.Context, q querier, u *stagedoor.User, phone any) error {
	var email, username string
	address, name := identifiersOf(u)
	const linked = "SELECT COALESCE(email, ''), COALESCE(username, '') FROM linked_identities WHERE tenant = ? AND "
	err := q.row(ctx, linked+"id = ? UNION ALL "+linked+"connection = ? AND email = ? UNION ALL "+linked+"connection = ? AND username = ? UNION ALL "+
		linked+"connection = ? AND phone = ? LIMIT 1",
		[]any{s.tenant.ID, u.ID, s.tenant.ID, u.Connection, address, s.tenant.ID, u.Connection, name, s.tenant.ID, u.Connection, phone}, &email, &username)
	switch {
	case errors.Is(err, errNoRows):
		return nil
	case err != nil:
		return err
	case u.Username != "" && username == u.Username && email != u.Email:
		return stagedoor.Errorf(stagedoor.Conflict, "username_exists", "The username provided is in use already.")
	}
	return stagedoor.Errorf(stagedoor.Conflict, "user_exists", "The user already exists.")
}

// identifiersOf are the address and the username of a user as linked_identities has them: nil for people of somebody else's servers, who are not
// known by them.
func identifiersOf(u *stagedoor.User) (email, username any) {
	if !isOwn(u.ID) {
		return nil, nil
	}
	return nullable(u.Email), nullable(u.Username)
}

// syncLinked keeps the rows of a user's linked identities as the user says.
func (s *Store) syncLinked(ctx context.Context, q querier, was, u *stagedoor.User, phone any) error {
	if was.Email != u.Email || was.Username != u.Username || was.PhoneNumber != u.PhoneNumber {
		if err := s.checkLinked(ctx, q, u, phone); err != nil {
			return err
		}
	}
	before := map[string]stagedoor.Identity{}
	for _, i := range was.Identities[min(1, len(was.Identities)):] {
		before[i.FullID()] = i
	}
	for _, i := range u.Identities[min(1, len(u.Identities)):] {
		old, known := before[i.FullID()]
		delete(before, i.FullID())
		if known && reflect.DeepEqual(old, i) {
			continue
		}
		if err := s.putLinked(ctx, q, u.ID, i); err != nil {
			return err
		}
	}
	for id := range before {
		if _, err := q.exec(ctx, "DELETE FROM linked_identities WHERE tenant = ? AND id = ?", s.tenant.ID, id); err != nil {
			return err
		}
	}
	return nil
}

// putLinked writes the row of a linked identity. A user of the same id or with the same identifiers, whom there would be if it
// stood alone, is put into users for a moment: nobody else can take the place then until this transaction is over.
func (s *Store) putLinked(ctx context.Context, q querier, userID string, i stagedoor.Identity) error {
	alone := stagedoor.UserOf(i)
	email, username := identifiersOf(alone)
	phone, err := s.phones(q).of(ctx, alone)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO users (tenant, id, connection, email, username, phone, profile, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, '{}', 0, 0)`,
		s.tenant.ID, alone.ID, i.Connection, email, username, phone)
	if err != nil {
		return err
	}
	if _, err = q.exec(ctx, "DELETE FROM users WHERE tenant = ? AND id = ?", s.tenant.ID, alone.ID); err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO linked_identities (tenant, id, user_id, connection, email, username, phone, hash) VALUES (?, ?, ?, ?, ?, ?, ?, '')
		ON CONFLICT (tenant, id) DO UPDATE SET user_id = excluded.user_id, email = excluded.email, username = excluded.username, phone = excluded.phone`,
		s.tenant.ID, alone.ID, userID, i.Connection, email, username, phone)
	return err
}

// Refusals of Management API fact sheet 2.7.
func errLink(message string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "operation_not_supported", "%s", message)
}

// LinkIdentity adds an identity to a user. The user whose primary identity it is ends: their other identities come along, their
// metadata, sessions, roles and memberships are gone. An empty Connection takes the one that the user has; known tells that there
// can be an identity of the connection that never signed in here.
func (s *Store) LinkIdentity(ctx context.Context, userID string, i stagedoor.Identity, known bool) (u *stagedoor.User, err error) {
	err = s.write(ctx, func(q querier) error {
		ids := []string{userID, i.FullID()}
		slices.Sort(ids)
		for _, id := range ids { // in one order, so that two who link each other do not wait for each other
			if err := s.lockUser(ctx, q, id); err != nil {
				return err
			}
		}
		main, err := s.user(ctx, q, "u.id = ?", userID)
		if err != nil {
			return err
		}
		if len(main.Identities) > 0 && main.Identities[0].FullID() == i.FullID() {
			return errLink("Main identity and the new one are the same.")
		}
		if _, err := s.linkedOwner(ctx, q, i.FullID()); err == nil {
			return stagedoor.Errorf(stagedoor.Conflict, "identity_conflict", "Specified identity already exists.")
		} else if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
		added, hashes, err := s.takeOver(ctx, q, userID, i, known)
		if err != nil {
			return err
		}
		if u, err = s.updateUser(ctx, q, userID, func(u *stagedoor.User) error {
			if len(u.Identities) > 0 {
				u.Identities[0].ProfileData = u.ProfileData()
			}
			u.Identities = append(u.Identities, added...)
			return nil
		}); err != nil {
			return err
		}
		for id, hash := range hashes {
			if _, err = q.exec(ctx, "UPDATE linked_identities SET hash = ? WHERE tenant = ? AND id = ?", hash, s.tenant.ID, id); err != nil {
				return err
			}
		}
		return nil
	})
	if uniqueViolation(err) != "" {
		err = stagedoor.Errorf(stagedoor.Conflict, "identity_conflict", "Specified identity already exists.")
	}
	if err != nil {
		return nil, err
	}
	return u, nil
}

// takeOver ends the user whose primary identity is i and returns all of their identities, and the hashes of their passwords. Tokens of the
// identities go over to the user with userID, and so do accounts that are connected.
func (s *Store) takeOver(ctx context.Context, q querier, userID string, i stagedoor.Identity, known bool) (added []stagedoor.Identity, hashes map[string]string, err error) {
	other, err := s.user(ctx, q, "u.id = ?", i.FullID())
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound) && i.Connection == "":
		return nil, nil, errLink("Linking to an inexistent identity requires a connection.")
	case stagedoor.IsKind(err, stagedoor.NotFound) && !known, err == nil && i.Connection != "" && other.Connection != i.Connection:
		return nil, nil, errLink("Provided secondary account not found.")
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return []stagedoor.Identity{i}, nil, nil
	case err != nil:
		return nil, nil, err
	}
	added = slices.Clone(other.Identities)
	added[0].ProfileData = other.ProfileData()
	hashes = map[string]string{}
	err = q.each(ctx, `SELECT user_id AS id, hash FROM passwords WHERE tenant = ? AND user_id = ?
		UNION ALL SELECT id, hash FROM linked_identities WHERE tenant = ? AND user_id = ?`, []any{s.tenant.ID, other.ID, s.tenant.ID, other.ID}, func(scan func(...any) error) error {
		var id, hash string
		err := scan(&id, &hash)
		hashes[id] = hash
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := q.exec(ctx, "UPDATE identity_tokens SET user_id = ? WHERE tenant = ? AND user_id = ?", userID, s.tenant.ID, other.ID); err != nil {
		return nil, nil, err
	}
	if err := s.takeConnected(ctx, q, userID, other.ID); err != nil {
		return nil, nil, err
	}
	return added, hashes, s.deleteUser(ctx, q, other.ID)
}

// linkedOwner returns the id of the user whom a linked identity belongs to.
func (s *Store) linkedOwner(ctx context.Context, q querier, id string) (owner string, err error) {
	err = q.row(ctx, "SELECT user_id FROM linked_identities WHERE tenant = ? AND id = ?", []any{s.tenant.ID, id}, &owner)
	if errors.Is(err, errNoRows) {
		return "", errUserMissing()
	}
	return owner, err
}

// UnlinkIdentity takes a linked identity from a user: it becomes a user of its own, with its profile and its password and without
// metadata. An identity that the user does not have changes nothing.
func (s *Store) UnlinkIdentity(ctx context.Context, userID, provider, bareID string) (*stagedoor.User, error) {
	var u *stagedoor.User
	err := s.inUser(ctx, userID, func(q querier, found *stagedoor.User) (err error) {
		u = found
		at := slices.IndexFunc(u.Identities, func(i stagedoor.Identity) bool { return i.Provider == provider && i.UserID == bareID })
		if at == 0 {
			return errLink("Main identity cannot be removed.")
		}
		if at < 0 {
			return nil
		}
		u, err = s.unlink(ctx, q, u, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// unlink makes a linked identity of a user, who is locked, a user again.
func (s *Store) unlink(ctx context.Context, q querier, u *stagedoor.User, at int) (*stagedoor.User, error) {
	i, hash := u.Identities[at], ""
	if err := q.row(ctx, "SELECT hash FROM linked_identities WHERE tenant = ? AND id = ?", []any{s.tenant.ID, i.FullID()}, &hash); err != nil {
		return nil, err
	}
	u, err := s.updateUser(ctx, q, u.ID, func(u *stagedoor.User) error {
		u.Identities = slices.Delete(slices.Clone(u.Identities), at, at+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	alone := stagedoor.UserOf(i)
	alone.CreatedAt = s.db.clock.Now()
	alone.UpdatedAt = alone.CreatedAt
	return u, s.insertUser(ctx, q, alone, hash)
}

// linkedOf is an index of linked_identities that begins with the tenant and the connection.
const linkedOf = "linked_identities_email"

// unlinkSome takes linked identities of a connection that is known by its id from their users, and tells how many: at most so many. They do not become users.
func (s *Store) unlinkSome(ctx context.Context, q querier, connection string, most int) (n int, err error) {
	gone := map[string][]string{}
	err = q.each(ctx, "SELECT user_id, id FROM linked_identities"+s.db.by(linkedOf)+" WHERE "+ofConnection+" LIMIT ?", []any{s.tenant.ID, s.tenant.ID, connection, most},
		func(scan func(...any) error) error {
			var owner, id string
			err := scan(&owner, &id)
			gone[owner] = append(gone[owner], id)
			n++
			return err
		})
	if err != nil {
		return 0, err
	}
	for _, owner := range slices.Sorted(maps.Keys(gone)) { // in one order, so that two who do this do not wait for each other
		_, err := s.updateUser(ctx, q, owner, func(u *stagedoor.User) error {
			u.Identities = slices.DeleteFunc(slices.Clone(u.Identities), func(i stagedoor.Identity) bool { return slices.Contains(gone[owner], i.FullID()) })
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// UserByIdentity returns the user whose identity, primary or linked, has the full id.
func (s *Store) UserByIdentity(ctx context.Context, id string) (*stagedoor.User, error) {
	u, err := s.User(ctx, id)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return u, err
	}
	owner, err := s.linkedOwner(ctx, s.read(), id)
	if err != nil {
		return nil, err
	}
	return s.User(ctx, owner)
}

// UserByLinked returns the user to whom an identity of the connection is linked that has the e-mail address or username, both
// compared in lower case, and the hash of that identity's password.
func (s *Store) UserByLinked(ctx context.Context, connection, identifier string) (u *stagedoor.User, hash string, err error) {
	identifier = strings.ToLower(strings.TrimSpace(identifier))
	if identifier == "" {
		return nil, "", errUserMissing()
	}
	var owner string
	for _, column := range []string{"email", "username", "phone"} { // each by its index: with OR SQLite reads all of the connection
		err = s.read().row(ctx, "SELECT user_id, hash FROM linked_identities WHERE tenant = ? AND connection = ? AND "+column+" = ?", []any{s.tenant.ID, connection, identifier}, &owner, &hash)
		if !errors.Is(err, errNoRows) {
			break
		}
	}
	if errors.Is(err, errNoRows) {
		return nil, "", errUserMissing()
	}
	if err == nil {
		u, err = s.User(ctx, owner)
	}
	return u, hash, err
}

// SetLinkedHash replaces the hash of the password of a user's linked identity, and ends the user's sessions and tokens.
func (s *Store) SetLinkedHash(ctx context.Context, userID, identityID, hash string) error {
	return s.endingAll(ctx, userID, func(q querier) error {
		if _, err := s.lockedUser(ctx, q, userID); err != nil {
			return err
		}
		n, err := q.exec(ctx, "UPDATE linked_identities SET hash = ? WHERE tenant = ? AND user_id = ? AND id = ?", hash, s.tenant.ID, userID, identityID)
		if err == nil && n == 0 {
			err = errUserMissing()
		}
		if err != nil {
			return err
		}
		return s.endAccess(ctx, q, userID)
	})
}
