package stagedoortest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// payload breaks out of texts, attributes, titles and scripts wherever they are not escaped.
const payload = `"'><xss-mark onload=evil()></title></textarea></script><script>evil()</script>{{evil}}&lt;xss-mark2>` + "`" + `javascript:evil()`

// harmless tells what on a page an attacker could have written.
func harmless(t *testing.T, what string, a *answer) {
	t.Helper()
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return
	}
	for n := range elements(a.body) {
		if strings.HasPrefix(n.Data, "xss-mark") {
			t.Errorf("%s: an element of the attacker's:\n%.2000s", what, a.body)
		}
		if n.Data == "script" && n.FirstChild != nil && attr(n, "nonce") == "" {
			t.Errorf("%s: an inline script", what)
		}
		for _, at := range n.Attr {
			value := strings.ToLower(strings.TrimSpace(at.Val))
			if strings.HasPrefix(at.Key, "on") || at.Key == "srcdoc" || at.Key == "style" && strings.Contains(value, "evil") {
				t.Errorf("%s: %s has %s=%q", what, n.Data, at.Key, at.Val)
			}
			switch at.Key {
			case "href", "src", "action", "formaction":
				for _, scheme := range []string{"javascript:", "data:text", "vbscript:"} {
					if strings.HasPrefix(value, scheme) {
						t.Errorf("%s: %s=%q", what, at.Key, at.Val)
					}
				}
			}
		}
	}
	if strings.Contains(a.body, "<script>evil") {
		t.Errorf("%s: a script of the attacker's", what)
	}
}

// guarded tells which of the headers of a page are missing.
func guarded(t *testing.T, what string, a *answer) {
	t.Helper()
	h := a.Header
	csp := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		t.Errorf("%s is %q", what, h.Get("Content-Type"))
	}
	if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("%s can be framed: %q %q", what, h.Get("X-Frame-Options"), csp)
	}
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "base-uri 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s: policy %q", what, csp)
	}
	if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Referrer-Policy") == "" {
		t.Errorf("%s: %v", what, h)
	}
}

// TestScriptsInEveryField writes a script into every text that a page may show, and parses the pages.
func TestScriptsInEveryField(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	quotes := strings.NewReplacer("<", "", ">", "").Replace(payload) // where the wire forbids < and >
	for target, body := range map[string]map[string]any{
		"/tenants/settings":                               {"friendly_name": payload, "support_email": payload + "@x.test", "flags": map[string]bool{"use_scope_descriptions_for_consent": true, "enable_public_signup_user_exists_error": true}},
		"/clients/" + h.spa:                               {"name": quotes, "description": payload, "is_first_party": false, "client_metadata": map[string]any{"x": payload}},
		"/users/" + url.PathEscape(h.user):                {"name": payload, "nickname": payload, "given_name": payload, "user_metadata": map[string]any{"x": payload}},
		"/resource-servers/" + h.made["resource-servers"]: {"name": quotes, "scopes": []map[string]any{{"value": "read:songs", "description": payload}, {"value": `"'><xss-mark>`, "description": payload}}},
		"/connections/" + h.made["connections"]:           {"display_name": payload, "options": map[string]any{"requires_username": true, "passwordPolicy": "excellent"}},
		"/rules/" + h.made["rules"]:                       {"script": "function (user, context, callback) { if (context.request.query.refuse) return callback(new UnauthorizedError(context.request.query.refuse)); callback(null, user, context); }"},
	} {
		h.want(200, h.api("PATCH", target, body, nil))
	}
	for _, bad := range []map[string]any{{"picture_url": "javascript:evil()"}, {"support_url": "javascript:evil()"}, {"support_url": "JavaScript://https:evil()"}, {"error_page": map[string]any{"url": "javascript:evil()"}}, {"default_redirection_uri": "javascript:evil()"}, {"stagedoor": map[string]any{"primary_color": "red;}</style><script>evil()"}}} {
		if status := h.api("PATCH", "/tenants/settings", bad, nil); status != 400 {
			t.Errorf("%v: %d", bad, status)
		}
	}
	for _, bad := range []map[string]any{{"logo_uri": "javascript:evil()"}, {"logo_uri": `https://x/"onerror=evil()`}, {"initiate_login_uri": "javascript:evil()"}, {"callbacks": []string{"javascript:evil()"}}, {"callbacks": []string{"data:text/html,x"}}, {"name": "<b>"}} {
		if status := h.api("PATCH", "/clients/"+h.spa, bad, nil); status != 400 {
			t.Errorf("%v: %d", bad, status)
		}
	}

	b := h.browser()
	login := b.begin(h.request("login_hint", payload, "state", payload, "nonce", payload, "scope", `openid offline_access read:songs "'><xss-mark>`))
	other := b.begin(h.request("prompt", "login", "ui_locales", payload, "login_hint", "a@b.example"))
	consent := func() *answer {
		a := b.signIn(login)
		if !strings.HasPrefix(a.Header.Get("Location"), "/u/consent") {
			t.Fatalf("no consent: %d %q %s", a.StatusCode, a.Header.Get("Location"), a.body)
		}
		return b.get(a.Header.Get("Location"))
	}
	e := url.QueryEscape(payload)
	pages := map[string]*answer{
		"login":             login.answer,
		"login, other":      other.answer,
		"login, wrong":      b.post(login.action, login.fill("username", payload, "password", payload)),
		"signup":            b.get("/u/signup?state=" + login.state),
		"signup, wrong":     b.post("/u/signup?state="+login.state, login.fill("username", payload, "email", payload, "password", payload)),
		"forgot":            b.get("/u/forgot?state=" + login.state),
		"forgot, lost":      b.get("/u/forgot?state=" + e),
		"forgot, sent":      b.post("/u/forgot", url.Values{"email": {payload}}),
		"lost":              b.get("/u/login?state=" + e),
		"lost consent":      b.get("/u/consent?state=" + e),
		"resume":            b.get("/authorize/resume?state=" + e),
		"reset":             b.get("/u/reset-password?ticket=" + e),
		"verification":      b.get("/u/email-verification?ticket=" + e),
		"mail":              b.get("/u/inbox/" + url.PathEscape(payload)),
		"authorize, client": b.get("/authorize?client_id=" + e),
		"authorize, URI":    b.get("/authorize?" + h.request("redirect_uri", payload).Encode()),
		"authorize, URI 2":  b.get("/authorize?" + h.request("redirect_uri", "https://evil.example/"+payload).Encode()),
		"authorize, twice":  b.get("/authorize?" + h.request().Encode() + "&state=1"),
		"logout, client":    h.browser().get("/v2/logout?client_id=" + e),
		"logout, URI":       h.browser().get("/v2/logout?returnTo=" + e),
		"logout, OIDC":      h.browser().get("/oidc/logout?client_id=" + h.spa + "&post_logout_redirect_uri=" + e),
		"logout, hint":      h.browser().get("/oidc/logout?id_token_hint=" + e),
		"welcome":           b.get("/?ui_locales=" + e),
		"nothing":           b.get("/"+url.PathEscape(payload), "Accept", "text/html"),
		"foreign form":      b.post("/u/login?state="+e, login.fill(), "Origin", "https://evil.example"),
		"consent":           consent(),
		"logged out":        h.browser().get("/v2/logout"),
		"logout, asked":     b.get("/oidc/logout?logout_hint=" + e + "&state=" + e + "&client_id=" + h.spa),
		"inbox":             b.get("/u/inbox"),
	}
	b.post("/u/forgot", url.Values{"email": {h.mail}})
	ticket := h.ticket()
	pages["reset, good"] = b.get("/u/reset-password?ticket=" + ticket)
	pages["reset, weak"] = b.post("/u/reset-password?ticket="+ticket, url.Values{"password": {payload[:9]}})
	pages["reset, done"] = b.post("/u/reset-password?ticket="+ticket, url.Values{"password": {"Engine-No.9 " + payload}})
	pages["reset, used"] = b.get("/u/reset-password?ticket=" + ticket)
	var link string
	for n := range elements(b.get("/u/inbox").body) {
		if to := attr(n, "href"); strings.HasPrefix(to, "/u/inbox/") {
			link = to
		}
	}
	pages["a mail"] = b.get(link)
	for name, a := range pages {
		harmless(t, name, a)
		if a.StatusCode/100 == 3 && name != "authorize, twice" {
			t.Errorf("%s leads to %q", name, a.Header.Get("Location"))
			continue
		}
		if a.StatusCode >= 500 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
		if a.StatusCode/100 != 3 {
			guarded(t, name, a)
		}
	}
	part := b.get(link + "/html")
	harmless(t, "a mail's HTML", part)
	if csp := part.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") || part.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("a mail's HTML: %v", part.Header)
	}
}

// TestResponsePages: a web message and a posted form hold what they must say, and nothing of an attacker's.
func TestResponsePages(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	b, _ := h.session()
	for _, prompt := range []string{"none", ""} {
		for _, mode := range []string{"form_post", "web_message"} {
			for _, browser := range []*browser{b, h.browser()} {
				v := h.request("response_mode", mode, "prompt", prompt, "state", payload, "scope", "openid")
				a := browser.get("/authorize?" + v.Encode())
				if a.StatusCode == 302 {
					continue // asks for a login
				}
				harmless(t, mode, a)
				csp := strings.Join(a.Header.Values("Content-Security-Policy"), ", ")
				if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'nonce-") || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: %v", mode, a.Header)
				}
				scripts, fields := 0, map[string]string{}
				for n := range elements(a.body) {
					switch n.Data {
					case "script":
						scripts++
					case "form":
						if attr(n, "action") != callback {
							t.Errorf("%s posts to %q", mode, attr(n, "action"))
						}
					case "input":
						fields[attr(n, "name")] = attr(n, "value")
					}
				}
				if scripts != 1 {
					t.Errorf("%s has %d scripts:\n%s", mode, scripts, a.body)
				}
				switch mode {
				case "form_post":
					if fields["state"] != payload {
						t.Errorf("state %q", fields["state"])
					}
				case "web_message":
					if !strings.Contains(a.body, `"https://app.example"`) && !strings.Contains(a.body, `"https:\/\/app.example"`) {
						t.Errorf("the message goes elsewhere: %s", a.body)
					}
					if a.Header.Get("X-Frame-Options") != "" {
						t.Errorf("a web message cannot be framed: %v", a.Header)
					}
				}
			}
		}
	}
	// A rule's text comes back in the redirect, whole and harmless.
	h.want(200, h.api("PATCH", "/rules/"+h.made["rules"], map[string]any{"script": "function (user, context, callback) { callback(new UnauthorizedError(context.request.query.refuse)); }"}, nil))
	text := payload + "\r\nSet-Cookie: evil=1"
	for _, mode := range []string{"query", "fragment", "form_post", "web_message"} {
		a := b.get("/authorize?" + h.request("response_mode", mode, "refuse", text, "prompt", "none").Encode())
		harmless(t, "refused, "+mode, a)
		if a.StatusCode == 302 {
			if got := w.callback(a); got.Get("error") != "unauthorized" || got.Get("error_description") != strings.NewReplacer("\r", " ", "\n", " ").Replace(text) {
				t.Errorf("refused, %s: %v", mode, got)
			}
		}
		for _, c := range a.Cookies() {
			if c.Name == "evil" {
				t.Error("a header of the attacker's")
			}
		}
	}
}
