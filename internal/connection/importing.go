package connection

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// importing keeps users here, and asks scripts for those who have not come yet: a person's first login brings them with the password that
// they type, and from then on nobody else is asked.
type importing struct{ local }

func (i importing) authenticate(ctx context.Context, identifier, secret string) (*stagedoor.User, bool, error) {
	u, hash, _, err := i.local.lookUp(ctx, identifier)
	if hash != "" || err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return i.local.authenticate(ctx, identifier, secret)
	}
	p, err := i.login(ctx, identifier, secret)
	if err != nil {
		if u != nil {
			return u, true, err
		}
		return i.meant(ctx, identifier, err)
	}
	if u != nil && u.ID != StrategyDatabase+"|"+p.ID { // somebody who never had a password here, and is somebody else there
		return u, true, clashes(nil)
	}
	was := u
	if u, err = i.bring(ctx, p, secret); err == nil && len(p.Tokens) > 0 {
		err = i.st.SetIdentityTokens(ctx, u.ID, StrategyDatabase+"|"+p.ID, p.Tokens)
	}
	return asBefore(u, was), true, err
}

// bring makes a user of somebody whose password a script has checked, or gives them their password who came without.
func (i importing) bring(ctx context.Context, p *profile, secret string) (*stagedoor.User, error) {
	hash, err := i.Hasher.Hash(ctx, secret)
	if err != nil {
		return nil, err
	}
	u, err := i.add(ctx, p, hash, nil)
	if !stagedoor.IsKind(err, stagedoor.Conflict) {
		return u, err
	}
	clash := err
	u, err = i.owner(ctx, p)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, clashes(clash)
	}
	if err != nil || u.ID != StrategyDatabase+"|"+p.ID {
		return u, err
	}
	// Two first logins at once bring one user, whose password was right both times. One who has a password here keeps it.
	return u, i.st.RenewPasswordHash(ctx, u.ID, "", hash)
}

func (i importing) find(ctx context.Context, identifier string) (*stagedoor.User, error) {
	u, err := i.local.find(ctx, identifier)
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return u, err
	}
	p, err := i.known(ctx, identifier)
	if err != nil {
		return nil, err
	}
	u, err = i.add(ctx, p, "", nil)
	if stagedoor.IsKind(err, stagedoor.Conflict) {
		clash := err
		if u, err = i.owner(ctx, p); stagedoor.IsKind(err, stagedoor.NotFound) {
			err = clashes(clash)
		}
	}
	return u, err
}

func (i importing) create(ctx context.Context, u *stagedoor.User, secret string) error {
	if err := Identify(i.conn, u); err != nil {
		return err
	}
	if err := i.taken(ctx, identifierOf(u)); err != nil {
		return err
	}
	return i.local.create(ctx, u, secret)
}
