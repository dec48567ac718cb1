package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

func errSessionMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_session", "The session does not exist.")
}

func errRefreshTokenMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_refresh_token", "The refresh token does not exist.")
}

// UserSessions lists a user's live sessions in the order of their ids.
func (s *Store) UserSessions(ctx context.Context, userID string) ([]stagedoor.Session, error) {
	return s.UserSessionsAfter(ctx, userID, "", maxSessions)
}

// CountUserSessions returns how many live sessions a user has.
func (s *Store) CountUserSessions(ctx context.Context, userID string) (n int, err error) {
	err = s.read().row(ctx, "SELECT COUNT(*) FROM sessions"+s.db.by("sessions_user")+" WHERE tenant = ? AND user_id = ? AND expires_at > ?",
		[]any{s.tenant.ID, userID, s.db.clock.Now().UnixMilli()}, &n)
	return n, err
}

// UserSessionsAfter lists those of a user's live sessions that come after an id, in the order of their ids.
func (s *Store) UserSessionsAfter(ctx context.Context, userID, after string, most int) ([]stagedoor.Session, error) {
	out := []stagedoor.Session{}
	err := s.read().each(ctx, "SELECT doc FROM sessions"+s.db.by("sessions_user")+" WHERE tenant = ? AND user_id = ? AND expires_at > ? AND id > ? ORDER BY id LIMIT ?",
		[]any{s.tenant.ID, userID, s.db.clock.Now().UnixMilli(), after, most}, func(scan func(...any) error) error {
			var doc string
			if err := scan(&doc); err != nil {
				return err
			}
			var v stagedoor.Session
			err := json.Unmarshal([]byte(doc), &v)
			out = append(out, v)
			return err
		})
	return out, err
}

// EndClientAccess ends what a client has yet to ask for in a user's name, and the tokens that it asks the server with: codes, devices that were approved,
// requests that wait for a second factor, opaque access tokens, and online refresh tokens, of which it tells in how many sessions there were some. Grants and other refresh
// tokens are ended by themselves.
func (s *Store) EndClientAccess(ctx context.Context, userID, clientID string) (online int, err error) {
	err = s.write(ctx, func(q querier) (err error) {
		if online, err = s.endOnlineTokens(ctx, q, userID, clientID); err != nil {
			return err
		}
		for _, table := range []string{"codes", "access_tokens", "device_codes", "mfa_tokens"} {
			_, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND user_id = ? AND doc ->> 'ClientID' = ?", s.tenant.ID, userID, clientID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return online, err
}

// AccessOf names what of a user's access ends: one session or, where Session is empty, all.
type AccessOf struct {
	UserID  string
	Session string
}

// RevokeSessions ends sessions with the codes that came from them and, if withTokens, the refresh tokens that came from them; with all sessions of a user all their
// refresh tokens, and what has begun and would come to some: devices that were approved, requests that wait for a second factor, logins of clients' own forms. A session that is not the user's is NotFound; the user may be left empty where a session is named.
func (s *Store) RevokeSessions(ctx context.Context, of AccessOf, withTokens bool) error {
	if withTokens {
		if err := s.thinTokens(ctx, of); err != nil {
			return err
		}
	}
	return s.write(ctx, func(q querier) error {
		if of.Session != "" {
			v, err := s.session(ctx, q, "id = ?", of.Session, "")
			if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && of.UserID != "" && v.UserID != of.UserID {
				return errSessionMissing()
			}
			if err != nil {
				return err
			}
			of.UserID = v.UserID
		}
		if _, err := s.lockedUser(ctx, q, of.UserID); err != nil {
			return err
		}
		if withTokens {
			families, err := s.userFamilies(ctx, q, of)
			if err == nil {
				err = s.deleteFamilies(ctx, q, []string{of.UserID}, families)
			}
			if err != nil {
				return err
			}
		}
		if withTokens && of.Session == "" {
			if err := s.noteAccessEnded(ctx, q, of.UserID); err != nil {
				return err
			}
			for _, waiting := range []string{"device_codes WHERE ", "mfa_tokens WHERE ", "tickets WHERE kind = '" + stagedoor.TicketLogin + "' AND "} {
				if _, err := q.exec(ctx, "DELETE FROM "+waiting+"tenant = ? AND user_id = ?", s.tenant.ID, of.UserID); err != nil {
					return err
				}
			}
		}
		if err := s.endSessions(ctx, q, stagedoor.LogoutRevoked, "user_id = ? AND (? = '' OR id = ?)", of.UserID, of.Session, of.Session); err != nil {
			return err
		}
		return s.endCodes(ctx, q, of)
	})
}

// EndAccessBy ends what a user's identity of a connection has come to, once it is the user's no more: whoever has it is somebody else from then on. That is sessions which began by
// the connection, tokens that came by it, and what has begun and waits: codes, devices that were approved, requests that wait for a second factor, logins of clients' own forms. Refresh
// tokens of which it is not known how they came end as well, unless their session goes on. The session stays goes on, with what came from it; empty: none does.
func (s *Store) EndAccessBy(ctx context.Context, userID, connection, stays string) error {
	sure, err := s.familiesBy(ctx, s.read(), userID, connection, stays, func(string) bool { return false })
	if err == nil {
		err = s.thinFamilies(ctx, sure)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if _, err := s.lockedUser(ctx, q, userID); err != nil {
			return err
		}
		if err := s.noteAccessEnded(ctx, q, userID); err != nil {
			return err
		}
		if err := s.endSessions(ctx, q, stagedoor.LogoutRevoked, "user_id = ? AND id <> ? AND doc ->> 'Connection' = ?", userID, stays, connection); err != nil {
			return err
		}
		left := map[string]bool{}
		err := q.each(ctx, "SELECT id FROM sessions"+s.db.by("sessions_user")+" WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, userID}, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			left[id] = true
			return err
		})
		if err != nil {
			return err
		}
		families, err := s.familiesBy(ctx, q, userID, connection, stays, func(session string) bool { return !left[session] })
		if err == nil {
			err = s.deleteFamilies(ctx, q, []string{userID}, families)
		}
		if err != nil {
			return err
		}
		for _, of := range []string{"codes WHERE used_at IS NULL AND ", "access_tokens WHERE "} {
			_, err := q.exec(ctx, "DELETE FROM "+of+"tenant = ? AND user_id = ? AND doc ->> 'Connection' = ? AND (? = '' OR doc ->> 'SessionID' <> ?)", s.tenant.ID, userID, connection, stays, stays)
			if err != nil {
				return err
			}
		}
		for _, of := range []string{"mfa_tokens WHERE ", "tickets WHERE kind = '" + stagedoor.TicketLogin + "' AND "} {
			if _, err := q.exec(ctx, "DELETE FROM "+of+"tenant = ? AND user_id = ? AND doc ->> 'Connection' = ?", s.tenant.ID, userID, connection); err != nil {
				return err
			}
		}
		_, err = q.exec(ctx, "DELETE FROM device_codes WHERE tenant = ? AND user_id = ? AND doc -> 'Authorization' ->> 'Connection' = ?", s.tenant.ID, userID, connection)
		return err
	})
}

// EndAccess ends all that a user has here, and what has begun and waits, as another password does.
func (s *Store) EndAccess(ctx context.Context, userID string, by stagedoor.LogoutBy) error {
	return s.endingAll(ctx, userID, func(q querier) error {
		if _, err := s.lockedUser(ctx, q, userID); err != nil {
			return err
		}
		return s.endAllAccess(ctx, q, userID, by)
	})
}

// UserRefreshTokens lists a user's live refresh tokens, the newest of each family, in the order of their ids. Those that were superseded outlive a family that has
// idled out, so that a thief's use of them is noticed.
func (s *Store) UserRefreshTokens(ctx context.Context, userID string) ([]stagedoor.RefreshToken, error) {
	newest := map[string]stagedoor.RefreshToken{}
	err := s.read().each(ctx, "SELECT doc FROM refresh_tokens"+s.db.by("refresh_tokens_user")+" WHERE tenant = ? AND user_id = ? AND used_at IS NULL AND expires_at > ?",
		[]any{s.tenant.ID, userID, s.db.clock.Now().UnixMilli()}, func(scan func(...any) error) error {
			var doc string
			if err := scan(&doc); err != nil {
				return err
			}
			var t stagedoor.RefreshToken
			err := json.Unmarshal([]byte(doc), &t)
			if old, known := newest[t.ID]; !known || old.Counter < t.Counter {
				newest[t.ID] = t
			}
			return err
		})
	out := []stagedoor.RefreshToken{}
	for _, t := range newest {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b stagedoor.RefreshToken) int { return strings.Compare(a.ID, b.ID) })
	return out, err
}

// RefreshTokenByID returns the newest live refresh token of the family that the public id names.
func (s *Store) RefreshTokenByID(ctx context.Context, id string) (*stagedoor.RefreshToken, error) {
	return s.refreshTokenByID(ctx, s.read(), id)
}

func (s *Store) refreshTokenByID(ctx context.Context, q querier, id string) (*stagedoor.RefreshToken, error) {
	var doc string
	err := q.row(ctx, "SELECT doc FROM refresh_tokens"+s.db.by("refresh_tokens_family")+ofPublicID+" AND used_at IS NULL AND expires_at > ? ORDER BY counter DESC LIMIT 1",
		[]any{s.tenant.ID, s.tenant.ID, id, id, s.db.clock.Now().UnixMilli()}, &doc)
	if errors.Is(err, errNoRows) {
		err = errRefreshTokenMissing()
	}
	if err != nil {
		return nil, err
	}
	t := new(stagedoor.RefreshToken)
	return t, json.Unmarshal([]byte(doc), t)
}

// ofPublicID is the condition of the refresh tokens of the family that a public id names: by the family, of which an index knows the newest.
const ofPublicID = " WHERE tenant = ? AND family = (SELECT f.family FROM refresh_tokens f WHERE f.tenant = ? AND f.public_id = ? LIMIT 1) AND public_id = ?"

// SetRefreshTokenMetadata replaces the metadata of a family of refresh tokens.
func (s *Store) SetRefreshTokenMetadata(ctx context.Context, id string, metadata map[string]any) (*stagedoor.RefreshToken, error) {
	return s.ChangeRefreshTokens(ctx, id, func(t *stagedoor.RefreshToken) error { t.Metadata = metadata; return nil })
}

// ChangeRefreshTokens changes the tokens of a live family of refresh tokens that may still be used, and returns the newest. A family may have had any number.
func (s *Store) ChangeRefreshTokens(ctx context.Context, id string, change func(*stagedoor.RefreshToken) error) (*stagedoor.RefreshToken, error) {
	var t *stagedoor.RefreshToken
	err := s.write(ctx, func(q querier) (err error) {
		if t, err = s.refreshTokenByID(ctx, q, id); err != nil {
			return err
		}
		if err := s.lockUser(ctx, q, t.UserID); err != nil { // nobody rotates it meanwhile
			return err
		}
		usable, err := s.usableTokens(ctx, q, t.FamilyID, id)
		if err == nil && len(usable) == 0 {
			err = errRefreshTokenMissing()
		}
		if err != nil {
			return err
		}
		for i := range usable {
			one := &usable[i]
			if err := change(&one.is); err != nil {
				return err
			}
			doc, err := json.Marshal(one.is)
			if err != nil {
				return err
			}
			end := refreshEnd(&one.is)
			if one.used != nil { // it is remembered as long as it was
				end = usedEnd(&one.is, fromMillis(*one.used))
			}
			if _, err := q.exec(ctx, "UPDATE refresh_tokens SET doc = ?, expires_at = ? WHERE tenant = ? AND hash = ?", document(doc), end, s.tenant.ID, one.hash); err != nil {
				return err
			}
			if one.is.Counter >= t.Counter {
				*t = one.is
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// usableToken is a refresh token as it lies in the database.
type usableToken struct {
	hash string
	used *int64
	is   stagedoor.RefreshToken
}

// unusedTokens is the index of the refresh tokens of a family that nobody has used yet. Of others a family may have any number.
const unusedTokens = "refresh_tokens_unused"

// usableTokens are the tokens of a family that nobody has used yet, or that are not too old to be used again within the leeway of their client: see reuse.
func (s *Store) usableTokens(ctx context.Context, q querier, family, id string) (out []usableToken, err error) {
	const of = " WHERE tenant = ? AND family = ?"
	byFamily := "FROM refresh_tokens" + s.db.by("refresh_tokens_family") + of
	query := "SELECT hash, used_at, doc FROM refresh_tokens" + s.db.by(unusedTokens) + of + " AND public_id = ? AND used_at IS NULL UNION ALL SELECT hash, used_at, doc " +
		byFamily + " AND counter >= (SELECT MAX(counter) - 1 " + byFamily + ") AND public_id = ? AND used_at IS NOT NULL"
	err = q.each(ctx, query, []any{s.tenant.ID, family, id, s.tenant.ID, family, s.tenant.ID, family, id},
		func(scan func(...any) error) error {
			var one usableToken
			var doc string
			if err := scan(&one.hash, &one.used, &doc); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(doc), &one.is)
			out = append(out, one)
			return err
		})
	return out, err
}

// SetSessionMetadata replaces the metadata of a live session.
func (s *Store) SetSessionMetadata(ctx context.Context, id string, metadata map[string]any) (*stagedoor.Session, error) {
	var changed *stagedoor.Session
	err := s.UpdateSession(ctx, id, func(v *stagedoor.Session) {
		v.Metadata, v.UpdatedAt = metadata, s.db.clock.Now()
		changed = v
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = errSessionMissing()
	}
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// endAccess ends a user's sessions, codes and tokens, and what the old password has begun: requests that wait for a second factor, devices that were approved and have not
// come for their tokens, logins of clients' own forms, and links to choose another password.
func (s *Store) endAccess(ctx context.Context, q querier, userID string) error {
	return s.endAllAccess(ctx, q, userID, stagedoor.LogoutPassword)
}

// endAllAccess does what endAccess does, for another reason than a new password.
func (s *Store) endAllAccess(ctx context.Context, q querier, userID string, by stagedoor.LogoutBy) error {
	if err := s.lockUser(ctx, q, userID); err != nil {
		return err
	}
	if err := s.noteAccessEnded(ctx, q, userID); err != nil {
		return err
	}
	if err := s.endSessions(ctx, q, by, "user_id = ?", userID); err != nil {
		return err
	}
	for _, table := range []string{"codes", "access_tokens", "refresh_tokens", "mfa_tokens", "device_codes"} {
		if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND user_id = ?", s.tenant.ID, userID); err != nil {
			return err
		}
	}
	_, err := q.exec(ctx, "DELETE FROM tickets WHERE tenant = ? AND user_id = ? AND kind IN (?, ?) AND used_at IS NULL", s.tenant.ID, userID, stagedoor.TicketLogin, stagedoor.TicketReset)
	return err
}
