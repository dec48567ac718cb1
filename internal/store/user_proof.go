package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// FirstProof notes that somebody who did not show the password has proved that an address, or a number, of a user is theirs, as nobody did before. Whoever made the
// account may be somebody else who only knew the address (account pre-hijacking), so that nothing of what they can come back with stays: the password becomes hash, sessions,
// tokens, consents and factors end, links that were sent work no more, and linked identities leave, but for those which prove the same address. first is false, and
// nothing changes, where it was proved already; where it is the user's no longer they are NotFound.
func (s *Store) FirstProof(ctx context.Context, id, address, hash string) (u *stagedoor.User, first bool, err error) {
	err = s.inUser(ctx, id, func(q querier, found *stagedoor.User) (err error) {
		u, first = found, false
		email, phone := u.Email == address, u.PhoneNumber == address
		switch {
		case !email && !phone:
			return errUserMissing()
		case email && u.EmailVerified || phone && u.PhoneVerified:
			return nil
		}
		first = true
		if u, err = s.unlinkUnproved(ctx, q, u, address); err != nil {
			return err
		}
		u, err = s.updateUser(ctx, q, id, func(u *stagedoor.User) error {
			u.EmailVerified, u.PhoneVerified = u.EmailVerified || email, u.PhoneVerified || phone
			return nil
		})
		if err == nil {
			err = s.putPassword(ctx, q, id, hash)
		}
		if err == nil {
			_, err = s.deleteMethods(ctx, q, id, nil)
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"grants", "tickets", "mfa_tokens", "pending_factors", "device_codes", "device_credentials"} {
			if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND user_id = ?", s.tenant.ID, id); err != nil {
				return err
			}
		}
		u.AccessEnded++ // who has proved it goes on
		return s.endAccess(ctx, q, id)
	})
	if err != nil {
		return nil, false, err
	}
	return u, first, nil
}

// EndUnproved takes from a user of whom nothing was proved what whoever made the account could come back with once it has another password: passkeys, and linked identities that do not
// prove the address, or the number, at which its owner was reached. Second factors stay. It tells how many went.
func (s *Store) EndUnproved(ctx context.Context, id, address string) (ended int, err error) {
	err = s.inUser(ctx, id, func(q querier, u *stagedoor.User) error {
		left, err := s.unlinkUnproved(ctx, q, u, address)
		if err != nil {
			return err
		}
		passkeys, err := s.deleteMethods(ctx, q, id, []string{TypePasskey})
		ended = len(u.Identities) - len(left.Identities) + int(passkeys)
		return err
	})
	return ended, err
}

// unlinkUnproved takes from a user, who is locked, the linked identities that do not prove the address, or the number.
func (s *Store) unlinkUnproved(ctx context.Context, q querier, u *stagedoor.User, address string) (_ *stagedoor.User, err error) {
	for at := len(u.Identities) - 1; at > 0; at-- {
		if !proves(&u.Identities[at], address) {
			if u, err = s.unlink(ctx, q, u, at); err != nil {
				return nil, err
			}
		}
	}
	return u, nil
}

// proves tells whether a linked identity has proved the address, or the number, itself.
func proves(i *stagedoor.Identity, address string) bool {
	return i.Flag("email_verified") && i.Text("email") == address || i.Flag("phone_verified") && i.Text("phone_number") == address
}
