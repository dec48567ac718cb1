package connection

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
)

// local keeps users and the hashes of their passwords here.
type local struct{ work }

func (l local) authenticate(ctx context.Context, identifier, secret string) (u *stagedoor.User, known bool, err error) {
	u, hash, linked, err := l.lookUp(ctx, identifier)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		if err := l.Hasher.BurnTime(ctx); err != nil {
			return nil, false, err
		}
		return nil, false, ErrWrongCredentials()
	case err != nil:
		return nil, u != nil, err
	}
	if hash == "" && !linked {
		if asked, err := l.capture(ctx, u, identifier, secret); asked || err != nil {
			return u, true, err
		}
	}
	accepted, err := l.custom(ctx, u, secret, hash)
	if err == nil && !accepted {
		err = l.verify(ctx, secret, hash)
	}
	if err != nil {
		return u, true, err
	}
	if !linked && password.NeedsRehash(hash) {
		if fresh, err := l.Hasher.Hash(ctx, secret); err == nil {
			if err := l.st.RenewPasswordHash(ctx, u.ID, hash, fresh); err != nil {
				return nil, true, err
			}
		}
	}
	return u, true, nil
}

// custom tells whether the tenant's own code finds the password right, which alone understands hashes of that kind.
func (l local) custom(ctx context.Context, u *stagedoor.User, secret, hash string) (bool, error) {
	custom := password.Custom(hash)
	if custom == nil || secret == "" || l.occasion == nil || l.occasion.Custom == nil {
		return false, nil
	}
	return l.occasion.Custom(ctx, u, secret, custom)
}

// lookUp finds a user by identifier, with the hash of the password; linked tells whether it is that of an identity linked to the user.
func (l local) lookUp(ctx context.Context, identifier string) (u *stagedoor.User, hash string, linked bool, err error) {
	u, err = l.byIdentifier(ctx, identifier)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		u, hash, err = l.byLinked(ctx, identifier)
		return u, hash, true, err
	}
	if err == nil {
		hash, err = l.st.PasswordHash(ctx, u.ID)
	}
	return u, hash, false, err
}

func (l local) find(ctx context.Context, identifier string) (*stagedoor.User, error) {
	return l.byIdentifier(ctx, identifier)
}

func (l local) create(ctx context.Context, u *stagedoor.User, secret string) error {
	if err := Identify(l.conn, u); err != nil {
		return err
	}
	var err error
	hash := ""
	if secret != "" {
		if err := CheckPassword(l.conn, secret); err != nil {
			return err
		}
		if err := checkPersonal(l.conn, u, secret); err != nil {
			return err
		}
		if hash, err = l.Hasher.Hash(ctx, secret); err != nil {
			return err
		}
	}
	return l.st.CreateUser(ctx, u, hash)
}

func (l local) replace(ctx context.Context, u *stagedoor.User, identity, secret string) error {
	hash, err := l.Hasher.Hash(ctx, secret)
	if err != nil {
		return err
	}
	if identity != "" {
		return l.st.SetLinkedHash(ctx, u.ID, identity, hash)
	}
	return l.st.ReplacePasswordHash(ctx, u.ID, hash, l.st.Clock().Now(), historySize(l.conn), l.since())
}

// verified notes it in the record, unless the address has changed: another one was proved then.
func (w work) verified(ctx context.Context, u *stagedoor.User) error {
	_, err := w.st.UpdateUser(ctx, u.ID, func(now *stagedoor.User) error {
		if now.Email != u.Email {
			return stagedoor.Errorf(stagedoor.NotFound, "not_found", "The address is not the user's any more.")
		}
		now.EmailVerified = true
		return nil
	})
	return err
}

func (local) renamed(context.Context, *stagedoor.User, Name) error { return nil }

func (local) deleted(context.Context, *stagedoor.User) error { return nil }
