package pipeline

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// become makes another user the one who signs in, where scripts have linked accounts: their identity must be one of that user's, which no
// script can get around (extensibility fact sheet 1.15 and 3.6). The session becomes that user's too.
func (p *Pipeline) become(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization, id string) error {
	switch {
	case in.became && id != in.user.ID:
		return scripted("access_denied", "The primary user was set by a rule and by an action.")
	case id == in.user.ID:
		return nil
	}
	u, err := v.Store.User(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return scripted("access_denied", "The primary user does not exist.")
	}
	if err != nil {
		return err
	}
	if u.IsBlocked() {
		return errBlocked()
	}
	used := in.identity()
	if !slices.ContainsFunc(u.Identities[min(1, len(u.Identities)):], func(i stagedoor.Identity) bool { return i.FullID() == used }) {
		return scripted("access_denied", "The identity that signed in is not linked to the primary user.")
	}
	if in.org != nil {
		if _, _, err := p.Organization(ctx, v.Store, in.org.ID, u.ID); err != nil {
			return err
		}
	}
	if in.session != nil {
		if err := hand(ctx, v, in.session, u); err != nil {
			return err
		}
	}
	in.user, in.became, in.roles = u, true, nil
	a.UserID, a.AccessEnded = u.ID, u.AccessEnded
	return nil
}

// identity is the full id of the identity that the person has used.
func (in *ruleInput) identity() string {
	if name := in.connection(); name != "" {
		for _, i := range in.user.Identities {
			if i.Connection == name {
				return i.FullID()
			}
		}
	}
	if len(in.user.Identities) > 0 {
		return in.user.Identities[0].FullID()
	}
	return in.user.ID
}

// hand gives a session to another user. Linking has ended it with the user whom it was of: it is opened again then, under the same cookie,
// for nothing but this login holds it.
func hand(ctx context.Context, v Visit, s *stagedoor.Session, to *stagedoor.User) error {
	was := s.UserID
	s.UserID, s.AccessEnded = to.ID, to.AccessEnded
	err := v.Store.UpdateSession(ctx, s.ID, func(now *stagedoor.Session) { now.UserID, now.Risk, now.Settled = s.UserID, s.Risk, s.Settled })
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	if _, err := v.Store.User(ctx, was); !stagedoor.IsKind(err, stagedoor.NotFound) {
		if err == nil { // it has ended for another reason
			err = lost()
		}
		return err
	}
	return v.Store.CreateSession(ctx, v.Session, s)
}

// primaryProfile is the profile of a legacy client's tokens once scripts have made the person another user: that user's, with the
// properties that rules invented.
func primaryProfile(a *stagedoor.Authorization, u *stagedoor.User, before json.RawMessage) error {
	if a.Conformant {
		return nil
	}
	kept, err := invented(before, a.Profile)
	if err != nil {
		return err
	}
	wire := u.Wire()
	wire["clientID"] = a.ClientID
	for name, value := range kept {
		if _, there := wire[name]; !there {
			wire[name] = value
		}
	}
	a.Profile, err = json.Marshal(wire)
	return err
}
