package store

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
)

// SigningKeys returns the tenant's signing keys with their private parts, oldest first.
func (s *Store) SigningKeys(ctx context.Context) ([]stagedoor.SigningKey, error) {
	return s.signingKeys(ctx, s.read(), "")
}

func (s *Store) signingKeys(ctx context.Context, q querier, lock string) ([]stagedoor.SigningKey, error) {
	var out []stagedoor.SigningKey
	err := q.each(ctx, `SELECT kid, algorithm, state, sealed, cert, created_at, current_since, current_until, revoked_at
		FROM signing_keys WHERE tenant = ? ORDER BY created_at, kid`+lock, []any{s.tenant.ID}, func(scan func(...any) error) error {
		var k stagedoor.SigningKey
		var sealed, cert string
		var created, since, until, revoked int64
		if err := scan(&k.KID, &k.Algorithm, &k.State, &sealed, &cert, &created, &since, &until, &revoked); err != nil {
			return err
		}
		private, err := s.unseal(sealed, "signing_keys", k.KID)
		if err != nil {
			return err
		}
		k.Private, k.CreatedAt = []byte(private), fromMillis(created)
		k.CurrentSince, k.CurrentUntil, k.RevokedAt = fromMillis(since), fromMillis(until), fromMillis(revoked)
		k.CertDER, err = base64.StdEncoding.DecodeString(cert)
		out = append(out, k)
		return err
	})
	return out, err
}

// SignsPS256 tells whether an API's access tokens, or a client's ID tokens or answers of /userinfo, are signed with PS256.
func (s *Store) SignsPS256(ctx context.Context) (bool, error) {
	return kept(ctx, s, configKey{table: "signing_keys", where: "PS256"}, func(*int) (bool, error) {
		var one int
		err := s.read().row(ctx, `SELECT 1 FROM resource_servers WHERE tenant = ? AND doc ->> 'signing_alg' = 'PS256'
			UNION ALL SELECT 1 FROM clients WHERE tenant = ? AND (doc -> 'jwt_configuration' ->> 'alg' = 'PS256' OR doc ->> 'userinfo_signed_response_alg' = 'PS256')
			LIMIT 1`, []any{s.tenant.ID, s.tenant.ID}, &one)
		if errors.Is(err, errNoRows) {
			err = nil
		}
		return one == 1, err
	})
}

// settingSigning holds the member ps256: when something was signed with PS256 last, by the day.
const settingSigning = "signing"

// How exactly it is noted that something is signed with PS256, and how long what was may live: a token of 30 days, and what clocks differ by.
const (
	ps256Noted = 24 * time.Hour
	ps256Lives = 30*24*time.Hour + time.Hour
)

func (s *Store) ps256Since(ctx context.Context) (time.Duration, error) {
	var at struct {
		PS256 int64 `json:"ps256"`
	}
	err := s.Setting(ctx, settingSigning, &at)
	return s.db.clock.Now().Sub(fromMillis(at.PS256)).Abs(), err
}

// NotePS256 notes that something was signed with PS256, unless that was noted within a day.
func (s *Store) NotePS256(ctx context.Context) error {
	if since, err := s.ps256Since(ctx); err != nil || since < ps256Noted {
		return err
	}
	return s.ChangeSetting(ctx, settingSigning, func(kept map[string]any) error {
		kept["ps256"] = millis(s.db.clock.Now())
		return nil
	})
}

// ListsPS256 tells whether keys of PS256 belong into the key set: something is signed with them, or was so short ago that it may be shown yet.
func (s *Store) ListsPS256(ctx context.Context) (bool, error) {
	signs, err := s.SignsPS256(ctx)
	if signs || err != nil {
		return signs, err
	}
	since, err := s.ps256Since(ctx)
	return err == nil && since < ps256Lives+ps256Noted, err
}

// CreateSigningKey keeps a signing key, its private part sealed.
func (s *Store) CreateSigningKey(ctx context.Context, k *stagedoor.SigningKey) error {
	return s.write(ctx, func(q querier) error { return s.addSigningKey(ctx, q, k) })
}

func (s *Store) addSigningKey(ctx context.Context, q querier, k *stagedoor.SigningKey) error {
	_, err := q.exec(ctx, `INSERT INTO signing_keys (tenant, kid, algorithm, state, sealed, cert, created_at, current_since, current_until, revoked_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.tenant.ID, k.KID, k.Algorithm, k.State, s.seal(string(k.Private), "signing_keys", k.KID), base64.StdEncoding.EncodeToString(k.CertDER),
		millis(k.CreatedAt), millis(k.CurrentSince), millis(k.CurrentUntil), millis(k.RevokedAt))
	return err
}

func (s *Store) saveSigningKey(ctx context.Context, q querier, k *stagedoor.SigningKey) error {
	_, err := q.exec(ctx, "UPDATE signing_keys SET state = ?, current_since = ?, current_until = ?, revoked_at = ? WHERE tenant = ? AND kid = ?",
		k.State, millis(k.CurrentSince), millis(k.CurrentUntil), millis(k.RevokedAt), s.tenant.ID, k.KID)
	return err
}

// RotateSigningKeys makes the next key the current one, the current one a previous one, and adds another next one. It returns
// the one that signs from now on.
func (s *Store) RotateSigningKeys(ctx context.Context, next *stagedoor.SigningKey) (*stagedoor.SigningKey, error) {
	var current *stagedoor.SigningKey
	err := s.write(ctx, func(q querier) error {
		all, err := s.signingKeys(ctx, q, s.db.forUpdate())
		if err != nil {
			return err
		}
		now := s.db.clock.Now()
		current = nil
		for i := range all {
			k := &all[i]
			switch k.State {
			case "current":
				k.State, k.CurrentUntil = "previous", now
			case "next":
				k.State, k.CurrentSince, current = "current", now, k
			default:
				continue
			}
			if err := s.saveSigningKey(ctx, q, k); err != nil {
				return err
			}
		}
		if current == nil {
			return stagedoor.Errorf(stagedoor.Conflict, "", "There is no next signing key.")
		}
		return s.addSigningKey(ctx, q, next)
	})
	s.db.forget(s.tenant.ID)
	return current, err
}

// RevokeSigningKey marks a previous key as one that verifies nothing any more.
func (s *Store) RevokeSigningKey(ctx context.Context, kid string) (*stagedoor.SigningKey, error) {
	var key *stagedoor.SigningKey
	err := s.write(ctx, func(q querier) error {
		all, err := s.signingKeys(ctx, q, s.db.forUpdate())
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(k stagedoor.SigningKey) bool { return k.KID == kid })
		if at < 0 {
			return stagedoor.Errorf(stagedoor.NotFound, "", "The signing key does not exist.")
		}
		key = &all[at]
		switch {
		case key.State != "previous":
			return stagedoor.Errorf(stagedoor.Invalid, "operation_not_supported", "Only a previous signing key can be revoked.")
		case !key.RevokedAt.IsZero():
			return nil
		}
		key.RevokedAt = s.db.clock.Now()
		return s.saveSigningKey(ctx, q, key)
	})
	s.db.forget(s.tenant.ID)
	if err != nil {
		return nil, err
	}
	return key, nil
}
