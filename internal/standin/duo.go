package standin

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Further ways in which Duo misbehaves, beside those of the providers that it knows: WrongIssuer, WrongAudience, Expired, Future, Unsigned, OtherKey,
// OtherSubject, Garbage, TokenError, Slow, Huge, Elsewhere and HTML.
const (
	Down     = "down"      // the health check says so
	NoResult = "no_result" // the ID token does not say what came of it
)

// Duo plays Duo's servers (OIDC Auth API): a health check, a page that asks a person, and a token for what came of it. It checks what it is sent by
// itself, without the code that made it. People reach it by https alone.
type Duo struct {
	IKey, SKey string // of the one application that it knows
	Now        func() time.Time

	mux *http.ServeMux

	mu     sync.Mutex
	answer string
	mode   string
	codes  map[string]duoCode
	seen   map[string]bool // jti of assertions
	asked  map[string]any  // by the last request
	pings  int
}

type duoCode struct {
	claims map[string]any // of the request
	result string
}

// NewDuo returns a Duo with an application.
func NewDuo() *Duo {
	d := &Duo{
		IKey: "DIXXXXXXXXXXXXXXXXXX", SKey: "secret of the stand-in, forty characters", Now: time.Now,
		mux: http.NewServeMux(), codes: map[string]duoCode{}, seen: map[string]bool{},
	}
	d.mux.HandleFunc("POST /oauth/v1/health_check", d.health)
	d.mux.HandleFunc("GET /oauth/v1/authorize", d.authorize)
	d.mux.HandleFunc("POST /oauth/v1/token", d.token)
	return d
}

// ServeHTTP answers a request.
func (d *Duo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	d.mux.ServeHTTP(w, r)
}

// Answer says what comes of it, "allow" or "deny", without a page; empty: the page asks.
func (d *Duo) Answer(result string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer, d.mode = result, ""
}

// Misbehave says how Duo answers from now on: one of Modes, or empty for well.
func (d *Duo) Misbehave(mode string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mode = mode
}

// Asked returns the claims of the last request that somebody was sent with.
func (d *Duo) Asked() map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.asked)
}

// Pings is how many good health checks there were.
func (d *Duo) Pings() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pings
}

func (d *Duo) now() (mode string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mode
}

func (d *Duo) health(w http.ResponseWriter, r *http.Request) {
	if !d.asserted(r) {
		duoError(w, http.StatusUnauthorized)
		return
	}
	if d.now() == Down {
		writeJSON(w, http.StatusOK, map[string]any{"stat": "FAIL", "code": 50000, "message": "down"})
		return
	}
	d.mu.Lock()
	d.pings++
	d.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"stat": "OK", "response": map[string]any{"timestamp": d.Now().Unix()}})
}

var duoPage = template.Must(template.New("duo").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in for Duo</title>
<h1>Stand-in for Duo</h1><p>Is it you, {{.User}}?</p>
<form><input type="hidden" name="response_type" value="code"><input type="hidden" name="client_id" value="{{.Client}}"><input type="hidden" name="request" value="{{.Request}}">
<button name="standin_answer" value="allow">Allow</button> <button name="standin_answer" value="deny">Deny</button></form>
`))

// authorize asks the person, or knows the answer, and sends them back.
func (d *Duo) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	claims := d.verified(q.Get("request"))
	back, err := url.Parse(textOf(claims, "redirect_uri"))
	state := textOf(claims, "state")
	if claims == nil || err != nil || back.Scheme != "https" || q.Get("response_type") != "code" || q.Get("client_id") != d.IKey ||
		textOf(claims, "iss") != d.IKey || textOf(claims, "aud") != base(r) || textOf(claims, "client_id") != d.IKey || textOf(claims, "response_type") != "code" ||
		textOf(claims, "scope") != "openid" || textOf(claims, "duo_uname") == "" || len(state) < 16 || len(state) > 1024 || claims["use_duo_code_attribute"] != true {
		http.Error(w, "The stand-in for Duo does not take this request.", http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.asked = claims
	result := d.answer
	d.mu.Unlock()
	if result == "" {
		result = q.Get("standin_answer")
	}
	if result == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		_ = duoPage.Execute(w, map[string]string{"User": textOf(claims, "duo_uname"), "Client": d.IKey, "Request": q.Get("request")})
		return
	}
	code := stagedoor.NewToken()
	d.mu.Lock()
	for old := range d.codes {
		if len(d.codes) < maxKept {
			break
		}
		delete(d.codes, old)
	}
	d.codes[code] = duoCode{claims, result}
	d.mu.Unlock()
	to := back.Query()
	to.Set("state", state)
	to.Set("duo_code", code)
	back.RawQuery = to.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// token tells what came of it, once.
func (d *Duo) token(w http.ResponseWriter, r *http.Request) {
	proved := d.asserted(r)
	d.mu.Lock()
	c, known := d.codes[r.PostForm.Get("code")]
	delete(d.codes, r.PostForm.Get("code"))
	d.mu.Unlock()
	if !proved || !known || r.PostForm.Get("grant_type") != "authorization_code" || r.PostForm.Get("redirect_uri") != textOf(c.claims, "redirect_uri") ||
		r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		duoError(w, http.StatusBadRequest)
		return
	}
	mode := d.now()
	if (&Server{}).misdeliver(w, r, mode) {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": stagedoor.NewToken(), "token_type": "Bearer", "expires_in": 3600, "id_token": d.idToken(base(r), c, mode)})
}

func (d *Duo) idToken(at string, c duoCode, mode string) string {
	now, header, key := d.Now().Unix(), `{"alg":"HS512","typ":"JWT"}`, d.SKey
	claims := map[string]any{
		"iss": at + "/oauth/v1/token", "aud": d.IKey, "sub": c.claims["duo_uname"], "preferred_username": c.claims["duo_uname"], "iat": now, "exp": now + 300, "auth_time": now - 3,
		"auth_result": map[string]any{"result": c.result, "status": c.result, "status_msg": "Login " + c.result}, "auth_context": map[string]any{"factor": "duo_push"},
	}
	switch mode {
	case WrongIssuer:
		claims["iss"] = "https://evil.example/oauth/v1/token"
	case WrongAudience:
		claims["aud"] = []string{d.IKey, "another client"}
	case Expired:
		claims["iat"], claims["exp"] = now-7200, now-3600
	case Future:
		claims["iat"], claims["exp"] = now+3600, now+7200
	case OtherSubject:
		claims["preferred_username"] = "mallory"
	case NoResult:
		delete(claims, "auth_result")
	case OtherKey:
		key = strings.Repeat("x", len(d.SKey))
	case Unsigned:
		return unsigned(claims)
	case Garbage:
		return "this.is.nothing"
	}
	payload, _ := json.Marshal(claims)
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return signed + "." + base64.RawURLEncoding.EncodeToString(hs512(key, signed))
}

func hs512(key, text string) []byte {
	mac := hmac.New(sha512.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// asserted tells whether a form proves that the application sent it (RFC 7523 section 3), with an assertion for this very address that was not seen
// before.
func (d *Duo) asserted(r *http.Request) bool {
	if r.ParseForm() != nil || r.PostForm.Get("client_id") != d.IKey {
		return false
	}
	c := d.verified(r.PostForm.Get("client_assertion"))
	id := textOf(c, "jti")
	d.mu.Lock()
	defer d.mu.Unlock()
	if c == nil || textOf(c, "iss") != d.IKey || textOf(c, "sub") != d.IKey || textOf(c, "aud") != base(r)+r.URL.Path || len(id) < 16 || d.seen[id] {
		return false
	}
	if len(d.seen) >= maxKept {
		clear(d.seen)
	}
	d.seen[id] = true
	return true
}

// verified are the claims of a token that was signed with the key, by HS512, and that ends within five minutes; nil if it was not.
func (d *Duo) verified(token string) map[string]any {
	signed, signature, _ := cutLast(token)
	parts := strings.Split(signed, ".")
	mac, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(parts) != 2 || !hmac.Equal(mac, hs512(d.SKey, signed)) {
		return nil
	}
	var header struct{ Alg string }
	var claims map[string]any
	for i, into := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return nil
		}
	}
	ends, _ := claims["exp"].(float64)
	now := float64(d.Now().Unix())
	if header.Alg != "HS512" || ends <= now || ends > now+300+60 {
		return nil
	}
	return claims
}

func cutLast(token string) (before, after string, found bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return "", "", false
	}
	return token[:i], token[i+1:], true
}

func textOf(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}

func duoError(w http.ResponseWriter, status int) {
	writeJSON(w, status, map[string]any{"stat": "FAIL", "error": "invalid_client", "error_description": "the stand-in does not take it"})
}
