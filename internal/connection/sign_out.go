package connection

import (
	"context"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// SignOut is the address at which somebody signs out at the provider of their connection, and from which they come back with state to
// issuer's /logout; empty where the provider has none. came is what the provider calls their session, as far as it is known; asked are the parameters of the
// logout, for scripts.
func (o *Upstream) SignOut(ctx context.Context, st *store.Store, c *stagedoor.Connection, came stagedoor.CameBy, asked url.Values, issuer, state string) (string, error) {
	back := issuer + "logout"
	if c.Strategy == stagedoor.StrategySAML {
		party, err := samlParty(c)
		if err != nil || party.SignOut == "" || c.OptionFlag("disableSignout") {
			return "", err
		}
		own, err := o.SAMLOwn(ctx, st, c, issuer)
		if err != nil {
			return "", err
		}
		address, err := own.Logout(party, came, state, st.Clock().Now())
		if err != nil {
			return "", failed("The identity provider cannot be asked", short(err.Error()))
		}
		return address, nil
	}
	if c.SpeaksWSFed() {
		return o.signOutWSFed(ctx, c, back+"?"+url.Values{"state": {state}}.Encode())
	}
	p, err := o.plan(ctx, c)
	if err == nil && p.logout == "" && c.Strategy == StrategyOAuth2 {
		return o.scriptedSignOut(ctx, st, c, asked)
	}
	if err != nil || !isWebAddress(p.logout) {
		return "", err
	}
	u, err := url.Parse(p.logout)
	if err != nil {
		return "", err
	}
	q := u.Query()
	switch c.Strategy {
	case "google-oauth2", stagedoor.StrategyGoogleApps: // it lets nobody return elsewhere but by way of App Engine
		q.Set("continue", "https://appengine.google.com/_ah/logout?"+url.Values{"continue": {back + "?" + url.Values{"state": {state}}.Encode()}}.Encode())
	default: // OpenID Connect RP-Initiated Logout section 2
		q.Set("client_id", p.clientID)
		q.Set("post_logout_redirect_uri", back)
		q.Set("state", state)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
