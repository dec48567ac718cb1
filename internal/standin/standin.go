package standin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// Person is somebody whom the stand-in knows.
type Person struct {
	Subject       string         // what the provider calls them; a number where the provider has numbers
	Email         string         // empty: none is told
	EmailVerified bool           // whether the provider says so
	Name          string         // all of it
	GivenName     string         // …
	FamilyName    string         // …
	Nickname      string         // handle, login, screen name
	Picture       string         // address
	More          map[string]any // further members of the profile, which go before what follows from the fields
}

// Server plays all of the providers. Its zero value is not ready: see New.
type Server struct {
	ClientID, ClientSecret string // what connections have; both are the same at each provider
	People                 []Person
	Now                    func() time.Time

	mux *http.ServeMux
	key func() *jose.Key

	mu       sync.Mutex
	chosen   *Person
	mode     string
	refusal  url.Values
	codes    grants
	tokens   grants
	asked    url.Values // by the last request
	exchange url.Values
	headers  http.Header // of the last request for a token
	fetched  map[string]int
	requests []xmlsig.Asked // the last ones
}

// grant is what a code or a token stands for.
type grant struct {
	person Person
	mode   string
	asked  url.Values
	row    *row
	app    string // the client that a token was given to; empty: the stand-in's own
}

// maxKept is how many codes, tokens and requests the stand-in remembers: whoever plays with it all day needs none of yesterday's.
const maxKept = 1000

// grants are codes, or tokens, by their text.
type grants map[string]grant

// keep adds one. Where there are too many, some other one goes.
func (g grants) keep(text string, v grant) {
	for old := range g {
		if len(g) < maxKept {
			break
		}
		delete(g, old)
	}
	g[text] = v
}

// keys are made once for all stand-ins of a program: they protect nothing. Their certificate is older than the clock of any test that asks for it.
var keys = sync.OnceValue(func() *jose.Key {
	key, err := jose.NewRSAKey(2048, "stand-in", time.Now().Add(-time.Hour))
	if err != nil {
		panic(err) // no randomness: nothing of this program can go on
	}
	return key
})

// People are those who are offered where nobody says otherwise.
var People = []Person{
	{Subject: "1001", Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", Nickname: "ada"},
	{Subject: "1002", Email: "grace@example.com", EmailVerified: true, Name: "Grace Hopper", GivenName: "Grace", FamilyName: "Hopper", Nickname: "grace"},
	{Subject: "1003", Email: "mallory@example.com", Name: "Mallory", Nickname: "mallory"},
}

// New returns a stand-in. Connections to it have the client id "stagedoor" and the secret "of the stand-in".
func New() *Server {
	s := &Server{
		ClientID: "stagedoor", ClientSecret: "of the stand-in", People: slices.Clone(People), Now: time.Now, key: keys,
		codes: grants{}, tokens: grants{}, fetched: map[string]int{},
	}
	s.mux = http.NewServeMux()
	for i := range rows {
		s.serve(&rows[i])
	}
	s.mux.HandleFunc("GET /{$}", s.welcome)
	s.mux.HandleFunc("GET "+samlPath, s.saml)
	s.mux.HandleFunc("POST "+samlPath, s.saml)
	s.mux.HandleFunc("GET "+slo, s.logout)
	s.mux.HandleFunc("GET "+wsfedPath, s.wsfed)
	s.mux.HandleFunc("POST "+wsfedPath, s.wsfed)
	s.mux.HandleFunc("GET /{host}/FederationMetadata/2007-06/FederationMetadata.xml", s.federation)
	s.mux.HandleFunc("GET /{host}/{tenant}/FederationMetadata/2007-06/FederationMetadata.xml", s.federation)
	s.mux.HandleFunc("GET /saml/certificate.pem", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s.Certificate())) })
	return s
}

// serve puts a provider's addresses on the mux.
func (s *Server) serve(r *row) {
	s.mux.HandleFunc("GET "+r.authorize, func(w http.ResponseWriter, req *http.Request) { s.authorize(w, req, r) })
	s.mux.HandleFunc("POST "+r.authorize, func(w http.ResponseWriter, req *http.Request) { s.authorize(w, req, r) })
	s.mux.HandleFunc("POST "+r.token, func(w http.ResponseWriter, req *http.Request) { s.token(w, req, r) })
	for path, profile := range r.profiles {
		s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, req *http.Request) { s.profile(w, req, r, profile) })
	}
	if r.keys != "" {
		s.mux.HandleFunc("GET "+r.keys, s.keySet)
	}
	switch {
	case strings.HasSuffix(r.native, "/tokeninfo"):
		s.mux.HandleFunc("GET "+r.native, s.tokenInfo)
	case r.native != "":
		s.mux.HandleFunc("GET "+r.native, s.debugToken)
	}
	if r.logout != "" {
		s.mux.HandleFunc("GET "+r.logout, s.logout)
	}
	if r.discovery != "" {
		s.mux.HandleFunc("GET "+r.discovery, func(w http.ResponseWriter, req *http.Request) { s.discovery(w, req, r) })
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if _, pattern := s.mux.Handler(r); pattern != "" {
		s.mu.Lock()
		s.fetched[r.URL.Path]++
		s.mu.Unlock()
	} else {
		w = &nothing{w, base(r)}
	}
	s.mux.ServeHTTP(w, r)
}

// nothing says of an address that is not there where those are that are.
type nothing struct {
	http.ResponseWriter
	base string
}

func (n *nothing) Write(text []byte) (int, error) {
	if strings.HasPrefix(string(text), "404") {
		_, err := fmt.Fprintf(n.ResponseWriter, "The stand-in has nothing at this address. %s/ tells what it has.\n", n.base)
		return len(text), err
	}
	return n.ResponseWriter.Write(text)
}

// Choose says who comes back next, without a page; nil: the page asks again.
func (s *Server) Choose(p *Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen, s.refusal, s.mode = p, nil, ""
}

// Misbehave says how the stand-in answers from now on: one of Modes, or empty for well.
func (s *Server) Misbehave(mode string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = mode
}

// Refuse sends people back with an error.
func (s *Server) Refuse(code, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = url.Values{"error": {code}, "error_description": {description}}
}

// Asked returns the parameters of the last authorization request.
func (s *Server) Asked() url.Values { return s.last(&s.asked) }

// Exchanged returns the parameters of the last request for a token.
func (s *Server) Exchanged() url.Values { return s.last(&s.exchange) }

// ExchangedHeader returns a header of the last request for a token.
func (s *Server) ExchangedHeader(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers.Get(name)
}

// Fetched tells how often a path was asked for.
func (s *Server) Fetched(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched[path]
}

func (s *Server) last(of *url.Values) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(*of)
}

// base is the address under which the stand-in was asked.
func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// token gives a token for a code, once.
func (s *Server) token(w http.ResponseWriter, r *http.Request, row *row) {
	_ = r.ParseForm()
	s.mu.Lock()
	s.exchange, s.headers = maps.Clone(r.Form), r.Header.Clone()
	g, known := s.codes[r.Form.Get("code")]
	delete(s.codes, r.Form.Get("code"))
	mode, renews := g.mode, r.Form.Get("grant_type") == "refresh_token"
	if renews {
		mode = s.mode
	}
	s.mu.Unlock()
	if s.misdeliver(w, r, mode) {
		return
	}
	sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	challenge := g.asked.Get("code_challenge")
	proved := challenge == "" || challenge == base64.RawURLEncoding.EncodeToString(sum[:]) || g.asked.Get("code_challenge_method") == "plain" && challenge == r.Form.Get("code_verifier")
	good := known && g.row == row && proved && r.Form.Get("redirect_uri") == g.asked.Get("redirect_uri")
	if renewed := r.Form.Get("refresh_token"); renews {
		s.mu.Lock()
		g, known = s.tokens[renewed]
		delete(s.tokens, renewed) // each is good once
		s.mu.Unlock()
		good = known && g.row == row
	}
	if !good || !s.authenticated(r, row) {
		row.fail(w)
		return
	}
	access := stagedoor.NewToken()
	refresh := "refresh of " + access[:8]
	s.mu.Lock()
	s.tokens.keep(access, g)
	s.tokens.keep(refresh, g)
	s.mu.Unlock()
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh}
	if row.issuer != "" && g.mode != NoIDToken {
		answer["id_token"] = s.idToken(r, row, g, access)
	}
	maps.Copy(answer, row.tokenMembers)
	writeJSON(w, http.StatusOK, answer)
}

// authenticated tells whether the client proved itself in the way that the provider wants.
func (s *Server) authenticated(r *http.Request, row *row) bool {
	id, secret := r.Form.Get("client_id"), r.Form.Get("client_secret")
	if row.basic {
		id, secret, _ = r.BasicAuth()
		id, _ = url.QueryUnescape(id) // RFC 6749 section 2.3.1
		secret, _ = url.QueryUnescape(secret)
	}
	if row.signed || r.Form.Get("client_assertion") != "" { // who signed it is looked at by tests
		if assertion := r.Form.Get("client_assertion"); assertion != "" {
			secret = assertion
		}
		_, _, err := jose.Peek(secret)
		return id == s.ClientID && err == nil
	}
	return id == s.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(s.ClientSecret)) == 1
}

// profile answers who a token is of.
func (s *Server) profile(w http.ResponseWriter, r *http.Request, row *row, profile func(Person) any) {
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if access == "" {
		access = r.URL.Query().Get("access_token")
	}
	s.mu.Lock()
	g, known := s.tokens[access]
	s.mu.Unlock()
	if !known || g.row != row {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	if g.mode == OtherSubject {
		g.person.Subject += "0"
	}
	if s.misprofile(w, r, g.mode) {
		return
	}
	writeJSON(w, http.StatusOK, profile(g.person))
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for _, name := range []string{"post_logout_redirect_uri", "continue", "next", "wreply"} {
		if to := q.Get(name); to != "" {
			back, err := url.Parse(to)
			if err == nil && q.Get("state") != "" {
				more := back.Query()
				more.Set("state", q.Get("state"))
				back.RawQuery = more.Encode()
			}
			if err == nil && (back.Scheme == "https" || back.Scheme == "http") {
				http.Redirect(w, r, back.String(), http.StatusFound)
				return
			}
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("signed out of the stand-in\n"))
}

func (s *Server) keySet(w http.ResponseWriter, _ *http.Request) {
	set, err := jose.JWKS(s.key())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(set)
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request, row *row) {
	at := base(r)
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": row.issuerAt(r), "authorization_endpoint": at + row.authorize, "token_endpoint": at + row.token, "userinfo_endpoint": at + row.userinfo(),
		"jwks_uri": at + row.keys, "end_session_endpoint": at + row.logout, "response_types_supported": []string{"code", "id_token"}, "response_modes_supported": []string{"query", "form_post"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"}, "authorization_response_iss_parameter_supported": true,
		"scopes_supported": []string{"openid", "profile", "email"},
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
