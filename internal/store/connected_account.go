package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
)

const connectedColumns = "doc, sealed, used_at"

func errAccountMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "not_found", "The user has no such connected account.")
}

// SaveConnectedAccount connects an account of a person's. One that is connected already keeps its id and gets the new tokens. One too many is a Conflict.
func (s *Store) SaveConnectedAccount(ctx context.Context, a *stagedoor.ConnectedAccount) error {
	return s.write(ctx, func(q querier) error {
		if err := s.shareConnection(ctx, q, a.ConnectionID); err != nil {
			return err
		}
		if _, err := s.lockedUser(ctx, q, a.UserID); err != nil {
			return err
		}
		before, err := s.connected(ctx, q, "user_id = ? AND connection_id = ? AND account = ?", a.UserID, a.ConnectionID, a.Account)
		if err != nil {
			return err
		}
		if len(before) > 0 {
			a.ID, a.CreatedAt, a.LastUsedAt = before[0].ID, before[0].CreatedAt, before[0].LastUsedAt
			return s.writeConnected(ctx, q, a)
		}
		var n int
		if err := q.row(ctx, "SELECT COUNT(*) FROM connected_accounts WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, a.UserID}, &n); err != nil {
			return err
		}
		if n >= stagedoor.MaxConnectedAccounts {
			return stagedoor.Errorf(stagedoor.Conflict, "too_many_accounts", "The user has connected %d accounts. Take one away first.", n)
		}
		a.ID, a.CreatedAt = "cac_"+stagedoor.NewBase58(22), s.db.clock.Now()
		return s.writeConnected(ctx, q, a)
	})
}

func (s *Store) writeConnected(ctx context.Context, q querier, a *stagedoor.ConnectedAccount) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return err
	}
	tokens, err := json.Marshal(a.Tokens)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO connected_accounts (tenant, id, user_id, connection_id, account, doc, sealed, created_at, used_at, wanted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, id) DO UPDATE SET user_id = excluded.user_id, doc = excluded.doc, sealed = excluded.sealed, used_at = excluded.used_at,
			wanted_at = excluded.wanted_at`,
		s.tenant.ID, a.ID, a.UserID, a.ConnectionID, a.Account, document(doc), s.seal(string(tokens), "connected_accounts", a.ID), millis(a.CreatedAt), millis(a.LastUsedAt), millis(s.db.clock.Now()))
	return err
}

// connected reads accounts with their tokens, in the order in which they were connected.
func (s *Store) connected(ctx context.Context, q querier, where string, args ...any) ([]stagedoor.ConnectedAccount, error) {
	out := []stagedoor.ConnectedAccount{}
	err := q.each(ctx, "SELECT "+connectedColumns+" FROM connected_accounts WHERE tenant = ? AND "+where+" ORDER BY created_at, id", append([]any{s.tenant.ID}, args...), func(scan func(...any) error) error {
		var doc, sealed string
		var used int64
		if err := scan(&doc, &sealed, &used); err != nil {
			return err
		}
		var a stagedoor.ConnectedAccount
		if err := json.Unmarshal([]byte(doc), &a); err != nil {
			return err
		}
		tokens, err := s.unseal(sealed, "connected_accounts", a.ID)
		if err != nil {
			return err
		}
		a.LastUsedAt = fromMillis(used)
		err = json.Unmarshal([]byte(tokens), &a.Tokens)
		out = append(out, a)
		return err
	})
	return out, err
}

// ConnectedAccounts lists a person's.
func (s *Store) ConnectedAccounts(ctx context.Context, userID string) ([]stagedoor.ConnectedAccount, error) {
	return s.connected(ctx, s.read(), "user_id = ?", userID)
}

// UseConnectedAccount notes that a program uses an account's tokens.
func (s *Store) UseConnectedAccount(ctx context.Context, userID, id string, at time.Time) error {
	return s.write(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE connected_accounts SET used_at = ?, wanted_at = ? WHERE tenant = ? AND user_id = ? AND id = ?", millis(at), millis(at), s.tenant.ID, userID, id)
		return unlessNone(n, err)
	})
}

// RenewConnectedAccount keeps the tokens that a provider gave in the place of those of a. Where the person has connected the account anew meanwhile, the tokens that came with
// that stay: the others are of a grant that the provider may have ended with it.
func (s *Store) RenewConnectedAccount(ctx context.Context, a *stagedoor.ConnectedAccount, renewed *stagedoor.ProviderTokens, at time.Time) error {
	tokens, err := json.Marshal(renewed)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if _, err := s.lockedUser(ctx, q, a.UserID); err != nil {
			return err
		}
		now, err := s.connected(ctx, q, "user_id = ? AND id = ?", a.UserID, a.ID)
		if err != nil {
			return err
		}
		if len(now) == 0 {
			return errAccountMissing()
		}
		if now[0].Tokens.Refresh != a.Tokens.Refresh {
			return nil
		}
		_, err = q.exec(ctx, "UPDATE connected_accounts SET used_at = ?, wanted_at = ?, sealed = ? WHERE tenant = ? AND user_id = ? AND id = ?",
			millis(at), millis(at), s.seal(string(tokens), "connected_accounts", a.ID), s.tenant.ID, a.UserID, a.ID)
		return err
	})
}

// DeleteConnectedAccount forgets an account of a person's, with its tokens.
func (s *Store) DeleteConnectedAccount(ctx context.Context, userID, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM connected_accounts WHERE tenant = ? AND user_id = ? AND id = ?", s.tenant.ID, userID, id)
		return unlessNone(n, err)
	})
}

// takeConnected gives a user the accounts that another has connected, and who is the same person from now on: those that the user has not connected
// already, as far as there is room.
func (s *Store) takeConnected(ctx context.Context, q querier, userID, from string) error {
	theirs, err := s.connected(ctx, q, "user_id = ?", from)
	if err != nil || len(theirs) == 0 {
		return err
	}
	own, err := s.connected(ctx, q, "user_id = ?", userID)
	if err != nil {
		return err
	}
	n := len(own)
	for i := range theirs {
		a := &theirs[i]
		has := slices.ContainsFunc(own, func(o stagedoor.ConnectedAccount) bool {
			return o.ConnectionID == a.ConnectionID && o.Account == a.Account
		})
		if has || n >= stagedoor.MaxConnectedAccounts {
			continue
		}
		n++
		a.UserID = userID
		if err := s.writeConnected(ctx, q, a); err != nil {
			return err
		}
	}
	return nil
}

// unlessNone is the error of a statement that must have met an account.
func unlessNone(n int64, err error) error {
	if err == nil && n == 0 || errors.Is(err, errNoRows) {
		return errAccountMissing()
	}
	return err
}
