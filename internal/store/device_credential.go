package store

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
)

// CreateDeviceCredential keeps the public key of a user's device, which gets an id. A device has one for each client.
func (s *Store) CreateDeviceCredential(ctx context.Context, d *stagedoor.DeviceCredential) error {
	d.ID = stagedoor.NewID("dcr_")
	err := s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO device_credentials (tenant, id, user_id, client_id, device_id, type, name, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			s.tenant.ID, d.ID, d.UserID, d.ClientID, d.DeviceID, d.Type, d.Name, d.Value)
		return err
	})
	if uniqueViolation(err) != "" {
		return stagedoor.Errorf(stagedoor.Conflict, "device_credential_conflict", "There is already a credential for this device.")
	}
	return err
}

// DeviceCredentials lists a page of credentials, of all users and clients or of one, in the order of their ids, and tells how many there are.
func (s *Store) DeviceCredentials(ctx context.Context, userID, clientID string, in OrganizationQuery) (page []stagedoor.DeviceCredential, total int, err error) {
	by, where, args := "", " WHERE tenant = ?", []any{s.tenant.ID}
	if clientID != "" {
		by, where, args = s.db.by("device_credentials_client_page"), where+" AND client_id = ?", append(args, clientID)
	}
	if userID != "" {
		by, where, args = s.db.by("device_credentials_device"), where+" AND user_id = ?", append(args, userID)
	}
	if !in.Uncounted {
		if err := s.read().row(ctx, "SELECT COUNT(*) FROM device_credentials"+by+where, args, &total); err != nil {
			return nil, 0, err
		}
	}
	page = []stagedoor.DeviceCredential{}
	err = s.read().each(ctx, "SELECT id, user_id, client_id, device_id, type, name FROM device_credentials"+by+where+" ORDER BY id LIMIT ? OFFSET ?",
		append(args, in.PerPage, in.Page*in.PerPage), func(scan func(...any) error) error {
			var d stagedoor.DeviceCredential
			if err := scan(&d.ID, &d.UserID, &d.ClientID, &d.DeviceID, &d.Type, &d.Name); err != nil {
				return err
			}
			page = append(page, d)
			return nil
		})
	return page, total, err
}

// DeleteDeviceCredential removes a credential; with a user's id only if it is theirs. One that is not there is no error.
func (s *Store) DeleteDeviceCredential(ctx context.Context, id, userID string) error {
	return s.writeOne(ctx, func(q querier) error {
		where, args := "tenant = ? AND id = ?", []any{s.tenant.ID, id}
		if userID != "" {
			where, args = where+" AND user_id = ?", append(args, userID)
		}
		_, err := q.exec(ctx, "DELETE FROM device_credentials WHERE "+where, args...)
		return err
	})
}

// tokenEnds is when no token is valid any more that was made by now: none lives longer than 30 days (token_lifetime, lifetime_in_seconds), and clocks may differ.
const tokenEnds = (30 + 1) * 24 * time.Hour

// BlacklistToken refuses a token from now on, until it would have expired at the latest. Doing it twice is no error.
func (s *Store) BlacklistToken(ctx context.Context, b stagedoor.BlacklistedToken) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO blacklisted_tokens (tenant, aud, jti, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, aud, jti) DO UPDATE SET expires_at = CASE WHEN excluded.expires_at > blacklisted_tokens.expires_at THEN excluded.expires_at ELSE blacklisted_tokens.expires_at END`,
			s.tenant.ID, b.Audience, b.JTI, millis(s.db.clock.Now().Add(tokenEnds)))
		return err
	})
}

// BlacklistedTokens lists a page of the tokens that are refused, of all audiences or of one.
func (s *Store) BlacklistedTokens(ctx context.Context, audience string, in OrganizationQuery) ([]stagedoor.BlacklistedToken, error) {
	out := []stagedoor.BlacklistedToken{}
	where, args := "tenant = ?", []any{s.tenant.ID}
	if audience != "" {
		where, args = where+" AND aud = ?", append(args, audience)
	}
	args = append(args, in.PerPage, in.Page*in.PerPage)
	err := s.read().each(ctx, "SELECT aud, jti FROM blacklisted_tokens WHERE "+where+" ORDER BY aud, jti LIMIT ? OFFSET ?", args, func(scan func(...any) error) error {
		var b stagedoor.BlacklistedToken
		if err := scan(&b.Audience, &b.JTI); err != nil {
			return err
		}
		out = append(out, b)
		return nil
	})
	return out, err
}

// TokenBlacklisted tells whether a token with the jti, for one of the audiences, is refused.
func (s *Store) TokenBlacklisted(ctx context.Context, audiences []string, jti string) (bool, error) {
	for _, audience := range audiences {
		var n int
		err := s.read().row(ctx, "SELECT COUNT(*) FROM blacklisted_tokens WHERE tenant = ? AND aud = ? AND jti = ?", []any{s.tenant.ID, audience, jti}, &n)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}
