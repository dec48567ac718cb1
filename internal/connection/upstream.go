package connection

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Upstream proves people at somebody else's server: they go there, come back with an answer, and who it says that they are becomes a user
// here. All that such a server sends is hostile: its size and time are bounded, its signatures checked, its redirects not followed.
//
//	social.go   providers of the public, a row each
//	oidc.go     any issuer of OpenID Connect, and the enterprise strategies that speak it
//	custom.go   any server of OAuth 2.0, whose person a script of the tenant's fetches
//	saml.go     any identity provider of SAML 2.0
//	wsfed.go    AD FS and Entra ID where they speak WS-Federation
type Upstream struct {
	HTTP    *http.Client // leaves the house
	Scripts *script.Host

	// TenantKey is the key that a tenant signs with, by which connections of SAML are known that have none of their own; nil: there is none.
	TenantKey func(ctx context.Context, st *store.Store) (*jose.Key, error)

	documents documents // of issuers: metadata and key sets
}

// Departure is how somebody leaves for a provider.
type Departure struct {
	Address string
	Form    map[string]string // what is posted there; nil: the browser is redirected
	Back    stagedoor.Upstream
}

// Answer is what somebody came back with.
type Answer struct {
	Code, IDToken, SAMLResponse string
	At                          string // the query of the address that a SAMLResponse was posted to
	Error, Description          string
	Issuer                      string // iss of RFC 9207; empty: there was none
	Token                       string // wresult of WS-Federation
	User                        string // what Apple says of the person, the first time alone
}

// Leave tells where somebody goes for a request. state comes back with them, to redirectURI.
func (o *Upstream) Leave(ctx context.Context, st *store.Store, c *stagedoor.Connection, req *stagedoor.AuthorizationRequest, redirectURI, state string) (*Departure, error) {
	if c.Strategy == stagedoor.StrategySAML {
		return o.leaveSAML(ctx, st, c, redirectURI, state)
	}
	if c.SpeaksWSFed() {
		return o.leaveWSFed(ctx, st, c, redirectURI, state)
	}
	p, err := o.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	return p.leave(c, url.Values(req.Query), nil, redirectURI, state)
}

// leave is where somebody goes by a plan. asked are the parameters of the request, of which some go on; always are parameters that go along in any case.
func (p *plan) leave(c *stagedoor.Connection, asked url.Values, always map[string]string, redirectURI, state string) (*Departure, error) {
	back := stagedoor.Upstream{ConnectionID: c.ID, RedirectURI: redirectURI}
	u, err := url.Parse(p.authorize)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the authorizationURL of the connection %s is no http or https address", c.Name)
	}
	q := u.Query()
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range p.params {
		set(name, value)
	}
	for _, name := range p.passes {
		set(name, asked.Get(name))
	}
	for name, alias := range p.aliases {
		set(name, asked.Get(alias))
	}
	for name, param := range c.UpstreamParams() {
		set(name, param.Value)
		set(name, asked.Get(param.Alias))
	}
	for name, value := range always {
		set(name, value)
	}
	set("scope", p.scopeFor(asked.Get("connection_scope")))
	q.Set("response_type", "code")
	q.Set("client_id", p.clientID)
	q.Set("redirect_uri", redirectURI)
	q.Set("state", state)
	if p.front {
		q.Set("response_type", "id_token")
	}
	set("response_mode", p.mode)
	if p.nonce {
		back.Nonce = stagedoor.NewToken()
		q.Set("nonce", back.Nonce)
	}
	switch p.pkce {
	case "S256":
		back.Verifier = stagedoor.NewToken()
		sum := sha256.Sum256([]byte(back.Verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		q.Set("code_challenge_method", "S256")
	case "plain":
		back.Verifier = stagedoor.NewToken()
		q.Set("code_challenge", back.Verifier)
		q.Set("code_challenge_method", "plain")
	}
	u.RawQuery = q.Encode()
	return &Departure{Address: u.String(), Back: back}, nil
}

// refusal is the answer of a provider that lets nobody in; nil if it is no such answer.
func (a *Answer) refusal() error {
	text := a.Description
	if text == "" {
		text = a.Error
	}
	if a.Error == "" {
		return nil
	}
	return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s", stagedoor.Clip(text, 500))
}

// Identify returns the user who came back with an answer, and who may be new.
func (o *Upstream) Identify(ctx context.Context, st *store.Store, c *stagedoor.Connection, on *Occasion, back *stagedoor.Upstream, a *Answer) (*stagedoor.User, error) {
	if err := a.refusal(); err != nil {
		return nil, err
	}
	if c.Strategy == stagedoor.StrategySAML {
		if back.RequestID == "" {
			return nil, failed(badAnswer, "it answers no request")
		}
		said, err := o.readSAML(ctx, st, c, back.RedirectURI, back.RequestID, a)
		if err != nil {
			return nil, err
		}
		on.CameBy = cameBy(c, said)
		return o.userSAML(ctx, st, c, said)
	}
	if c.SpeaksWSFed() {
		return o.identifyWSFed(ctx, st, c, a.Token)
	}
	p, err := o.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &given{plan: p, conn: c, answer: a, tokens: map[string]any{}, st: st, on: on, ctx: ctx, up: o}
	person, err := g.person(back)
	if err != nil {
		return nil, err
	}
	return o.user(ctx, st, c, person, tokensOf(g.tokens))
}

// plan is how a connection's people are sent and known, whatever its strategy.
type plan struct {
	authorize, token, userinfo, keys, logout string

	issuer     string   // of ID tokens; empty: there are none that count
	issuers    []string // further names of it
	names      bool     // the issuer promises to name itself in its answers (RFC 9207)
	algs       []string // of ID tokens
	clientID   string
	secret     string
	auth       string // how the client proves itself: post, basic, private_key_jwt
	scopes     []string
	separate   string // what stands between scopes
	commas     bool   // commas do, where a client adds some
	pkce       string // S256, plain; empty: none
	nonce      bool
	otherParty bool   // ID tokens may have been given to another client of the same maker
	front      bool   // the ID token comes through the browser
	mode       string // response_mode
	params     map[string]string
	aliases    map[string]string // parameters that have the value of one of the authorization request, by their name
	passes     []string          // parameters of the authorization request that go on as they are
	headers    map[string]string // of the request for a token
	profile    func(*given) (*profile, error)
}

// plan finds out what a connection's options amount to.
func (o *Upstream) plan(ctx context.Context, c *stagedoor.Connection) (*plan, error) {
	var p *plan
	var err error
	switch r := rowOf(c); {
	case r != nil:
		p = r.plan(c)
	case c.Strategy == stagedoor.StrategyOAuth2:
		p = o.custom(c)
	case slices.Contains([]string{stagedoor.StrategyOIDC, stagedoor.StrategyOkta, stagedoor.StrategyWAAD}, c.Strategy):
		p, err = o.openID(ctx, c)
	default:
		err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "the connection is not enabled")
	}
	if err != nil {
		return nil, err
	}
	for _, address := range []*string{&p.authorize, &p.token, &p.userinfo, &p.keys, &p.logout} {
		*address = rebased(c, *address)
	}
	return p, nil
}

// rebased is an address of a provider at the server that stands in for it, where the connection names one: https://github.com/login becomes
// base/github.com/login.
func rebased(c *stagedoor.Connection, address string) string {
	base := strings.TrimSuffix(standIn(c), "/")
	_, rest, found := strings.Cut(address, "://")
	if base == "" || !found || strings.HasPrefix(address, base) {
		return address
	}
	return base + "/" + rest
}

// scopeFor is the scope with what the client asked for besides, separated by commas (Authentication API fact sheet 2.1).
func (p *plan) scopeFor(more string) string {
	var all []string
	for _, s := range append(slices.Clone(p.scopes), strings.FieldsFunc(more, func(r rune) bool { return r == ',' || r == ' ' })...) {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	between := " "
	if p.separate != "" {
		between = p.separate
	}
	if p.commas && more != "" {
		between = ","
	}
	return strings.Join(all, between)
}

// sameIssuer refuses the answer of another issuer than the person was sent to (RFC 9207 section 2.4): its code would be shown to the wrong
// server otherwise.
func (p *plan) sameIssuer(iss string) error {
	switch {
	case p.issuer == "", iss == "" && !p.names:
		return nil
	case iss == p.issuer || slices.Contains(p.issuers, iss) && iss != "":
		return nil
	}
	return failed("The answer is not of the identity provider that was asked", "iss is "+short(iss))
}

// failed is the answer where a provider does not do its part. Its own words are for the log.
func failed(message, why string) error {
	e := stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s", message)
	e.Err = &ScriptFailure{Script: "provider", Failure: script.Failure{Message: message + ": " + why}}
	return e
}

// short bounds what a stranger wrote into the log.
func short(s string) string {
	return stagedoor.Shorten(strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), ""), 200)
}
