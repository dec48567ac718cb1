package compat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	formPattern  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)".*?</form>`)
	inputPattern = regexp.MustCompile(`<(?:input|button)\b[^>]*>`)
	attribute    = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

// signIn signs a person in through the hosted pages, as a browser without JavaScript would, and returns
// the code and the verifier that it belongs to. Extra parameters of the authorization request win.
func signIn(t *testing.T, who user, clientID, redirectURI string, extra url.Values) (code, verifier string) {
	t.Helper()
	verifier = rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"scope": {"openid profile email"},
	}
	for name, values := range extra {
		query[name] = values
	}
	var back *url.URL
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirectURI) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	response, err := browser.Get("https://" + demo.Domain + "/authorize?" + query.Encode())
	for page := 0; ; page++ {
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if back != nil {
			break
		}
		form := formPattern.FindStringSubmatch(string(body))
		if response.StatusCode != http.StatusOK || form == nil || page > 3 {
			t.Fatalf("%s: %s\n%s", response.Request.URL, response.Status, body)
		}
		action, _ := response.Request.URL.Parse(html.UnescapeString(form[1]))
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, action.String(), strings.NewReader(fill(form[0], who).Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "https://"+demo.Domain)
		response, err = browser.Do(request)
	}
	answer := back.Query()
	if answer.Get("state") != query.Get("state") || answer.Get("code") == "" {
		t.Fatalf("came back with %s", back)
	}
	return answer.Get("code"), verifier
}

// fill returns what the form sends when the person types their address and password and presses the
// first button.
func fill(form string, who user) url.Values {
	values := url.Values{}
	for _, tag := range inputPattern.FindAllString(form, -1) {
		attributes := map[string]string{}
		for _, match := range attribute.FindAllStringSubmatch(tag, -1) {
			attributes[match[1]] = html.UnescapeString(match[2])
		}
		name := attributes["name"]
		switch {
		case name == "" || values.Has(name):
		case attributes["type"] == "password":
			values.Set(name, who.Password)
		case attributes["type"] == "email", name == "username":
			values.Set(name, who.Email)
		default:
			values.Set(name, attributes["value"])
		}
	}
	return values
}
