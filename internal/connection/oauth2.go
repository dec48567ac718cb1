package connection

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// OAuth2 proves people by a provider that speaks OAuth 2.0: they go there, come back with a code (RFC 6749 section 4.1), and the
// connection's script fetches who they are (extensibility fact sheet 5.6).
type OAuth2 struct {
	HTTP    *http.Client // leaves the house
	Scripts *script.Host
}

const (
	tokenTimeout = 15 * time.Second
	maxToken     = 256 << 10 // bytes of a provider's answer
)

// Address is where people go. state comes back with them; redirectURI is where they come back to; a verifier that is not empty binds the
// code to whoever asks for it (RFC 7636).
func (o *OAuth2) Address(c *stagedoor.Connection, req *stagedoor.AuthorizationRequest, redirectURI, state, verifier string) (string, error) {
	options := c.OAuth2()
	u, err := url.Parse(options.AuthorizationURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the authorizationURL of the connection %s is no http or https address", c.Name)
	}
	asked := url.Values(req.Query)
	q := u.Query()
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range options.AuthParams {
		set(name, value)
	}
	for name, alias := range options.AuthParamsMap {
		set(name, asked.Get(alias))
	}
	for name, p := range options.UpstreamParams {
		set(name, p.Value)
		set(name, asked.Get(p.Alias))
	}
	set("scope", options.ScopeText())
	q.Set("response_type", "code")
	q.Set("client_id", options.ClientID)
	q.Set("redirect_uri", redirectURI)
	q.Set("state", state)
	if verifier != "" {
		sum := sha256.Sum256([]byte(verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		q.Set("code_challenge_method", "S256")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// failed is the answer where a provider does not do its part. Its own words are for the log.
func failed(message, why string) error {
	e := stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s", message)
	e.Err = &ScriptFailure{Script: "provider", Failure: script.Failure{Message: message + ": " + why}}
	return e
}

// token exchanges a code for what the provider gives, among it an access_token.
func (o *OAuth2) token(ctx context.Context, options stagedoor.OAuth2Options, code, redirectURI, verifier string) (map[string]any, error) {
	const message = "The identity provider gave no token"
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "client_id": {options.ClientID},
	}
	if options.ClientSecret != "" {
		form.Set("client_secret", options.ClientSecret)
	}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, options.TokenURL, strings.NewReader(form.Encode()))
	if err != nil || r.URL.Scheme != "https" && r.URL.Scheme != "http" {
		return nil, failed(message, "tokenURL is no http or https address")
	}
	for name, value := range options.CustomHeaders {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	client := *o.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // it would carry the secret elsewhere
	resp, err := client.Do(r)
	if err != nil {
		return nil, failed(message, "there was no answer from "+r.URL.Host)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	if err != nil || len(body) > maxToken {
		return nil, failed(message, "its answer broke off or is too large")
	}
	given := map[string]any{}
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == "application/x-www-form-urlencoded" || media == "text/plain" {
		values, _ := url.ParseQuery(string(body))
		for name := range values {
			given[name] = values.Get(name)
		}
	}
	if json.Valid(body) {
		given = map[string]any{}
		_ = json.Unmarshal(body, &given) // anything but an object gives no token
	}
	if access, _ := given["access_token"].(string); resp.StatusCode/100 == 2 && access != "" {
		return given, nil
	}
	code, _ = given["error"].(string)
	why, _ := given["error_description"].(string)
	return nil, failed(message, "it answers "+resp.Status+" "+short(code)+" "+short(why))
}

// short bounds what a stranger wrote into the log.
func short(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// Identify returns the user whom a provider sent back with a code, and who may be new.
func (o *OAuth2) Identify(ctx context.Context, st *store.Store, c *stagedoor.Connection, on *Occasion, code, redirectURI, verifier string) (*stagedoor.User, error) {
	options := c.OAuth2()
	given, err := o.token(ctx, options, code, redirectURI, verifier)
	if err != nil {
		return nil, err
	}
	p, err := o.profile(ctx, st, c, on, given)
	if err != nil {
		return nil, err
	}
	return o.user(ctx, st, c, p, tokensOf(given))
}

// tokensOf are what of a provider's answer identities show.
func tokensOf(given map[string]any) map[string]any {
	tokens := map[string]any{}
	for _, name := range stagedoor.TokenMembers {
		if value := given[name]; value != nil {
			tokens[name] = value
		}
	}
	return tokens
}

// profile lets the script fetch who the person is.
func (o *OAuth2) profile(ctx context.Context, st *store.Store, c *stagedoor.Connection, on *Occasion, given map[string]any) (*profile, error) {
	source := c.OAuth2().Scripts[script.FetchUserProfile]
	if source == "" {
		return nil, missing(script.FetchUserProfile)
	}
	learns := maps.Clone(given)
	options := map[string]any{}
	for name, value := range c.Options.Stored {
		if name != "scripts" {
			options[name] = value
		}
	}
	learns["options"] = options
	out, err := o.Scripts.Call(ctx, script.CallRun{
		Tenant: st.Tenant().ID, Connection: c.Name, Operation: script.OperationNamed(script.FetchUserProfile), Source: source,
		Arguments: []any{given["access_token"]}, Context: learns,
	})
	if err != nil {
		return nil, err
	}
	on.hear(out.Console)
	if out.Failure != nil {
		e := stagedoor.AsError(refusal(script.FetchUserProfile, out.Failure))
		if e.Code != "unauthorized" {
			e.Kind, e.Code, e.Message = stagedoor.Forbidden, CodeScript, out.Failure.Message
		}
		return nil, e
	}
	if nobody(out.Result) {
		return nil, badProfile("there is none.")
	}
	p, _, err := describePerson(out.Result, StrategyOAuth2+"|"+c.Name+"|")
	return p, err
}

// StrategyOAuth2 is the strategy of custom social connections.
const StrategyOAuth2 = stagedoor.StrategyOAuth2

// user writes a profile as the connection wants it, and returns the user whose it is: one who has the identity linked counts too.
func (o *OAuth2) user(ctx context.Context, st *store.Store, c *stagedoor.Connection, p *profile, tokens map[string]any) (*stagedoor.User, error) {
	identity := stagedoor.Identity{Connection: c.Name, Provider: StrategyOAuth2, UserID: c.Name + "|" + p.ID, IsSocial: true}
	u, err := ownerOf(ctx, st, c, identity.FullID())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if c.OAuth2().DisableSignup {
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
	if err != nil {
		return nil, err
	}
	return u, st.SetIdentityTokens(ctx, u.ID, identity.FullID(), tokens)
}

// refresh writes the profile of an identity anew: the user's own, or that of one which is linked. What is the same already is not written.
func (o *OAuth2) refresh(ctx context.Context, st *store.Store, c *stagedoor.Connection, u *stagedoor.User, id string, p *profile) (*stagedoor.User, error) {
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
