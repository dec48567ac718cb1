package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// maxMethods is how many proofs elsewhere a session keeps.
const maxMethods = 25

// changeAccess does what actions asked for with the session, and notes it for the refresh tokens.
func (p *Pipeline) changeAccess(ctx context.Context, v Visit, in *ruleInput, e script.Effects, a *stagedoor.Authorization) error {
	if e.RefreshToken != nil {
		if _, err := e.RefreshToken.MetadataOf(nil); err != nil {
			return scripted("access_denied", stagedoor.AsError(err).Message)
		}
		a.Refreshing = joined(a.Refreshing, e.RefreshToken)
	}
	id := in.sessionID()
	if e.Session.IsZero() && len(e.Methods) == 0 || id == "" {
		return nil
	}
	absolute, idle := v.Store.Tenant().Settings.SessionLifetimes()
	now := v.Store.Clock().Now()
	var changed *stagedoor.Session
	var refusal error
	err := v.Store.UpdateSession(ctx, id, func(s *stagedoor.Session) {
		refusal = changeSession(s, e.Session, s.CreatedAt.Add(absolute), now.Add(idle))
		for _, url := range e.Methods {
			s.Methods = slices.DeleteFunc(s.Methods, func(m stagedoor.AuthMethod) bool { return m.Name == url })
			if len(s.Methods) < maxMethods {
				s.Methods = append(s.Methods, stagedoor.AuthMethod{Name: url, Timestamp: now.UnixMilli()})
			}
		}
		changed = s
	})
	if refusal != nil {
		return scripted("access_denied", stagedoor.AsError(refusal).Message)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) { // the session of a refresh token may have ended
		return nil
	}
	if err == nil && in.session != nil {
		*in.session = *changed
		in.recookie = in.recookie || !e.Session.IsZero()
	}
	return err
}

func changeSession(s *stagedoor.Session, c *stagedoor.AccessChange, latest, latestIdle time.Time) error {
	if c.IsZero() {
		return nil
	}
	metadata, err := c.MetadataOf(s.Metadata)
	if err != nil {
		return err
	}
	s.Metadata = metadata
	if c.ExpiresAt != 0 {
		s.ExpiresAt = stagedoor.Capped(c.ExpiresAt, latest)
	}
	if c.IdleExpiresAt != 0 {
		s.IdleExpiresAt = stagedoor.Capped(c.IdleExpiresAt, latestIdle)
	}
	if c.CookieMode != "" {
		s.Persistent = c.CookieMode == "persistent"
	}
	return nil
}

// joined is a change and then another: the earliest end counts.
func joined(old, more *stagedoor.AccessChange) *stagedoor.AccessChange {
	if old == nil {
		return more
	}
	out := *more
	earliest := func(a, b int64) int64 {
		if a == 0 || b != 0 && b < a {
			return b
		}
		return a
	}
	out.ExpiresAt, out.IdleExpiresAt = earliest(old.ExpiresAt, more.ExpiresAt), earliest(old.IdleExpiresAt, more.IdleExpiresAt)
	if !more.Evict {
		out.Evict = old.Evict
		out.Metadata = map[string]*string{}
		for _, m := range []map[string]*string{old.Metadata, more.Metadata} {
			for name, text := range m {
				out.Metadata[name] = text
			}
		}
	}
	return &out
}
