package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// The types of methods that sign a challenge (WebAuthn).
const (
	TypeRoaming  = "webauthn-roaming"
	TypePlatform = "webauthn-platform"
	TypePasskey  = "passkey"
	TypePush     = "push" // a device that approves
)

// KeyOwner returns the key with a credential id, and whose it is; NotFound if nobody has it. A credential id is one person's only
// (WebAuthn Level 3, section 7.1, step 26).
func (s *Store) KeyOwner(ctx context.Context, credential string) (m *stagedoor.AuthenticationMethod, userID string, err error) {
	var doc string
	var step, used int64
	m = &stagedoor.AuthenticationMethod{}
	err = s.read().row(ctx, "SELECT user_id, doc, step, used_at FROM authentication_methods WHERE tenant = ? AND identifier = ? AND type IN (?, ?, ?) ORDER BY created_at LIMIT 1",
		[]any{s.tenant.ID, credential, TypeRoaming, TypePlatform, TypePasskey}, &userID, &doc, &step, &used)
	if errors.Is(err, errNoRows) {
		return nil, "", errMethodMissing()
	}
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal([]byte(doc), m); err != nil {
		return nil, "", err
	}
	m.Step, m.LastUsedAt = step, fromMillis(used)
	return m, userID, nil
}

// UseKey notes that a key signed a challenge as its count says, in one statement. A key that does not count always says 0. NotFound means
// that the count is not above the one before: somebody has a copy of the key (WebAuthn Level 3, section 7.2, step 22).
func (s *Store) UseKey(ctx context.Context, userID, id string, count int64) error {
	var n int64
	err := s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, "UPDATE authentication_methods SET step = ?, used_at = ? WHERE tenant = ? AND user_id = ? AND id = ? AND (step < ? OR step = 0 AND ? = 0)",
			count, millis(s.db.clock.Now()), s.tenant.ID, userID, id, count, count)
		return err
	})
	if err == nil && n == 0 {
		err = errMethodMissing()
	}
	return err
}
