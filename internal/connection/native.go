package connection

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The kinds of proofs that an app on a phone gets from the provider itself (Authentication API fact sheet 4.9).
const (
	NativeApple    = "http://auth0.com/oauth/token-type/apple-authz-code"
	NativeFacebook = "http://auth0.com/oauth/token-type/facebook-info-session-access-token"
	NativeGoogle   = "http://auth0.com/oauth/token-type/google-id-token"
)

// NativeStrategies are the strategies of the connections that such proofs belong to.
var NativeStrategies = map[string]string{NativeApple: "apple", NativeFacebook: "facebook", NativeGoogle: "google-oauth2"}

// Native is such a proof.
type Native struct {
	Kind    string
	Token   string
	Profile string // what the app says of the person, as JSON; the app's word, not the provider's
	AppID   string // what Apple calls the app; empty: the connection's client
}

// IdentifyNative returns the user whom a proof is of.
func (o *Upstream) IdentifyNative(ctx context.Context, st *store.Store, c *stagedoor.Connection, on *Occasion, n *Native) (*stagedoor.User, error) {
	p, err := o.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &given{plan: p, conn: c, answer: &Answer{Code: n.Token, User: n.Profile}, tokens: map[string]any{}, st: st, on: on, ctx: ctx, up: o}
	p.nonce, p.front = false, false
	switch n.Kind {
	case NativeApple:
		if n.AppID != "" {
			p.clientID = n.AppID
		}
		err = g.redeem(&stagedoor.Upstream{})
	case NativeGoogle:
		_, unverified, _ := jose.Peek(n.Token) // which of our clients it may be for; verify looks at the token
		for _, id := range append(c.OptionList("allowed_audiences"), p.clientID) {
			if slices.Contains(unverified.Audience, id) && id != "" {
				p.clientID = id
			}
		}
		p.otherParty = true // the phone's own client of the same project
		g.claims, err = g.verify(n.Token, "")
	case NativeFacebook:
		p.profile, err = g.facebookSession(n)
	}
	if err != nil {
		return nil, err
	}
	var person *profile
	if n.Kind == NativeAccess {
		person, err = g.byToken(n.Token)
	} else {
		person, err = p.profile(g)
	}
	if err != nil {
		return nil, err
	}
	return o.user(ctx, st, c, person, tokensOf(g.tokens))
}

const unknownToken = "The identity provider does not know the token" //nolint:gosec // a text

// facebookToken asks Facebook whose a token is, and for which app it was given.
func (g *given) facebookToken(access string) (string, error) {
	header := http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + g.clientID + "|" + g.secret}}
	address := rebased(g.conn, graph) + "/debug_token?" + url.Values{"input_token": {access}}.Encode()
	resp, body, err := g.up.call(g.ctx, http.MethodGet, address, header, "")
	if err != nil {
		return "", failed(unknownToken, err.Error())
	}
	var said struct {
		Data struct {
			AppID  string `json:"app_id"`
			UserID string `json:"user_id"`
			Valid  bool   `json:"is_valid"`
		} `json:"data"`
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &said) != nil || !said.Data.Valid || said.Data.UserID == "" || said.Data.AppID != g.clientID {
		return "", failed(unknownToken, "it answers "+resp.Status+", of app "+short(said.Data.AppID))
	}
	return said.Data.UserID, nil
}

// facebookSession reads a token of an app that knows no more of the person. All else that is known of them is the app's word: an address of
// theirs is not verified, and no id in it counts.
func (g *given) facebookSession(n *Native) (func(*given) (*profile, error), error) {
	id, err := g.facebookToken(n.Token)
	if err != nil {
		return nil, err
	}
	return func(g *given) (*profile, error) {
		var told struct{ Name, Email, First_name, Last_name string } //nolint:revive,staticcheck // the wire's names, in any case
		_ = json.Unmarshal([]byte(n.Profile), &told)                 // what cannot be read is nothing
		m := map[string]any{"user_id": id, "name": told.Name, "given_name": told.First_name, "family_name": told.Last_name}
		if address, err := NormalizeEmail(told.Email); err == nil && address != "" {
			m["email"], m["email_verified"] = address, false
		}
		return person(m)
	}, nil
}
