package standin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/standin"
)

func ask(t *testing.T, s *standin.Server, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestPage: whoever comes chooses who they are, and goes back with a code; what others wrote into the request is text on the page.
func TestPage(t *testing.T) {
	s := standin.New()
	q := url.Values{"client_id": {"stagedoor"}, "response_type": {"code"}, "redirect_uri": {"https://login.example/login/callback"}, "state": {`"><script>alert(1)</script>`}, "nonce": {"n"}}
	page := ask(t, s, http.MethodGet, "/authorize?"+q.Encode(), nil)
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "Ada Lovelace") || strings.Contains(page.Body.String(), "<script>") || !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %s", page.Code, page.Body)
	}
	q.Set("standin_person", "1002")
	back := ask(t, s, http.MethodPost, "/authorize", q)
	to, err := url.Parse(back.Header().Get("Location"))
	if err != nil || to.Host != "login.example" || to.Query().Get("code") == "" || to.Query().Get("state") != q.Get("state") || to.Query().Get("iss") != "http://example.com" {
		t.Errorf("%d %s", back.Code, to)
	}
	q.Del("standin_person")
	q.Set("standin_refuse", "yes")
	if to, _ := url.Parse(ask(t, s, http.MethodPost, "/authorize", q).Header().Get("Location")); to.Query().Get("error") != "access_denied" {
		t.Errorf("%s", to)
	}
	for name, value := range map[string]string{"client_id": "other", "redirect_uri": "javascript:alert(1)", "response_type": "token"} {
		bad := url.Values{}
		for n := range q {
			bad.Set(n, q.Get(n))
		}
		bad.Set(name, value)
		if w := ask(t, s, http.MethodGet, "/authorize?"+bad.Encode(), nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s=%s: %d", name, value, w.Code)
		}
	}
	if w := ask(t, s, http.MethodPost, "/token", url.Values{"code": {"x"}}); w.Code != http.StatusBadRequest {
		t.Errorf("%d", w.Code)
	}
	for _, path := range []string{"/nowhere", "/github.com/", "/favicon.ico"} {
		if w := ask(t, s, http.MethodGet, path, nil); w.Code != http.StatusNotFound || w.Body.String() != "The stand-in has nothing at this address. http://example.com/ tells what it has.\n" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(t, s, http.MethodDelete, "/token", nil); w.Code != http.StatusMethodNotAllowed || !strings.HasPrefix(w.Body.String(), "Method Not Allowed") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(t, s, http.MethodGet, "/", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Spotify") {
		t.Errorf("%d", w.Code)
	}
}

// TestBounded: who plays with it for long does not fill its memory.
func TestBounded(t *testing.T) {
	s := standin.New()
	s.Choose(&standin.Person{Subject: "1"})
	q := url.Values{"client_id": {"stagedoor"}, "response_type": {"code"}, "redirect_uri": {"https://login.example/login/callback"}}
	var first, last string
	for i := range 1001 {
		to, err := url.Parse(ask(t, s, http.MethodGet, "/authorize?"+q.Encode(), nil).Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if last = to.Query().Get("code"); i == 0 {
			first = last
		}
	}
	kept := s.Codes()
	if len(kept) != 1000 || !slices.Contains(kept, last) {
		t.Errorf("%d codes, %s first", len(kept), first)
	}
	ask(t, s, http.MethodGet, "/nowhere", nil)
	if n := s.Fetched("/nowhere"); n != 0 {
		t.Errorf("%d", n)
	}
}
