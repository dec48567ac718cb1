package stagedoortest_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var placeholders = regexp.MustCompile(`\{[a-z]+\}`)

// TestTenantsAreApart tries every route of every door with what belongs to the other tenant: nothing of either is shown
// to the other, nothing is changed.
func TestTenantsAreApart(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, pair := range [][2]*house{{w.a, w.b}, {w.b, w.a}} {
			attacker, victim := pair[0], pair[1]
			b, theirs := victim.session()
			code := w.callback(b.get("/authorize?" + victim.request().Encode())).Get("code")
			waiting := victim.browser()
			p := waiting.begin(victim.request())
			victim.browser().post("/u/forgot", url.Values{"email": {victim.mail}})
			ticket := victim.ticket()
			mails := w.rows("SELECT id FROM mails WHERE tenant = '" + victim.tenant() + "'")
			mail := strings.Trim(mails[0], `[]"`)
			logs := []map[string]any{}
			victim.api("GET", "/logs?per_page=1", nil, &logs)
			secrets := []string{victim.mail, "secret-of-" + victim.name, "config-of-" + victim.name, victim.user, victim.site, victim.spa, victim.secret, "House " + victim.name}

			ids := map[string]string{"{key}": "KEY"}
			for noun, id := range victim.made {
				ids["/"+noun+"/"] = id
			}
			ids["/logs/"] = logs[0]["log_id"].(string)
			ids["/u/inbox/"] = mail

			victim.unchanged("the other tenant", func() {
				for _, route := range w.routes() {
					if route.Pattern == "/api/v2/openapi.json" {
						continue // everybody's
					}
					path := strings.ReplaceAll(route.Pattern, "{$}", "")
					if placeholders.MatchString(path) {
						id := "KEY"
						for prefix, value := range ids {
							if strings.Contains(path, prefix) {
								id = value
							}
						}
						path = placeholders.ReplaceAllString(path, url.PathEscape(id))
					}
					query := url.Values{
						"state": {p.state}, "ticket": {ticket}, "client_id": {victim.spa}, "redirect_uri": {callback}, "response_type": {"code"},
						"id_token_hint": {theirs.ID}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "scope": {"openid"}, "prompt": {"none"},
					}
					form := p.fill("username", victim.mail, "password", victim.pwd, "email", victim.mail, "decision", "accept", "client_id", victim.spa,
						"grant_type", "refresh_token", "refresh_token", theirs.Refresh, "token", theirs.Refresh, "connection", connection, "redirect_uri", callback)
					cookie := []string{"Cookie", b.cookie() + "; did=" + waiting.cookies["did"]}
					visits := []*answer{}
					if strings.HasPrefix(path, "/api/v2/") {
						// The victim's token at the attacker's door, and the attacker's own token with the victim's ids.
						for _, body := range []string{"", `{"user_metadata":{"evil":true}}`, `{"name":"evil"}`} {
							a := w.send(route.Method, attacker.base+path, body, "Authorization", "Bearer "+victim.token, "Content-Type", "application/json")
							if a.StatusCode != 401 {
								t.Errorf("%s %s with the other tenant's token: %d", route.Method, path, a.StatusCode)
							}
							if !strings.Contains(route.Pattern, "{id}") && route.Method != "GET" {
								continue // would change the attacker's own tenant
							}
							visits = append(visits, a, w.send(route.Method, attacker.base+path, body, "Authorization", "Bearer "+attacker.token, "Content-Type", "application/json"))
						}
					} else if route.Method == "GET" {
						visits = append(visits, w.send("GET", attacker.base+path+"?"+query.Encode(), "", cookie...),
							w.send("GET", attacker.base+path, "", "Authorization", "Bearer "+theirs.Access))
					} else {
						visits = append(visits, w.send(route.Method, attacker.base+path+"?state="+p.state+"&ticket="+ticket, form.Encode(),
							append(cookie, "Content-Type", "application/x-www-form-urlencoded")...),
							w.send(route.Method, attacker.base+path, "access_token="+theirs.Access, "Content-Type", "application/x-www-form-urlencoded"))
					}
					for _, a := range visits {
						if a.StatusCode >= 500 && a.StatusCode != 501 {
							t.Errorf("%s %s: %d %s", route.Method, path, a.StatusCode, a.body)
						}
						if strings.HasPrefix(path, "/api/v2/") || route.Method == "GET" && path != "/u/forgot" {
							for _, secret := range secrets {
								if path == "/api/v2/logs" && !strings.Contains(secret, "-of-") && secret != victim.secret {
									continue // the attacker's own log tells what the attacker asked for
								}
								echoed := a.StatusCode/100 == 4 && strings.Contains(path+query.Encode(), url.QueryEscape(secret)) // an error may name what was asked for
								if strings.Contains(a.body, secret) && !echoed && !strings.Contains(path, url.PathEscape(secret)) {
									t.Errorf("%s %s shows the other tenant's %s: %d %.300s", route.Method, path, secret, a.StatusCode, a.body)
								}
							}
						}
						for _, c := range a.Cookies() {
							if c.Name == "auth0" && c.Value != "" {
								t.Errorf("%s %s opens a session", route.Method, path)
							}
						}
						if strings.HasPrefix(a.Header.Get("Location"), callback) {
							t.Errorf("%s %s answers the other tenant's client: %s", route.Method, path, a.Header.Get("Location"))
						}
					}
				}
				for what, got := range map[string]tokens{
					"code":            attacker.redeem(code),
					"code, client":    attacker.tokenCall("grant_type", "authorization_code", "client_id", victim.spa, "code", code, "redirect_uri", callback, "code_verifier", verifier),
					"refresh":         attacker.refresh(theirs.Refresh),
					"refresh, client": attacker.tokenCall("grant_type", "refresh_token", "client_id", victim.spa, "refresh_token", theirs.Refresh),
					"secret":          attacker.tokenCall("grant_type", "client_credentials", "client_id", victim.site, "client_secret", victim.secret, "audience", audience),
					"audience":        attacker.tokenCall("grant_type", "client_credentials", "client_id", attacker.site, "client_secret", attacker.secret, "audience", victim.mgmt),
				} {
					if got.status/100 != 4 || got.Access != "" {
						t.Errorf("the other tenant's %s is taken: %+v", what, got)
					}
				}
				if status := w.JSON(t, "POST", attacker.base+"/oauth/revoke", "", map[string]string{"client_id": attacker.spa, "token": theirs.Refresh}, nil); status != 200 {
					t.Errorf("revoking the other tenant's token: %d", status)
				}
			})
			// All of it still works where it belongs.
			if got := victim.redeem(code); got.status != 200 {
				t.Errorf("the code at home: %+v", got)
			}
			if got := victim.refresh(theirs.Refresh); got.status != 200 {
				t.Errorf("the refresh token at home: %+v", got)
			}
			if a := waiting.signIn(p); a.StatusCode != 302 {
				t.Errorf("the login at home: %d", a.StatusCode)
			}
			if a := victim.browser().get("/u/reset-password?ticket=" + ticket); a.StatusCode != 200 {
				t.Errorf("the ticket at home: %d", a.StatusCode)
			}
		}
	})
}

func (h *house) tenant() string {
	if h.name == "alpha" {
		return "test"
	}
	return h.name
}

var ticketForm = regexp.MustCompile(`ticket=([A-Za-z0-9_-]+)`)

// ticket is the one in the newest mail of the development inbox.
func (h *house) ticket() string {
	h.w.Helper()
	var link string
	for n := range elements(h.browser().get("/u/inbox").body) {
		if to := attr(n, "href"); link == "" && strings.HasPrefix(to, "/u/inbox/") {
			link = to
		}
	}
	m := ticketForm.FindStringSubmatch(h.browser().get(link).body)
	if m == nil {
		h.w.Fatalf("no ticket in %s", link)
	}
	return m[1]
}
