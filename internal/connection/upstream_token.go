package connection

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
)

const (
	upstreamTimeout = 15 * time.Second
	maxUpstream     = 256 << 10 // bytes of a provider's answer
)

// given is what a provider gave for the answer that somebody came back with.
type given struct {
	*plan
	conn   *stagedoor.Connection
	answer *Answer
	tokens map[string]any // the answer of the token endpoint
	claims map[string]any // of the ID token, which has been checked
	st     *store.Store
	on     *Occasion
	ctx    context.Context //nolint:containedctx // given lives as long as one login's step
	up     *Upstream
}

// person is whom the answer is about, once what it holds was redeemed.
func (g *given) person(back *stagedoor.Upstream) (*profile, error) {
	if err := g.sameIssuer(g.answer.Issuer); err != nil {
		return nil, err
	}
	if err := g.redeem(back); err != nil {
		return nil, err
	}
	return g.profile(g)
}

// redeem takes what the answer holds: an ID token at once, or a code for which tokens are fetched.
func (g *given) redeem(back *stagedoor.Upstream) (err error) {
	idToken := g.answer.IDToken
	if g.front {
		if idToken == "" {
			return failed("The identity provider sent no ID token", "the answer has none")
		}
	} else {
		if g.answer.Code == "" {
			return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The identity provider sent no code")
		}
		if err := g.exchange(back); err != nil {
			return err
		}
		idToken, _ = g.tokens["id_token"].(string) // one that came through the browser beside the code is not looked at
	}
	if g.issuer != "" {
		g.claims, err = g.verify(idToken, back.Nonce)
	}
	return err
}

// exchange gives the code to the provider and keeps what it gives, among it an access_token.
func (g *given) exchange(back *stagedoor.Upstream) error {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {g.answer.Code}, "client_id": {g.clientID}}
	if back.RedirectURI != "" { // apps on phones have none
		form.Set("redirect_uri", back.RedirectURI)
	}
	if back.Verifier != "" {
		form.Set("code_verifier", back.Verifier)
	}
	var err error
	g.tokens, err = g.tokenCall(form)
	return err
}

// tokenCall asks the provider for a token.
func (g *given) tokenCall(form url.Values) (map[string]any, error) {
	const message = "The identity provider gave no token"
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	for name, value := range g.headers {
		if http.CanonicalHeaderKey(name) != "Content-Type" {
			header.Set(name, value)
		}
	}
	if err := g.authenticate(form, header); err != nil {
		return nil, failed(message, err.Error())
	}
	resp, body, err := g.up.call(g.ctx, http.MethodPost, g.token, header, form.Encode())
	if err != nil {
		return nil, forNow(failed(message, err.Error()))
	}
	tokens := map[string]any{}
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == "application/x-www-form-urlencoded" || media == "text/plain" {
		values, _ := url.ParseQuery(string(body))
		for name := range values {
			tokens[name] = values.Get(name)
		}
	}
	if json.Valid(body) {
		tokens = map[string]any{}
		_ = json.Unmarshal(body, &tokens) // anything but an object gives no token
	}
	if access, _ := tokens["access_token"].(string); resp.StatusCode/100 == 2 && access != "" && tokens["error"] == nil {
		return tokens, nil
	}
	code, _ := tokens["error"].(string)
	why, _ := tokens["error_description"].(string)
	if detail, ok := tokens["error"].(map[string]any); ok { // as Facebook has it
		why, _ = detail["message"].(string)
	}
	err = failed(message, "it answers "+resp.Status+" "+short(code)+" "+short(why))
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		err = forNow(err)
	}
	return nil, err
}

// ErrForNow is within the error of a provider that gave no answer, or none that counts: it may do its part a moment later.
var ErrForNow = errors.New("connection: the provider may answer later")

func forNow(err error) error {
	e := *stagedoor.AsError(err)
	e.Err = errors.Join(e.Err, ErrForNow)
	return &e
}

// fetch reads a JSON document with the access token: the profile.
func (g *given) fetch(address string) (json.RawMessage, error) {
	const message = "The identity provider gave no profile"
	access, _ := g.tokens["access_token"].(string)
	header := http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + access}}
	resp, body, err := g.up.call(g.ctx, http.MethodGet, address, header, "")
	switch {
	case err != nil:
		return nil, failed(message, err.Error())
	case resp.StatusCode != http.StatusOK || !json.Valid(body):
		return nil, failed(message, "it answers "+resp.Status)
	}
	return body, nil
}

// object is fetch for a JSON object.
func (g *given) object(address string) (map[string]any, error) {
	body, err := g.fetch(address)
	if err != nil {
		return nil, err
	}
	m, err := decoded(body)
	if err != nil {
		return nil, failed("The identity provider gave no profile", "it is no object")
	}
	return m, nil
}

// decoded reads a JSON object, numbers as they are written.
func decoded(body []byte) (map[string]any, error) {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	var m map[string]any
	err := dec.Decode(&m)
	if err == nil && m == nil {
		err = io.ErrUnexpectedEOF
	}
	return m, err
}

// callError is why a provider could not be asked, without its address, which may hold secrets.
type callError string

// Error is the reason.
func (e callError) Error() string { return string(e) }

// call sends a request to a provider, follows no redirect (it would carry the secret elsewhere), and reads the answer within bounds.
func (o *Upstream) call(ctx context.Context, method, address string, header http.Header, body string) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil || r.URL.Host == "" || r.URL.Scheme != "https" && r.URL.Scheme != "http" {
		return nil, nil, callError("its address is no http or https address")
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header = header
	r.Header.Set("User-Agent", "Stagedoor")
	client := *o.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if errors.Is(err, outbound.ErrForbidden) {
		return nil, nil, callError("the address of " + r.URL.Host + " is not public, and the operator of this server has not allowed it (--outbound-allow)")
	}
	if err != nil {
		return nil, nil, callError("there was no answer from " + r.URL.Host)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxUpstream+1))
	if err != nil || len(answer) > maxUpstream {
		return nil, nil, callError("its answer broke off or is too large")
	}
	return resp, answer, nil
}

// tokensOf are what of a provider's answer identities show.
func tokensOf(tokens map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range stagedoor.TokenMembers {
		if value := tokens[name]; value != nil {
			out[name] = value
		}
	}
	return out
}
