package stagedoortest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
)

// Provider is somebody else's OAuth 2.0 server, for custom social connections without the Internet. Whoever is sent to it is sent back at
// once as its Person.
type Provider struct {
	*httptest.Server
	ClientID, ClientSecret string

	mu       sync.Mutex
	person   map[string]any
	refuses  url.Values // sent back in the place of a code
	codes    map[string]url.Values
	tokens   map[string]map[string]any
	requests []url.Values // at /authorize
	headers  http.Header  // of the last request for a token
}

// NewProvider starts a provider that stops with the test. Its addresses are URL/authorize, URL/token and URL/profile.
func NewProvider(t testing.TB) *Provider {
	p := &Provider{ClientID: "stagedoor", ClientSecret: "of the provider", codes: map[string]url.Values{}, tokens: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /profile", p.profile)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// Host is host:port, for Options.Allow.
func (p *Provider) Host() string { return p.Listener.Addr().String() }

// Options are the options of a connection to the provider, with a script that fetches the profile as it is.
func (p *Provider) Options() map[string]any {
	return map[string]any{
		"authorizationURL": p.URL + "/authorize", "tokenURL": p.URL + "/token", "client_id": p.ClientID, "client_secret": p.ClientSecret,
		"scope": []string{"profile", "email"}, "pkce_enabled": true, "scripts": map[string]any{"fetchUserProfile": `
			function fetchUserProfile(accessToken, context, callback) {
				request.get({url: '` + p.URL + `/profile', headers: {Authorization: 'Bearer ' + accessToken}, json: true}, (err, response, body) => {
					if (err) return callback(err);
					if (response.statusCode !== 200) return callback(new Error('the provider answers ' + response.statusCode));
					callback(null, body);
				});
			}`},
	}
}

// Person says who comes back next.
func (p *Provider) Person(profile map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person, p.refuses = profile, nil
}

// Refuse sends people back with an error.
func (p *Provider) Refuse(code, description string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = url.Values{"error": {code}, "error_description": {description}}
}

// Asked returns the parameters of the last authorization request.
func (p *Provider) Asked() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		return nil
	}
	return p.requests[len(p.requests)-1]
}

// TokenHeader returns a header of the last request for a token.
func (p *Provider) TokenHeader(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.headers.Get(name)
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	p.requests = append(p.requests, q)
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != p.ClientID || q.Get("response_type") != "code" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if p.refuses != nil {
		for name := range p.refuses {
			answer.Set(name, p.refuses.Get(name))
		}
	} else {
		code := "code-" + strconv.Itoa(len(p.codes)) + "-" + q.Get("state")[:8]
		p.codes[code] = q
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.headers = r.Header.Clone()
	asked, known := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	proved := asked.Get("code_challenge") == "" || asked.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:])
	w.Header().Set("Content-Type", "application/json")
	if !known || !proved || r.PostFormValue("client_id") != p.ClientID || r.PostFormValue("client_secret") != p.ClientSecret ||
		r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") || r.PostFormValue("grant_type") != "authorization_code" {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": "this code is not yours"})
		return
	}
	token := "token-" + strconv.Itoa(len(p.tokens))
	p.tokens[token] = p.person
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "refresh_token": "refresh of " + token, "token_type": "Bearer", "expires_in": 3600})
}

func (p *Provider) profile(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const bearer = "Bearer "
	header := r.Header.Get("Authorization")
	person, known := map[string]any(nil), false
	if len(header) > len(bearer) {
		person, known = p.tokens[header[len(bearer):]]
	}
	if !known {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(person)
}
