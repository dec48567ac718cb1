package connection

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Connected is an account at a provider that somebody has connected: it signs nobody in, and makes no user.
type Connected struct {
	Account string   // what the provider calls it
	Names   []string // by which its owner knows it
	Scopes  []string
	Tokens  stagedoor.ProviderTokens
}

// ScopesOf are the scopes that a connection asks for, as its settings say.
func ScopesOf(c *stagedoor.Connection) []string {
	switch r := rowOf(c); {
	case r != nil:
		return append(append([]string{}, r.scopes...), r.wanted(c)...)
	case c.Strategy == StrategyOAuth2:
		options := c.OAuth2()
		return append([]string{}, strings.Fields(options.ScopeText())...)
	}
	return append([]string{}, c.OptionList("scope")...)
}

// LeaveToConnect tells where somebody goes to connect their account. Scopes that are asked for stand in the place of the connection's own, but for offline_access; params are further
// parameters for the provider.
func (o *Upstream) LeaveToConnect(ctx context.Context, c *stagedoor.Connection, scopes []string, params map[string]string, redirectURI, state string) (*Departure, error) {
	p, err := o.connecting(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(scopes) > 0 {
		own := p.scopes
		p.scopes = slices.Clone(scopes)
		for _, must := range []string{"offline_access", "openid"} {
			if slices.Contains(own, must) && !slices.Contains(p.scopes, must) && (must != "openid" || p.issuer != "") { // by the ID token we know whose account it is
				p.scopes = append(p.scopes, must)
			}
		}
	}
	always := map[string]string{}
	if strings.HasPrefix(c.Strategy, "google") { // which gives a refresh token to nobody who was not just asked
		always["access_type"], always["prompt"] = "offline", "consent"
	}
	for name, value := range params {
		always[name] = value
	}
	return p.leave(c, url.Values{}, always, redirectURI, state)
}

// connecting is the plan of a connection at which accounts can be connected.
func (o *Upstream) connecting(ctx context.Context, c *stagedoor.Connection) (*plan, error) {
	p, err := o.plan(ctx, c)
	if err == nil && (p.front || !c.ConnectsAccounts()) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "the connection takes no connected accounts")
	}
	return p, err
}

// Connect returns the account of whoever came back with an answer.
func (o *Upstream) Connect(ctx context.Context, st *store.Store, c *stagedoor.Connection, on *Occasion, back *stagedoor.Upstream, a *Answer) (*Connected, error) {
	if err := a.refusal(); err != nil {
		return nil, err
	}
	p, err := o.connecting(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &given{plan: p, conn: c, answer: a, tokens: map[string]any{}, st: st, on: on, ctx: ctx, up: o}
	person, err := g.person(back)
	if err != nil {
		return nil, err
	}
	if person.ID == "" || len(person.ID) > maxAccount || unreadable(person.ID) {
		return nil, failed("The identity provider gave no profile", "whose account it is cannot be read")
	}
	out := &Connected{Account: person.ID, Tokens: g.given(st.Clock().Now(), "")}
	for _, name := range []string{person.Email, person.Username, person.Texts["nickname"]} {
		if name != "" && len(name) <= maxAccount && !unreadable(name) && !slices.Contains(out.Names, name) {
			out.Names = append(out.Names, name)
		}
	}
	out.Scopes = wordsOf(out.Tokens.Scope)
	return out, nil
}

// Renew has a provider give another access token for a refresh token. Who gives no other refresh token leaves that as it is.
func (o *Upstream) Renew(ctx context.Context, st *store.Store, c *stagedoor.Connection, t stagedoor.ProviderTokens) (*stagedoor.ProviderTokens, error) {
	p, err := o.connecting(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &given{plan: p, conn: c, tokens: map[string]any{}, st: st, ctx: ctx, up: o}
	if g.tokens, err = g.tokenCall(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}, "client_id": {p.clientID}}); err != nil {
		return nil, err
	}
	renewed := g.given(st.Clock().Now(), t.Scope)
	if renewed.Refresh == "" {
		renewed.Refresh = t.Refresh
	}
	return &renewed, nil
}

// given is what a provider's answer holds. One that does not say its scope has that of before.
func (g *given) given(now time.Time, scope string) stagedoor.ProviderTokens {
	text := func(name string) string { s, _ := g.tokens[name].(string); return s }
	t := stagedoor.ProviderTokens{Access: text("access_token"), Refresh: text("refresh_token"), Scope: strings.Join(wordsOf(text("scope")), " "), IssuedAt: now}
	if t.Scope == "" {
		t.Scope = scope
	}
	if seconds, err := strconv.ParseFloat(fmt.Sprint(g.tokens["expires_in"]), 64); err == nil && seconds > 0 && seconds < 1e9 {
		t.ExpiresAt = now.Add(time.Duration(seconds) * time.Second)
	}
	return t
}

// wordsOf are scopes, which providers separate by spaces or commas: of those that can be read a hundred.
func wordsOf(scope string) []string {
	all := strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) > maxAccount || unreadable(s) })
	return all[:min(len(all), 100)]
}

// maxAccount is how long what a provider calls somebody, or a scope, may be, in bytes.
const maxAccount = 500

// unreadable finds what no database keeps, or no person reads.
func unreadable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
