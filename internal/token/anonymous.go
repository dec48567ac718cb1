package token

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Anonymous returns the access token of a visitor's session for an API, and its life in seconds, which ends with the session at the latest. Nothing is stored for it. Without an
// API it is a text that nobody accepts: clients that begin a session want one.
func (m *Minter) Anonymous(ctx context.Context, st *store.Store, s *stagedoor.AnonymousSession, a *stagedoor.Authorization, how Access) (token string, life int, err error) {
	now := st.Clock().Now()
	left := int(s.ExpiresAt.Sub(now) / time.Second)
	if how.API == nil {
		return stagedoor.NewToken(), min(userInfoLifetimeWeb, left), nil
	}
	if err := CheckBinding(how.API, how.Client, Confirmation{}); err != nil {
		return "", 0, err
	}
	life = min(how.API.AnonymousLifetime(), left)
	if a.TokenClaims, err = mapped(st.Tenant().Settings.AnonymousClaims(how.API), s); err != nil {
		return "", 0, err
	}
	claims := m.accessClaims(a, how, now, life)
	claims["sub"] = s.Subject
	if strings.HasSuffix(how.API.TokenDialect, "_authz") {
		claims["permissions"] = append([]string{}, a.Scope...)
	}
	token, err = m.signAccess(ctx, st, how, claims)
	return token, life, err
}

// mapped are the claims that rules make of a session.
func mapped(rules []stagedoor.ClaimRule, s *stagedoor.AnonymousSession) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for _, c := range rules {
		value := c.Of(s)
		if value == nil || !Mappable(c.Name) {
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out[c.Name] = raw
	}
	return out, nil
}

// Mappable tells whether a setting may make a claim of the name, in whatever case: none that the protocols define.
func Mappable(name string) bool {
	return name != "" && mayBeSet(strings.ToLower(name), nil, true) && mayBeSet(name, nil, true)
}
