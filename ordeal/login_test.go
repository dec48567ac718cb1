//go:build unix

package ordeal

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

const (
	callback = "https://app.ordeal.test/cb"
	verifier = "ordeal-verifier-0123456789-0123456789-0123456789"
)

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hiddenInput = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	inputName   = regexp.MustCompile(` name="([^"]*)"`)
	inputValue  = regexp.MustCompile(` value="([^"]*)"`)
)

// A browser is what a person logs in with; it keeps cookies.
type browser struct {
	w       *world
	server  int
	cookies map[string]string
}

// go sends a request as a browser does, and returns the status, where it leads, and the page.
func (b *browser) visit(method, target string, form url.Values) (status int, to, page string) {
	if u, err := url.Parse(target); err == nil {
		target = u.RequestURI() // whichever name the server gave itself
	}
	r, err := http.NewRequest(method, "http://"+b.w.servers[b.server].address+target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", ""
	}
	r.Host = domain
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := b.w.client.Transport.RoundTrip(r) // redirects are followed by hand
	if err != nil {
		return 0, "", ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", ""
	}
	for _, c := range resp.Cookies() {
		b.cookies[c.Name] = c.Value
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(body)
}

// logIn is a whole login on the hosted page, as far as the code for the client. It returns the first status that was none of a
// login's, or 200 and the code. sent tells whether the password was sent, so that the login may have been counted.
func (w *world) logIn(server int, email string) (status int, code string, sent bool) {
	sum := sha256.Sum256([]byte(verifier))
	b := &browser{w: w, server: server % len(w.servers), cookies: map[string]string{}}
	status, to, _ := b.visit("GET", "/authorize?"+url.Values{
		"client_id": {w.app}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid offline_access"}, "audience": {"https://api.ordeal.test/"},
		"state": {"st"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	if status != 302 || strings.HasPrefix(to, callback) {
		return refusal(status, to), to, false
	}
	status, _, page := b.visit("GET", to, nil)
	action := formAction.FindStringSubmatch(page)
	if status != 200 || action == nil {
		return status, words(page), false
	}
	form := url.Values{"username": {email}, "password": {password}}
	for _, input := range hiddenInput.FindAllString(page, -1) {
		if name, value := inputName.FindStringSubmatch(input), inputValue.FindStringSubmatch(input); name != nil && value != nil {
			form.Set(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
		}
	}
	if status, to, page = b.visit("POST", html.UnescapeString(action[1]), form); status != 303 {
		return status, words(page), true
	}
	if status, to, page = b.visit("GET", to, nil); status != 302 {
		return status, words(page), true
	}
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("code") == "" {
		return refusal(status, to), to, true
	}
	return 200, u.Query().Get("code"), true
}

// refusal is the status that an error in a redirect stands for.
func refusal(status int, to string) int {
	u, err := url.Parse(to)
	switch {
	case err != nil || status != 302:
		return status
	case u.Query().Get("error") == "server_error", u.Query().Get("error") == "temporarily_unavailable":
		return 503
	}
	return 418
}

var markup = regexp.MustCompile(`(?s)<(style|script|head)\b.*?</(style|script|head)>|<[^>]*>|\s+`)

// words are what a person reads on a page.
func words(page string) string {
	return strings.Join(strings.Fields(markup.ReplaceAllString(page, " ")), " ")
}
