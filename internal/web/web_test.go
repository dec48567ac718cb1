package web

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

func TestReadBody(t *testing.T) {
	for _, c := range []struct {
		contentType, encoding, body string
		kind                        stagedoor.Kind
		ok                          bool
	}{
		{"application/json", "", "{}", 0, true},
		{"application/json; charset=UTF-8", "", "{}", 0, true},
		{"", "", "{}", 0, true},
		{"application/x-www-form-urlencoded", "", "a=b", stagedoor.UnsupportedMedia, false},
		{"application/json; charset=latin1", "", "{}", stagedoor.UnsupportedMedia, false},
		{"application/json;;", "", "{}", stagedoor.UnsupportedMedia, false},
		{"application/json", "gzip", "{}", stagedoor.UnsupportedMedia, false},
		{"application/json", "", strings.Repeat(" ", 11), stagedoor.TooLarge, false},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Content-Encoding", c.encoding)
			if chunked {
				r.ContentLength = -1
			}
			body, err := ReadBody(httptest.NewRecorder(), r, 10)
			if c.ok != (err == nil) || !c.ok && !stagedoor.IsKind(err, c.kind) || c.ok && string(body) != c.body {
				t.Errorf("%+v: %q, %v", c, body, err)
			}
		}
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := WriteJSON(w, 201, map[string]string{"a": "<&>"}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 201 || w.Body.String() != `{"a":"<&>"}` || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	w = httptest.NewRecorder()
	if err := WriteJSON(w, 200, func() {}); err == nil || w.Body.Len() > 0 {
		t.Error("a value that cannot be encoded must leave the answer untouched")
	}
}

func TestPaging(t *testing.T) {
	all := []int{0, 1, 2, 3, 4}
	p := Paging{Page: 1, PerPage: Some(2)}
	if got := Cut(p, all); len(got) != 2 || got[0] != 2 {
		t.Errorf("page: %v", got)
	}
	if got := Cut(Paging{Page: 9}, all); len(got) != 0 {
		t.Errorf("past the end: %v", got)
	}
	u, _ := url.Parse("https://x.test/api/v2/clients?page=1&per_page=2&is_global=true")
	want := `</api/v2/clients?is_global=true&page=0&per_page=2>; rel="first", ` +
		`</api/v2/clients?is_global=true&page=2&per_page=2>; rel="next", </api/v2/clients?is_global=true&page=2&per_page=2>; rel="last"`
	if got := p.Link(u, 5); got != want {
		t.Errorf("link:\n%s\n%s", got, want)
	}
	for page, want := range map[Paging]string{
		{}:                    `[]`,
		{IncludeTotals: true}: `{"limit":50,"start":0,"things":[],"total":0}`,
	} {
		if got, _ := Encode(Envelope(page, "things", []int(nil), 0)); string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	all := []string{"a", "b", "c"}
	self := func(s string) string { return s }
	items, next, v := After(Checkpoint{Take: Some(2)}, all, self)
	if len(items) != 2 || next == "" || v != nil {
		t.Fatalf("%v %q %v", items, next, v)
	}
	items, next, v = After(Checkpoint{From: next}, all, self)
	if len(items) != 1 || items[0] != "c" || next != "" || v != nil {
		t.Fatalf("%v %q %v", items, next, v)
	}
	for _, some := range [][]string{{"a", "c"}, {"c"}, {"b", "c"}, {"a", "b"}} { // what was seen, or what comes next, may be gone
		items, _, v = After(Checkpoint{From: base64.RawURLEncoding.EncodeToString([]byte("b\nc"))}, some, self)
		if got := strings.Join(items, ""); v != nil || got != "c" && slices.Contains(some, "c") {
			t.Errorf("of %v: %v %v", some, items, v)
		}
	}
	for _, from := range []string{"zz", "!", base64.RawURLEncoding.EncodeToString([]byte("x\ny"))} {
		if _, _, v = After(Checkpoint{From: from}, all, self); v == nil {
			t.Errorf("checkpoint %q must be refused", from)
		}
	}
}

func TestPick(t *testing.T) {
	object := map[string]int{"a": 1, "b": 2, "c": 3}
	for _, c := range []struct {
		fields Fields
		always string
		want   string
	}{
		{Fields{}, "", `{"a":1,"b":2,"c":3}`},
		{Fields{Names: []string{"a", " b"}}, "", `{"a":1,"b":2}`},
		{Fields{Names: []string{"a"}}, "c", `{"a":1,"c":3}`},
		{Fields{Names: []string{"a", "c"}, Include: Some(false)}, "c", `{"b":2,"c":3}`},
		{Fields{Names: []string{"nope"}}, "", `{}`},
	} {
		got, err := c.fields.Pick(object, c.always)
		if text, _ := Encode(got); err != nil || string(text) != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.fields, text, err, c.want)
		}
	}
}

func TestMux(t *testing.T) {
	m := NewMux[string]()
	m.Add("GET", "/users/{id}", "user")
	m.Add("GET", "/users/{id}/identities/{provider}/{user_id}", "identity")
	m.Add("GET", "/organizations/{id}/members", "members")
	m.AddFirst("GET", "/organizations/name/{name}", "by name")
	for _, c := range []struct{ method, path, row, id string }{
		{"GET", "/users/auth0%7Cab", "user", "auth0|ab"},
		{"GET", "/users/auth0|ab", "user", "auth0|ab"},
		{"GET", "/users/https%3A%2F%2Fapi.test%2F", "user", "https://api.test/"},
		{"GET", "/users/a%2525", "user", "a%25"},
		{"GET", "/organizations/name/members", "by name", ""},
		{"GET", "/organizations/org_1/members", "members", "org_1"},
		{"GET", "/users/x/", "", ""},
		{"GET", "/users//", "", ""},
		{"GET", "/Users/x", "", ""},
		{"POST", "/users/x", "", ""},
		{"GET", "/users/a/../b", "", ""},
	} {
		r := httptest.NewRequest(c.method, "http://x.test"+c.path, nil)
		row, found := m.Find(r)
		if row != c.row || found != (c.row != "") || r.PathValue("id") != c.id {
			t.Errorf("%s %s: %q, id %q; want %q, %q", c.method, c.path, row, r.PathValue("id"), c.row, c.id)
		}
	}
	var _ http.ResponseWriter = &finding[int]{}
}

func TestViolationsAreShort(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	for _, v := range []*Violation{Unknown("", long), {Reason: "x", Path: long}} {
		if text := v.Body().Message; len(text) > 1100 || !strings.Contains(text, "…") {
			t.Errorf("%d bytes: %.50s", len(text), text)
		}
	}
}

// A client may come again by itself only where nothing was done; where something may have been, it is not told to (ADR 10).
func TestRetryAfter(t *testing.T) {
	for code, want := range map[string]string{"database_unavailable": "1", "search_timeout": "1", "answer_lost": "", "outcome_unknown": "", "database_damaged": ""} {
		h := http.Header{}
		RetryAfter(h, stagedoor.Errorf(stagedoor.Unavailable, code, "x"))
		if got := h.Get("Retry-After"); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	h := http.Header{}
	if RetryAfter(h, stagedoor.Errorf(stagedoor.Invalid, "database_unavailable", "x")); len(h) != 0 {
		t.Errorf("%v", h)
	}
}
