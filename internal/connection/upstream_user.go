package connection

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// user writes a profile as the connection wants it, and returns the user whose it is: one who has the identity linked counts too.
func (o *Upstream) user(ctx context.Context, st *store.Store, c *stagedoor.Connection, p *profile, tokens map[string]any) (*stagedoor.User, error) {
	identity := IdentityOf(c, p.ID)
	if scripted := c.Strategy == StrategyOAuth2 && !c.IsKnownSocial(); scripted {
		identity = ScriptedIdentity(c, p.ID)
	}
	u, err := ownerOf(ctx, st, c, identity.FullID())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if c.OptionFlag("disable_signup") || c.Options.DisableSignup {
			return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Public signup is disabled")
		}
		u = &stagedoor.User{ID: identity.FullID(), Connection: c.Name, Identities: []stagedoor.Identity{identity}}
		if c.SyncsProfile() == stagedoor.SyncNever {
			u.FillDefaults()
		} else {
			p.describe(u, c.NotKept())
		}
		err = st.CreateUser(ctx, u, "")
		if stagedoor.IsKind(err, stagedoor.Conflict) {
			clash := err
			if u, err = ownerOf(ctx, st, c, identity.FullID()); stagedoor.IsKind(err, stagedoor.NotFound) { // else two first logins at once
				err = clashes(clash)
			}
		}
	} else if err == nil && c.SyncsProfile() == stagedoor.SyncEachLogin {
		u, err = o.refresh(ctx, st, c, u, identity.FullID(), p)
	}
	if err != nil && (c.Strategy != StrategyOAuth2 || c.IsKnownSocial()) {
		err = ofProvider(err)
	}
	if err != nil || len(tokens) == 0 { // who brought none keeps those of a login that did
		return u, err
	}
	return u, st.SetIdentityTokens(ctx, u.ID, identity.FullID(), tokens)
}

// refresh writes the profile of an identity anew: the user's own, or that of one which is linked. What is the same already is not written.
func (o *Upstream) refresh(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User, id string, p *profile) (*stagedoor.User, error) {
	change := func(u *stagedoor.User) error {
		if u.ID == id {
			p.describe(u, c.NotKept())
			return nil
		}
		u.Identities = append([]stagedoor.Identity{}, u.Identities...)
		for i := range u.Identities {
			if u.Identities[i].FullID() == id {
				alone := stagedoor.UserOf(u.Identities[i])
				p.describe(alone, c.NotKept())
				u.Identities[i].ProfileData = alone.ProfileData()
			}
		}
		return nil
	}
	after := *u
	if err := change(&after); err != nil || same(&after, u) {
		return u, err
	}
	changed, err := st.UpdateUser(ctx, u.ID, change)
	if stagedoor.IsKind(err, stagedoor.Conflict) {
		err = clashes(err)
	}
	return changed, err
}
