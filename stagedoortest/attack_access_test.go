package stagedoortest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestAccessEnds: a block, a new password, a deletion and a logout take back what they must at once.
func TestAccessEnds(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		type held struct {
			b                             *browser
			refresh, opaque, code, waited string
			page                          *page
		}
		hold := func() held {
			t.Helper()
			b, got := h.session()
			opaque := h.redeem(w.callback(b.get("/authorize?" + h.request("audience", "").Encode())).Get("code"))
			code := w.callback(b.get("/authorize?" + h.request().Encode())).Get("code")
			consent := b.get("/authorize?" + h.request("prompt", "consent").Encode()).Header.Get("Location")
			return held{b, got.Refresh, opaque.Access, code, "/authorize/resume?" + queryOf(t, consent), b.show(consent)}
		}
		dead := func(what string, x held) {
			t.Helper()
			if got := h.refresh(x.refresh); got.status/100 != 4 || got.Access != "" {
				t.Errorf("after %s the refresh token works: %+v", what, got)
			}
			if a := w.send("GET", h.base+"/userinfo", "", "Authorization", "Bearer "+x.opaque); a.StatusCode != 401 {
				t.Errorf("after %s the access token works: %d", what, a.StatusCode)
			}
			if got := h.redeem(x.code); got.status/100 != 4 || got.Access != "" {
				t.Errorf("after %s the code works: %+v", what, got)
			}
			if got := w.callback(x.b.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("code") != "" {
				t.Errorf("after %s the session works: %v", what, got)
			}
			if a := x.b.post(x.page.action, x.page.fill("decision", "accept")); a.StatusCode == 303 {
				t.Errorf("after %s the consent is taken", what)
			}
			if a := x.b.get(x.waited); a.StatusCode == 302 && strings.HasPrefix(a.Header.Get("Location"), callback) && queryParam(t, a.Header.Get("Location"), "code") != "" {
				t.Errorf("after %s the login goes on: %q", what, a.Header.Get("Location"))
			}
		}
		path := "/users/" + url.PathEscape(h.user)

		x := hold()
		h.pwd = "Another-Word-55"
		h.want(200, h.api("PATCH", path, map[string]any{"password": h.pwd}, nil))
		dead("a new password", x)

		x = hold()
		h.want(200, h.api("PATCH", path, map[string]any{"blocked": true}, nil))
		dead("a block", x)
		h.want(200, h.api("PATCH", path, map[string]any{"blocked": false}, nil))
		if got := w.callback(x.b.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("error") != "login_required" {
			t.Errorf("after a block that was lifted the session works: %v", got)
		}
		if a := w.send("GET", h.base+"/userinfo", "", "Authorization", "Bearer "+x.opaque); a.StatusCode != 401 {
			t.Errorf("after a block that was lifted the access token works: %d", a.StatusCode)
		}

		x = hold()
		h.mail = "new-" + h.mail
		h.want(200, h.api("PATCH", path, map[string]any{"email": h.mail}, nil))
		if got := w.callback(x.b.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("error") != "login_required" {
			t.Errorf("after a new address the session works: %v", got)
		}
		if got := h.refresh(x.refresh); got.status != 200 {
			t.Errorf("after a new address the refresh token: %+v", got)
		}

		x = hold()
		delete(x.b.cookies, "auth0")
		if a := x.b.post(x.page.action, x.page.fill("decision", "accept")); a.StatusCode == 303 {
			t.Error("a consent without a session is taken")
		}

		x = hold()
		h.want(204, h.api("DELETE", path, nil, nil))
		dead("a deletion", x)
	})
}

func queryOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.RawQuery
}

func queryParam(t *testing.T, address, name string) string {
	t.Helper()
	v, err := url.ParseQuery(queryOf(t, address))
	if err != nil {
		t.Fatal(err)
	}
	return v.Get(name)
}

// TestCookies: no script reads them, and over https no plain connection and no port of plain http gets them.
func TestCookies(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	for scheme, base := range map[string]string{"http": h.base, "https": w.HTTPSURL} {
		a := w.send("GET", base+"/authorize?"+h.request().Encode(), "")
		cookies := a.Cookies()
		h.base = base
		b := h.browser()
		p := b.begin(h.request())
		cookies = append(cookies, b.post(p.action, p.fill("username", h.mail, "password", h.pwd)).Cookies()...)
		h.base = "http://" + h.host
		if len(cookies) != 2 {
			t.Errorf("%s: %v", scheme, cookies)
		}
		for _, c := range cookies {
			secure := scheme == "https"
			if !c.HttpOnly || c.Secure != secure || c.Domain != "" || c.Path != "/" || len(c.Value) < 40 || secure && c.SameSite != http.SameSiteNoneMode || !secure && c.SameSite != http.SameSiteLaxMode {
				t.Errorf("%s: %v", scheme, c)
			}
		}
	}
}
