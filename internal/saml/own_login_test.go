package saml_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A login page of the tenant's own serves clients of SAML as well, and learns nothing of what they keep beside the request.
func TestOwnLoginPage(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.Stored["custom_login_page"] = json.RawMessage(`"<p>@@config@@</p>"`)
		return nil
	})
	w.ok(err)
	p, b := w.provider(), w.browser()
	id, path := w.ask(p, "back-here")
	page := b.get(path).want(http.StatusOK)
	text, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(page.body, "<p>"), "</p>"))
	w.ok(err)
	var config struct {
		CallbackURL     string
		InternalOptions map[string]string
	}
	w.ok(json.Unmarshal(text, &config))
	if in := config.InternalOptions; config.CallbackURL != acs || in["protocol"] != "samlp" || in["response_type"] != "code" || strings.Contains(string(text), "back-here") || strings.Contains(string(text), "SAMLRequest") {
		t.Errorf("%s", text)
	}
	body, err := json.Marshal(map[string]string{"client_id": "app", "connection": "Users", "username": "ada@example.com", "password": good, "state": config.InternalOptions["state"]})
	w.ok(err)
	r := httptest.NewRequest(http.MethodPost, origin+"/usernamepassword/login", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	form := url.Values{}
	for _, m := range regexp.MustCompile(`name="(w[a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(rec.Body.String(), -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	values := b.post("/login/callback", form).posted()
	if a, err := w.read(p, values, id); err != nil || a.Subject.NameID.Value != w.ada().ID || values.Get("RelayState") != "back-here" {
		t.Errorf("%v %v %s", err, values, rec.Body)
	}
}
