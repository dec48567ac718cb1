package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// impatient is for servers that answer. It finds names below localhost on this machine, as browsers do.
var impatient = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err == nil && strings.HasSuffix(host, ".localhost") {
			address = "localhost:" + port
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	},
}}

// An answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   string
}

// object reads the body as a JSON object; one that is not gives an empty object.
func (a answer) object() (o map[string]any) {
	_ = json.Unmarshal([]byte(a.body), &o)
	return o
}

// send sends a request with a bearer token, unless it is empty, and a body: none, text as it is, or a value as JSON.
func send(t *testing.T, method, address, bearer string, body any, headers ...string) answer {
	t.Helper()
	var payload io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case string:
		payload, contentType = strings.NewReader(b), "application/json"
	case url.Values:
		payload, contentType = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		payload, contentType = bytes.NewReader(text), "application/json"
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, address, payload) // also while a test cleans up
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := impatient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// want sends a request and fails the test if the status is another one.
func want(t *testing.T, status int, method, address, bearer string, body any, headers ...string) answer {
	t.Helper()
	a := send(t, method, address, bearer, body, headers...)
	if a.status != status {
		t.Fatalf("%s %s: %d, want %d\n%s", method, address, a.status, status, a.body)
	}
	return a
}

// An operator works on a tenant with a machine token of all scopes.
type operator struct {
	t     *testing.T
	base  string // of the Management API
	token string
}

// operatorOf signs the demo's machine in.
func operatorOf(t *testing.T) operator {
	t.Helper()
	return signInMachine(t, demo.HTTPURL, demo.Management.ClientID, demo.Management.ClientSecret, demo.Management.Audience)
}

func signInMachine(t *testing.T, server, id, secret, audience string) operator {
	t.Helper()
	a := want(t, 200, "POST", server+"/oauth/token", "", map[string]string{
		"grant_type": "client_credentials", "client_id": id, "client_secret": secret, "audience": audience,
	})
	return operator{t, server + "/api/v2", a.object()["access_token"].(string)}
}

// do sends a request to the Management API and wants success; the answer is decoded into into, unless that is nil.
func (o operator) do(method, path string, body, into any) {
	o.t.Helper()
	a := send(o.t, method, o.base+path, o.token, body)
	if a.status >= 300 {
		o.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(a.body), into); err != nil {
			o.t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
	}
}

// A record is a user's, of the members that the story is about.
type record struct {
	UserID       string         `json:"user_id"`
	Email        string         `json:"email"`
	UserMetadata map[string]any `json:"user_metadata"`
	AppMetadata  map[string]any `json:"app_metadata"`
	UpdatedAt    string         `json:"updated_at"`
}

func (o operator) user(id string) (r record) {
	o.t.Helper()
	o.do("GET", "/users/"+url.PathEscape(id), nil, &r)
	return r
}

// newAddress is one that nobody has yet.
func newAddress(name string) string {
	return name + "-" + strings.ToLower(rand.Text()[:8]) + "@listeners.example"
}

// newListener makes a user of the demo's database with nothing in its metadata but what is given.
func (o operator) newListener(name string, metadata map[string]any) user {
	o.t.Helper()
	u := user{Email: newAddress(name), Password: "Listen-2-" + rand.Text()[:8]}
	body := map[string]any{
		"connection": "Username-Password-Authentication", "email": u.Email, "password": u.Password, "email_verified": true,
	}
	maps.Copy(body, metadata)
	var made record
	o.do("POST", "/users", body, &made)
	u.UserID = made.UserID
	return u
}

// A visitor is a browser without JavaScript: it keeps cookies, follows redirects and fills in forms.
type visitor struct {
	t    *testing.T
	http *http.Client
	back *url.URL // where the server sent it that is not the server itself
}

func newVisitor(t *testing.T) *visitor {
	jar, _ := cookiejar.New(nil)
	v := &visitor{t: t}
	v.http = &http.Client{Timeout: 30 * time.Second, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != via[0].URL.Host {
			v.back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return v
}

// A page is what a visitor sees.
type page struct {
	url    *url.URL
	status int
	body   string
}

func (v *visitor) open(address string) page {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(r)
}

func (v *visitor) do(r *http.Request) page {
	v.t.Helper()
	v.back = nil
	response, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return page{response.Request.URL, response.StatusCode, string(body)}
}

var (
	formPattern  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)".*?</form>`)
	inputPattern = regexp.MustCompile(`<(?:input|button)\b[^>]*>`)
	attribute    = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

// submit sends the first form of a page with the values, and what the form holds already for all others.
func (v *visitor) submit(p page, values map[string]string) page {
	v.t.Helper()
	form := formPattern.FindStringSubmatch(p.body)
	if form == nil {
		v.t.Fatalf("no form on %s (%d)\n%s", p.url, p.status, p.body)
	}
	sent := url.Values{}
	for _, tag := range inputPattern.FindAllString(form[0], -1) {
		a := map[string]string{}
		for _, match := range attribute.FindAllStringSubmatch(tag, -1) {
			a[match[1]] = html.UnescapeString(match[2])
		}
		if name := a["name"]; name != "" && !sent.Has(name) {
			sent.Set(name, a["value"])
		}
	}
	for name, value := range values {
		sent.Set(name, value)
	}
	action, err := p.url.Parse(html.UnescapeString(form[1]))
	if err != nil {
		v.t.Fatal(err)
	}
	r, _ := http.NewRequestWithContext(v.t.Context(), http.MethodPost, action.String(), strings.NewReader(sent.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", action.Scheme+"://"+action.Host)
	return v.do(r)
}

// A request is for /authorize: to whom it goes, for which client and what it asks.
type request struct {
	server, clientID, secret, redirectURI string
	extra                                 map[string]string
}

// mixtape is the request that the web client makes.
func mixtape(t *testing.T) request {
	return request{
		server: demo.HTTPURL, clientID: clientNamed(t, "Mixtape").ClientID, redirectURI: demo.MixtapeURL,
		extra: map[string]string{"audience": "https://mixtape.example/api"},
	}
}

func (q request) with(extra ...string) request {
	q.extra = maps.Clone(q.extra)
	if q.extra == nil {
		q.extra = map[string]string{}
	}
	for i := 0; i+1 < len(extra); i += 2 {
		q.extra[extra[i]] = extra[i+1]
	}
	return q
}

// query is that of /authorize, and the code verifier that belongs to it.
func (q request) query() (query url.Values, verifier string) {
	verifier = rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	query = url.Values{
		"response_type": {"code"}, "client_id": {q.clientID}, "redirect_uri": {q.redirectURI}, "state": {rand.Text()},
		"nonce": {rand.Text()}, "scope": {"openid profile email"},
	}
	for name, value := range q.extra {
		query.Set(name, value)
	}
	if strings.Contains(query.Get("response_type"), "code") {
		query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
		query.Set("code_challenge_method", "S256")
	}
	return query, verifier
}

// authorize opens /authorize, signs in if asked, allows what a consent page asks, and returns what came back in
// the query or the fragment of the redirect, and the code verifier.
func (v *visitor) authorize(q request, who user) (back url.Values, verifier string) {
	v.t.Helper()
	query, verifier := q.query()
	p := v.open(q.server + "/authorize?" + query.Encode())
	for pages := 0; v.back == nil; pages++ {
		if p.status != http.StatusOK || pages > 3 {
			v.t.Fatalf("%s: %d\n%s", p.url, p.status, p.body)
		}
		p = v.submit(p, map[string]string{"username": who.Email, "password": who.Password})
	}
	back = v.back.Query()
	if v.back.Fragment != "" {
		back, _ = url.ParseQuery(v.back.EscapedFragment())
	}
	if back.Get("state") != query.Get("state") {
		v.t.Fatalf("another state came back: %s", v.back)
	}
	return back, verifier
}

// Tokens are what /oauth/token gave.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
}

// signIn signs a listener in and exchanges the code.
func (v *visitor) signIn(q request, who user) (out tokens) {
	v.t.Helper()
	back, verifier := v.authorize(q, who)
	if back.Get("code") == "" {
		v.t.Fatalf("no code came back: %v", back)
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {q.clientID}, "redirect_uri": {q.redirectURI},
		"code": {back.Get("code")}, "code_verifier": {verifier},
	}
	if q.secret != "" {
		form.Set("client_secret", q.secret)
	}
	a := want(v.t, 200, "POST", q.server+"/oauth/token", "", form)
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		v.t.Fatal(err)
	}
	return out
}

// signIn signs a listener in from a browser that the server has not seen before.
func signIn(t *testing.T, q request, who user) tokens {
	t.Helper()
	return newVisitor(t).signIn(q, who)
}

// part reads the header (0) or the claims (1) of a token, without a look at its signature.
func part(t *testing.T, token string, n int) (o map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a token: %q", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	return part(t, token, 1)
}

// namespace is that of Mixtape's claims.
const namespace = "https://mixtape.example/"

// text shows a value as JSON, for comparing and printing.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// byEmail finds the one user with the address.
func (o operator) byEmail(email string) record {
	o.t.Helper()
	var found []record
	o.do("GET", "/users-by-email?email="+url.QueryEscape(email), nil, &found)
	if len(found) != 1 {
		o.t.Fatalf("%d users with the address %s", len(found), email)
	}
	return found[0]
}
