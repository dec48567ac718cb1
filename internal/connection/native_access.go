package connection

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// NativeAccess is an access token that an app got from the provider of a connection, of the old kind (Authentication API fact sheet 6.16). Such a
// token tells nobody for whom it was given: any site at which somebody signs in with the provider has one, and could be them here. It counts only
// where the provider itself says that it was given to the connection's own client.
const NativeAccess = "access_token"

// googleTokens tells what an access token of Google's stands for.
const googleTokens = "https://oauth2.googleapis.com/tokeninfo" //nolint:gosec // an address

// byAccess are the strategies whose provider tells for which client a token was given, and how it is asked whose it is.
var byAccess = map[string]func(*given, string) (subject string, err error){
	"facebook":      (*given).facebookToken,
	"google-oauth2": (*given).googleToken,
}

// TellsClient tells whether the provider of a connection says for which client it gave an access token.
func TellsClient(c *stagedoor.Connection) bool { return byAccess[c.Strategy] != nil }

// byToken reads who the person is with an access token of the connection's own client.
func (g *given) byToken(access string) (*profile, error) {
	ask := byAccess[g.conn.Strategy]
	if ask == nil {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "specified strategy does not support requested operation")
	}
	subject, err := ask(g, access)
	if err != nil {
		return nil, err
	}
	g.tokens = map[string]any{"access_token": access}
	if g.conn.Strategy == "google-oauth2" { // whose profile is that of an ID token otherwise
		if g.claims, err = g.object(g.userinfo); err != nil {
			return nil, err
		}
	}
	p, err := g.profile(g)
	if err == nil && p.ID != subject {
		err = failed(unknownToken, "the profile is another person's")
	}
	return p, err
}

// googleToken asks Google whose a token is, and for which client it was given.
func (g *given) googleToken(access string) (string, error) {
	resp, body, err := g.up.call(g.ctx, http.MethodGet, rebased(g.conn, googleTokens)+"?"+url.Values{"access_token": {access}}.Encode(), http.Header{"Accept": {"application/json"}}, "")
	if err != nil {
		return "", failed(unknownToken, err.Error())
	}
	var said struct {
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &said) != nil || said.Subject == "" || said.Audience == "" {
		return "", failed(unknownToken, "it answers "+resp.Status)
	}
	if said.Audience != g.clientID && !slices.Contains(g.conn.OptionList("allowed_audiences"), said.Audience) {
		return "", failed(unknownToken, "it was given to "+short(said.Audience))
	}
	return said.Subject, nil
}

// IsUnknownToken tells whether a token is refused because it is none of the connection's own client.
func IsUnknownToken(err error) bool {
	return err != nil && stagedoor.AsError(err).Message == unknownToken
}
