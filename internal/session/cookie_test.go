package session_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/session"
)

// FuzzCookies: whatever a Cookie header holds, what is read of it is short and cannot break out of a header; a cookie that we set comes back.
func FuzzCookies(f *testing.F) {
	for _, s := range []string{"__Host-auth0=x", "__Host-auth0=x; __Host-auth0=y; auth0=z", "__Host-did=" + strings.Repeat("a", 200), "auth0=\"quoted\"", "auth0=%00; did=\xff", ";;;=;auth0", "auth0-mf=a b", "auth0_session_transfer_token=x", "AUTH0=x", "auth0 =x", "$Version=1; auth0=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "https://acme.test/", nil)
		r.Header["Cookie"] = []string{header}
		for _, value := range []string{session.Handle(r), session.Browser(r), session.Remembered(r), session.TransferToken(r)} {
			if len(value) > 128 || strings.ContainsAny(value, "\r\n;\x00\"\\") {
				t.Fatalf("%q gives %q", header, value)
			}
		}
		w := httptest.NewRecorder()
		handle := stagedoor.NewToken()
		session.SetCookie(w, r, handle, &stagedoor.Session{})
		set := w.Result().Cookies()
		if len(set) == 0 {
			t.Fatal("no cookie")
		}
		for _, c := range set {
			if !c.HttpOnly || !c.Secure || c.Domain != "" || c.Path != "/" {
				t.Fatalf("%+v", c)
			}
		}
		back := httptest.NewRequest("GET", "https://acme.test/", nil)
		for _, c := range set {
			back.AddCookie(c)
		}
		if session.Handle(back) != handle {
			t.Fatalf("%q did not come back", handle)
		}
	})
}

// TestAttackCookieOfASibling: over https only cookies count whose names browsers keep from the siblings of a host.
func TestAttackCookieOfASibling(t *testing.T) {
	r := httptest.NewRequest("GET", "https://login.acme.test/", nil)
	r.Header.Set("Cookie", "auth0=planted; did=planted")
	if session.Handle(r) != "" || session.Browser(r) != "" {
		t.Errorf("planted cookies count: %q, %q", session.Handle(r), session.Browser(r))
	}
	w := httptest.NewRecorder()
	session.SetCookie(w, r, "handle", &stagedoor.Session{})
	session.EnsureBrowser(w, r)
	for _, c := range w.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("a sibling can plant %s", c.Name)
		}
	}
}
